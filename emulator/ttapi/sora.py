"""Sora through TTAPI: its own channel, and a partner's. One film for each job."""

from __future__ import annotations

from prefect_genmedia.emulator.requests.rules import Rule
from prefect_genmedia.emulator.server.orders import Job, Order
from prefect_genmedia.emulator.server.provider import Body
from prefect_genmedia.emulator.server.state import State
from prefect_genmedia.emulator.ttapi import envelope as ttapi
from prefect_genmedia.emulator.ttapi.envelope import Submission, accepting, at, reading, refuse
from prefect_genmedia.emulator.ttapi.one_file_products import PROMPT, file_of, files, filmed, first_of, placed, told

MODELS = ("sora-2", "sora-2-pro")
SORA = {
    "prompt": PROMPT,
    "model": Rule("str", True, choices=MODELS),
    "referImages": Rule("list"),
    "orientation": Rule("str", choices=("portrait", "landscape")),
    "duration": Rule("int", choices=(10, 15, 25)),
    "size": Rule("str", choices=("small", "large")),
    "character_url": Rule("str"),
    "character_timestamps": Rule("str"),
    "private": Rule("bool"),
}
PARTNER = {
    "prompt": Rule("str", True, 1, 32_000),
    "model": Rule("str", choices=MODELS),
    "input_reference": Rule("str"),
    "seconds": Rule("int", choices=(4, 8, 12)),
    "size": Rule("str", choices=("720x1280", "1280x720", "1024x1792", "1792x1024")),
}


def _finished(state: State, job: Job) -> str | None:
    return ttapi.moment(state, job.finished_at, "%Y-%m-%d %H:%M:%S")


def answer(state: State, job: Job, base_url: str) -> Body:
    order = job.order
    data = {
        "model": order.details["model"],
        "prompt": order.prompt,
        "referImages": order.details["said"],
        "videoUrl": file_of(job, base_url),
        "quota": str(int(order.quota)),
        "finishTime": _finished(state, job),
        "hookUrl": order.hook_url,
    }
    return told(job, data, success="")


def partner_answer(state: State, job: Job, base_url: str) -> Body:
    order = job.order
    data = {
        "videoId": f"video_sora{job.id.replace('-', '')}",
        "model": order.details["model"],
        "prompt": order.prompt,
        "videoUrl": file_of(job, base_url),
        "seconds": f"{order.details['seconds']:g}",
        "size": order.details["said"],
        "quota": str(int(order.quota)),
        "finishTime": _finished(state, job),
    }
    return told(job, data)


async def sora(submission: Submission) -> Order:
    submission.check(SORA)
    body = submission.body
    pro = body["model"] == "sora-2-pro"
    if not pro and (body.get("duration") == 25 or body.get("size")):
        raise refuse(400, "Parameter error: 25 seconds and size are for sora-2-pro")
    given = await first_of(submission, "referImages", body.get("referImages"))
    shape = "16:9" if body.get("orientation") == "landscape" else "9:16"
    details = filmed(shape, body.get("duration") or (15 if pro else 10))
    return placed(
        submission,
        "generations",
        body["prompt"],
        {**details, "said": body.get("referImages"), "model": body["model"]},
        given,
    )


async def partner(submission: Submission) -> Order:
    submission.check(PARTNER)
    body = submission.body
    picture = body.get("input_reference")
    given = await first_of(submission, "input_reference", [picture] if picture else None)
    size = body.get("size") or "720x1280"
    details = filmed("9:16" if size in ("720x1280", "1024x1792") else "16:9", body.get("seconds") or 4)
    details |= {"said": size, "model": body.get("model") or "sora-2"}
    return placed(submission, "generations", body["prompt"], details, given)


SPARE = ("data.quota", "data.prompt")
OWN = ttapi.product("sora", answer, files, SPARE)
PARTNERS = ttapi.product("sora_partner", partner_answer, files, SPARE, ())
ROUTES = [
    at("/sora/generations", accepting(OWN, "ttapi.sora_video", sora), "POST"),
    at("/sora/fetch", reading(OWN), "GET", "POST"),
    at("/sora-partner/generations", accepting(PARTNERS, "ttapi.sora_partner_video", partner), "POST"),
    at("/sora-partner/fetch", reading(PARTNERS), "GET", "POST"),
]

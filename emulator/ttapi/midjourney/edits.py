"""Midjourney edits: a picture of one's own, its transparent part repainted, or all of it retextured."""

from __future__ import annotations

from typing import Any

from prefect_genmedia.emulator.drawing import pictures
from prefect_genmedia.emulator.requests import inputs
from prefect_genmedia.emulator.requests.rules import Rule
from prefect_genmedia.emulator.server.gallery import File
from prefect_genmedia.emulator.server.links import cdn_path, cdn_uuid
from prefect_genmedia.emulator.server.orders import Job, Order
from prefect_genmedia.emulator.server.provider import Body
from prefect_genmedia.emulator.server.state import State
from prefect_genmedia.emulator.ttapi import envelope as ttapi
from prefect_genmedia.emulator.ttapi.envelope import Submission, accepting, at, reading
from prefect_genmedia.emulator.ttapi.midjourney import prompts as midjourney
from prefect_genmedia.emulator.ttapi.midjourney.drawing import CORNERS, draw
from prefect_genmedia.emulator.ttapi.midjourney.v1 import MODES

EDIT = {
    "prompt": Rule("str", True, 1),
    "image": Rule("str", True, 1),
    "type": Rule("str", choices=("edit", "retexture")),
    **MODES,
}
TWICE = 2  # an edit in fast mode costs 4 quota: documented


def answer(state: State, job: Job, base_url: str) -> Body:
    order, done = job.order, job.state == "succeeded"
    own = [base_url + _path(job, corner) for corner in CORNERS]
    others = [base_url + _other_path(job, place) for place in range(4)]
    return {
        "status": ttapi.WORDS[job.state],
        "message": job.message,
        "jobId": job.id,
        "data": {
            "jobId": job.id,
            "progress": ttapi.progress(job),
            "mode": order.details["mode"],
            "prompt": order.prompt,
            "quota": str(int(order.quota)),
            "images": others if done else None,
            "cdnImages": own if done else None,
            "hookUrl": order.hook_url,
            "submitTime": ttapi.moment(state, job.created_at, "%Y-%m-%dT%H:%M:%SZ"),
            "finishTime": ttapi.moment(state, job.finished_at, "%Y-%m-%dT%H:%M:%SZ"),
        },
    }


def files(job: Job) -> dict[str, File]:
    """Each picture lies in two places, as with the vendor: Midjourney's own store and TTAPI's."""
    hung: dict[str, File] = {}
    for place, corner in enumerate(CORNERS):
        file = File(job.id, corner, "png")
        hung |= {_path(job, corner): file, _other_path(job, place): file}
    return hung


def _path(job: Job, corner: str) -> str:
    return cdn_path("midjourney", job.id, job.created_at, f"{corner}.png")


def _other_path(job: Job, place: int) -> str:
    return f"/cdn/{cdn_uuid(f'other {job.id}')}/0_{place}.png"


EDITS = ttapi.product(
    "midjourney.edit",
    answer,
    files,
    ("data.images", "data.mode", "data.submitTime"),
    lists=("data.images", "data.cdnImages"),
)


async def edit(submission: Submission) -> Order:
    submission.check(EDIT)
    body = submission.body
    if inputs.is_link(body["image"]):
        given = await submission.link("image", body["image"])
    else:
        given = await submission.picture("image", body["image"])
    shape = submission.given(given).size if given.sha256 else (1, 1)
    mode = body.get("mode") or "fast"
    details: dict[str, Any] = {
        "mode": mode,
        "size": pictures.shaped(*midjourney.snapped(shape)),
        "input": given.sha256,
    }
    quota = midjourney.SPEEDS[mode] * TWICE
    return submission.order(body.get("type") or "edit", body["prompt"], quota, draw, details, given.failure)


ROUTES = [
    at("/midjourney/image-edits/submit", accepting(EDITS, "midjourney.edit", edit), "POST"),
    at("/midjourney/image-edits/fetch", reading(EDITS), "GET", "POST"),
]

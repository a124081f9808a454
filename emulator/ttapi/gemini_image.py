"""Gemini's pictures (Nano Banana): one POST that is answered when the picture is drawn, with the picture itself."""

from __future__ import annotations

from dataclasses import replace

from prefect_genmedia.emulator.drawing import pictures
from prefect_genmedia.emulator.requests.rules import Rule
from prefect_genmedia.emulator.server.orders import Job, Order
from prefect_genmedia.emulator.server.provider import Body
from prefect_genmedia.emulator.server.state import State
from prefect_genmedia.emulator.ttapi import envelope as ttapi
from prefect_genmedia.emulator.ttapi.envelope import Submission, answering, at, refuse
from prefect_genmedia.emulator.ttapi.one_file_products import PROMPT, file_of, files, first_of, placed

SLENDER = ("1:4", "4:1", "1:8", "8:1")
WIDEST = "gemini-3.1-flash-image-preview"  # the one model that draws them
GEMINI = {
    "prompt": PROMPT,
    "model": Rule(
        "str",
        True,
        choices=("gemini-2.5-flash-image", "gemini-2.5-flash-image-preview", "gemini-3-pro-image-preview", WIDEST),
    ),
    "refer_images": Rule("list"),
    "aspect_ratio": Rule(
        "str",
        choices=("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9", *SLENDER),
    ),
    "image_size": Rule("str", choices=("1K", "2K", "4K")),
    # In quotes, as in the page's example.
    "google_search": Rule("str", choices=("true", "false")),
    "image_search": Rule("str", choices=("true", "false")),
    "thinking_level": Rule("str", choices=("Minimal", "High")),
}


def answer(state: State, job: Job, base_url: str) -> Body:
    """Of a job that has ended. That a failed one is told with 200 is made up: the page shows none."""
    if job.state == "failed":
        return ttapi.failure(200, job.message)
    data = {
        "prompt": job.order.prompt,
        "refer_images": job.order.details["said"],
        "image_url": file_of(job, base_url),
        "quota": int(job.order.quota),
    }
    return {"status": "SUCCESS", "message": "success", "data": data}


async def generate(submission: Submission) -> Order:
    submission.check(GEMINI)
    body = submission.body
    # That a shape of another model is refused is made up: it may be left aside.
    if body.get("aspect_ratio") and body["model"].startswith("gemini-2.5"):
        raise refuse(400, "Parameter error: aspect_ratio: is for Gemini 3 and later")
    if body.get("aspect_ratio") in SLENDER and body["model"] != WIDEST:
        raise refuse(400, f"Parameter error: aspect_ratio: is for {WIDEST}")
    given = await first_of(submission, "refer_images", body.get("refer_images"))
    wide, high = map(int, (body.get("aspect_ratio") or "1:1").split(":"))
    side = 1024 * int((body.get("image_size") or "1K")[0])
    details = {"size": pictures.shaped(wide, high, side), "said": body.get("refer_images"), "model": body["model"]}
    return placed(submission, "generate", body["prompt"], details, given)


PRODUCT = replace(
    ttapi.product("gemini_image", answer, files, ("data.quota", "data.prompt"), hooks=()),
    id_fields=("data.image_url",),  # it names no job: without this, nothing is named at all
)
ROUTES = [at("/gemini/image/generate", answering(PRODUCT, "ttapi.gemini_image", generate), "POST")]

"""NovelAI through TTAPI. Only the fetch is documented: where a job is submitted, and with what, is not known."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from prefect_genmedia.emulator.drawing import pictures
from prefect_genmedia.emulator.drawing.recordings import Drawn
from prefect_genmedia.emulator.requests.rules import Rule
from prefect_genmedia.emulator.server.gallery import File, Gallery
from prefect_genmedia.emulator.server.links import cdn_path
from prefect_genmedia.emulator.server.orders import Job, Order
from prefect_genmedia.emulator.server.provider import Body
from prefect_genmedia.emulator.server.state import State, state_of
from prefect_genmedia.emulator.ttapi import envelope as ttapi
from prefect_genmedia.emulator.ttapi.envelope import Submission, accepting, at, nothing, reading

CANDIDATES = ("/novelai/text-to-image", "/novelai/generate", "/novelai/generations")
REQUEST = {
    "prompt": Rule("str", True, 1),
    "negative_prompt": Rule("str"),
    "width": Rule("int", False, 64, 2048),
    "height": Rule("int", False, 64, 2048),
    "steps": Rule("int", False, 1, 50),
    "n_samples": Rule("int", False, 1, 8),
}
QUOTA = 2  # for each picture: two cost "4.00" in the vendor's example
DEFAULT_SIZE = (832, 1216)  # NovelAI's own portrait


def answer(state: State, job: Job, base_url: str) -> Body:
    """The vendor's example, its fields in its order; before and after success the same with nulls."""
    order, done = job.order, job.state == "succeeded"
    links = [base_url + path for path in files(job)]
    return {
        "data": {
            "finishTime": ttapi.moment(state, job.finished_at, "%Y-%m-%d %H:%M:%S"),
            "hookUrl": order.hook_url,
            "imageUrl": links if done else None,
            "prompt": order.prompt,
            "quota": f"{order.quota:.2f}",
        },
        "jobId": job.id,
        "message": "success" if done else job.message,
        "status": ttapi.WORDS[job.state],
    }


def files(job: Job) -> dict[str, File]:
    return {
        cdn_path("novelai", job.id, job.created_at, f"{place + 1}.png"): File(job.id, str(place), "png")
        for place in range(job.order.details["number"])
    }


def draw(gallery: Gallery, job: Job, part: str) -> Drawn:
    return pictures.scene(job.order.prompt, f"{job.seed()}:{part}", job.order.details["size"])


NOVELAI = ttapi.product(
    "novelai", answer, files, ("data.finishTime", "data.prompt"), ("hookUrl", "hook_url"), lists=("data.imageUrl",)
)


async def text_to_image(submission: Submission) -> Order:
    submission.check(REQUEST)
    body = submission.body
    number, wanted = body.get("n_samples") or 1, re.fullmatch("[0-9]{1,20}", str(body.get("seed")))
    details = {
        "number": number,
        "size": (body.get("width") or DEFAULT_SIZE[0], body.get("height") or DEFAULT_SIZE[1]),
        "seed": int(wanted[0]) if wanted else None,
    }
    return submission.order("text-to-image", body["prompt"], QUOTA * number, draw, details)


_submit = accepting(NOVELAI, "novelai.text_to_image", text_to_image)


async def submit(request: Request) -> Response:
    """Answers where `novelai_path` says, or else on all candidates."""
    path = state_of(request).settings.novelai_path
    if request.url.path not in (CANDIDATES if path is None else (path,)):
        return await nothing(request)
    return await _submit(request)


ROUTES = [
    at("/novelai/fetch", reading(NOVELAI), "GET", "POST"),
    *(at(path, submit, "POST") for path in CANDIDATES),
    at("/novelai/{rest:path}", submit, "POST"),  # a path that only the setting knows
]

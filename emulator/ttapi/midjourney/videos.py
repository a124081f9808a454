"""Midjourney videos: from a picture, and on from a video. No page says what a fetch answers: it is like an edit's."""

from __future__ import annotations

from PIL import Image

from prefect_genmedia.emulator.drawing import pictures
from prefect_genmedia.emulator.drawing.recordings import Drawn, Film
from prefect_genmedia.emulator.requests.rules import Rule
from prefect_genmedia.emulator.server.gallery import File, Gallery
from prefect_genmedia.emulator.server.links import cdn_path
from prefect_genmedia.emulator.server.orders import Job, Order
from prefect_genmedia.emulator.server.provider import Body
from prefect_genmedia.emulator.server.state import State
from prefect_genmedia.emulator.ttapi import envelope as ttapi
from prefect_genmedia.emulator.ttapi.envelope import Submission, accepting, at, reading, refuse
from prefect_genmedia.emulator.ttapi.midjourney import prompts as midjourney

SHARED = {
    "manual": Rule("str", choices=("low", "high")),
    "bs": Rule("int", choices=(1, 2, 4)),
}
VIDEO = {
    "prompt": Rule("str", True, 1),
    "imageUrl": Rule("str", True, 1),
    "endingUrl": Rule("str"),
    "model": Rule("str", choices=("fast",)),  # the older name is mode
    "mode": Rule("str", choices=("fast",)),
    "resolution": Rule("str", choices=("sd", "hd")),
    **SHARED,
}
EXTEND = {
    "index": Rule("int", True, 0, 3),
    "animateMode": Rule("str", choices=("auto", "manual")),
    **SHARED,
}
SECONDS = 5
SIDES = {"sd": 624, "hd": 960}  # of a square with as many pixels; made up
QUOTA = {"sd": 2, "hd": 4}  # for each video; made up


def answer(state: State, job: Job, base_url: str) -> Body:
    order, done = job.order, job.state == "succeeded"
    places = range(order.details["number"])
    return {
        "status": ttapi.WORDS[job.state],
        "message": job.message,
        "jobId": job.id,
        "data": {
            "action": order.action,
            "jobId": job.id,
            "progress": ttapi.progress(job),
            "mode": "fast",
            "prompt": order.prompt,
            "quota": str(int(order.quota)),
            "videos": [base_url + _path(job, place) for place in places] if done else None,
            "hookUrl": order.hook_url,
            "submitTime": ttapi.moment(state, job.created_at, "%Y-%m-%dT%H:%M:%SZ"),
            "finishTime": ttapi.moment(state, job.finished_at, "%Y-%m-%dT%H:%M:%SZ"),
        },
    }


def files(job: Job) -> dict[str, File]:
    return {_path(job, place): File(job.id, str(place), "mp4") for place in range(job.order.details["number"])}


def draw(gallery: Gallery, job: Job, part: str) -> Drawn:
    """From the given picture to one of the prompt's own, or to the given last one."""
    details, size = job.order.details, job.order.details["size"]

    def frame(sha256: str | None, seed: str) -> Image.Image:
        if sha256:
            return gallery.given(sha256).convert("RGB").resize(size)
        return pictures.scene(job.order.prompt, seed, size)

    seed = f"{job.seed()}:{job.order.action}:{part}"
    goal = pictures.scene(job.order.prompt, seed, size)
    first = frame(details["input"], f"{job.seed()}:first")
    last = frame(details["ending"], seed)
    return Film(first, pictures.varied(last, goal, details["motion"]), details["seconds"])


def _path(job: Job, place: int) -> str:
    return cdn_path("midjourney", job.id, job.created_at, f"{place}.mp4")


VIDEOS = ttapi.product(
    "midjourney.video", answer, files, ("data.action", "data.mode", "data.submitTime"), lists=("data.videos",)
)


async def video(submission: Submission) -> Order:
    body = _with_numbers(submission)
    submission.check(VIDEO)
    first = await submission.link("imageUrl", body["imageUrl"])
    last = await submission.link("endingUrl", body["endingUrl"]) if body.get("endingUrl") else None
    shape = submission.given(first).size if first.sha256 else (16, 9)
    resolution, number = body.get("resolution") or "sd", body.get("bs") or 4
    details = {
        "resolution": resolution,
        "number": number,
        "seconds": SECONDS,
        "size": pictures.shaped(*midjourney.snapped(shape), SIDES[resolution]),
        "motion": 0.6 if body.get("manual") == "high" else 0.25,
        "input": first.sha256,
        "ending": last.sha256 if last else None,
    }
    failure = first.failure or (last.failure if last else "")
    return submission.order("video", body["prompt"], QUOTA[resolution] * number, draw, details, failure)


async def extend(submission: Submission) -> Order:
    body = _with_numbers(submission)
    parent = submission.finished(body.get("jobId") or body.get("job_id"))
    submission.check(EXTEND)
    before = parent.order.details
    if body["index"] >= before["number"]:
        raise refuse(400, "Parameter error: index: the job has no such video")
    number = body.get("bs") or 4
    details = {
        **before,
        "seed": parent.seed(),  # it begins as its parent does
        "number": number,
        "seconds": before["seconds"] + SECONDS,
        "motion": 0.6 if body.get("manual") == "high" else 0.25,
    }
    quota = QUOTA[before["resolution"]] * number
    return submission.order("extend", parent.order.prompt, quota, draw, details)


def _with_numbers(submission: Submission) -> Body:
    """The body, its numbers as such: the vendor's examples have them in quotes."""
    body = submission.body
    for name in ("bs", "index"):
        if isinstance(body.get(name), str) and body[name] in ("0", "1", "2", "3", "4"):
            body[name] = int(body[name])
    return body


ROUTES = [
    at("/midjourney/video/submit", accepting(VIDEOS, "midjourney.video", video), "POST"),
    at("/midjourney/video/extend", accepting(VIDEOS, "midjourney.extend_video", extend), "POST"),
    at("/midjourney/video/fetch", reading(VIDEOS), "GET", "POST"),
]

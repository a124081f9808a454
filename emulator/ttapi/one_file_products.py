"""TTAPI's other pictures and films: GPT image, Gemini, Grok, Luma; and what Flux and Sora share with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from PIL import Image

from prefect_genmedia.emulator.drawing import pictures
from prefect_genmedia.emulator.drawing.recordings import Drawn, Film
from prefect_genmedia.emulator.requests import inputs
from prefect_genmedia.emulator.requests.rules import Rule
from prefect_genmedia.emulator.server.gallery import File, Gallery
from prefect_genmedia.emulator.server.links import cdn_path
from prefect_genmedia.emulator.server.orders import Job, Order
from prefect_genmedia.emulator.server.provider import Body
from prefect_genmedia.emulator.server.state import State
from prefect_genmedia.emulator.ttapi import envelope as ttapi
from prefect_genmedia.emulator.ttapi.envelope import WORDS, Submission, accepting, at, reading, refuse

PROMPT = Rule("str", True, 1)
GPT = {
    "prompt": PROMPT,
    "model": Rule("str", choices=("gpt-image-2", "gpt-image-2-plus", "gpt-image-1.5", "gpt-image-1", "gpt-4o-image")),
    "referImages": Rule("list"),
    "aspect_ratio": Rule("str", choices=("1:1", "3:4", "4:3", "16:9", "9:16")),
    "size": Rule("str"),
}
GEMINI_VIDEO = {
    "prompt": PROMPT,
    "model": Rule("str", True, choices=("omni-flash",)),
    "aspect_ratio": Rule("str", True, choices=("16:9", "9:16")),
    "reference_images": Rule("list"),
}
GROK = {
    "prompt": PROMPT,
    "model": Rule("str", choices=("grok-imagine-1.0-video", "grok-imagine-video-1.5-preview")),
    "aspect_ratio": Rule("str", choices=("2:3", "3:2", "1:1", "9:16", "16:9")),
    "resolution_name": Rule("str", choices=("480p", "720p")),
    "refer_images": Rule("list"),
    "refer_image": Rule("str"),  # the older name
}
LUMA = {
    "userPrompt": PROMPT,
    "modelName": Rule("str"),
    "aspectRatio": Rule("str", choices=("9:16", "3:4", "1:1", "4:3", "16:9", "21:9")),
    "imageUrl": Rule("str"),
    "imageEndUrl": Rule("str"),
    "duration": Rule("str", choices=("5s", "10s")),
    "resolution": Rule("str", choices=("720p", "1080p")),
    "useMode": Rule("str", choices=("relax", "fast")),
    "loop": Rule("bool"),
    "enhancePrompt": Rule("bool"),
}
# From the vendor's examples; Luma's is made up.
QUOTAS = {
    "flux": 1, "gpt": 2, "gemini_image": 2, "gemini_video": 1, "grok": 9, "sora": 3, "sora_partner": 40, "luma": 10,
}  # fmt: skip
KINDS = {"flux": "webp", "gpt": "png", "gemini_image": "png"}  # the others make mp4
GEMINI_SECONDS = 8.0  # made up: no page tells
SIDE = 720  # of a square with as many pixels as a film's frame


def _path(job: Job) -> str:
    return cdn_path(job.order.product, job.id, job.created_at, f".{_kind(job)}")


def _kind(job: Job) -> str:
    return KINDS.get(job.order.product, "mp4")


def files(job: Job) -> dict[str, File]:
    return {_path(job): File(job.id, "", _kind(job))}


def draw(gallery: Gallery, job: Job, part: str) -> Drawn:
    details, prompt, size = job.order.details, job.order.prompt, job.order.details["size"]
    scene = pictures.scene(prompt, f"{job.seed()}", size)
    given: Image.Image | None = gallery.given(details["input"]) if details["input"] else None
    if "seconds" not in details:
        return pictures.transformed(given, prompt, f"{job.seed()}", size, 0.6) if given else scene
    first = given.convert("RGB").resize(size) if given else scene
    return Film(first, pictures.scene(prompt, f"{job.seed()}:last", size), details["seconds"])


def told(job: Job, data: Body, success: str = "success", waiting: str | None = "") -> Body:
    message = {"succeeded": success, "failed": job.message}.get(job.state, waiting)
    return {"status": WORDS[job.state], "message": message, "jobId": job.id, "data": data}


def file_of(job: Job, base_url: str) -> str | None:
    return base_url + _path(job) if job.state == "succeeded" else None


def gpt_answer(state: State, job: Job, base_url: str) -> Body:
    order = job.order
    data = {
        "prompt": order.prompt,
        "referImages": order.details["said"],
        "imageUrl": file_of(job, base_url),
        "quota": str(int(order.quota)),
        "finishTime": ttapi.moment(state, job.finished_at, "%Y-%m-%d %H:%M:%S"),
        "hookUrl": order.hook_url,
    }
    return told(job, data, waiting=None)


def gemini_video_answer(state: State, job: Job, base_url: str) -> Body:
    order = job.order
    data = {
        "jobId": job.id,
        "model": order.details["model"],
        "prompt": order.prompt,
        "aspect_ratio": order.details["shape"],
        "reference_images": order.details["said"],
        "video_url": file_of(job, base_url),
        "quota": str(int(order.quota)),
        "hookUrl": order.hook_url,
    }
    said = told(job, data, waiting="success")
    # This product's page has one word for all that is not over.
    return {**said, "status": "RUNNING" if job.state in ("queued", "running") else said["status"]}


def grok_answer(state: State, job: Job, base_url: str) -> Body:
    order, details = job.order, job.order.details
    data = {
        "videoId": job.id,
        "prompt": order.prompt,
        "aspectRatio": details["shape"],
        "videoLength": f"{details['seconds']:g}",
        "resolutionName": details["resolution"],
        "referImage": details["said"],
        "videoUrl": file_of(job, base_url),
        "quota": str(int(order.quota)),
        "finishTime": ttapi.moment(state, job.finished_at, "%Y-%m-%d %H:%M:%S"),
        "hookUrl": order.hook_url,
    }
    return told(job, data)


def luma_answer(state: State, job: Job, base_url: str) -> Body:
    """Only videoUrl is known, from clients; the rest is as with the others."""
    order = job.order
    data = {
        "jobId": job.id,
        "action": order.action,
        "progress": ttapi.progress(job),
        "userPrompt": order.prompt,
        "quota": str(int(order.quota)),
        "videoUrl": file_of(job, base_url),
        "hookUrl": order.hook_url,
    }
    return told(job, data, success="")


ANSWERS = {
    "gpt": gpt_answer,
    "gemini_video": gemini_video_answer,
    "grok": grok_answer,
    "luma": luma_answer,
}
HOOKS = {"grok": ("hook_url",)}
PRODUCTS = {
    name: ttapi.product(name, answer, files, ("data.quota", "data.prompt"), HOOKS.get(name, ("hookUrl",)))
    for name, answer in ANSWERS.items()
}


async def gpt(submission: Submission) -> Order:
    submission.check(GPT)
    body = submission.body
    given = await first_of(submission, "referImages", body.get("referImages"))
    wide, high = map(int, (body.get("aspect_ratio") or "1:1").split(":"))
    details = {"size": pictures.shaped(wide, high), "said": body.get("referImages") or [], "model": body.get("model")}
    return placed(submission, "generations", body["prompt"], details, given)


async def gemini_video(submission: Submission) -> Order:
    submission.check(GEMINI_VIDEO)
    body = submission.body
    given = await first_of(submission, "reference_images", body.get("reference_images"))
    said = [text for text in body.get("reference_images") or [] if text]
    details = filmed(body["aspect_ratio"], GEMINI_SECONDS)
    details |= {"said": said, "model": body["model"]}
    return placed(submission, "generations", body["prompt"], details, given)


async def grok(submission: Submission) -> Order:
    submission.check(GROK)
    body = submission.body
    said = body.get("refer_images") or ([body["refer_image"]] if body.get("refer_image") else None)
    preview = body.get("model") == "grok-imagine-video-1.5-preview"
    if preview and len(said or []) != 1:
        raise refuse(400, "Parameter error: refer_images: must be exactly one")
    given = await first_of(submission, "refer_images", said)
    details = filmed(body.get("aspect_ratio") or "16:9", seconds_of(body, "video_length", 10, 1, 15 if preview else 30))
    details |= {"said": said, "resolution": body.get("resolution_name") or "720p"}
    return placed(submission, "generations", body["prompt"], details, given)


async def luma(submission: Submission) -> Order:
    submission.check(LUMA)
    body = submission.body
    given = await first_of(submission, "imageUrl", [body["imageUrl"]] if body.get("imageUrl") else None)
    details = filmed(body.get("aspectRatio") or "9:16", float((body.get("duration") or "5s")[:-1]))
    return placed(submission, "generations", body["userPrompt"], details, given)


def placed(submission: Submission, action: str, prompt: str, details: Mapping[str, Any], given: inputs.Given) -> Order:
    quota = QUOTAS[submission.product.name]
    return submission.order(action, prompt, quota, draw, {**details, "input": given.sha256}, given.failure)


def filmed(shape: str, seconds: float) -> dict[str, Any]:
    wide, high = map(int, shape.split(":"))
    return {"shape": shape, "seconds": seconds, "size": pictures.shaped(wide, high, SIDE)}


def seconds_of(body: Body, name: str, default: float, low: int, high: int) -> float:
    """A number of seconds, as a text or as such."""
    value = body.get(name)
    if value in (None, ""):
        return default
    found = re.fullmatch(r"([0-9]{1,3})s?", str(value))
    if isinstance(value, bool) or not found or not low <= int(found[1]) <= high:
        raise refuse(400, f"Parameter error: {name}: must be {low} to {high}")
    return int(found[1])


async def first_of(submission: Submission, name: str, values: list[Any] | None) -> inputs.Given:
    """The first of some pictures, each a link or base64; blank ones do not count."""
    for value in values or []:
        if not isinstance(value, str):
            raise refuse(400, f"Parameter error: {name}: must be texts")
        if value.strip():
            return await (submission.link(name, value) if inputs.is_link(value) else submission.picture(name, value))
    return inputs.Given(None)


_SUBMITS = {
    "gpt": ("/openai/gpt/generations", "ttapi.gpt_image", gpt),
    "gemini_video": ("/gemini/video/generations", "ttapi.gemini_video", gemini_video),
    "grok": ("/grok/generations", "ttapi.grok_video", grok),
    "luma": ("/luma/v1/generations", "ttapi.luma_video", luma),
}
FETCHES = {
    "gpt": "/openai/gpt/fetch",
    "gemini_video": "/gemini/video/fetch",
    "grok": "/grok/fetch",
    "luma": "/luma/v1/fetch",
}
ROUTES = [
    *(
        at(path, accepting(PRODUCTS[name], operation, place), "POST")
        for name, (path, operation, place) in _SUBMITS.items()
    ),
    *(at(path, reading(PRODUCTS[name]), "GET", "POST") for name, path in FETCHES.items()),
]

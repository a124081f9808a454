"""Midjourney's functions that begin with a given picture or job: blend, describe, inpaint, seed."""

from __future__ import annotations

import random
from typing import Any

from anyio import to_thread
from PIL import Image, ImageStat

from prefect_genmedia.emulator.drawing import pictures
from prefect_genmedia.emulator.requests.rules import Rule
from prefect_genmedia.emulator.server.orders import Order
from prefect_genmedia.emulator.ttapi.envelope import Submission, accepting, at, refuse
from prefect_genmedia.emulator.ttapi.midjourney import prompts as midjourney
from prefect_genmedia.emulator.ttapi.midjourney.drawing import draw
from prefect_genmedia.emulator.ttapi.midjourney.v1 import MIDJOURNEY, MODES, check_timeout

BLEND = {
    "imgBase64Array": Rule("list", True, 2, 5),
    "dimensions": Rule("str", choices=tuple(midjourney.BLEND_SHAPES)),
    **MODES,
}
DESCRIBE = {"base64": Rule("str"), "url": Rule("str")}
INPAINT = {"mask": Rule("str", True, 1), "prompt": Rule("str")}
STYLES = ("studio photograph", "watercolour", "risograph print", "cinematic still", "pencil drawing", "oil painting")
HUES = ("red", "orange", "yellow", "green", "turquoise", "blue", "violet", "magenta")


async def blend(submission: Submission) -> Order:
    submission.check(BLEND)
    check_timeout(submission)
    body = submission.body
    texts = enumerate(body["imgBase64Array"])
    kept = [(await submission.picture(f"imgBase64Array[{n}]", text, prefix=True)).sha256 for n, text in texts]
    mode = body.get("mode") or "fast"
    shape = midjourney.BLEND_SHAPES[body.get("dimensions") or "SQUARE"]
    details = {
        "mode": mode,
        "size": pictures.shaped(*shape),
        "inputs": tuple(kept),
        "parent": None,
        "form": "grid",
    }
    return submission.order("blend", "", midjourney.SPEEDS[mode], draw, details)


async def describe(submission: Submission) -> Order:
    submission.check(DESCRIBE)
    check_timeout(submission)
    body = submission.body
    if body.get("base64"):  # wins over a link
        given = await submission.picture("base64", body["base64"], prefix=True)
    elif body.get("url"):
        given = await submission.link("url", body["url"])
    else:
        raise refuse(400, "Parameter error: base64 or url is required")
    picture = submission.given(given) if given.sha256 else None
    told = await to_thread.run_sync(description, picture, given.sha256 or str(body.get("url")))
    details = {"mode": "fast", "size": None, "parent": None, "form": "none", "told": told}
    return submission.order("describe", "", midjourney.SMALL, draw, details, given.failure)


def description(picture: Image.Image | None, seed: str) -> str:
    """Four prompts, a line each, that fit the picture's colours and shape."""
    chance = random.Random(seed)
    hue, light, shape = chance.choice(HUES), chance.choice(("bright", "dark")), "1:1"
    if picture is not None:
        small = picture.convert("RGB").resize((32, 32)).convert("HSV")
        mean = ImageStat.Stat(small).median
        hue, light = HUES[round(mean[0] * len(HUES) / 256) % len(HUES)], "bright" if mean[2] > 110 else "dark"
        wide, high = midjourney.snapped(picture.size)
        shape = f"{wide}:{high}"
    styles = chance.sample(STYLES, 4)
    return "\n".join(f"a {light} {style} in shades of {hue} --ar {shape}" for style in styles)


async def inpaint(submission: Submission) -> Order:
    body = submission.body
    parent = submission.finished(body.get("jobId") or body.get("job_id"))
    submission.check(INPAINT)
    check_timeout(submission)
    before = parent.order.details
    if before["form"] == "none":
        raise refuse(400, "Parameter error: the job has no picture")
    given = await submission.picture("mask", body["mask"], prefix=False)
    mask = submission.given(given).convert("L")
    if mask.size != before["size"]:
        wanted = "x".join(map(str, before["size"]))
        raise refuse(400, f"Parameter error: mask: must be {wanted}, the size of the original")
    if mask.getextrema()[1] < 128:  # type: ignore[operator]
        raise refuse(400, "Parameter error: mask: nothing in it is white")
    details: dict[str, Any] = {
        "mode": before["mode"],
        "size": midjourney.size_after("inpaint", before["size"], None),
        "mask": given.sha256,
        "parent": parent,
        "form": "grid",
    }
    prompt = body.get("prompt") or parent.order.prompt
    return submission.order("inpaint", prompt, midjourney.SPEEDS[before["mode"]], draw, details)


async def seed(submission: Submission) -> Order:
    body = submission.body
    parent = submission.finished(body.get("jobId") or body.get("job_id"))
    check_timeout(submission)
    if parent.order.details["form"] == "none":
        raise refuse(400, "Parameter error: the job has no picture")
    details = {
        "mode": parent.order.details["mode"],
        "size": None,
        "parent": parent,
        "form": "none",
        "told": str(parent.seed()),
    }
    return submission.order("seed", parent.order.prompt, midjourney.SMALL, draw, details)


ROUTES = [
    at("/midjourney/v1/blend", accepting(MIDJOURNEY, "midjourney.blend", blend), "POST"),
    at("/midjourney/v1/describe", accepting(MIDJOURNEY, "midjourney.describe", describe), "POST"),
    at("/midjourney/v1/inpaint", accepting(MIDJOURNEY, "midjourney.inpaint", inpaint), "POST"),
    at("/midjourney/v1/seed", accepting(MIDJOURNEY, "midjourney.seed", seed), "POST"),
]

"""Flux through TTAPI, in TTAPI's form and in its maker's. One picture for each job."""

from __future__ import annotations

from prefect_genmedia.emulator.drawing import pictures
from prefect_genmedia.emulator.requests.rules import Rule
from prefect_genmedia.emulator.server.links import uuid_of
from prefect_genmedia.emulator.server.orders import Job, Order
from prefect_genmedia.emulator.server.provider import Body
from prefect_genmedia.emulator.server.state import State
from prefect_genmedia.emulator.ttapi import envelope as ttapi
from prefect_genmedia.emulator.ttapi.envelope import Submission, accepting, at, reading, refuse
from prefect_genmedia.emulator.ttapi.one_file_products import PROMPT, file_of, files, first_of, placed, told

SIZES = ("1024x1024", "1024x1792", "1792x1024")
FLUX = {
    "prompt": PROMPT,
    "mode": Rule("str"),
    "model": Rule("str"),  # the vendor's own example says this for mode
    "size": Rule("str", choices=SIZES),
    "aspect_ratio": Rule("str", choices=("21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21")),
    "seed": Rule("int", False, -1, 2**63 - 1),
}
KONTEXT = {
    "prompt": PROMPT,
    **dict.fromkeys(("input_image", "input_image_2", "input_image_3", "input_image_4"), Rule("str")),
    "aspect_ratio": Rule("str"),
    "output_format": Rule("str", choices=("jpeg", "png")),
    "prompt_upsampling": Rule("bool"),
    "safety_tolerance": Rule("int", False, 0, 6),
}


def flux_answer(state: State, job: Job, base_url: str) -> Body:
    order = job.order
    data = {
        "mode": order.details["model"],
        "jobId": uuid_of(f"flux:{job.id}"),  # as in the vendor's example: not the job's own
        "prompt": order.prompt,
        "quota": str(int(order.quota)),
        "size": order.details["said"],
        "imageUrl": file_of(job, base_url),
        "hookUrl": order.hook_url,
    }
    return told(job, data, success="")


async def flux(submission: Submission) -> Order:
    submission.check(FLUX)
    body = submission.body
    wide, high = map(int, (body.get("aspect_ratio") or "1:1").split(":"))
    size = pictures.shaped(wide, high)
    if body.get("size"):
        size = (int(body["size"][:4]), int(body["size"][5:]))
    image = body.get("input_image")
    given = await first_of(submission, "input_image", [image] if image else [])
    model = body.get("mode") or body.get("model") or "flux1-dev"
    details = {"size": size, "said": "x".join(map(str, size)), "model": model, "seed": body.get("seed")}
    return placed(submission, "generate", body["prompt"], details, given)


async def kontext(submission: Submission) -> Order:
    submission.check(KONTEXT)
    body = submission.body
    wide, _, high = (body.get("aspect_ratio") or "1:1").partition(":")
    if not (wide.isdecimal() and high.isdecimal() and 9 * int(wide) <= 21 * int(high) <= 49 * int(wide)):
        raise refuse(400, "Parameter error: aspect_ratio: must be 21:9 to 9:21")
    names = ("input_image", "input_image_2", "input_image_3", "input_image_4")
    given = await first_of(submission, "input_image", [body[name] for name in names if body.get(name)])
    size = pictures.shaped(int(wide), int(high))
    model = submission.request.url.path.rpartition("/")[2]
    details = {"size": size, "said": "x".join(map(str, size)), "model": model, "seed": body.get("seed")}
    return placed(submission, "generate", body["prompt"], details, given)


PRODUCT = ttapi.product("flux", flux_answer, files, ("data.quota", "data.prompt"), ("hookUrl", "webhook_url"))
ROUTES = [
    at("/flux/generate", accepting(PRODUCT, "ttapi.flux_image", flux), "POST"),
    *(
        at(f"/bfl/v1/flux-kontext-{word}", accepting(PRODUCT, "ttapi.flux_kontext_image", kontext), "POST")
        for word in ("pro", "max")
    ),
    at("/flux/fetch", reading(PRODUCT), "GET", "POST"),
]

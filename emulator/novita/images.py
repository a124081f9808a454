"""Novita AI's pictures: the Stable Diffusion functions, and the flat ones that came after them."""

from __future__ import annotations

import io
import re
from typing import Any

from PIL import Image, ImageOps
from starlette.routing import Route

from prefect_genmedia.emulator.drawing import pictures
from prefect_genmedia.emulator.drawing.recordings import Drawn
from prefect_genmedia.emulator.novita import diffusion
from prefect_genmedia.emulator.novita.diffusion import IMAGE_EXTRA, Checked
from prefect_genmedia.emulator.novita.envelope import Commission, accepting
from prefect_genmedia.emulator.requests.rules import Invalid, Limits, Rule, fields
from prefect_genmedia.emulator.requests.rules import picture as decoded
from prefect_genmedia.emulator.server.gallery import Gallery
from prefect_genmedia.emulator.server.orders import Job
from prefect_genmedia.emulator.server.provider import Body

PRICE = 15  # 0.0001 USD for each picture; made up
DEFAULT_STRENGTH = 0.5  # the server's own default is not documented; this is the official client's
OUTPUT = {"seed": Rule("int", False, -1, 2**31 - 1), "output_format": Rule("str", choices=("jpeg", "png", "webp"))}
KONTEXT = {
    "prompt": Rule("str", True, 1),
    "images": Rule("list", False, 0, 4),
    "fast_mode": Rule("bool"),
    "size": Rule("str"),
    "num_inference_steps": Rule("int", False, 1, 50),
    "guidance_scale": Rule("number", False, 1, 20),
    "num_images": Rule("int", False, 1, 4),
    **OUTPUT,
}
QWEN = {"prompt": Rule("str", True, 1), "size": Rule("str")}
QWEN_EDIT = {"prompt": Rule("str", True, 1), "image": Rule("str", True, 1), **OUTPUT}
FILES = ("image_base64", "mask_image_base64", "controlnet", "ip_adapters", "image", "images")  # not repeated


def draw(gallery: Gallery, job: Job, part: str) -> Drawn:
    """`part`: which of the pictures asked for."""
    details, prompt, seed = job.order.details, job.order.prompt, f"{job.seed() + int(part)}"
    given = [gallery.given(sha256) for sha256 in details["inputs"]]
    size: tuple[int, int] = details["size"] or given[0].size
    if details.get("enlarged"):
        return pictures.enlarged(given[0].convert("RGB"), size)
    if len(given) == 2 and details.get("masked"):
        mask = given[1].convert("L").resize(size)
        mask = ImageOps.invert(mask) if details["inverted"] else mask
        return Image.composite(pictures.scene(prompt, seed, size), given[0].convert("RGB"), mask)
    if given:
        return pictures.transformed(given[0], prompt, seed, size, details["strength"])
    scene = pictures.scene(prompt, seed, size)
    if details.get("transparent"):
        disc = ImageOps.invert(Image.radial_gradient("L")).point([min(255, level * 2) for level in range(256)])
        scene.putalpha(disc.resize(size))
    return scene


def img2img(body: Body, strict: bool) -> Commission:
    checked = diffusion.img2img(body, strict)
    wanted = checked.request
    strength = wanted.get("strength")
    return _diffused(
        checked,
        "IMG_TO_IMG",
        size=(wanted["width"], wanted["height"]),
        strength=DEFAULT_STRENGTH if strength is None else strength,
    )


def txt2img(body: Body, strict: bool) -> Commission:
    checked = diffusion.txt2img(body, strict)
    wanted = checked.request
    hires = wanted.get("hires_fix")
    size = (hires["target_width"], hires["target_height"]) if hires else (wanted["width"], wanted["height"])
    return _diffused(checked, "TXT_TO_IMG", size=size, transparent=bool(wanted.get("enable_transparent_background")))


def inpainting(body: Body, strict: bool) -> Commission:
    checked = diffusion.inpainting(body, strict)
    with Image.open(io.BytesIO(checked.pictures[0])) as source, Image.open(io.BytesIO(checked.pictures[1])) as mask:
        if source.size != mask.size:
            raise Invalid("request.mask_image_base64: must have the size of the picture", "INVALID_IMAGE_SIZE")
        size = source.size
    inverted = bool(checked.request.get("inpainting_mask_invert"))
    return _diffused(checked, "INPAINTING", size=size, masked=True, inverted=inverted)


def upscale(body: Body, strict: bool) -> Commission:
    checked = diffusion.upscale(body, strict)
    with Image.open(io.BytesIO(checked.pictures[0])) as source:
        factor = checked.request["scale_factor"]
        size = (round(source.width * factor), round(source.height * factor))
    return _diffused(checked, "UPSCALE", size=size, enlarged=True)


def _diffused(checked: Checked, task_type: str, **details: Any) -> Commission:
    wanted, size = checked.request, details["size"]
    number = wanted.get("image_num") or 1
    info = {
        "model": wanted["model_name"],
        "prompts": [wanted.get("prompt") or ""],
        "negative_prompts": [wanted.get("negative_prompt") or ""],
        "seeds": [],
        "height": size[1],
        "width": size[0],
        "guidance_scale": wanted.get("guidance_scale"),
        "num_images_per_prompt": number,
        "num_inference_steps": wanted.get("steps") or 20,
        "sampler_name": wanted.get("sampler_name"),
        "clip_skip": wanted.get("clip_skip") or 1,
    }
    return Commission(
        action=task_type.lower(),
        task_type=task_type,
        prompt=wanted.get("prompt") or "",
        kind=checked.extra.get("response_image_type") or "png",
        draw=draw,
        price=PRICE,
        extra=checked.extra,
        info=info,
        number=number,
        seed=wanted.get("seed"),
        pictures=checked.pictures,
        details=details,
    )


def kontext(body: Body, strict: bool) -> Commission:
    return _flat(body, strict, KONTEXT, "FLUX_1_KONTEXT_DEV", "images")


def qwen(body: Body, strict: bool) -> Commission:
    return _flat(body, strict, QWEN, "QWEN_IMAGE_TEXT_TO_IMAGE")


def qwen_edit(body: Body, strict: bool) -> Commission:
    return _flat(body, strict, QWEN_EDIT, "QWEN_IMAGE_EDIT", "image")


def _flat(body: Body, strict: bool, rules: dict[str, Rule], task_type: str, source: str = "") -> Commission:
    """A function without `request` around its fields; a picture, in the field `source`, is a link or base64."""
    fields(body, rules, "", strict, ("extra",))
    extra = diffusion.options(body.get("extra"), IMAGE_EXTRA, strict)
    if diffusion.BANNED in body["prompt"].lower():
        raise Invalid("prompt: illegal prompt", "ILLEGAL_PROMPT")
    size = _size(body.get("size") or "1024*1024")
    images = body.get(source) or []
    first = images[0] if isinstance(images, list) and images else images
    content, link = given(first, source) if first else ((), None)
    return Commission(
        action=task_type.lower(),
        task_type=task_type,
        prompt=body["prompt"],
        kind=body.get("output_format") or "jpeg",
        draw=draw,
        price=PRICE,
        extra=extra,
        info={name: value for name, value in body.items() if name not in (*FILES, "extra")},
        number=body.get("num_images") or 1,
        seed=body.get("seed"),
        pictures=content,
        link=link,
        details={"size": size, "strength": DEFAULT_STRENGTH},
    )


def given(source: Any, name: str, limits: Limits = diffusion.LARGE) -> tuple[tuple[bytes, ...], str | None]:
    """A picture as (its bytes, no link) or (no bytes, its link)."""
    if not isinstance(source, str) or not source:
        raise Invalid(f"{name}: must be a string")
    if source.lower().startswith(("http://", "https://")):
        return (), source
    found = re.fullmatch(r"data:image/[\w.+-]+;base64,(.*)", source, re.DOTALL | re.IGNORECASE)
    return (decoded(found[1] if found else source, name, limits),), None


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]{3,4})\*([0-9]{3,4})", text)
    if not found or not all(256 <= int(side) <= 1536 for side in found.groups()):
        raise Invalid("size: must be W*H, each 256 to 1536")
    return int(found[1]), int(found[2])


PLANS = {
    "img2img": img2img,
    "txt2img": txt2img,
    "inpainting": inpainting,
    "upscale": upscale,
    "flux-1-kontext-dev": kontext,
    "qwen-image-txt2img": qwen,
    "qwen-image-edit": qwen_edit,
}
ROUTES = [Route(f"/v3/async/{name}", accepting(name, plan), methods=["POST"]) for name, plan in PLANS.items()]

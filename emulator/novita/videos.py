"""Novita AI's videos: Stable Video, AnimateDiff, and the flat functions that came after them."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from PIL import Image
from starlette.routing import Route

from prefect_genmedia.emulator.drawing import pictures
from prefect_genmedia.emulator.drawing.recordings import Drawn, Film
from prefect_genmedia.emulator.novita import diffusion
from prefect_genmedia.emulator.novita.diffusion import EMBEDDING, LORA, VIDEO_EXTRA
from prefect_genmedia.emulator.novita.envelope import Commission, accepting
from prefect_genmedia.emulator.novita.images import given
from prefect_genmedia.emulator.requests.rules import Invalid, Limits, Rule, fields, items, picture
from prefect_genmedia.emulator.server.gallery import Gallery
from prefect_genmedia.emulator.server.orders import Job
from prefect_genmedia.emulator.server.provider import Body

PRICE = 2000  # 0.0001 USD for each video; made up
SEED = Rule("int", False, -1, 9_999_999_999)
SIDES = (480, 720, 832, 1280)
IMG2VIDEO = {
    "model_name": Rule("str", True, choices=("SVD-XT", "SVD")),
    "image_file": Rule("str", True, 1),
    "frames_num": Rule("int", True, choices=(14, 25)),
    "frames_per_second": Rule("int", True, choices=(6,)),
    # The last is the official Python client's name for the first.
    "image_file_resize_mode": Rule(
        "str", True, choices=("ORIGINAL_RESOLUTION", "CROP_TO_ASPECT_RATIO", "ORIGINAL_DIMENSION")
    ),
    "steps": Rule("int", True, 1, 50),
    "seed": Rule("int", False, -1, 2**63 - 1),
    "motion_bucket_id": Rule("int", False, 1, 255),
    "cond_aug": Rule("number", False, 0, 1),
    "enable_frame_interpolation": Rule("bool"),
}
TXT2VIDEO = {
    "model_name": Rule("str", True, 1),
    "height": Rule("int", True, 256, 1024),
    "width": Rule("int", True, 256, 1024),
    "steps": Rule("int", True, 1, 50),
    "prompts": Rule("list", True, 1),
    "negative_prompt": Rule("str", False, 0, 1024),
    "guidance_scale": Rule("number", False, 1, 30),
    "seed": Rule("int", False, -1, 2**63 - 1),
    "closed_loop": Rule("bool"),
    "clip_skip": Rule("int", False, 1, 12),
}
PART = {"frames": Rule("int", True, 8, 64), "prompt": Rule("str", True, 1, 1024)}
HUNYUAN = {
    "model_name": Rule("str", True, choices=("hunyuan-video-fast",)),
    "width": Rule("int", True, choices=(480, 640, 720, 864, 1280)),
    "height": Rule("int", True, choices=(480, 640, 720, 864, 1280)),
    "seed": Rule("int", True, -1, 9_999_999_999),
    "steps": Rule("int", True, 2, 30),
    "prompt": Rule("str", True, 1, 2000),
    "frames": Rule("int", True, 85, 129),
}
WAN = {
    "prompt": Rule("str", True, 1, 2000),
    "negative_prompt": Rule("str", False, 0, 2000),
    "width": Rule("int", choices=SIDES),
    "height": Rule("int", choices=SIDES),
    "loras": Rule("list", False, 0, 3),
    "seed": SEED,
    "steps": Rule("int", False, 1, 40),
    "guidance_scale": Rule("number", False, 0, 10),
    "flow_shift": Rule("number", False, 1, 10),
    "enable_safety_checker": Rule("bool"),
    "fast_mode": Rule("bool"),
}
WAN_LORA = {"path": Rule("str", True, 1), "scale": Rule("number", True, 0, 4)}
KLING_I2V = {
    "mode": Rule("str", choices=("Standard", "Professional")),
    "image_url": Rule("str", True, 1),
    "end_image_url": Rule("str"),
    "prompt": Rule("str", True, 1, 2000),
    "negative_prompt": Rule("str", False, 0, 2000),
    "duration": Rule("int", choices=(5, 10)),
    "guidance_scale": Rule("number", False, 0, 1),
}
KLING_T2V = {
    "prompt": Rule("str", True, 1, 2500),
    "duration": Rule("str", choices=("5", "10")),
    "aspect_ratio": Rule("str", choices=("16:9", "9:16", "1:1")),
    "guidance_scale": Rule("number", False, 0, 1),
    "negative_prompt": Rule("str", False, 0, 2500),
}
HAILUO = {
    "prompt": Rule("str", True, 1, 2000),
    "image": Rule("str"),
    "end_image": Rule("str"),
    "duration": Rule("int", choices=(6, 10)),
    "resolution": Rule("str", choices=("768P", "1080P")),
    "enable_prompt_expansion": Rule("bool"),
    "fast_pretreatment": Rule("bool"),
}
KLING_3 = {
    "image": Rule("str", True, 1),
    "prompt": Rule("str", True, 1, 2500),
    "sound": Rule("bool"),
    "duration": Rule("int", False, 3, 15),
    "cfg_scale": Rule("number", False, 0, 1),
    "end_image": Rule("str"),
    "multi_prompt": Rule("list"),
    "negative_prompt": Rule("str", False, 0, 2500),
}
KLING_3_T2V = {
    **{name: KLING_3[name] for name in ("prompt", "sound", "duration", "cfg_scale", "negative_prompt")},
    "aspect_ratio": KLING_T2V["aspect_ratio"],
}
SHOT = {"prompt": Rule("str", True, 1), "duration": Rule("int", True, 1)}
WAN_27 = {
    **dict.fromkeys(("image_url", "first_clip_url", "last_frame_url", "driving_audio_url"), Rule("str")),
    "prompt": Rule("str", False, 0, 5000),
    "negative_prompt": Rule("str", False, 0, 500),
    "duration": Rule("int", False, 2, 15),
    "resolution": Rule("str", choices=("720P", "1080P")),
    "seed": Rule("int", False, 0, 2**31 - 1),
    "watermark": Rule("bool"),
    "prompt_extend": Rule("bool"),
}
HAILUO_FAST = {**HAILUO, "image": Rule("str", True, 1)}
FILES = ("image_file", "image", "end_image", "image_url", "end_image_url", "extra")  # not repeated in request_info


def draw(gallery: Gallery, job: Job, part: str) -> Drawn:
    """From the given picture, or from one of the prompt's own, to another."""
    details, prompt, size = job.order.details, job.order.prompt, job.order.details["size"]
    last = pictures.scene(prompt, f"{job.seed()}:last", size)
    if details["inputs"]:
        first = gallery.given(details["inputs"][0]).convert("RGB").resize(size)
        return Film(first, pictures.varied(first, last, 0.4), details["seconds"])
    first = pictures.scene(prompt, f"{job.seed()}:first", size)
    return Film(first, first if details.get("loop") else last, details["seconds"])


def _commission(
    body: Body, extra: Body, task_type: str, size: tuple[int, int], seconds: float, **more: Any
) -> Commission:
    prompt = more.pop("prompt", None) or body.get("prompt") or ""
    if diffusion.BANNED in prompt.lower():
        raise Invalid("prompt: illegal prompt", "ILLEGAL_PROMPT")
    return Commission(
        action=task_type.lower(),
        task_type=task_type,
        prompt=prompt,
        kind=extra.get("response_video_type") or "mp4",
        draw=draw,
        price=PRICE,
        extra=extra,
        info={name: value for name, value in body.items() if name not in FILES},
        media="videos",
        seed=body.get("seed"),
        pictures=more.pop("pictures", ()),
        link=more.pop("link", None),
        details={"size": size, "seconds": seconds, **more},
    )


def _checked(body: Body, rules: Mapping[str, Rule], strict: bool, others: tuple[str, ...] = ()) -> Body:
    """The body's `extra`; Invalid if either is not in order."""
    fields(body, rules, "", strict, ("extra", *others))
    return diffusion.options(body.get("extra"), VIDEO_EXTRA, strict)


def img2video(body: Body, strict: bool) -> Commission:
    extra = _checked(body, IMG2VIDEO, strict)
    if body["frames_num"] != {"SVD-XT": 25, "SVD": 14}[body["model_name"]]:
        raise Invalid("frames_num: must be 25 for SVD-XT, 14 for SVD")
    source = picture(body["image_file"], "image_file", Limits(megabytes=30, side=2048))
    with Image.open(io.BytesIO(source)) as opened:
        size = opened.size
    if body["image_file_resize_mode"] == "CROP_TO_ASPECT_RATIO":
        size = (1024, 576) if size[0] >= size[1] else (576, 1024)
    return _commission(body, extra, "IMG_TO_VIDEO", size, body["frames_num"] / 6, pictures=(source,))


def txt2video(body: Body, strict: bool) -> Commission:
    extra = _checked(body, TXT2VIDEO, strict, ("loras", "embeddings"))
    items(body.get("loras"), LORA, "loras", 5, strict)
    items(body.get("embeddings"), EMBEDDING, "embeddings", 5, strict)
    parts = items(body["prompts"], PART, "prompts", None, strict)
    frames = sum(part["frames"] for part in parts)
    if frames > 128:
        raise Invalid("prompts: at most 128 frames in all")
    prompt, loop = ", ".join(part["prompt"] for part in parts), bool(body.get("closed_loop"))
    size = (body["width"], body["height"])
    return _commission(body, extra, "TXT_TO_VIDEO", size, frames / 8, prompt=prompt, loop=loop)


def hunyuan(body: Body, strict: bool) -> Commission:
    extra = _checked(body, HUNYUAN, strict)
    if {body["width"], body["height"]} not in ({640, 480}, {864, 480}, {1280, 720}):
        raise Invalid("width, height: must be 640 and 480, 864 and 480, or 1280 and 720, in either order")
    seconds = body["frames"] / 24
    return _commission(body, extra, "HUNYUAN_VIDEO_FAST", (body["width"], body["height"]), seconds)


def wan(body: Body, strict: bool) -> Commission:
    extra = _checked(body, WAN, strict)
    items(body.get("loras"), WAN_LORA, "loras", 3, strict)
    return _commission(body, extra, "WAN_TXT_TO_VIDEO", (body.get("width") or 832, body.get("height") or 480), 5)


def kling_i2v(body: Body, strict: bool) -> Commission:
    extra = _checked(body, KLING_I2V, strict)
    mode = body.get("mode") or "Standard"
    if body.get("end_image_url") and mode != "Professional":
        raise Invalid("end_image_url: mode must be Professional")
    source, link = given(body["image_url"], "image_url")
    task_type = f"KLING_V16_I2V_{mode.upper()}"
    return _commission(body, extra, task_type, (1280, 720), body.get("duration") or 5, pictures=source, link=link)


def kling_t2v(body: Body, strict: bool) -> Commission:
    extra = _checked(body, KLING_T2V, strict)
    wide, high = map(int, (body.get("aspect_ratio") or "16:9").split(":"))
    return _commission(
        body, extra, "KLING_V21_T2V_MASTER", pictures.shaped(wide, high, 960), int(body.get("duration") or 5)
    )


def hailuo(body: Body, strict: bool, task_type: str = "MINIMAX_HAILUO_02") -> Commission:
    extra = _checked(body, HAILUO, strict)
    source, link = given(body["image"], "image") if body.get("image") else ((), None)
    size = (1920, 1080) if body.get("resolution") == "1080P" else (1366, 768)
    return _commission(body, extra, task_type, size, body.get("duration") or 6, pictures=source, link=link)


def kling_3(body: Body, strict: bool, tier: str) -> Commission:
    extra = _checked(body, KLING_3, strict)
    items(body.get("multi_prompt"), SHOT, "multi_prompt", None, strict)
    if body.get("end_image") and body.get("multi_prompt"):
        raise Invalid("end_image, multi_prompt: cannot be used together")
    source, link = given(body["image"], "image")
    return _commission(
        body, extra, f"KLING_V30_{tier}_I2V", (1280, 720), body.get("duration") or 5, pictures=source, link=link
    )


def kling_3_t2v(body: Body, strict: bool) -> Commission:
    extra = _checked(body, KLING_3_T2V, strict)
    wide, high = map(int, (body.get("aspect_ratio") or "16:9").split(":"))
    size = pictures.shaped(wide, high, 960)
    return _commission(body, extra, "KLING_V30_STD_T2V", size, body.get("duration") or 5)


def wan_27(body: Body, strict: bool) -> Commission:
    extra = _checked(body, WAN_27, strict)
    if bool(body.get("image_url")) == bool(body.get("first_clip_url")):
        raise Invalid("image_url, first_clip_url: exactly one must be provided")
    source, link = given(body["image_url"], "image_url") if body.get("image_url") else ((), None)
    size = (1280, 720) if body.get("resolution") == "720P" else (1920, 1080)
    return _commission(body, extra, "WAN27_I2V", size, body.get("duration") or 5, pictures=source, link=link)


def hailuo_fast(body: Body, strict: bool) -> Commission:
    fields(body, HAILUO_FAST, "", strict, ("extra",))
    return hailuo(body, strict, "MINIMAX_HAILUO_23_FAST_I2V")


NEWER: dict[str, Callable[[Body, bool], Commission]] = {
    "hunyuan-video-fast": hunyuan,
    "wan-t2v": wan,
    "kling-v1.6-i2v": kling_i2v,
    "kling-v2.1-t2v-master": kling_t2v,
    "minimax-hailuo-02": hailuo,
    "kling-v3.0-std-i2v": partial(kling_3, tier="STD"),
    "kling-v3.0-pro-i2v": partial(kling_3, tier="PRO"),
    "kling-v3.0-std-t2v": kling_3_t2v,
    "wan2.7-i2v": wan_27,
    "minimax-hailuo-2.3-fast-i2v": hailuo_fast,
}


PLANS = {"img2video": img2video, "txt2video": txt2video, **NEWER}
ROUTES = [Route(f"/v3/async/{name}", accepting(name, plan), methods=["POST"]) for name, plan in PLANS.items()]

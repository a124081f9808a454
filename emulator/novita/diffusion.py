"""What Novita's Stable Diffusion functions take, checked as its documentation says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prefect_genmedia.emulator.novita.models import CATALOGUE
from prefect_genmedia.emulator.requests.rules import Invalid, Limits, Rule, fields, items, known, mapping, picture

BANNED = "forbidden-by-emulator"
_SAMPLERS = (
    "Euler a|Euler|LMS|Heun|DPM2|DPM2 a|DPM++ 2S a|DPM++ 2M|DPM++ SDE|DPM fast|DPM adaptive|LMS Karras|DPM2 Karras|"
    "DPM2 a Karras|DPM++ 2S a Karras|DPM++ 2M Karras|DPM++ SDE Karras|DDIM|PLMS|UniPC"
)
_PREPROCESSORS = (
    "scribble_hed softedge_hed scribble_hedsafe softedge_hedsafe depth_midas mlsd openpose openpose_face "
    "openpose_faceonly openpose_full openpose_hand dwpose scribble_pidinet softedge_pidinet scribble_pidsafe "
    "softedge_pidsafe normal_bae lineart_coarse lineart_realistic lineart_anime lineart depth_zoe shuffle "
    "mediapipe_face canny depth depth_leres depth_leres++"
)
SAMPLERS = tuple(_SAMPLERS.split("|"))
PREPROCESSORS = tuple(_PREPROCESSORS.split())
UPSCALERS = ("RealESRGAN_x4plus_anime_6B", "RealESRNet_x4plus", "4x-UltraSharp")
LARGE = Limits(megabytes=30)

SHARED = {
    "model_name": Rule("str", True, 1),
    "prompt": Rule("str", True, 1, 1024),
    "image_num": Rule("int", True, 1, 8),
    # Required by the documentation; the official Python client sends null when its caller gives none.
    "steps": Rule("int", False, 1, 100),
    "guidance_scale": Rule("number", True, 1, 30),
    "sampler_name": Rule("str", True, choices=SAMPLERS),
    "negative_prompt": Rule("str", False, 0, 1024),
    "sd_vae": Rule("str"),
    "seed": Rule("int", False, -1, 2**63 - 1),
    "clip_skip": Rule("int", False, 1, 12),
}
SIZED = {"width": Rule("int", True, 128, 2048), "height": Rule("int", True, 128, 2048)}
IMG2IMG = {
    **SHARED,
    **SIZED,
    "image_base64": Rule("str", True, 1),
    "strength": Rule("number", False, 0, 1),
}
TXT2IMG = {
    **SHARED,
    **SIZED,
    "enable_transparent_background": Rule("bool"),
    "restore_faces": Rule("bool"),
}
INPAINTING = {
    **SHARED,
    "image_base64": Rule("str", True, 1),
    "mask_image_base64": Rule("str", True, 1),
    "mask_blur": Rule("int", False, 0, 64),
    "strength": Rule("number", False, 0, 1),
    "inpainting_full_res_padding": Rule("int"),
    "initial_noise_multiplier": Rule("number", False, 0, 1.5),
}
FLAGS = ("inpainting_full_res", "inpainting_mask_invert")  # 0 or 1, true or false
UPSCALE = {
    "model_name": Rule("str", True, choices=UPSCALERS),
    "image_base64": Rule("str", True, 1),
    "scale_factor": Rule("number", True, 1, 4),
}
HIRES = {
    "target_width": Rule("int", True, 128, 4096),
    "target_height": Rule("int", True, 128, 4096),
    "strength": Rule("number", True, 0, 1),
    "upscaler": Rule("str", choices=("RealESRGAN_x4plus_anime_6B", "RealESRNet_x4plus", "Latent")),
}
REFINER = {"switch_at": Rule("number", True, 0, 1)}
UNIT = {
    "model_name": Rule("str", True, 1),
    "image_base64": Rule("str", True, 1),
    "strength": Rule("number", True, 0, 1),
    "preprocessor": Rule("str", choices=PREPROCESSORS),
    "guidance_start": Rule("number", False, 0, 1),
    "guidance_end": Rule("number", False, 0, 1),
}
LORA = {"model_name": Rule("str", True, 1), "strength": Rule("number", True, 0, 1)}
EMBEDDING = {"model_name": Rule("str", True, 1)}
IP_ADAPTER = {
    "model_name": Rule("str", True, choices=("ip-adapter_sd15.bin", "ip-adapter_sdxl.bin")),
    "image_base64": Rule("str", True, 1),
    "strength": Rule("number", True, 0, 1),
}
IMAGE_EXTRA = {
    "response_image_type": Rule("str", choices=("png", "webp", "jpeg")),
    "enable_nsfw_detection": Rule("bool"),
    "nsfw_detection_level": Rule("int", False, 0, 2),
}
VIDEO_EXTRA = {"response_video_type": Rule("str", choices=("mp4", "gif"))}
WEBHOOK = {"url": Rule("str", True, 1)}
TEST_MODE = {
    "enabled": Rule("bool", True),
    "return_task_status": Rule("str", True, choices=("TASK_STATUS_SUCCEED", "TASK_STATUS_FAILED")),
}
STORAGE = {
    "region": Rule("str", True, 1),
    "bucket": Rule("str", True, 1),
    "path": Rule("str", True, 1),
    "save_to_path_directly": Rule("bool"),
}


@dataclass(frozen=True)
class Checked:
    request: dict[str, Any]
    extra: dict[str, Any]
    pictures: tuple[bytes, ...] = ()  # the source, and for inpainting the mask


def img2img(body: dict[str, Any], strict: bool) -> Checked:
    """The body if it is in order, or Invalid. Decodes pictures: call it in a thread."""
    request, extra = _parts(body, strict)
    fields(request, IMG2IMG, "request", strict, ("controlnet", "loras", "embeddings", "ip_adapters", "extra"))
    units = _controlnet(request.get("controlnet"), strict)
    adapters = items(request.get("ip_adapters"), IP_ADAPTER, "request.ip_adapters", 1, strict)
    _weights(request, strict)
    _moderated(request)
    source = picture(request["image_base64"], "request.image_base64")
    for place, unit in enumerate(units):
        picture(unit["image_base64"], f"request.controlnet.units[{place}].image_base64")
    for place, adapter in enumerate(adapters):
        picture(adapter["image_base64"], f"request.ip_adapters[{place}].image_base64")
    return Checked(request, extra, (source,))


def txt2img(body: dict[str, Any], strict: bool) -> Checked:
    request, extra = _parts(body, strict)
    # The official Python client sends all that any of its requests knows, null where unset.
    fields(request, TXT2IMG, "request", strict, ("hires_fix", "refiner", "loras", "embeddings", "controlnet", "extra"))
    for name, rules in (("hires_fix", HIRES), ("refiner", REFINER)):
        if request.get(name) is not None:
            fields(mapping(request[name], f"request.{name}"), rules, f"request.{name}", strict)
    _weights(request, strict)
    _moderated(request)
    if request.get("enable_transparent_background"):
        if (extra.get("response_image_type") or "png") != "png":
            raise Invalid("request.enable_transparent_background: extra.response_image_type must be png")
        if not _is_sdxl(request["model_name"]):
            raise Invalid("request.enable_transparent_background: request.model_name must be an SDXL model")
    return Checked(request, extra)


def inpainting(body: dict[str, Any], strict: bool) -> Checked:
    """Decodes pictures: call it in a thread."""
    request, extra = _parts(body, strict)
    fields(request, INPAINTING, "request", strict, (*FLAGS, "loras", "embeddings", "extra"))
    for name in FLAGS:
        if request.get(name) not in (None, 0, 1):
            raise Invalid(f"request.{name}: must be one of 0, 1")
    _weights(request, strict)
    _moderated(request)
    source = picture(request["image_base64"], "request.image_base64", LARGE)
    return Checked(request, extra, (source, picture(request["mask_image_base64"], "request.mask_image_base64", LARGE)))


def upscale(body: dict[str, Any], strict: bool) -> Checked:
    """Decodes pictures: call it in a thread."""
    request, extra = _parts(body, strict)
    fields(request, UPSCALE, "request", strict, ("extra",))
    if request["scale_factor"] == 1:
        raise Invalid("request.scale_factor: must be more than 1")
    limits = Limits(megabytes=30, side=2048)
    return Checked(request, extra, (picture(request["image_base64"], "request.image_base64", limits),))


def options(value: Any, rules: Mapping[str, Rule], strict: bool) -> dict[str, Any]:
    """The `extra` of any request."""
    extra = mapping(value, "extra")
    fields(extra, rules, "extra", strict, ("webhook", "custom_storage", "enterprise_plan"))
    webhook = mapping(extra.get("webhook"), "extra.webhook")
    if webhook:
        fields(webhook, WEBHOOK, "extra.webhook", strict, ("test_mode",))
        if test_mode := mapping(webhook.get("test_mode"), "extra.webhook.test_mode"):
            fields(test_mode, TEST_MODE, "extra.webhook.test_mode", strict)
    # The official Python client sends {} for a storage and for a plan that nobody set.
    if storage := mapping(extra.get("custom_storage"), "extra.custom_storage"):
        if strict:
            known(storage, ["aws_s3"], "extra.custom_storage")
        if s3 := mapping(storage.get("aws_s3"), "extra.custom_storage.aws_s3"):
            fields(s3, STORAGE, "extra.custom_storage.aws_s3", strict)
            if not re.fullmatch(r"[a-z0-9.-]+ [a-z0-9-]+", f"{s3['bucket']} {s3['region']}"):
                raise Invalid("extra.custom_storage.aws_s3: no such bucket", "INVALID_CUSTOM_OUTPUT_PATH")
    plan = mapping(extra.get("enterprise_plan"), "extra.enterprise_plan")
    fields(plan, {"enabled": Rule("bool")}, "extra.enterprise_plan", strict)
    return extra


def _parts(body: dict[str, Any], strict: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    request = body.get("request")
    if not isinstance(request, dict):
        raise Invalid("request: must be an object; a flat body is not taken")
    if strict:
        known(body, ["extra", "request"], "")
    return request, options(body.get("extra"), IMAGE_EXTRA, strict)


def _weights(request: dict[str, Any], strict: bool) -> None:
    items(request.get("loras"), LORA, "request.loras", 5, strict)
    items(request.get("embeddings"), EMBEDDING, "request.embeddings", 5, strict)


def _moderated(request: dict[str, Any]) -> None:
    if BANNED in request["prompt"].lower():
        raise Invalid("request.prompt: illegal prompt", "ILLEGAL_PROMPT")


def _controlnet(value: Any, strict: bool) -> list[dict[str, Any]]:
    controlnet = mapping(value, "request.controlnet")
    if value is not None and controlnet.get("units") is None:
        raise Invalid("request.controlnet.units: is required")
    if strict:
        known(controlnet, ["units"], "request.controlnet")
    return items(controlnet.get("units"), UNIT, "request.controlnet.units", None, strict)


def _is_sdxl(name: str) -> bool:
    listed = {model["sd_name"]: bool(model["is_sdxl"]) for model in CATALOGUE}
    return listed.get(name, "xl" in name.lower())

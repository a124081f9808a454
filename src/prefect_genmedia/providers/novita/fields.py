"""Request parts that Novita's image operations share.

Source: novita.ai/docs/api-reference/model-apis-img2img. Ranges are the vendor's.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints

from prefect_genmedia.given import Several
from prefect_genmedia.media.pictures import GivenPicture, PictureLimit
from prefect_genmedia.operation import Request

Sampler = Literal[
    "Euler a", "Euler", "LMS", "Heun", "DPM2", "DPM2 a", "DPM++ 2S a", "DPM++ 2M", "DPM++ SDE", "DPM fast",
    "DPM adaptive", "LMS Karras", "DPM2 Karras", "DPM2 a Karras", "DPM++ 2S a Karras", "DPM++ 2M Karras",
    "DPM++ SDE Karras", "DDIM", "PLMS", "UniPC",
]  # fmt: skip
Preprocessor = Literal[
    "scribble_hed", "softedge_hed", "scribble_hedsafe", "softedge_hedsafe", "depth_midas", "mlsd", "openpose",
    "openpose_face", "openpose_faceonly", "openpose_full", "openpose_hand", "dwpose", "scribble_pidinet",
    "softedge_pidinet", "scribble_pidsafe", "softedge_pidsafe", "normal_bae", "lineart_coarse",
    "lineart_realistic", "lineart_anime", "lineart", "depth_zoe", "shuffle", "mediapipe_face", "canny", "depth",
    "depth_leres", "depth_leres++",
]  # fmt: skip
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Prompt = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1024)]
NegativePrompt = Annotated[str, StringConstraints(max_length=1024)]
Share = Annotated[float, Field(ge=0, le=1)]
Side = Annotated[int, Field(ge=128, le=2048)]
WebUrl = Annotated[str, StringConstraints(pattern=r"^https?://")]
# The vendor's limit for img2img. No page names the formats; these three it answers with.
InputPicture = Annotated[GivenPicture, PictureLimit(megapixels=16, megabytes=10, formats=("JPEG", "PNG", "WEBP"))]

SWITCH = "unverified_callback"


class Part(Request):
    """A request, or a part of one."""

    # model_name is the vendor's own field name.
    model_config = ConfigDict(protected_namespaces=())


class FlatRequest(Part):
    """A request without `extra` on its page."""

    unverified_callback: bool = False
    """Ask for a callback all the same, in extra.webhook.url as older pages of such endpoints have it. Whether Novita
    takes it here, refuses it or ignores it is not known: try it once."""

    def body(self, pictures: dict[int, str]) -> dict[str, Any]:
        body = super().body(pictures)
        del body["unverified_callback"]
        return body


class Lora(Part):
    """A LoRA and how strongly it counts."""

    model_name: Name
    """The LoRA's sd_name_in_api, from the model query with type lora."""
    strength: Share
    """0 to 1; the larger, the more it counts."""


class Embedding(Part):
    """A textual inversion."""

    model_name: Name
    """The embedding's sd_name_in_api, from the model query with type textualinversion."""


class ControlNetUnit(Part):
    """One ControlNet and the picture that steers it."""

    model_name: Name
    """For example control_v11p_sd15_canny (SD 1.5) or controlnet-canny-sdxl-1.0 (SDXL)."""
    image: InputPicture = Field(serialization_alias="image_base64")
    """The picture that steers."""
    strength: Share = 1.0
    """0 to 1; the larger, the more it counts."""
    preprocessor: Preprocessor | None = None
    """What is drawn from the picture before it is used."""
    guidance_start: Share | None = None
    """Share of the steps after which it starts to count."""
    guidance_end: Share | None = None
    """Share of the steps after which it stops counting."""


class ControlNet(Part):
    """ControlNet units."""

    units: Annotated[Several[ControlNetUnit], Field(min_length=1)]
    """One or more units."""


class IpAdapter(Part):
    """A picture as prompt."""

    model_name: Literal["ip-adapter_sd15.bin", "ip-adapter_sdxl.bin"]
    """ip-adapter_sdxl.bin for SDXL checkpoints, ip-adapter_sd15.bin for SD 1.x."""
    image: InputPicture = Field(serialization_alias="image_base64")
    """The picture that prompts."""
    strength: Share
    """0 to 1; the larger, the more it counts."""


class TestMode(Part):
    """A mock callback instead of a real one."""

    __test__ = False  # pytest would take the name for a test's

    enabled: bool
    """Send a mock event."""
    return_task_status: Literal["TASK_STATUS_SUCCEED", "TASK_STATUS_FAILED"]
    """What the mock event says."""


class Webhook(Part):
    """Your own callback address instead of the pack's."""

    url: WebUrl
    """Where Novita posts the finished job."""
    test_mode: TestMode | None = None
    """Have a mock event sent."""


class AwsS3(Part):
    """A bucket of yours; its policy must let Novita write."""

    region: Name
    """AWS region."""
    bucket: Name
    """Bucket name."""
    path: Name
    """Path in the bucket."""
    save_to_path_directly: bool | None = None
    """True: exactly into path; false (Novita's default): into a folder of its own below."""


class CustomStorage(Part):
    """Where the results go instead of Novita's own temporary store."""

    aws_s3: AwsS3
    """Your bucket."""


class EnterprisePlan(Part):
    """Dedicated endpoints, for those who have booked them."""

    enabled: bool
    """Use the dedicated endpoints."""


class ImageExtra(Part):
    """What is asked for beside the picture itself."""

    response_image_type: Literal["png", "webp", "jpeg"] = "png"
    """File type of the results."""
    enable_nsfw_detection: bool | None = None
    """Check the results; 0.0015 USD a picture."""
    nsfw_detection_level: Literal[0, 1, 2] | None = None
    """0: explicit; 1: also partial nudity and kissing; 2: also swimwear and underwear."""
    webhook: Webhook | None = None
    """Your own callback instead of the pack's; a lost reply can then not be settled by itself."""
    custom_storage: CustomStorage | None = None
    """Results into a bucket of yours."""
    enterprise_plan: EnterprisePlan | None = None
    """Dedicated endpoints."""


class VideoExtra(Part):
    """What is asked for beside the video itself."""

    response_video_type: Literal["mp4", "gif"] = "mp4"
    """File type of the result."""
    webhook: Webhook | None = None
    """Your own callback instead of the pack's; a lost reply can then not be settled by itself."""
    enterprise_plan: EnterprisePlan | None = None
    """Dedicated endpoints."""


class ImageRequest(Part):
    """The fields that every Stable Diffusion operation of Novita has."""

    model_name: Name
    """The checkpoint's sd_name, from the model query with type checkpoint."""
    prompt: Prompt
    """What to draw, 1 to 1024 characters, parts divided by commas."""
    image_num: Annotated[int, Field(ge=1, le=8)] = 1
    """How many pictures, 1 to 8; each is billed."""
    steps: Annotated[int, Field(ge=1, le=100)] = 20
    """Denoising steps, 1 to 100."""
    guidance_scale: Annotated[float, Field(ge=1, le=30)] = 7.5
    """How closely the prompt is followed, 1 to 30."""
    sampler_name: Sampler = "Euler a"
    """The denoising algorithm."""
    negative_prompt: NegativePrompt | None = None
    """What to leave out, up to 1024 characters."""
    sd_vae: Name | None = None
    """A VAE's sd_name."""
    seed: Annotated[int, Field(ge=-1)] = -1
    """-1 draws a seed."""
    loras: Annotated[Several[Lora], Field(max_length=5)] | None = None
    """Up to 5 LoRAs."""
    embeddings: Annotated[Several[Embedding], Field(max_length=5)] | None = None
    """Up to 5 textual inversions."""
    clip_skip: Annotated[int, Field(ge=1, le=12)] | None = None
    """CLIP layers to leave out, 1 to 12."""
    extra: ImageExtra = ImageExtra()
    """What is asked for beside the picture itself."""

    def body(self, pictures: dict[int, str]) -> dict[str, Any]:
        flat = super().body(pictures)
        return {"extra": flat.pop("extra"), "request": flat}

    def canonical(self, digests: dict[int, str]) -> dict[str, Any]:
        flat = super().canonical(digests)
        flat["extra"].pop("webhook", None)
        return flat

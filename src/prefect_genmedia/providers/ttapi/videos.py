"""TTAPI's video products: Grok, Gemini, Sora (TTAPI's own channel and a partner's) and Luma.

Sources: docs.ttapi.io/api/en/grok, /gemini and /sora, the newest stored copies; ttapi.io/docs/apiReference/luma (older,
by the vendor). Nothing here was checked against the live service.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_serializer, model_validator

from prefect_genmedia.given import Several
from prefect_genmedia.operation import Operation, Route
from prefect_genmedia.providers.ttapi.envelope import TTAPI
from prefect_genmedia.providers.ttapi.fields import CallbackUrl, TTAPIRequest, VideoResult, WebUrl, Words, video_links

# The newer of Grok's two models is the narrower one.
PREVIEW = "grok-imagine-video-1.5-preview"


class GrokVideoRequest(TTAPIRequest):
    """A video to make with Grok."""

    prompt: Words
    """What happens."""
    model: Literal["grok-imagine-1.0-video", "grok-imagine-video-1.5-preview"] | None = None
    """Model. grok-imagine-video-1.5-preview makes up to 15 seconds, and from exactly one reference picture."""
    aspect_ratio: Literal["2:3", "3:2", "1:1", "9:16", "16:9"] | None = None
    """Shape of the video; 16:9 by TTAPI's default."""
    video_length: Annotated[int, Field(ge=1, le=30)] | None = None
    """Seconds, 1 to 30, for the preview model 1 to 15; 10 by TTAPI's default."""
    resolution_name: Literal["480p", "720p"] | None = None
    """Resolution; 720p by TTAPI's default."""
    refer_images: Several[WebUrl] | None = None
    """Web addresses of pictures to go by."""
    hook_url: CallbackUrl | None = None
    """Your own callback address instead of the pack's."""

    @model_validator(mode="after")
    def _preview_is_narrower(self) -> Self:
        if self.model == PREVIEW:
            if self.video_length is not None and self.video_length > 15:
                raise ValueError(f"{PREVIEW} makes videos of 1 to 15 seconds")
            if len(self.refer_images or ()) != 1:
                raise ValueError(f"{PREVIEW} needs exactly one picture in refer_images")
        return self

    @field_serializer("video_length")
    def _length_is_text(self, seconds: int | None) -> str | None:
        return None if seconds is None else str(seconds)


class GeminiVideoRequest(TTAPIRequest):
    """A video to make with Gemini. Its page has neither a duration nor a resolution."""

    prompt: Words
    """What happens."""
    aspect_ratio: Literal["16:9", "9:16"]
    """Shape of the video."""
    model: Literal["omni-flash"] = "omni-flash"
    """Model; there is no other."""
    reference_images: Several[WebUrl] | None = None
    """Web addresses of pictures and videos to go by."""
    hook_url: CallbackUrl | None = Field(default=None, serialization_alias="hookUrl")
    """Your own callback address instead of the pack's."""


class SoraVideoRequest(TTAPIRequest):
    """A video to make with Sora 2."""

    prompt: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
    """What happens, up to 4000 characters."""
    model: Literal["sora-2", "sora-2-pro"] = "sora-2"
    """Model; sora-2-pro is larger and may be longer."""
    refer_images: Annotated[Several[WebUrl], Field(max_length=1)] | None = Field(
        default=None, serialization_alias="referImages"
    )
    """Web address of a picture to go by, without real people and brands. TTAPI uses one and no more."""
    orientation: Literal["portrait", "landscape"] | None = None
    """Upright or wide."""
    duration: Literal[10, 15, 25] | None = None
    """Seconds; 25 for sora-2-pro only. By TTAPI's default 10, with sora-2-pro 15."""
    size: Literal["small", "large"] | None = None
    """Quality of sora-2-pro; 25 seconds are small only."""
    character_url: WebUrl | None = None
    """Web address of a video, without real people, from which a character is taken."""
    character_timestamps: Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)?,\d+(\.\d+)?$")] | None = None
    """Where the character is seen in it, from and to in seconds, 1 to 3 seconds apart: 1,3."""
    private: bool | None = None
    """Not shown to others."""
    hook_url: CallbackUrl | None = Field(default=None, serialization_alias="hookUrl")
    """Your own callback address instead of the pack's."""

    @model_validator(mode="after")
    def _pro_has_more(self) -> Self:
        if self.model != "sora-2-pro" and (self.duration == 25 or self.size is not None):
            raise ValueError("25 seconds and a size are for sora-2-pro only")
        if self.duration == 25 and self.size == "large":
            raise ValueError("25 seconds are size small only")
        return self


class SoraPartnerVideoRequest(TTAPIRequest):
    """A video to make with Sora 2, by a partner's channel. It takes no callback and no characters."""

    prompt: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=32_000)]
    """What happens, up to 32000 characters."""
    model: Literal["sora-2", "sora-2-pro"] = "sora-2"
    """Model."""
    input_reference: WebUrl | None = None
    """Web address of a picture to go by, exactly as large as `size`."""
    seconds: Literal[4, 8, 12] = 4
    """Seconds: 4, 8 or 12."""
    size: Literal["720x1280", "1280x720", "1024x1792", "1792x1024"] = "720x1280"
    """Size in pixels."""


class LumaVideoRequest(TTAPIRequest):
    """A video to make with Luma."""

    prompt: Words = Field(serialization_alias="userPrompt")
    """What happens; English works best."""
    aspect_ratio: Literal["9:16", "3:4", "1:1", "4:3", "16:9", "21:9"] | None = Field(
        default=None, serialization_alias="aspectRatio"
    )
    """Shape of the video; 9:16 by TTAPI's default."""
    model: Literal["ray-v1", "ray-v2", "ray-v2-flash", "ray-v3", "ray-v3-reasoning"] | None = Field(
        default=None, serialization_alias="modelName"
    )
    """Model; ray-v3 by TTAPI's default."""
    image_url: WebUrl | None = Field(default=None, serialization_alias="imageUrl")
    """Web address of the first picture."""
    image_end_url: WebUrl | None = Field(default=None, serialization_alias="imageEndUrl")
    """Web address of the last picture."""
    duration: Literal["5s", "10s"] = "5s"
    """Length; 10s in 720p only."""
    resolution: Literal["720p", "1080p"] = "720p"
    """Resolution."""
    loop: bool | None = None
    """A video that ends where it begins."""
    use_mode: Literal["relax", "fast"] = Field(default="relax", serialization_alias="useMode")
    """Speed, and price: relax (up to 30 minutes) or fast (about 5 minutes)."""
    hook_url: CallbackUrl | None = Field(default=None, serialization_alias="hookUrl")
    """Your own callback address instead of the pack's."""

    @model_validator(mode="after")
    def _long_is_small(self) -> Self:
        if self.duration == "10s" and self.resolution == "1080p":
            raise ValueError("10s are for 720p only")
        return self


GROK_VIDEO = Operation(
    name="ttapi.grok_video",
    provider=TTAPI,
    submit=Route("POST", "/grok/generations"),
    fetch=Route("GET", "/grok/fetch", job_id="jobId"),
    request=GrokVideoRequest,
    result=VideoResult,
    links=video_links,
    source="https://docs.ttapi.io/api/en/grok/generations",
    callback=("hook_url",),
    typical_seconds=180,
    deadline_seconds=3600,
)
GEMINI_VIDEO = Operation(
    name="ttapi.gemini_video",
    provider=TTAPI,
    submit=Route("POST", "/gemini/video/generations"),
    fetch=Route("GET", "/gemini/video/fetch", job_id="jobId"),
    request=GeminiVideoRequest,
    result=VideoResult,
    links=video_links,
    source="https://docs.ttapi.io/api/en/gemini/video-generations",
    callback=("hookUrl",),
    typical_seconds=180,
    deadline_seconds=3600,
)
SORA_VIDEO = Operation(
    name="ttapi.sora_video",
    provider=TTAPI,
    submit=Route("POST", "/sora/generations"),
    fetch=Route("GET", "/sora/fetch", job_id="jobId"),
    request=SoraVideoRequest,
    result=VideoResult,
    links=video_links,
    source="https://docs.ttapi.io/api/en/sora/generations",
    callback=("hookUrl",),
    typical_seconds=300,
    deadline_seconds=3600,
)
SORA_PARTNER_VIDEO = Operation(
    name="ttapi.sora_partner_video",
    provider=TTAPI,
    submit=Route("POST", "/sora-partner/generations"),
    fetch=Route("GET", "/sora-partner/fetch", job_id="job_id"),
    request=SoraPartnerVideoRequest,
    result=VideoResult,
    links=video_links,
    source="https://docs.ttapi.io/api/en/sora/v1-videos",
    typical_seconds=300,
    deadline_seconds=3600,
    lifecycle="documented; whether its fetch calls the id job_id, as its page does, or jobId is not sure",
)
LUMA_VIDEO = Operation(
    name="ttapi.luma_video",
    provider=TTAPI,
    submit=Route("POST", "/luma/v1/generations"),
    fetch=Route("GET", "/luma/v1/fetch", job_id="jobId"),
    request=LumaVideoRequest,
    result=VideoResult,
    links=video_links,
    source="https://ttapi.io/docs/apiReference/luma",
    callback=("hookUrl",),
    typical_seconds=600,
    deadline_seconds=5400,
    lifecycle="on the vendor's older pages only; no page shows its answer, so every video that it names is taken",
)

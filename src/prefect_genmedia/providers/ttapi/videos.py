"""TTAPI's video products: Grok and Gemini.

Sources: docs.ttapi.io/api/en/grok and /gemini, the newest stored copies. Nothing here was checked against the live
service.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_serializer, model_validator

from prefect_genmedia.operation import Operation, Route, Several
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
    hook_url: CallbackUrl | None = Field(default=None, validation_alias="hookUrl", serialization_alias="hookUrl")
    """Your own callback address instead of the pack's."""


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

"""TTAPI's other video products: Grok and Veo.

Sources: docs.ttapi.io/api/en/grok for Grok; for Veo a public client's code only. TTAPI's further products (Suno, Flux,
GPT image, Luma, ...) are bought through ttapi.job. Nothing here was checked against the live service.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, field_serializer

from prefect_genmedia.operation import Operation, Route, Several
from prefect_genmedia.providers.ttapi.envelope import TTAPI
from prefect_genmedia.providers.ttapi.fields import CallbackUrl, TTAPIRequest, VideoResult, WebUrl, video_links

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Ratio = Annotated[str, StringConstraints(pattern=r"^[1-9]\d*:[1-9]\d*$")]


class GrokVideoRequest(TTAPIRequest):
    """A video to make with Grok. Which fields but the prompt are needed is not known."""

    prompt: Words
    """What happens."""
    aspect_ratio: Ratio | None = None
    """Shape of the video, such as 16:9."""
    video_length: Annotated[int, Field(ge=10, le=30)] | None = None
    """Seconds, 10 to 30."""
    resolution_name: Words | None = None
    """Resolution, as TTAPI's page names it."""
    refer_images: Several[WebUrl] | None = None
    """Web addresses of pictures to go by."""
    hook_url: CallbackUrl | None = None
    """Your own callback address instead of the pack's."""

    @field_serializer("video_length")
    def _length_is_text(self, seconds: int | None) -> str | None:
        return None if seconds is None else str(seconds)


class VeoVideoRequest(TTAPIRequest):
    """A video to make with Veo. Which fields but the prompt are needed is not known."""

    prompt: Words
    """What happens."""
    model: Words | None = None
    """Model, as TTAPI names it."""
    aspect_ratio: Ratio | None = None
    """Shape of the video, such as 16:9."""
    resolution: Words | None = None
    """Resolution, as TTAPI names it."""
    duration: Annotated[str, StringConstraints(pattern=r"^\d+$")] = "8"
    """Seconds, as text."""


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
VEO_VIDEO = Operation(
    name="ttapi.veo_video",
    provider=TTAPI,
    submit=Route("POST", "/gemini/video/generations"),
    fetch=Route("GET", "/gemini/video/fetch", job_id="jobId"),
    request=VeoVideoRequest,
    result=VideoResult,
    links=video_links,
    source="https://docs.ttapi.io",
    typical_seconds=180,
    deadline_seconds=3600,
    lifecycle="known from a client's code only; takes no callback, so a lost reply cannot be settled by itself",
)

"""Midjourney video through TTAPI: from a picture, and longer.

Source: docs.ttapi.io/api/ru/videoapi. The submit pages are the vendor's; no page tells how a job is fetched or what
a finished one looks like: the fetch path is that of the edits by analogy, and links are looked for under any name
with "video" in it. Nothing here was checked against the live service.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from prefect_genmedia.operation import Operation, Route
from prefect_genmedia.providers.ttapi.envelope import TTAPI
from prefect_genmedia.providers.ttapi.fields import (
    FINDER,
    QUEUE,
    CallbackUrl,
    JobId,
    TTAPIRequest,
    VideoResult,
    WebUrl,
    video_links,
)
from prefect_genmedia.providers.ttapi.midjourney import Prompt


class VideoRequest(TTAPIRequest):
    """A picture to set in motion: clips of 5 seconds."""

    prompt: Prompt
    """What happens, in Midjourney's own words."""
    image_url: WebUrl = Field(serialization_alias="imageUrl")
    """Web address of the first picture."""
    ending_url: WebUrl | None = Field(default=None, serialization_alias="endingUrl")
    """Web address of the last picture."""
    model: Literal["fast"] = "fast"
    """Speed; there is only fast. Older pages call it mode."""
    manual: Literal["low", "high"] = "low"
    """How much moves."""
    resolution: Literal["hd", "sd"] = "sd"
    """Resolution of the clips."""
    clips: Literal[1, 2, 4] = Field(default=4, serialization_alias="bs")
    """How many clips: 1, 2 or 4."""
    hook_url: CallbackUrl | None = Field(default=None, serialization_alias="hookUrl")
    """Your own callback address instead of the pack's."""


class ExtendVideoRequest(TTAPIRequest):
    """A clip of a finished video job to make 5 seconds longer."""

    job_id: JobId = Field(serialization_alias="jobId")
    """The provider's id of the finished video job (JobResult.job.job_id)."""
    index: Literal[0, 1, 2, 3]
    """Which of its clips, 0 to 3."""
    manual: Literal["low", "high"] = "low"
    """How much moves."""
    animate_mode: Literal["auto", "manual"] = Field(default="auto", serialization_alias="animateMode")
    """auto: Midjourney decides what happens; manual: it goes by the prompt."""
    clips: Literal[1, 2, 4] = Field(default=4, serialization_alias="bs")
    """How many clips: 1, 2 or 4."""
    hook_url: CallbackUrl | None = Field(default=None, serialization_alias="hookUrl")
    """Your own callback address instead of the pack's."""

    def describe(self) -> str:
        return f"clip {self.index} of {self.job_id[:8]}"


FETCH = Route("GET", "/midjourney/video/fetch", job_id="jobId")
LIFECYCLE = "the submit is documented; the fetch path and the answer are inferred"

VIDEO = Operation(
    name="midjourney.video",
    provider=TTAPI,
    submit=Route("POST", "/midjourney/video/submit"),
    fetch=FETCH,
    request=VideoRequest,
    result=VideoResult,
    links=video_links,
    files_due=lambda request: request.get("clips"),
    source="https://docs.ttapi.io/api/ru/videoapi/submit",
    callback=("hookUrl",),
    witness=FINDER,
    queue_name="midjourney.video",
    queue_limit=QUEUE,
    typical_seconds=180,
    deadline_seconds=3600,
    lifecycle=LIFECYCLE,
)
EXTEND_VIDEO = Operation(
    name="midjourney.extend_video",
    provider=TTAPI,
    submit=Route("POST", "/midjourney/video/extend"),
    fetch=FETCH,
    request=ExtendVideoRequest,
    result=VideoResult,
    links=video_links,
    files_due=lambda request: request.get("clips"),
    source="https://docs.ttapi.io/api/ru/videoapi/extend",
    callback=("hookUrl",),
    witness=FINDER,
    queue_name="midjourney.video",
    queue_limit=QUEUE,
    typical_seconds=180,
    deadline_seconds=3600,
    lifecycle=LIFECYCLE,
)

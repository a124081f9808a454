"""What Novita's task-result says of a finished job: pictures, videos, sounds.

Source: novita.ai/docs/api-reference/model-apis-task-result.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from prefect_genmedia.errors import ResponseFormatError
from prefect_genmedia.operation import Link, Route
from prefect_genmedia.providers.answer import Answer, Rows, Text


def _seconds(value: Any) -> Any:
    return None if value in (None, "") else int(float(value))


# Seconds that a link lives: "3600" in most examples, 604800 in one.
Ttl = Annotated[int | None, BeforeValidator(_seconds)]


class NsfwFinding(Answer):
    """What the NSFW check says of one picture."""

    valid: bool | None = None
    """Did the check work?"""
    confidence: float | None = None
    """0 to 100; the higher, the likelier NSFW."""


class NovitaImage(Answer):
    """One result picture. Its link is given without the signature; the file is in JobResult.media."""

    image_url: str = ""
    image_type: Text = None
    image_url_ttl: Ttl = None
    """Seconds that the link lives."""
    nsfw_detection_result: NsfwFinding | None = None


class NovitaVideo(Answer):
    """One result video. Its link is given without the signature; the file is in JobResult.media."""

    video_url: str = ""
    video_type: Text = None
    """mp4 or gif."""
    video_url_ttl: Ttl = None
    """Seconds that the link lives."""


class AudioFacts(Answer):
    """Which words a sound speaks, and when."""

    text: Text = None
    start_time: float | None = None
    end_time: float | None = None


class NovitaAudio(Answer):
    """One result sound. Its link is given without the signature; the file is in JobResult.media."""

    audio_url: str = ""
    audio_type: Text = None
    audio_url_ttl: Ttl = None
    """Seconds that the link lives."""
    audio_metadata: AudioFacts | None = None


class NovitaTask(Answer):
    """The job as Novita sees it."""

    task_id: Text = None
    task_type: Text = None
    status: Text = None
    reason: Text = None


class NovitaExtra(Answer):
    """What Novita says beside the files."""

    seed: Text = None
    enable_nsfw_detection: bool | None = None


class NovitaResult(Answer):
    """A finished Novita job."""

    task: NovitaTask = NovitaTask()
    images: Annotated[tuple[NovitaImage, ...], Rows] = ()
    videos: Annotated[tuple[NovitaVideo, ...], Rows] = ()
    audios: Annotated[tuple[NovitaAudio, ...], Rows] = ()
    about: NovitaExtra = Field(default=NovitaExtra(), validation_alias="extra", serialization_alias="extra")
    """Novita's own `extra`: the seed and the NSFW switch."""

    @property
    def seed(self) -> str | None:
        return self.about.seed


FETCH = Route("GET", "/v3/async/task-result", job_id="task_id")
CALLBACK = ("extra", "webhook", "url")
LIFECYCLE = "left the vendor's sitemap on 2026-08-19, no retirement notice found"


def picture_urls(result: NovitaResult) -> dict[int, str]:
    """Each picture's link by its place."""
    return {place: image.image_url for place, image in enumerate(result.images) if image.image_url}


def video_links(result: NovitaResult, request: dict[str, Any]) -> list[Link]:
    """One link a video."""
    found = [Link(video.video_url, "video", kind="video") for video in result.videos if video.video_url]
    if not found:
        raise ResponseFormatError("the finished job names no video")
    return found


def all_links(result: NovitaResult, request: dict[str, Any]) -> list[Link]:
    """Every picture, video and sound."""
    found = [
        *(Link(url, "image") for url in picture_urls(result).values()),
        *(Link(video.video_url, "video", kind="video") for video in result.videos if video.video_url),
        *(Link(audio.audio_url, "audio", kind="audio") for audio in result.audios if audio.audio_url),
    ]
    if not found:
        raise ResponseFormatError("the finished job names no picture, video or sound")
    return found

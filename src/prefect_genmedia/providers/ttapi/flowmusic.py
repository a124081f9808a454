"""FlowMusic (Google Flow Music, Lyria) through TTAPI: songs, and changes to their clips.

Source: docs.ttapi.io/api/en/flowmuisc (so spelled). No page tells how lyrics are asked for, only what a finished
lyrics job looks like; what a finished song looks like is inferred from that. Nothing here was checked live.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, StringConstraints, field_serializer, model_validator

from prefect_genmedia.errors import ResponseFormatError
from prefect_genmedia.given import becomes
from prefect_genmedia.operation import Link, Operation, Route
from prefect_genmedia.providers.answer import Rows, Text, Url
from prefect_genmedia.providers.ttapi.envelope import TTAPI
from prefect_genmedia.providers.ttapi.fields import (
    CallbackUrl,
    TTAPIAnswer,
    TTAPIRequest,
    TTAPIResult,
    Words,
    urls_in,
)

ClipId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Seconds = Annotated[float, Field(ge=0)]
# TTAPI takes this one as text.
TextSeed = Annotated[str | int, becomes(str), BeforeValidator(lambda it: str(it) if isinstance(it, int) else it)]


class GenerateRequest(TTAPIRequest):
    """A song to make: from a description of its sound, from lyrics, or from both."""

    sound_prompt: Words | None = None
    """What it sounds like."""
    lyrics: Words | None = None
    """What is sung."""
    song_title: Words | None = Field(default=None, serialization_alias="title")
    """Title of the song."""
    model: Words = "Lyria 3 Pro"
    """Model; no page lists others."""
    seed: TextSeed | None = None
    """A seed, to have the same again."""
    bpm: Annotated[int, Field(ge=1)] | None = None
    """Beats a minute, from 1."""
    length: Annotated[int, Field(ge=1, le=240)] | None = None
    """Seconds, 1 to 240."""
    hook_url: CallbackUrl | None = None
    """Your own callback address instead of the pack's."""

    @model_validator(mode="after")
    def _sound_or_words(self) -> Self:
        if self.sound_prompt is None and self.lyrics is None:
            raise ValueError("give sound_prompt, lyrics or both")
        return self

    @field_serializer("bpm")
    def _bpm_is_text(self, bpm: int | None) -> str | None:
        return None if bpm is None else str(bpm)

    def describe(self) -> str:
        return self.song_title or self.sound_prompt or self.lyrics or ""


class ExtendRequest(TTAPIRequest):
    """A clip to make longer."""

    clip_id: ClipId
    """The clip, from a finished job's `.result.clips`."""
    extend_from_s: Seconds
    """Second of the clip from which it goes on; at most its length."""
    extend_s: Annotated[float, Field(gt=0, le=327)]
    """Seconds to add, up to 327."""
    instruction: Words
    """What happens there."""
    model: Words = "Lyria 3 Pro"
    """Model; no page lists others."""
    song_title: Words | None = Field(default=None, serialization_alias="title")
    """Title of the song."""
    seed: TextSeed | None = None
    """A seed, to have the same again."""
    hook_url: CallbackUrl | None = None
    """Your own callback address instead of the pack's."""

    def describe(self) -> str:
        return self.instruction


class CoverRequest(TTAPIRequest):
    """A clip to play in another way."""

    clip_id: ClipId
    """The clip, from a finished job's `.result.clips`."""
    instruction: Words
    """How it is played."""
    strength: Annotated[float, Field(ge=0, le=1)] = 0.5
    """How far from the clip, 0 to 1."""
    model: Words = "Lyria 3 Pro"
    """Model; no page lists others."""
    song_title: Words | None = Field(default=None, serialization_alias="title")
    """Title of the song."""
    seed: TextSeed | None = None
    """A seed, to have the same again."""
    hook_url: CallbackUrl | None = None
    """Your own callback address instead of the pack's."""

    def describe(self) -> str:
        return self.instruction


class ReplaceRequest(TTAPIRequest):
    """A part of a clip to make anew."""

    clip_id: ClipId
    """The clip, from a finished job's `.result.clips`."""
    start_s: Seconds
    """Second of the clip where the part starts."""
    end_s: Seconds
    """Second of the clip where the part ends; at most its length."""
    instruction: Words
    """What happens there."""
    model: Words = "Lyria 3 Pro"
    """Model; no page lists others."""
    song_title: Words | None = Field(default=None, serialization_alias="title")
    """Title of the song."""
    seed: int | None = None
    """A seed, to have the same again. A number here, as the page has it."""
    hook_url: CallbackUrl | None = None
    """Your own callback address instead of the pack's."""

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.end_s <= self.start_s:
            raise ValueError(f"end_s ({self.end_s:g}) must come after start_s ({self.start_s:g})")
        return self

    def describe(self) -> str:
        return self.instruction


class StemsRequest(TTAPIRequest):
    """A clip to take apart: voice, drums, ..."""

    clip_id: ClipId
    """The clip, from a finished job's `.result.clips`."""
    hook_url: CallbackUrl | None = None
    """Your own callback address instead of the pack's."""

    def describe(self) -> str:
        return f"stems of {self.clip_id[:8]}"


class Clip(TTAPIAnswer):
    """A song, or its lyrics alone. Its files are in JobResult.media."""

    clip_id: Text = None
    title: Text = None
    lyrics_id: Text = None
    lyrics_timing_markers: Text = None
    """The lyrics, with marks such as [Chorus]."""
    audio_url: Url = None
    wav_url: Url = None
    video_url: Url = None
    image_url: Url = None
    create_time: Text = None


class FlowMusicResult(TTAPIResult):
    """A finished FlowMusic job."""

    action: Text = None
    mv: Text = None
    """The model that made it."""
    clips: Annotated[tuple[Clip, ...], Rows] = ()


Kind = Literal["image", "video", "audio"]
_FILES: tuple[tuple[str, str, Kind], ...] = (
    ("audio_url", "audio", "audio"),
    ("wav_url", "wav", "audio"),
    ("video_url", "video", "video"),
    ("image_url", "cover", "image"),
)
_ENDINGS: dict[str, Kind] = {
    "png": "image",
    "jpg": "image",
    "jpeg": "image",
    "webp": "image",
    "mp4": "video",
    "webm": "video",
}


def links(result: FlowMusicResult, request: dict[str, Any]) -> list[Link]:
    """Every file of every clip. A lyrics job has none."""
    found = _links_of_clips(result) or _links_elsewhere(result)
    if not found and result.action != "lyrics":
        raise ResponseFormatError("the finished job names no file")
    return found


def stem_links(result: FlowMusicResult, request: dict[str, Any]) -> list[Link]:
    """Every file of every clip, and every other one: no page tells where the stems are."""
    of_clips = _links_of_clips(result)
    known = {link.url for link in of_clips}
    found = [*of_clips, *(link for link in _links_elsewhere(result) if link.url not in known)]
    if not found:
        raise ResponseFormatError("the finished job names no file")
    return found


def _links_of_clips(result: FlowMusicResult) -> list[Link]:
    return [
        Link(url, role if index == 1 else f"{role} {index}", kind=kind, optional=role != "audio")
        for index, clip in enumerate(result.clips, start=1)
        for name, role, kind in _FILES
        if (url := getattr(clip, name))
    ]


def _links_elsewhere(result: FlowMusicResult) -> list[Link]:
    """Files under names nobody told us of; sounds, unless their ending says otherwise."""
    found = {url: name for name, url in urls_in(result.model_dump(mode="json")) if "hook" not in name.lower()}
    return [Link(url, name.rpartition(".")[2], kind=_kind_of(url), optional=True) for url, name in found.items()]


def _kind_of(url: str) -> Kind:
    return _ENDINGS.get(urlsplit(url).path.rpartition(".")[2].lower(), "audio")


FETCH = Route("GET", "/flowmusic/v1/fetch", job_id="job_id")
LIFECYCLE = "documented; what a finished song looks like is inferred"

GENERATE = Operation(
    name="flowmusic.generate",
    provider=TTAPI,
    submit=Route("POST", "/flowmusic/v1/generations"),
    fetch=FETCH,
    request=GenerateRequest,
    result=FlowMusicResult,
    links=links,
    source="https://docs.ttapi.io/api/en/flowmuisc/flowmuisc_generate",
    callback=("hook_url",),
    typical_seconds=120,
    lifecycle=LIFECYCLE,
)
EXTEND = Operation(
    name="flowmusic.extend",
    provider=TTAPI,
    submit=Route("POST", "/flowmusic/v1/extend"),
    fetch=FETCH,
    request=ExtendRequest,
    result=FlowMusicResult,
    links=links,
    source="https://docs.ttapi.io/api/en/flowmuisc/flowmuisc_extend",
    callback=("hook_url",),
    typical_seconds=120,
    lifecycle=LIFECYCLE,
)
COVER = Operation(
    name="flowmusic.cover",
    provider=TTAPI,
    submit=Route("POST", "/flowmusic/v1/cover"),
    fetch=FETCH,
    request=CoverRequest,
    result=FlowMusicResult,
    links=links,
    source="https://docs.ttapi.io/api/en/flowmuisc/flowmuisc_cover",
    callback=("hook_url",),
    typical_seconds=120,
    lifecycle=LIFECYCLE,
)
REPLACE = Operation(
    name="flowmusic.replace",
    provider=TTAPI,
    submit=Route("POST", "/flowmusic/v1/replace"),
    fetch=FETCH,
    request=ReplaceRequest,
    result=FlowMusicResult,
    links=links,
    source="https://docs.ttapi.io/api/cn/flowmuisc/flowmuisc_replace",
    callback=("hook_url",),
    typical_seconds=120,
    lifecycle=LIFECYCLE,
)
STEMS = Operation(
    name="flowmusic.stems",
    provider=TTAPI,
    submit=Route("POST", "/flowmusic/v1/stems"),
    fetch=FETCH,
    request=StemsRequest,
    result=FlowMusicResult,
    links=stem_links,
    source="https://docs.ttapi.io/api/en/flowmuisc/flowmuisc_stems",
    callback=("hook_url",),
    typical_seconds=120,
    lifecycle="documented; where a finished job holds the stems is not, so every file it names is taken",
)

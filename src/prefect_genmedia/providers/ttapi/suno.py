"""Suno through TTAPI: songs, what is made of them, and sounds.

Sources: docs.ttapi.io/api/en/suno; ttapi.io/docs (older, by the vendor) for concat; a public client's code for the path
of stems-all. The fetch page shows a finished music job; that the others are fetched and answer alike is inferred, but
for stems-all, of which the vendor's older page has an answer. Nothing here was checked against the live service.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from prefect_genmedia.errors import ResponseFormatError
from prefect_genmedia.operation import Link, Operation, Route
from prefect_genmedia.providers.answer import Rows, Text, Url
from prefect_genmedia.providers.ttapi.envelope import TTAPI
from prefect_genmedia.providers.ttapi.fields import CallbackUrl, Number, TTAPIAnswer, TTAPIRequest, TTAPIResult, Words

Model = Annotated[str, StringConstraints(pattern=r"^chirp-[a-z0-9+-]+$")]
MusicId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Idea = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=3000)]
Lyrics = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5000)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Tags = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
Share = Annotated[float, Field(ge=0, le=1)]
Key = Literal[
    "C", "C#", "Cm", "C#m", "D", "D#", "Dm", "D#m", "F", "F#", "Fm", "F#m", "G", "G#", "Gm", "G#m",
    "A", "A#", "Am", "A#m", "B", "B#", "Bm", "B#m",
]  # fmt: skip


class SunoRequest(TTAPIRequest):
    """What every Suno request but concat has."""

    is_storage: bool = Field(default=True, serialization_alias="isStorage")
    """Have TTAPI keep the files and give links to its own store; false gives Suno's links."""
    hook_url: CallbackUrl | None = Field(default=None, serialization_alias="hookUrl")
    """Your own callback address instead of the pack's."""


class SongRequest(SunoRequest):
    """What music, extend and cover share."""

    custom: bool = False
    """False: from an idea, gpt_description_prompt; true: from your own lyrics, title and tags."""
    gpt_description_prompt: Idea | None = None
    """The idea, up to 3000 characters; needed unless `custom`."""
    prompt: Lyrics | None = None
    """The lyrics, up to 5000 characters; with `custom`."""
    song_title: Title | None = Field(default=None, serialization_alias="title")
    """Title of the song, up to 80 characters; with `custom`."""
    tags: Tags | None = None
    """Styles, parts divided by commas, up to 1000 characters; with `custom`."""
    negative_tags: Words | None = None
    """Styles to leave out; with `custom`."""
    style_weight: Share | None = None
    """How much the style counts, 0 to 1; with `custom`."""
    weirdness_constraint: Share | None = None
    """How unusual, 0 to 1; with `custom`."""
    audio_weight: Share | None = None
    """How much the sound counts, 0 to 1; with `custom`."""
    vocal_gender: Literal["Male", "Female"] | None = None
    """Whose voice it is."""
    persona_id: Words | None = None
    """A style of your own; with `custom`."""

    @model_validator(mode="after")
    def _an_idea_unless_custom(self) -> Self:
        if not self.custom and self.gpt_description_prompt is None:
            raise ValueError("give gpt_description_prompt, or custom=True with your own lyrics")
        return self

    def describe(self) -> str:
        return self.song_title or self.gpt_description_prompt or self.prompt or self.tags or ""


class MusicRequest(SongRequest):
    """Two songs to make: from an idea, or from your own lyrics."""

    mv: Model = "chirp-v5"
    """Model: chirp-v5-5, chirp-v5, chirp-v4-5+, chirp-v4-5, chirp-v4-5-all, chirp-v4, chirp-v3-5 or chirp-v3-0."""
    instrumental: bool = False
    """Nobody sings."""
    auto_lyrics: bool | None = None
    """Let Suno rewrite the lyrics; with `custom`."""

    @model_validator(mode="after")
    def _words_for_who_sings(self) -> Self:
        if self.custom and not self.instrumental and self.prompt is None:
            raise ValueError("custom needs lyrics in prompt, or instrumental=True")
        return self


class ExtendRequest(SongRequest):
    """A song to go on with."""

    music_id: MusicId
    """The song, from a finished job's `.result.musics`."""
    continue_at: Annotated[float, Field(ge=0)]
    """Second of the song from which it goes on."""
    auto_lyrics: bool | None = None
    """Let Suno rewrite the lyrics; with `custom`."""


class CoverRequest(SongRequest):
    """A song to play in another way."""

    music_id: MusicId
    """The song, from a finished job's `.result.musics`."""
    mv: Model = "chirp-v5"
    """Model: chirp-v5-5, chirp-v5, chirp-v4-5+, chirp-v4-5, chirp-v4-5-all, chirp-v4, chirp-v3-5 or chirp-v3-0."""


class ConcatRequest(TTAPIRequest):
    """An extended song to have in one piece."""

    music_id: MusicId
    """The extension, from a finished extend job's `.result.musics`."""
    hook_url: CallbackUrl | None = Field(default=None, serialization_alias="hookUrl")
    """Your own callback address instead of the pack's."""

    def describe(self) -> str:
        return f"the whole of {self.music_id[:8]}"


class SoundsRequest(SunoRequest):
    """A sound to make."""

    sound: Words
    """What it sounds like."""
    mv: Model = "chirp-v5"
    """Model: chirp-v5-5 or chirp-v5."""
    type: Literal["one-shot", "loop"] = "one-shot"
    """Heard once, or a loop."""
    bpm: Annotated[int, Field(ge=1, le=300)] | None = None
    """Beats a minute, 1 to 300."""
    key: Key | None = None
    """Musical key, such as C or F#m."""

    def describe(self) -> str:
        return self.sound


class StemsAllRequest(TTAPIRequest):
    """A song to take apart: vocals, backing vocals, drums, bass, ..."""

    music_id: MusicId
    """The song, from a finished job's `.result.musics`."""
    is_storage: bool = Field(default=True, serialization_alias="isStorage")
    """Have TTAPI keep the files and give links to its own store; false gives Suno's links."""

    def describe(self) -> str:
        return f"stems of {self.music_id[:8]}"


class Music(TTAPIAnswer):
    """A song, or a part of one. Its files are in JobResult.media."""

    music_id: Text = None
    prompt: Text = None
    """The lyrics."""
    title: Text = None
    tags: Text = None
    audio_url: Url = None
    video_url: Url = None
    image_url: Url = None
    image_large_url: Url = None
    duration: Number = None
    """Seconds."""
    created_at: Text = None


class SunoResult(TTAPIResult):
    """A finished Suno job."""

    action: Text = None
    mv: Text = None
    """The model that made it."""
    musics: Annotated[tuple[Music, ...], Rows] = ()


def _links(songs: int) -> Callable[[SunoResult, dict[str, Any]], list[Link]]:
    """The sounds by their place, then the films and covers; `songs` is how many were bought at least."""

    def links(result: SunoResult, request: dict[str, Any]) -> list[Link]:
        sounds = {place: music.audio_url for place, music in enumerate(result.musics) if music.audio_url}
        if not sounds:
            raise ResponseFormatError("the finished job names no sound")
        beside = [link for place, music in enumerate(result.musics) for link in _beside(music, place)]
        first = max(songs, len(result.musics))  # a missing song leaves its place empty
        return [
            *(Link(url, _nth("audio", place), kind="audio", place=place) for place, url in sounds.items()),
            *(replace(link, place=first + index) for index, link in enumerate(beside)),
        ]

    return links


def _beside(music: Music, place: int) -> Iterator[Link]:
    if music.video_url:
        yield Link(music.video_url, _nth("video", place), kind="video", optional=True)
    if cover := music.image_large_url or music.image_url:
        yield Link(cover, _nth("cover", place), optional=True)


def _nth(role: str, place: int) -> str:
    return role if place == 0 else f"{role} {place + 1}"


FETCH = Route("GET", "/suno/v2/fetch", job_id="jobId")
INFERRED = "the submit is documented; that it is fetched and answers as a music job does is inferred"

MUSIC = Operation(
    name="suno.music",
    provider=TTAPI,
    submit=Route("POST", "/suno/v1/music"),
    fetch=FETCH,
    request=MusicRequest,
    result=SunoResult,
    links=_links(2),
    files_due=lambda request: 2,
    source="https://docs.ttapi.io/api/en/suno/suno_music",
    callback=("hookUrl",),
    typical_seconds=120,
)
EXTEND = Operation(
    name="suno.extend",
    provider=TTAPI,
    submit=Route("POST", "/suno/v1/extend"),
    fetch=FETCH,
    request=ExtendRequest,
    result=SunoResult,
    links=_links(1),
    source="https://docs.ttapi.io/api/en/suno/suno_extend",
    callback=("hookUrl",),
    typical_seconds=120,
    lifecycle=INFERRED,
)
CONCAT = Operation(
    name="suno.concat",
    provider=TTAPI,
    submit=Route("POST", "/suno/v1/concat"),
    fetch=FETCH,
    request=ConcatRequest,
    result=SunoResult,
    links=_links(1),
    source="https://ttapi.io/docs/apiReference/suno/update",
    callback=("hookUrl",),
    typical_seconds=60,
    lifecycle="on the vendor's older pages only; its answer is inferred",
)
COVER = Operation(
    name="suno.cover",
    provider=TTAPI,
    submit=Route("POST", "/suno/v1/cover"),
    fetch=FETCH,
    request=CoverRequest,
    result=SunoResult,
    links=_links(1),
    source="https://docs.ttapi.io/api/en/suno/suno_cover",
    callback=("hookUrl",),
    typical_seconds=120,
    lifecycle=INFERRED,
)
SOUNDS = Operation(
    name="suno.sounds",
    provider=TTAPI,
    submit=Route("POST", "/suno/v1/sounds"),
    fetch=FETCH,
    request=SoundsRequest,
    result=SunoResult,
    links=_links(1),
    source="https://docs.ttapi.io/api/en/suno/suno_sounds",
    callback=("hookUrl",),
    typical_seconds=60,
    lifecycle=INFERRED,
)
STEMS_ALL = Operation(
    name="suno.stems_all",
    provider=TTAPI,
    submit=Route("POST", "/suno/v1/stems-all"),
    fetch=FETCH,
    request=StemsAllRequest,
    result=SunoResult,
    links=_links(1),
    source="https://docs-zh.mjapiapp.com/api/suno/sheng-cheng-cha-xun",
    typical_seconds=120,
    lifecycle="the answer is on the vendor's older pages; the submit is known from a client's code only",
)

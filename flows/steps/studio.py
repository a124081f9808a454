"""A song, its stems and its teaser: bought once, and published as far as it goes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field
from slugify import slugify

from prefect_genmedia.blocks import TTAPICredentials
from prefect_genmedia.checking import Asked, Finite, Whole
from prefect_genmedia.errors import GenMediaError, MediaError
from prefect_genmedia.flows.pages.showing import Illustration, manifest_with_requests
from prefect_genmedia.flows.runs.sources import stems_of
from prefect_genmedia.flows.steps.making import failed, failed_once_bought
from prefect_genmedia.flows.steps.recordings import published_recording
from prefect_genmedia.jobs import JobResult
from prefect_genmedia.media import MediaFile
from prefect_genmedia.tasks import flowmusic, recording, suno

Engine = Literal["suno", "flowmusic"]
SONG, STEMS, TEASER = "song", "stems", "teaser"


class Teaser(Asked):
    """A film of the cover, with a piece of the song."""

    start_seconds: Finite = Field(default=0, ge=0, le=600, description="Where in the song it begins.")
    duration_seconds: Finite = Field(default=15, ge=1, le=180, description="It ends with the song at the latest.")
    side: Whole = Field(default=1080, ge=64, le=4096, description="Its longer side in pixels.")


def song_request(engine: Engine, title: str, sound: str, lyrics: str | None) -> Any:
    """What is asked of the engine. Raises ValidationError."""
    if engine == "flowmusic":
        return flowmusic.GenerateRequest(sound_prompt=sound, lyrics=lyrics, song_title=title)
    return suno.MusicRequest(custom=True, prompt=lyrics, instrumental=lyrics is None, song_title=title, tags=sound)


def stems_request(engine: Engine, song_id: str) -> Any:
    """What is asked for the parts of a song. Raises ValidationError."""
    return suno.StemsAllRequest(music_id=song_id) if engine == "suno" else flowmusic.StemsRequest(clip_id=song_id)


@dataclass
class Part:
    """One part of the release, and its published files."""

    item: Illustration
    files: list[MediaFile] = field(default_factory=list)

    def with_files(self, files: Sequence[MediaFile]) -> None:
        self.files += files
        self.item = self.item.model_copy(update={"published": [self.files]})


@dataclass
class Studio:
    """What all sounds of one release share."""

    engine: Engine
    credentials: TTAPICredentials
    terms: Any
    folder: str
    stem: str
    told: dict[str, Any]
    """Title, artist, lyrics: they stand in the manifest of every sound."""
    lufs: float | None
    stems: Part = field(default_factory=lambda: Part(Illustration(number=2, title=STEMS, prompt="")))

    async def song(self, request: Any, sound: str, with_stems: bool) -> Part:
        """The song, published; and its stems, if wanted."""
        part = Part(Illustration(number=1, title=SONG, prompt=sound))
        make: Any = suno.music if self.engine == "suno" else flowmusic.generate
        try:
            bought: JobResult[Any] = await make(request, self.credentials, **self.terms)
        except Exception as failure:
            part.item = failed(part.item, failure)
            if with_stems:
                self.stems.item = self.stems.item.model_copy(update={"error": "There are no stems without a song."})
            return part
        part.item = part.item.with_job(bought)
        sounds = _sounds(bought)
        names = [self.stem if place == 0 else f"{self.stem}-{slugify(file.role)}" for place, file in enumerate(sounds)]
        published = self._publish(part, bought, dict(zip(names, sounds, strict=True)), {"lufs": self.lufs})
        await asyncio.gather(published, *([self._stems(bought)] if with_stems else []))
        return part

    async def _stems(self, song: JobResult[Any]) -> None:
        part = self.stems
        try:
            if self.engine == "suno":
                parts = stems_request("suno", _first(music.music_id for music in song.result.musics))
                bought: JobResult[Any] = await suno.stems_all(parts, self.credentials, **self.terms)
            else:
                parts = stems_request("flowmusic", _first(clip.clip_id for clip in song.result.clips))
                bought = await flowmusic.stems(parts, self.credentials, **self.terms)
        except Exception as failure:
            part.item = failed(part.item, failure)
            return
        part.item = part.item.with_job(bought)
        sounds = _sounds(bought)
        names = stems_of([f"{self.stem} stem {_title_of(bought, file)}" for file in sounds])
        await self._publish(part, bought, dict(zip(names, sounds, strict=True)), {})

    async def _publish(
        self, part: Part, bought: JobResult[Any], files: dict[str, MediaFile], worked_on: dict[str, Any]
    ) -> None:
        for stem, file in files.items():
            try:
                manifest = {**await asyncio.to_thread(manifest_with_requests, part.item, file), **self.told}
                place = {"folder": self.folder, "stem": stem, "manifest": manifest}
                published, failure = await published_recording(bought, file, place, worked_on)
                part.with_files([published])
                if failure is not None:
                    raise failure
            except Exception as failure:
                part.item = failed_once_bought(part.item, bought, failure)

    async def teaser(self, asked: Teaser, songs: Sequence[MediaFile], covers: Sequence[MediaFile]) -> Part:
        part = Part(Illustration(number=4, title=TEASER, prompt=""))
        try:
            if not songs or not covers:
                raise MediaError("there is no teaser without a song and a cover")
            place: Any = {"folder": self.folder, "stem": f"{self.stem}-teaser", "manifest": self.told}
            part.with_files([await recording.teaser(songs[0], covers[0], **asked.model_dump(), **place)])
        except Exception as failure:
            if isinstance(failure, GenMediaError):
                failure.money = "What it is made of is bought once, and is safe."
            part.item = failed(part.item, failure)
        return part


def _first(ids: Iterable[str | None]) -> str:
    """The first that there is; "" is refused by its name, and nothing is bought."""
    return next(filter(None, ids), "")


def _sounds(bought: JobResult[Any]) -> list[MediaFile]:
    return [file for file in bought.media if file.media_type.startswith("audio/")]


def _title_of(bought: JobResult[Any], file: MediaFile) -> str:
    """What Suno calls this part of the song; elsewhere its role."""
    musics = getattr(bought.result, "musics", ())
    return (musics[file.position].title if file.position < len(musics) else None) or file.role

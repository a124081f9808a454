"""Title, artist, cover: what players show. Sound and film are copied as they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from prefect_genmedia.errors import MediaInvalidError
from prefect_genmedia.recording.probing import Probed, probe
from prefect_genmedia.recording.process import ffmpeg, given, named

Words = Annotated[str, Field(max_length=2000, description="Empty leaves what the file says.")]
_WITH_COVER = ("mp3", "flac", "mp4")


class Tags(BaseModel):
    """What a player shows of a record. What is empty stays as the file has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Words = ""
    artist: Words = ""
    album: Words = ""
    album_artist: Words = ""
    track: Annotated[str, Field(pattern=r"^(\d{1,4}(/\d{1,4})?)?$", description="Such as 3 or 3/12.")] = ""
    date: Annotated[str, Field(pattern=r"^(\d{4}(-\d\d(-\d\d)?)?)?$", description="Such as 2026 or 2026-11-28.")] = ""
    genre: Words = ""
    copyright: Words = ""
    comment: Words = ""


def tag(source: Path, target: Path, tags: Mapping[str, str], cover: Path | None = None) -> None:
    """Write a copy with these tags, and a JPEG or PNG as its cover. `target` ends as `source` does.

    Raises ConfigurationError without ffmpeg, MediaError, MediaInvalidError, also for a cover where the container takes
    none (MP3, M4A, MP4 and FLAC do).
    """
    facts = probe(source)
    said = _said(facts, {name: text for name, text in tags.items() if text})
    if cover is None:
        ffmpeg(*given(source), "-map", "0", "-c", "copy", *said, named(target))
        return
    if not any(kind in facts.container for kind in _WITH_COVER) or target.suffix == ".mov":
        raise MediaInvalidError(
            "a file of this kind takes no cover", advice="Give it as MP3, M4A, MP4 or FLAC, or leave the cover out."
        )
    films = 1 if facts.video_codec else 0
    shown = (f"-disposition:v:{films}", "attached_pic", f"-metadata:s:v:{films}", "comment=Cover (front)")
    kept = ("-map", "0:V?", "-map", "0:a?", "-map", "1:v:0")  # a cover that is there gives way
    ffmpeg(*given(source), "-i", named(cover), *kept, "-c", "copy", *shown, *said, named(target))


def _said(facts: Probed, tags: Mapping[str, str]) -> tuple[str, ...]:
    # Ogg's tags are the stream's. Names of one's own come into no MP4; there the mark has a box.
    place = "-metadata:s:a:0" if facts.container == "ogg" else "-metadata"
    options = [part for name, text in tags.items() for part in (place, f"{name}={text}")]
    if facts.container == "mp3":
        options += ["-id3v2_version", "3"]
    return (*options, "-movflags", "+faststart") if "mp4" in facts.container else tuple(options)

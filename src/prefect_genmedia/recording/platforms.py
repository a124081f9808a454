"""A film in the format that a platform asks for: H.264, 4:2:0 and AAC in an MP4 whose index comes first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as Day
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from prefect_genmedia.errors import ConfigurationError, MediaInvalidError
from prefect_genmedia.recording.probing import Probed, probe
from prefect_genmedia.recording.process import encoders, ffmpeg, given, named

SAMPLE_RATE = 48_000
_TRIES = 3
_NEEDED = ("libx264", "aac")
Side = Annotated[int, Field(ge=16, le=7680, multiple_of=2)]
Fit = Literal["contain", "cover"]


class Platform(BaseModel):
    """What a platform asks of a film. Pixels, seconds, bytes, kilobits a second.

    A width or a height that is not given follows from the film's shape.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    width: Side | None = None
    height: Side | None = None
    most_frames_per_second: float | None = Field(default=None, gt=0, le=240)
    least_seconds: float = Field(default=0.0, ge=0)
    most_seconds: float | None = Field(default=None, gt=0)
    video_kbit: int = Field(default=5000, ge=100, le=200_000)
    """At most; a quiet film takes less."""
    audio_kbit: int = Field(default=128, ge=32, le=512)
    max_bytes: int | None = Field(default=None, ge=10_000)
    use: str = ""
    source: str = "yours"
    date: Day | None = None

    @model_validator(mode="after")
    def _has_a_size(self) -> Self:
        if self.width is None and self.height is None:
            raise ValueError("a format needs a width, a height or both")
        return self


@dataclass(frozen=True)
class Formatted:
    """What was done to a film that could not be had without loss."""

    shortened: bool = False
    """It was longer than the platform takes, and ends there."""
    short: bool = False
    """It is shorter than the platform takes."""


@cache
def platforms() -> Mapping[str, Platform]:
    """Those that come with the pack, by name, each with its source and date."""
    rows = yaml.safe_load(files("prefect_genmedia.recording").joinpath("platforms.yaml").read_text("utf-8"))
    return {name: Platform.model_validate(row) for name, row in rows.items()}


def platform_named(name: str | Platform) -> Platform:
    """Raises ConfigurationError for a name that is none."""
    if isinstance(name, Platform):
        return name
    if name not in platforms():
        raise ConfigurationError(f"there is no platform of this name; there are {', '.join(platforms())}")
    return platforms()[name]


def require_platform(name: str | Platform) -> Platform:
    """The platform, when a film can be made for it here: to be called before money is spent.

    Raises ConfigurationError for a name that is none, without ffmpeg, and where ffmpeg has no encoder of H.264.
    """
    wanted = platform_named(name)
    missing = [each for each in _NEEDED if each not in encoders()]
    if missing:
        raise ConfigurationError(
            f"ffmpeg is built without {' and '.join(missing)}",
            advice="Install an ffmpeg that has it, such as Debian's.",
        )
    return wanted


def format_for(
    source: Path, target: Path, platform: str | Platform, *, fit: Fit = "contain", background: str = "#000000"
) -> Formatted:
    """Write the film as the platform takes it, into an MP4.

    It is made to fit with bars of the background, or, with fit "cover", by cutting off what stands out. A film that is
    longer than the platform takes is cut at its end. One that weighs too much is encoded again with fewer bits: three
    encodings at most. Raises ConfigurationError, MediaError; MediaInvalidError for what is no film or stays too heavy.
    """
    wanted = require_platform(platform)
    facts = probe(source)
    if facts.video_codec is None:
        raise MediaInvalidError("there is no film in it")
    seconds = min(facts.duration_seconds or 0.0, wanted.most_seconds or float("inf"))
    video = float(wanted.video_kbit)
    if wanted.max_bytes and seconds:
        video = min(video, wanted.max_bytes * 0.0078 / seconds - wanted.audio_kbit)  # 8 bits, kilo, 2 % for the index
    for _ in range(_TRIES):
        if video < 50:
            break
        ffmpeg(*given(source), *_options(wanted, facts, fit, background, round(video)), named(target))
        weight = target.stat().st_size
        if wanted.max_bytes is None or weight <= wanted.max_bytes:
            long = bool(wanted.most_seconds and (facts.duration_seconds or 0) > wanted.most_seconds + 0.05)
            return Formatted(long, bool(facts.duration_seconds and facts.duration_seconds < wanted.least_seconds))
        video *= 0.9 * wanted.max_bytes / weight
    raise MediaInvalidError(
        f"the film cannot be made to weigh at most {wanted.max_bytes} bytes", advice="Trim it, or pick another format."
    )


def _options(wanted: Platform, facts: Probed, fit: Fit, background: str, video_kbit: int) -> tuple[str, ...]:
    rate = wanted.most_frames_per_second
    fast = rate is not None and (facts.frames_per_second or 0) > rate + 0.01
    film = (_scaled(wanted, fit, background), *([f"fps={rate:g}"] if fast else []), "format=yuv420p")
    group = round(min(facts.frames_per_second or 30, rate or 240) * 2)
    length = ("-t", f"{wanted.most_seconds:g}") if wanted.most_seconds else ()
    return (
        *("-map", "0:V:0", "-map", "0:a:0?", *length),
        *("-vf", ",".join(film), "-c:v", "libx264", "-profile:v", "high", "-preset", "medium", "-crf", "20"),
        *("-maxrate", f"{video_kbit}k", "-bufsize", f"{2 * video_kbit}k", "-g", f"{group}", "-flags", "+cgop"),
        *("-c:a", "aac", "-b:a", f"{wanted.audio_kbit}k", "-ar", f"{SAMPLE_RATE}", "-ac", "2"),
        *("-movflags", "+faststart", "-f", "mp4"),
    )


def _scaled(wanted: Platform, fit: Fit, background: str) -> str:
    """ffmpeg's filter: square pixels, sides of an even length."""
    if wanted.width is None or wanted.height is None:
        return f"scale={wanted.width or -2}:{wanted.height or -2},setsar=1"
    size = f"{wanted.width}:{wanted.height}"
    if fit == "cover":
        return f"scale={size}:force_original_aspect_ratio=increase:force_divisible_by=2,crop={size},setsar=1"
    bars = f"pad={size}:(ow-iw)/2:(oh-ih)/2:color=0x{background.removeprefix('#')}"
    return f"scale={size}:force_original_aspect_ratio=decrease:force_divisible_by=2,{bars},setsar=1"

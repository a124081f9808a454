"""What a film or a sound is: how long, how large, in which codecs."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect_genmedia.errors import MediaInvalidError
from prefect_genmedia.recording.process import ffprobe, given


@dataclass(frozen=True)
class Probed:
    """The facts of a recording; None where the file does not say."""

    container: str
    """As ffmpeg calls it, such as `mov,mp4,m4a,3gp,3g2,mj2`."""
    bytes: int
    duration_seconds: float | None
    bit_rate: int | None
    video_codec: str | None = None
    """None where there is no film; a cover picture is none."""
    width: int | None = None
    height: int | None = None
    frames_per_second: float | None = None
    audio_codec: str | None = None
    audio_bit_rate: int | None = None
    sample_rate: int | None = None
    channels: int | None = None


def probe(path: Path) -> Probed:
    """Read the headers. Raises ConfigurationError without ffprobe, MediaError, MediaInvalidError for what is none.

    A file that was cut is often probed as whole: whether it is whole is checked when it is stored.
    """
    try:
        said = json.loads(ffprobe("-of", "json", "-show_format", "-show_streams", *given(path)))
        form, streams = said["format"], said["streams"]
    except (ValueError, KeyError, TypeError):
        raise MediaInvalidError("ffprobe does not say what it is") from None
    films = [each for each in streams if each.get("codec_type") == "video"]
    film: dict[str, Any] = next((each for each in films if not _is_cover(each)), {})
    sound: dict[str, Any] = next((each for each in streams if each.get("codec_type") == "audio"), {})
    if not film and not sound:
        raise MediaInvalidError("there is neither a film nor a sound in it")
    return Probed(
        container=str(form.get("format_name")),
        bytes=path.stat().st_size,
        duration_seconds=_number(form.get("duration")),
        bit_rate=_whole(form.get("bit_rate")),
        video_codec=film.get("codec_name"),
        width=_whole(film.get("width")),
        height=_whole(film.get("height")),
        frames_per_second=_ratio(film.get("avg_frame_rate")),
        audio_codec=sound.get("codec_name"),
        audio_bit_rate=_whole(sound.get("bit_rate")),
        sample_rate=_whole(sound.get("sample_rate")),
        channels=_whole(sound.get("channels")),
    )


def _is_cover(stream: dict[str, Any]) -> bool:
    return bool((stream.get("disposition") or {}).get("attached_pic"))


def _number(text: Any) -> float | None:
    try:
        number = float(text)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number > 0 else None


def _whole(text: Any) -> int | None:
    number = _number(text)
    return None if number is None else round(number)


def _ratio(text: Any) -> float | None:
    above, _, below = str(text).partition("/")
    divisor = _number(below or 1)
    number = _number(above)
    return None if number is None or divisor is None else number / divisor

"""A film of one picture with a sound."""

from __future__ import annotations

from pathlib import Path

from prefect_genmedia.checking import check_number
from prefect_genmedia.errors import MediaInvalidError
from prefect_genmedia.recording.cutting import LONGEST, check_start
from prefect_genmedia.recording.probing import probe
from prefect_genmedia.recording.process import ffmpeg, given, named, shown

FADE = 1.0  # seconds
FRAMES_PER_SECOND = 25


def still_film(
    picture: Path, sound: Path, target: Path, start_seconds: float, duration_seconds: float, side: int = 1080
) -> None:
    """Write an mp4 that shows `picture`, `side` pixels on its longer side, while a piece of `sound` is heard.

    It fades out. Where the sound ends before, so does the film. Raises ConfigurationError without ffmpeg or past the
    end of the sound, MediaError, MediaInvalidError.
    """
    check_number("duration_seconds", duration_seconds, 0.1, LONGEST)
    facts = probe(sound)
    if facts.audio_codec is None:
        raise MediaInvalidError("there is no sound in it")
    check_start("start_seconds", start_seconds, facts)
    length = min(duration_seconds, (facts.duration_seconds or LONGEST) - start_seconds)
    fade = min(FADE, length / 2)
    fitted = f"scale={side}:{side}:force_original_aspect_ratio=decrease:force_divisible_by=2,format=yuv420p"
    still = f"{fitted},loop=loop=-1:size=1"  # after it is small: a cover is 9 megapixels, and is decoded once so
    ffmpeg(
        *shown(picture, FRAMES_PER_SECOND),
        *("-ss", f"{start_seconds:.3f}", *given(sound), "-t", f"{length:.3f}", "-map", "0:v:0", "-map", "1:a:0"),
        *("-vf", still, "-af", f"afade=t=out:st={length - fade:.3f}:d={fade:.3f}", "-movflags", "+faststart"),
        named(target),
    )

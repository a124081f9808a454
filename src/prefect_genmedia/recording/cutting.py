"""A frame of a film, and a piece of a film or a sound."""

from __future__ import annotations

from pathlib import Path

from prefect_genmedia.checking import check_number
from prefect_genmedia.errors import ConfigurationError, MediaInvalidError
from prefect_genmedia.recording.encoding import sound_encoding
from prefect_genmedia.recording.probing import Probed, probe
from prefect_genmedia.recording.process import ffmpeg, given, named

LONGEST = 86_400.0  # seconds
POSTER_PLACE = 0.1  # of the film: its first frame is often black


def poster(source: Path, target: Path, at_seconds: float | None = None) -> None:
    """Write one frame as a picture, of the kind that `target` ends in; by default a tenth of the film in.

    Raises ConfigurationError without ffmpeg or past the film's end, MediaError, MediaInvalidError.
    """
    facts = probe(source)
    if facts.video_codec is None:
        raise MediaInvalidError("there is no film in it, and so no poster frame")
    at = (facts.duration_seconds or 0.0) * POSTER_PLACE if at_seconds is None else at_seconds
    check_start("at_seconds", at, facts)
    ffmpeg("-ss", f"{at:.3f}", *given(source), "-map", "0:V:0", "-frames:v", "1", "-update", "1", named(target))
    if not target.exists():  # past the end ffmpeg writes none, and calls that success
        raise ConfigurationError(f"there is no frame at {at:g} seconds", advice="Give an earlier at_seconds.")


def trim(source: Path, target: Path, start_seconds: float, duration_seconds: float, *, exact: bool = False) -> None:
    """Write the piece that begins at `start_seconds`. `target` ends as `source` does.

    Nothing is encoded anew, so a film begins at the key frame before, seconds earlier perhaps; with `exact` it begins
    where it should, and is encoded anew. FLAC (which loses nothing) and Ogg are always encoded anew, as they were.
    Raises ConfigurationError without ffmpeg or past the end, MediaError, MediaInvalidError.
    """
    check_number("duration_seconds", duration_seconds, 0.01, LONGEST)
    facts = probe(source)
    check_start("start_seconds", start_seconds, facts)
    # A copied FLAC would still tell the length of the whole, and a copied Ogg has all from its beginning.
    anew = exact or facts.container in ("flac", "ogg")
    how = sound_encoding(facts) if anew else ("-c", "copy", "-avoid_negative_ts", "make_zero")
    quick = ("-movflags", "+faststart") if "mp4" in facts.container else ()
    begin, length = f"{start_seconds:.3f}", f"{duration_seconds:.3f}"
    kept = ("-map", "0:V?", "-map", "0:a?")  # a film and sounds; no cover, which some containers do not take again
    ffmpeg("-ss", begin, *given(source), "-t", length, *kept, *how, *quick, named(target))


def check_start(name: str, seconds: float, facts: Probed) -> None:
    """Raises ConfigurationError for what is past the end."""
    check_number(name, seconds, 0, LONGEST)
    if facts.duration_seconds is not None and seconds >= facts.duration_seconds:
        raise ConfigurationError(f"{name} must be less than the {facts.duration_seconds:g} seconds that it lasts")

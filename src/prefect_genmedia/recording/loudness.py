"""How loud a recording is, and a copy of it that is as loud as it should be.

Measured by EBU R 128 with ffmpeg's loudnorm, and changed by one gain for all of it: loudnorm's own second pass falls
back to changing the dynamics, and to 192 kHz.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

from prefect_genmedia.checking import check_number
from prefect_genmedia.errors import MediaInvalidError
from prefect_genmedia.recording.encoding import sound_encoding
from prefect_genmedia.recording.probing import probe
from prefect_genmedia.recording.process import ffmpeg, given, named


@dataclass(frozen=True)
class Loudness:
    """Of a whole recording."""

    lufs: float
    """Integrated, LUFS."""
    true_peak: float
    """dBTP."""


@dataclass(frozen=True)
class Leveled:
    """What was done, and why not more."""

    before: Loudness
    gain_db: float
    held_by_peak: bool
    """It would have had to be louder, and its peaks do not allow that."""


def measure(source: Path) -> Loudness:
    """Raises ConfigurationError without ffmpeg, MediaError, MediaInvalidError for what is silent or has no sound."""
    said = ffmpeg(*given(source), "-map", "0:a:0", "-af", "loudnorm=print_format=json", "-f", "null", "-", says="info")
    try:
        found = json.loads(said[said.rindex("{") : said.rindex("}") + 1])
        loudness = Loudness(float(found["input_i"]), float(found["input_tp"]))
    except (ValueError, KeyError):
        raise MediaInvalidError("ffmpeg does not say how loud it is") from None
    if not math.isfinite(loudness.lufs) or not math.isfinite(loudness.true_peak):
        raise MediaInvalidError("it is silent, or too short to be measured")
    return loudness


def level(source: Path, target: Path, lufs: float = -14.0, *, true_peak: float = -1.0) -> Leveled:
    """Write a copy that is `lufs` loud, unless its peaks would pass `true_peak` (dBTP): then as loud as they allow.

    The sound is encoded anew in its own codec and rate, the film beside it is copied. `target` ends as `source` does.
    Raises ConfigurationError, MediaError, MediaInvalidError.
    """
    check_number("lufs", lufs, -70, -5)
    check_number("true_peak", true_peak, -9, 0)
    facts = probe(source)
    if facts.audio_codec is None:
        raise MediaInvalidError("there is no sound in it")
    before = measure(source)
    wanted, allowed = lufs - before.lufs, true_peak - before.true_peak
    gain = min(wanted, allowed)
    kept = ("-map", "0:V?", "-map", "0:a", "-c:v", "copy", "-af", f"volume={gain:.2f}dB")
    quick = ("-movflags", "+faststart") if "mp4" in facts.container else ()
    ffmpeg(*given(source), *kept, *sound_encoding(facts), *quick, named(target))
    return Leveled(before, gain, held_by_peak=allowed < wanted)

"""Captions beside a film: SubRip, which networks take, and WebVTT, which pages take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Kind = Literal["srt", "vtt"]


def captions(lines: Sequence[str], seconds: float, kind: Kind) -> str:
    """Each line for its share of a film that lasts so long, one after the other; a file of that kind."""
    cues = []
    for number, line in enumerate(lines):
        start, end = (_time(seconds * place / len(lines), kind) for place in (number, number + 1))
        cues.append(f"{number + 1}\n{start} --> {end}\n{' '.join(line.split())}\n")
    return ("WEBVTT\n\n" if kind == "vtt" else "") + "\n".join(cues)


def _time(seconds: float, kind: Kind) -> str:
    minutes, rest = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    second, thousandths = divmod(rest, 1000)
    return f"{hours:02d}:{minutes:02d}:{second:02d}{',' if kind == 'srt' else '.'}{thousandths:03d}"

"""What is wrong with a picture that can be told without a model: blank, blurred, too small, of the wrong shape."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image, ImageFilter, ImageStat

from prefect_genmedia.imaging.colours import Decoded, decode
from prefect_genmedia.imaging.reading import header

_SIDE = 512
_EDGES = ImageFilter.Kernel((3, 3), (0, 1, 0, 1, -4, 1, 0, 1, 0), scale=2, offset=128)
_BLANK = 2.0
"""Standard deviation of 64×64 shades. Photographs have 28 and more."""


@dataclass(frozen=True)
class Quality:
    """What is asked of a picture. Pixels; None and 0 ask nothing."""

    least_width: int = 0
    least_height: int = 0
    aspect: float | None = None
    """Width by height."""
    tolerance: float = 0.02
    """How far the shape may be off, as a share."""
    least_sharpness: float = 25.0
    """Variance of the edges, 512 pixels a side. Sharp photographs have 100 to 265, out of focus by two pixels 3."""
    blank: bool = False
    """May it be of one colour?"""


@dataclass(frozen=True)
class Fault:
    """What is wrong, in one word and in a sentence."""

    kind: Literal["too small", "wrong aspect", "blank", "blurred"]
    said: str


def faults_of(source: Path | bytes, asked: Quality | None = None) -> list[Fault]:
    """What is wrong with the picture in a file. Raises like `inspect`."""
    decoded = small(source)
    return faults(decoded.image, asked, decoded.size)


def small(source: Path | bytes) -> Decoded:
    """The picture in a file, decoded no larger than looking at it takes. Raises like `inspect`."""
    size = header(source)
    return decode(source, shrink=max(1.0, max(size.width, size.height) / _SIDE))


def faults(image: Image.Image, asked: Quality | None = None, size: tuple[int, int] | None = None) -> list[Fault]:
    """What is wrong with a picture; `size` is its own, where `image` is a smaller one of it."""
    asked = asked or Quality()
    width, height = size or image.size
    found = []
    if width < asked.least_width or height < asked.least_height:
        found.append(
            Fault("too small", f"{width}×{height}; at least {asked.least_width}×{asked.least_height} are asked")
        )
    if asked.aspect is not None and abs(width / height / asked.aspect - 1) > asked.tolerance:
        found.append(Fault("wrong aspect", f"{width / height:.3f} wide for 1 high; {asked.aspect:.3f} is asked"))
    grey = image.convert("RGB").convert("L")
    spread = ImageStat.Stat(grey.resize((64, 64), Image.Resampling.BOX)).stddev[0]
    if spread < _BLANK:
        if not asked.blank:
            found.append(Fault("blank", f"its shades differ by {spread:.1f} of 255"))
    elif (sharp := sharpness(grey)) < asked.least_sharpness:
        found.append(Fault("blurred", f"a sharpness of {sharp:.0f}; at least {asked.least_sharpness:g} is asked"))
    return found


def sharpness(image: Image.Image) -> float:
    """Variance of the edges of a picture brought to 512 pixels a side; a smaller one stays as it is."""
    grey = image.convert("L")
    grey.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    edges = grey.filter(_EDGES)
    if min(edges.size) > 2:  # the filter leaves the border as it was
        edges = edges.crop((1, 1, edges.width - 1, edges.height - 1))
    return ImageStat.Stat(edges).var[0]

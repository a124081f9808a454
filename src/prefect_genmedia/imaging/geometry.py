"""Which part of a picture goes where: numbers only."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

from prefect_genmedia.imaging.renditions import Rendition

Size = tuple[int, int]
Box = tuple[float, float, float, float]


class Layout(NamedTuple):
    """In pixels: cut `box` (left, top, right, bottom) out, make it `size`, centre it on `canvas`."""

    box: Box
    size: Size
    canvas: Size


def layout(picture: Size, rendition: Rendition) -> Layout:
    """How a picture of this size becomes the rendition."""
    width, height = picture
    whole = (0.0, 0.0, float(width), float(height))
    if rendition.width is None or rendition.height is None:
        scale = rendition.width / width if rendition.width else (rendition.height or height) / height
        size = _scaled(picture, scale if rendition.enlarge else min(scale, 1.0))
        return Layout(whole, size, size)

    target = (rendition.width, rendition.height)
    if rendition.fit == "cover":
        scale = max(target[0] / width, target[1] / height)
        if scale > 1 and not rendition.enlarge:
            crop = _scaled(target, 1 / scale)
            box = around(rendition.focus, picture, crop)
            left, top = round(box[0]), round(box[1])  # whole pixels: copied, not resampled
            return Layout((left, top, left + crop[0], top + crop[1]), crop, crop)
        box = around(rendition.focus, picture, (target[0] / scale, target[1] / scale))
        return Layout(box, target, target)

    scale = min(target[0] / width, target[1] / height)
    size = _scaled(picture, scale if rendition.enlarge else min(scale, 1.0))
    return Layout(whole, size, target if rendition.fit == "contain" else size)


def source_pixels_per_pixel(plan: Layout) -> float:
    """How many pixels of the picture, along one side, go into one pixel of the result."""
    left, top, right, bottom = plan.box
    return min((right - left) / plan.size[0], (bottom - top) / plan.size[1])


def within(size: Size, pixels: int, longest_side: int | None) -> Size:
    """The largest size of this shape with at most that many pixels, and no longer a side; never larger than it is."""
    width, height = size
    longest = min(longest_side or max(size), pixels)
    scale = min(1.0, sqrt(pixels / (width * height)), longest / max(size))
    if scale == 1.0:
        return size
    # Rounded down: a pixel too many is one too many.
    narrow, low = max(1, int(width * scale)), max(1, int(height * scale))
    return min(narrow, pixels // low), min(low, pixels)


def _scaled(size: Size, scale: float) -> Size:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def around(focus: tuple[float, float], picture: Size, crop: tuple[float, float]) -> Box:
    """The crop centred on the focus, as far as the picture's edges allow."""
    width, height = min(crop[0], picture[0]), min(crop[1], picture[1])
    left = min(max(focus[0] * picture[0] - width / 2, 0.0), picture[0] - width)
    top = min(max(focus[1] * picture[1] - height / 2, 0.0), picture[1] - height)
    return left, top, left + width, top + height

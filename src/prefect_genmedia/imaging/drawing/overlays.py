"""One picture on another: a logo, a watermark, a frame."""

from __future__ import annotations

from typing import Literal, get_args

from PIL import Image

Place = Literal[
    "top-left", "top", "top-right", "left", "centre", "right", "bottom-left", "bottom", "bottom-right", "frame"
]
PLACES: tuple[Place, ...] = get_args(Place)


def overlay(
    image: Image.Image,
    other: Image.Image,
    place: Place = "bottom-right",
    width: float = 0.2,
    margin: float = 0.03,
    opacity: float = 1.0,
) -> Image.Image:
    """A new picture with `other` on it: `width` of its width wide, `margin` of its shorter side from the edges.

    A "frame" covers all of it, stretched to its size. What is transparent in `other` stays so.
    """
    layer = other.convert("RGBA")
    if place == "frame":
        size, at = image.size, (0, 0)
    else:
        size, at = _where(image.size, other.size, place, width, margin)
    layer = layer.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    if opacity < 1:
        layer.putalpha(layer.getchannel("A").point([round(value * opacity) for value in range(256)]))
    canvas = image.convert("RGBA")
    canvas.alpha_composite(layer, at)
    return canvas if image.mode == "RGBA" else canvas.convert("RGB")


def _where(
    below: tuple[int, int], size: tuple[int, int], place: str, width: float, margin: float
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Its size and its left upper corner, never outside of the picture."""
    gap = round(margin * min(below))
    scale = min(
        width * below[0] / size[0],
        max(1, below[0] - 2 * gap) / size[0],
        max(1, below[1] - 2 * gap) / size[1],
    )
    made = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    x, y = (below[0] - made[0]) // 2, (below[1] - made[1]) // 2
    if "left" in place:
        x = gap
    if "right" in place:
        x = below[0] - made[0] - gap
    if "top" in place:
        y = gap
    if "bottom" in place:
        y = below[1] - made[1] - gap
    return made, (max(0, x), max(0, y))

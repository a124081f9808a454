"""A label that people see: in a corner, and readable on whatever lies below it."""

from __future__ import annotations

from typing import Literal, get_args

from PIL import Image, ImageDraw, ImageFont

from prefect_genmedia.errors import RecipeError
from prefect_genmedia.imaging.drawing.fonts import Face

Corner = Literal["top-left", "top-right", "bottom-left", "bottom-right"]
CORNERS: tuple[Corner, ...] = get_args(Corner)

LEAST_CONTRAST = 4.5
"""WCAG 2, level AA, for text of any size."""

_SMALLEST = 10  # pixels; below, letters are no letters
_PLATES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.55, 0.7, 0.85, 1.0)


def label(
    image: Image.Image, text: str, face: Face, corner: Corner = "bottom-right", size: float = 0.03
) -> Image.Image:
    """A new picture with the label in a corner, its letters `size` of the shorter side high.

    White or black, whichever stands out; where neither does, on a plate as dense as that takes. Raises RecipeError when
    the picture is too small for it.
    """
    font, gap, (width, height) = label_size(image.size, text, face, size)
    left, top, *_ = font.getbbox(text)
    x = gap if corner.endswith("left") else image.width - width - gap
    y = gap if corner.startswith("top") else image.height - height - gap
    box = (x, y, x + width, y + height)
    white, plate = _ink(image.crop(box))
    image = image.copy()
    ink, ground = ((255, 255, 255), (0, 0, 0)) if white else ((0, 0, 0), (255, 255, 255))
    if plate:
        shape = Image.new("L", (width * 4, height * 4))  # four times the size, for smooth corners
        ImageDraw.Draw(shape).rounded_rectangle((0, 0, *shape.size), gap * 4, round(255 * plate))
        _paste(image, ground, shape.resize((width, height), Image.Resampling.LANCZOS), (x, y))
    mask = Image.new("L", (width, height))
    ImageDraw.Draw(mask).text((gap - left, gap - top), text, 255, font)
    _paste(image, ink, mask, (x, y))
    return image


def label_size(
    picture: tuple[int, int], text: str, face: Face, size: float
) -> tuple[ImageFont.FreeTypeFont, int, tuple[int, int]]:
    """A label's font, the room around its letters, and how large it is. Raises RecipeError when it does not fit."""
    letters = max(_SMALLEST, round(size * min(picture)))
    font = face.at(letters)
    gap = max(2, round(letters * 0.45))
    left, top, right, bottom = font.getbbox(text)
    width, height = round(right - left) + 2 * gap, round(bottom - top) + 2 * gap
    if width + 2 * gap > picture[0] or height + 2 * gap > picture[1]:
        raise RecipeError(
            f"a label of {len(text)} signs does not fit {picture[0]}×{picture[1]} pixels",
            advice="Give it fewer words or a larger picture.",
        )
    return font, gap, (width, height)


def contrast(one: float, other: float) -> float:
    """Of two relative luminances, by WCAG's formula: 1 to 21."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def _ink(below: Image.Image) -> tuple[bool, float]:
    """White or not, and how dense a plate has to be: by the lightest and the darkest that lies below."""
    if below.mode == "RGBA":  # where nothing is, anything may shine through
        return True, 1.0
    histogram = below.convert("L").histogram()
    dark, light = _percentile(histogram, 0.05), _percentile(histogram, 0.95)
    white = contrast(1.0, _luminance(light)) >= contrast(0.0, _luminance(dark))
    for plate in _PLATES:
        seen = light * (1 - plate) if white else dark + (255 - dark) * plate
        if contrast(1.0 if white else 0.0, _luminance(seen)) >= LEAST_CONTRAST:
            return white, plate
    return white, 1.0


def _luminance(shade: float) -> float:
    return float((shade / 255) ** 2.2)


def _percentile(histogram: list[int], share: float) -> int:
    left = share * sum(histogram)
    for shade, count in enumerate(histogram):
        left -= count
        if left <= 0:
            return shade
    return 255


def _paste(image: Image.Image, colour: tuple[int, int, int], mask: Image.Image, place: tuple[int, int]) -> None:
    if image.mode == "RGBA":
        layer = Image.new("RGBA", mask.size, (*colour, 0))
        layer.putalpha(mask)
        image.alpha_composite(layer, place)
    else:
        image.paste(colour, place, mask)

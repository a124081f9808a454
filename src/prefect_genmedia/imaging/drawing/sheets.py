"""Several pictures in one: a contact sheet; before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from PIL import Image, ImageColor, ImageDraw

from prefect_genmedia.errors import RecipeError
from prefect_genmedia.imaging.drawing.fonts import Face
from prefect_genmedia.imaging.drawing.text import Look, fitted, write_text

_CAPTION = 0.12  # of a cell's side


def contact_sheet(
    pictures: Sequence[Image.Image],
    captions: Sequence[str] = (),
    *,
    face: Face | None = None,
    columns: int = 4,
    cell: int = 320,
    gap: int = 16,
    background: str = "#ffffff",
) -> Image.Image:
    """All pictures whole, in cells of `cell` pixels a side, in reading order; below each its caption, if it has one.

    Raises ValueError without a picture; RecipeError when a caption does not fit.
    """
    if not pictures:
        raise ValueError("there is no picture for the sheet")
    columns = max(1, min(columns, len(pictures)))
    rows = -(-len(pictures) // columns)
    small = [_small(picture, cell) for picture in pictures]
    high = max(picture.height for picture in small)
    below = round(cell * _CAPTION) if any(captions) else 0
    ground = ImageColor.getrgb(background)[:3]
    sheet = Image.new("RGB", (gap + columns * (cell + gap), gap + rows * (high + below + gap)), ground)
    look = Look(colour="#000000" if sum(ground) > 382 else "#ffffff")
    for number, picture in enumerate(small):
        x = gap + number % columns * (cell + gap)
        y = gap + number // columns * (high + below + gap)
        at = (x + (cell - picture.width) // 2, y + (high - picture.height) // 2)
        sheet.paste(picture, at, picture if picture.mode == "RGBA" else None)
        if number < len(captions) and captions[number]:
            largest = max(8, below // 2)
            text = _shortened(captions[number], face or Face(), (cell, below), largest, look)
            sheet = write_text(
                sheet, text, face or Face(), (x, y + high, x + cell, y + high + below), (8, largest), look
            )
    return sheet


def before_and_after(
    before: Image.Image, after: Image.Image, style: Literal["beside", "split"] = "beside", gap: int = 16
) -> Image.Image:
    """Two states of a picture: beside each other, or the left half of one and the right half of the other.

    Both in the size of `after`, cut around the middle where their shapes differ.
    """
    first = _covering(before.convert("RGB"), after.size)
    second = after.convert("RGB")
    if style == "split":
        middle = second.width // 2
        both = second.copy()
        both.paste(first.crop((0, 0, middle, first.height)), (0, 0))
        line = max(1, second.width // 300)
        ImageDraw.Draw(both).rectangle((middle - line, 0, middle + line, both.height), "white")
        return both
    both = Image.new("RGB", (2 * second.width + gap, second.height), "white")
    both.paste(first, (0, 0))
    both.paste(second, (second.width + gap, 0))
    return both


def _small(picture: Image.Image, side: int) -> Image.Image:
    small = picture.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return small


def _covering(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    scale = min(image.width / size[0], image.height / size[1])
    width, height = size[0] * scale, size[1] * scale
    left, top = (image.width - width) / 2, (image.height - height) / 2
    return image.resize(size, Image.Resampling.LANCZOS, (left, top, left + width, top + height), reducing_gap=3.0)


def _shortened(text: str, face: Face, box: tuple[int, int], size: int, look: Look) -> str:
    """As much of a caption as fits in small letters."""
    while True:
        try:
            fitted(text, face, box, (8, size), look)
        except RecipeError:
            if len(text) < 4:
                raise
            text = text[: max(1, len(text) * 3 // 4 - 3)] + "..."
        else:
            return text

"""Text that fits its box: broken into lines, as large as it may be; with an outline, with a shadow."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal, NamedTuple

from PIL import Image, ImageColor, ImageDraw, ImageFilter, ImageFont

from prefect_genmedia.errors import RecipeError
from prefect_genmedia.imaging.drawing.fonts import Face, from_right

Align = Literal["start", "centre", "end"]
PixelBox = tuple[int, int, int, int]

# Signs that do not begin a line, and that do not end one, where it may be broken between any two (Japanese, Chinese).
_NOT_FIRST = set(
    "、。，．・：；？！゛゜ヽヾゝゞ々ー）〕］｝〉》」』】ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ…‥%,.!?:;)]}"
)
_NOT_LAST = set("（〔［｛〈《「『【([{")


@dataclass(frozen=True)
class Look:
    """How a text looks. Sizes are shares of the letters' size; colours are #rrggbb or #rrggbbaa."""

    colour: str = "#ffffff"
    outline: float = 0.0
    outline_colour: str = "#000000"
    shadow: float = 0.0
    """How far the shadow falls, and how soft it is."""
    shadow_colour: str = "#000000b0"
    align: Align = "centre"
    upright: Literal["top", "middle", "bottom"] = "middle"
    spacing: float = 1.0
    """Of lines, from one to the next."""


class Fitted(NamedTuple):
    """A text as it fits: its lines, and the letters' size in pixels."""

    lines: tuple[str, ...]
    size: int


def fitted(text: str, face: Face, box: tuple[int, int], sizes: tuple[int, int], look: Look | None = None) -> Fitted:
    """The text in its largest size, of `sizes` (smallest, largest), that fits the box of this width and height.

    Lines are broken at spaces, and between Japanese or Chinese signs where that may be. Raises RecipeError when it
    does not fit in the smallest.
    """
    look = look or Look()
    low, high = sizes
    best = None
    while low <= high:
        size = (low + high) // 2
        lines = _lines(text, face.at(size), box[0] - 2 * _outline(size, look))
        if lines is not None and _height(lines, face.at(size), size, look) <= box[1]:
            best, low = Fitted(tuple(lines), size), size + 1
        else:
            high = size - 1
    if best is None:
        raise RecipeError(
            f"a text of {len(text)} signs does not fit {box[0]}×{box[1]} pixels, in letters of {sizes[0]} pixels",
            advice="Give it a larger box, smaller letters, or fewer words.",
        )
    return best


def write_text(
    image: Image.Image, text: str, face: Face, box: PixelBox, sizes: tuple[int, int], look: Look | None = None
) -> Image.Image:
    """A new picture with the text in `box` (left, top, right, bottom, in pixels). Raises like `fitted`."""
    look = look or Look()
    left, top, right, bottom = box
    words = fitted(text, face, (right - left, bottom - top), sizes, look)
    font = face.at(words.size)
    room = 2 * words.size  # for what stands out of the box: an outline, a shadow, a long tail
    letters = Image.new("L", (right - left + 2 * room, bottom - top + 2 * room))
    outlined = letters.copy() if look.outline else letters
    _draw_lines(letters, words, font, look, room, 0)
    if look.outline:
        _draw_lines(outlined, words, font, look, room, _outline(words.size, look))
    image = image.copy()
    place = (left - room, top - room)
    if look.shadow:
        far = max(1, round(look.shadow * words.size))
        soft = outlined.filter(ImageFilter.GaussianBlur(far))
        _lay(image, look.shadow_colour, soft, (place[0] + far // 2, place[1] + far))
    if look.outline:
        _lay(image, look.outline_colour, outlined, place)
    _lay(image, look.colour, letters, place)
    return image


def _draw_lines(
    layer: Image.Image, words: Fitted, font: ImageFont.FreeTypeFont, look: Look, room: int, outline: int
) -> None:
    draw = ImageDraw.Draw(layer)
    width, height = layer.width - 2 * room, layer.height - 2 * room
    step = _line_height(font, look)
    free = height - _height(words.lines, font, words.size, look)
    edge = _outline(words.size, look)
    y = room + edge + {"top": 0.0, "middle": free / 2, "bottom": free}[look.upright] + font.getmetrics()[0]
    for line in words.lines:
        side = _side(line, look.align)
        x = room + {"l": edge, "m": width / 2, "r": width - edge}[side]
        draw.text((x, y), line, 255, font, anchor=f"{side}s", stroke_width=outline)
        y += step


def _side(line: str, align: Align) -> str:
    if align == "centre":
        return "m"
    return "l" if (align == "start") != from_right(line) else "r"


def _lay(image: Image.Image, colour: str, mask: Image.Image, place: tuple[int, int]) -> None:
    """The colour where the mask is, on a picture with or without transparency."""
    red, green, blue, opacity = (*ImageColor.getrgb(colour), 255)[:4]
    if opacity < 255:
        mask = mask.point([value * opacity // 255 for value in range(256)])
    if image.mode == "RGBA":
        layer = Image.new("RGBA", mask.size, (red, green, blue, 0))
        layer.putalpha(mask)
        left, top = max(0, -place[0]), max(0, -place[1])
        image.alpha_composite(layer, (max(0, place[0]), max(0, place[1])), (left, top))
    else:
        image.paste((red, green, blue), place, mask)


def _outline(size: int, look: Look) -> int:
    return max(1, round(look.outline * size)) if look.outline else 0


def _line_height(font: ImageFont.FreeTypeFont, look: Look) -> float:
    ascent, descent = font.getmetrics()
    return (ascent + descent) * look.spacing


def _height(lines: list[str] | tuple[str, ...], font: ImageFont.FreeTypeFont, size: int, look: Look) -> float:
    ascent, descent = font.getmetrics()
    return (len(lines) - 1) * _line_height(font, look) + ascent + descent + 2 * _outline(size, look)


def _lines(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str] | None:
    """The text in lines that are no wider; None when a part that cannot be broken is."""
    lines = []
    for paragraph in text.splitlines() or [""]:
        line = ""
        for part in _parts(paragraph):
            if line and font.getlength((line + part).rstrip()) > width:
                lines.append(line.rstrip())
                line = part.lstrip()
            else:
                line += part
            if font.getlength(line.rstrip()) > width:
                return None
        lines.append(line.rstrip())
    return lines


def _parts(text: str) -> list[str]:
    """The pieces between which a line may be broken: words with the spaces behind them, and single wide signs."""
    parts: list[str] = []
    for sign in text:
        if parts and not _may_break(parts[-1][-1], sign):
            parts[-1] += sign
        else:
            parts.append(sign)
    return parts


def _may_break(before: str, after: str) -> bool:
    if after.isspace():
        return False
    if before.isspace():
        return True
    wide = unicodedata.east_asian_width(before) in "WF" or unicodedata.east_asian_width(after) in "WF"
    return wide and after not in _NOT_FIRST and before not in _NOT_LAST and not unicodedata.combining(after)

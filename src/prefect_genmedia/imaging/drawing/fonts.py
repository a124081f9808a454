"""Fonts: the first that has every sign of a text. A sign that none has is an error, and no box in the picture."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from PIL import ImageFont, features

from prefect_genmedia.errors import MissingGlyphError, RecipeError

_NOT_A_SIGN = "\U0010fffd"  # for private use, the last one: no font has it
_CHECKED_AT = 32
_SHAPED = ((0x0900, 0x0DFF), (0x0E00, 0x109F), (0x1780, 0x17FF))
"""Scripts whose signs change with their neighbours, besides those that run from right to left."""


@dataclass(frozen=True)
class Face:
    """A font of any size. Without a path: the small one that Pillow brings, for plain English."""

    path: str | None = None
    index: int = 0
    """Which of several in one file."""

    @classmethod
    def of(cls, name: str) -> Face:
        """From `file.ttf`, or `file.ttc#2` for the third font of a collection."""
        path, mark, index = name.rpartition("#")
        return cls(path, int(index)) if mark and index.isdigit() else cls(name)

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        """The font in this size, in pixels. Raises RecipeError when there is none."""
        return _loaded(self.path, self.index, size)

    def missing(self, text: str) -> str:
        """The signs of `text` that this font does not have, each once."""
        font = self.at(_CHECKED_AT)
        nothing = _drawn(font, _NOT_A_SIGN)
        return "".join(sign for sign in dict.fromkeys(text) if _seen(sign) and _drawn(font, sign) == nothing)


def face_for(text: str, fonts: Sequence[str]) -> Face:
    """The first of these fonts, and after them Pillow's own, that has every sign of `text`.

    Raises MissingGlyphError that names the signs; RecipeError when a font cannot be read, or when the text's script
    needs what this Pillow was built without.
    """
    if needs_shaping(text) and not features.check("raqm"):
        raise RecipeError(
            "a text runs from right to left, or its signs change with their neighbours: this Pillow was built without "
            "Raqm, which that needs",
            advice="Install a Pillow that has it; its own wheels do.",
        )
    fewest = None
    for face in [*map(Face.of, fonts), Face()]:
        missing = face.missing(text)
        if not missing:
            return face
        if fewest is None or len(missing) < len(fewest):
            fewest = missing
    signs = ", ".join(f"{sign} (U+{ord(sign):04X})" for sign in (fewest or "")[:8])
    raise MissingGlyphError(
        f"no font has every sign of a text; missing at least: {signs}",
        missing=fewest or "",
        advice="Name a font that has them, in the step or in GENMEDIA_FONTS. One font writes all of a text.",
    )


def needs_shaping(text: str) -> bool:
    return any(
        unicodedata.bidirectional(sign) in ("R", "AL") or any(low <= ord(sign) <= high for low, high in _SHAPED)
        for sign in text
    )


def from_right(text: str) -> bool:
    """Does the text begin at the right?"""
    strong = (unicodedata.bidirectional(sign) for sign in text)
    return next((kind for kind in strong if kind in ("L", "R", "AL")), "L") != "L"


@lru_cache(maxsize=64)
def _loaded(path: str | None, index: int, size: int) -> ImageFont.FreeTypeFont:
    error: RecipeError
    try:
        font = ImageFont.load_default(size) if path is None else ImageFont.truetype(path, size, index)
        if isinstance(font, ImageFont.FreeTypeFont):
            return font
        error = RecipeError("no font can be read: this Pillow was built without FreeType")
    except (OSError, ValueError) as failure:
        error = RecipeError(f"the font {path} cannot be read: {failure}", advice="Give the path of a font file.")
    raise error


def _drawn(font: ImageFont.FreeTypeFont, sign: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(sign)
    return mask.size, bytes(mask)  # pyright: ignore[reportArgumentType] (it has a buffer, which its stub leaves out)


def _seen(sign: str) -> bool:
    """Is this a sign of its own that leaves ink? Not a space, a joiner or a mark of direction."""
    return unicodedata.category(sign) not in ("Zs", "Zl", "Zp", "Cc", "Cf") and not 0xFE00 <= ord(sign) <= 0xFE0F

"""Where people look first, and which colours a picture has. No model: edges, strong colours, skin."""

from __future__ import annotations

from math import hypot
from typing import Any, NamedTuple, Protocol, Self, TypeVar

from PIL import Image, ImageChops, ImageFilter

_SIDE = 128
_EDGES = ImageFilter.Kernel((3, 3), (-1, -1, -1, -1, 8, -1, -1, -1, -1), scale=2)
_RED = [max(0, 255 - abs(value - 153) * 12) for value in range(256)]  # of skin in YCbCr, whoever's it is
_BLUE = [max(0, 255 - abs(value - 102) * 10) for value in range(256)]
_DARK = [min(255, value * 4) for value in range(256)]


def focal_point(image: Image.Image) -> tuple[float, float]:
    """The point to keep in the middle of a crop, as shares: where edges, strong colours and skin come together.

    It finds what stands out and knows no faces: a given point is better where there is one.
    """
    small = image.convert("RGB")
    small.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    light, blue, red = small.convert("YCbCr").split()
    mean = Image.new("RGB", small.size, small.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)))
    unlike = ImageChops.difference(small.filter(ImageFilter.GaussianBlur(1)), mean).convert("L")
    skin = ImageChops.multiply(ImageChops.multiply(red.point(_RED), blue.point(_BLUE)), light.point(_DARK))
    edges = light.filter(_EDGES)
    if min(edges.size) > 2:  # the filter leaves the border as it was
        inner = edges.crop((1, 1, edges.width - 1, edges.height - 1))
        edges = Image.new("L", edges.size)
        edges.paste(inner, (1, 1))
    seen = ImageChops.add(ImageChops.add(edges, unlike), skin, 2)
    blurred = seen.filter(ImageFilter.GaussianBlur(hypot(*small.size) / 10))
    shades = ImageChops.multiply(blurred, _middle(small.size)).tobytes()
    highest = max(shades)
    if max(seen.tobytes()) < 8:  # nothing stands out
        return 0.5, 0.5
    best = [place for place, shade in enumerate(shades) if shade == highest]
    across = sum(place % small.width for place in best) / len(best)
    down = sum(place // small.width for place in best) / len(best)
    return (across + 0.5) / small.width, (down + 0.5) / small.height


class Focused(Protocol):
    """What is cut around a point, `focus`."""

    @property
    def attention(self) -> bool: ...

    def model_copy(self, *, update: dict[str, Any]) -> Self: ...


F = TypeVar("F", bound=Focused)


def focused(wanted: F, image: Image.Image) -> F:
    """The same with its focus found, where it is to be looked for."""
    return wanted.model_copy(update={"focus": focal_point(image)}) if wanted.attention else wanted


def _middle(size: tuple[int, int]) -> Image.Image:
    """White in the middle, greyer towards the corners: what a picture is of seldom stands there."""
    return ImageChops.invert(Image.radial_gradient("L").point([value // 2 for value in range(256)]).resize(size))


class PaletteColour(NamedTuple):
    """A colour as #rrggbb, and its share of the picture."""

    colour: str
    share: float


def palette(image: Image.Image, colours: int = 5) -> list[PaletteColour]:
    """The colours that say most of a picture, the most frequent first; what is transparent does not count.

    At most `colours`; fewer where it has fewer, none where all of it is transparent.
    """
    small = image.convert("RGBA")
    small.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    shown = bytes(part for *rgb, alpha in zip(*[iter(small.tobytes())] * 4, strict=True) if alpha > 127 for part in rgb)
    if not shown:
        return []
    pixels = Image.frombytes("RGB", (len(shown) // 3, 1), shown)
    found = pixels.quantize(colours, Image.Quantize.MEDIANCUT, kmeans=3)
    known = found.getpalette() or []
    counts = sorted(found.getcolors() or [], reverse=True)
    return [
        PaletteColour("#{:02x}{:02x}{:02x}".format(*known[3 * place : 3 * place + 3]), count / pixels.width)
        for count, place in counts
        if isinstance(place, int)
    ]

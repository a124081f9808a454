"""Any picture as upright sRGB: RGB, or RGBA where something is transparent."""

from __future__ import annotations

from io import BytesIO
from math import ceil
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageChops, ImageCms, ImageFile

from prefect_genmedia.errors import MediaInvalidError
from prefect_genmedia.imaging.reading import MAX_PIXELS, UPRIGHT, opened, orientation

_SEEN = 3  # of 255: what a profile may change and still be called sRGB


class Decoded(NamedTuple):
    """A picture in memory, upright, sRGB. `size` is its own size, which `image` may fall short of."""

    image: Image.Image
    size: tuple[int, int]


def decode(source: Path | bytes, *, shrink: float = 1.0, max_pixels: int = MAX_PIXELS) -> Decoded:
    """Decode a picture's first frame, once.

    `shrink` says that one pixel of the largest result is made of that many pixels along a side: a
    JPEG is then decoded smaller, never under twice the size needed. Raises like `inspect`.
    """
    with opened(source, max_pixels) as picture:
        size = picture.size
        if shrink >= 4:
            picture.draft(None, (ceil(size[0] * 2 / shrink), ceil(size[1] * 2 / shrink)))
        picture.load()
        if orientation(picture) >= 5:
            size = (size[1], size[0])
        return Decoded(to_srgb(upright(picture)), size)


def upright(picture: ImageFile.ImageFile) -> Image.Image:
    """Turn the picture as its EXIF orientation asks."""
    turn = UPRIGHT.get(orientation(picture))
    return picture if turn is None else picture.transpose(turn)


def in_srgb(picture: Image.Image) -> bool:
    """Are the numbers of this picture sRGB, as everyone takes them who does not look at a profile?"""
    profile = picture.info.get("icc_profile")
    if not profile or picture.mode == "1":
        return True
    probes = _probes(picture.mode)
    managed = _managed(probes, profile)
    difference = ImageChops.difference(managed.convert("RGB"), probes.convert("RGB"))
    return max(high for _, high in difference.getextrema()) <= _SEEN  # type: ignore[misc]


def to_srgb(picture: Image.Image) -> Image.Image:
    """The picture in sRGB, as RGB or (where something is transparent) RGBA, with nothing else attached.

    Raises MediaInvalidError when its numbers are no shades of grey.
    """
    profile = picture.info.get("icc_profile")
    managed = not in_srgb(picture)
    alpha = None
    if picture.mode.startswith(("I", "F")):
        picture, alpha = _eight_bits(picture)
    elif picture.has_transparency_data:
        grey = picture.convert("L") if picture.mode == "LA" else None
        picture = picture if picture.mode == "RGBA" else picture.convert("RGBA")
        alpha = picture.getchannel("A")
        if alpha.getextrema() != (255, 255) and not managed:  # a large picture is not copied for nothing
            picture.info = {}
            return picture
        picture = grey or picture.convert("RGB")
    elif picture.mode not in ("RGB", "L", "CMYK"):
        picture = picture.convert("RGB")
    image = _managed(picture, profile) if profile and managed else picture
    if image.mode != "RGB":
        image = image.convert("RGB")
    if alpha is not None and alpha.getextrema() != (255, 255):
        image.putalpha(alpha)
    image.info = {}  # so that no profile, position or comment reaches a file by accident
    return image


def _eight_bits(picture: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Grey of 16 bits, or of floating point from 0 to 1, and what is opaque in it. Plain convert() would clip it."""
    if picture.mode == "F":
        low, high = picture.getextrema()
        if not (low >= 0 and high <= 1):  # type: ignore[operator]  # also where it is no number at all
            raise MediaInvalidError("holds numbers that are no shades of grey from 0 to 1")
        return picture.point(lambda value: value * 255 + 0.5).convert("L"), None
    whole = picture.convert("I")
    low, high = whole.getextrema()
    if not (low >= 0 and high <= 65535):  # type: ignore[operator]
        raise MediaInvalidError("holds numbers that are no shades of grey of 16 bits")
    alpha = None
    if isinstance(clear := picture.info.get("transparency"), int):
        alpha = whole.point([0 if value == clear else 255 for value in range(65536)], "L")
    return whole.point([value >> 8 for value in range(65536)], "L"), alpha


def _probes(mode: str) -> Image.Image:
    """Eight colours, or shades, that tell one profile from another."""
    if mode in ("L", "LA") or mode.startswith(("I", "F")):
        return Image.frombytes("L", (8, 1), bytes(range(16, 256, 32)))
    colours = bytes.fromhex("101010 505050 a0a0a0 f0f0f0 c04040 40c040 4040c0 c0a030")
    probes = Image.frombytes("RGB", (8, 1), colours)
    return probes.convert("CMYK") if mode == "CMYK" else probes


def _managed(picture: Image.Image, profile: bytes) -> Image.Image:
    """Colours through the profile into sRGB; the same picture when the profile is broken or misfit."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        image = ImageCms.profileToProfile(picture, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return picture
    return image if image is not None else picture

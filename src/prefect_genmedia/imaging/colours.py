"""Any picture as upright sRGB: RGB, or RGBA where something is transparent."""

from __future__ import annotations

from io import BytesIO
from math import ceil
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageCms, ImageFile

from prefect_genmedia.imaging.reading import MAX_PIXELS, UPRIGHT, opened, orientation


class Decoded(NamedTuple):
    """A picture in memory, upright, sRGB. `size` is its own size, which `image` may fall short of."""

    image: Image.Image
    size: tuple[int, int]


def decode(source: Path, *, shrink: float = 1.0, max_pixels: int = MAX_PIXELS) -> Decoded:
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


def to_srgb(picture: Image.Image) -> Image.Image:
    """The picture in sRGB, as RGB or (where something is transparent) RGBA, with nothing else attached."""
    profile = picture.info.get("icc_profile")
    alpha = None
    if picture.mode.startswith("I"):  # 16 bits per pixel; convert() would clip them to white
        picture = picture.point(lambda value: value * (1 / 256))
        picture.info = {}
        picture = picture.convert("L")
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        alpha = rgba.getchannel("A")
        picture = picture.convert("L") if picture.mode == "LA" else rgba.convert("RGB")
    elif picture.mode not in ("RGB", "L", "CMYK"):
        picture = picture.convert("RGB")
    image = _managed(picture, profile) if profile else picture
    if image.mode != "RGB":
        image = image.convert("RGB")
    if alpha is not None and alpha.getextrema() != (255, 255):
        image.putalpha(alpha)
    image.info = {}  # so that no profile, position or comment reaches a file by accident
    return image


def _managed(picture: Image.Image, profile: bytes) -> Image.Image:
    """Colours through the profile into sRGB; the same picture when the profile is sRGB, broken or misfit."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if ImageCms.getProfileDescription(source).strip().lower().startswith("srgb"):
            return picture
        target = ImageCms.createProfile("sRGB")
        image = ImageCms.profileToProfile(picture, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return picture
    return image if image is not None else picture

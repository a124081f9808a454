"""Sharpness and colours. Pure functions on RGB and RGBA; what is transparent stays so."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image, ImageEnhance, ImageFilter


def sharpen(image: Image.Image, strength: float = 0.5, radius: float = 1.0) -> Image.Image:
    """Stronger edges of about `radius` pixels: 0 changes nothing, 1 much. Flat areas and their noise are left alone."""
    return _colours(image, lambda rgb: rgb.filter(ImageFilter.UnsharpMask(radius, round(150 * strength), 3)))


def adjust(image: Image.Image, brightness: float = 1.0, contrast: float = 1.0, saturation: float = 1.0) -> Image.Image:
    """Each a factor: 1 changes nothing. A saturation of 0 is black and white."""

    def changed(rgb: Image.Image) -> Image.Image:
        for kind, factor in (
            (ImageEnhance.Brightness, brightness),
            (ImageEnhance.Contrast, contrast),
            (ImageEnhance.Color, saturation),
        ):
            if factor != 1:
                rgb = kind(rgb).enhance(factor)
        return rgb

    return _colours(image, changed)


def _colours(image: Image.Image, change: Callable[[Image.Image], Image.Image]) -> Image.Image:
    if image.mode != "RGBA":
        return change(image)
    changed = change(image.convert("RGB"))
    changed.putalpha(image.getchannel("A"))
    return changed

"""Smaller copies of a large picture, from which many small files are cut: not each of them from all of its pixels."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from prefect_genmedia.imaging.colours import Decoded
from prefect_genmedia.imaging.geometry import Layout, source_pixels_per_pixel
from prefect_genmedia.imaging.workers import work_on_each

HEADROOM = 1.2
"""So many pixels of a copy, along a side, go into one of the file that needs most: from there on it looks the same."""

WORTH = 2.0
"""How many passes over all pixels a copy has to save; itself it costs one, and the others wait for it."""

_BAND = 128  # rows


def ladder(picture: Decoded, plans: Sequence[Layout]) -> list[Decoded]:
    """For each plan, what it is cut from: the picture, or a smaller copy that still has more pixels than it needs.

    Of photographs with an SSIM above 0.99 to what all of the pixels give, of fine print 0.97. Each copy is made
    of the one before, on all cores; where few files are wanted, or large ones, there is none.
    """
    steps = sorted(range(len(plans)), key=lambda number: source_pixels_per_pixel(plans[number]))
    found = [picture] * len(plans)
    for done, number in enumerate(steps):
        wanted = HEADROOM / source_pixels_per_pixel(plans[number])
        shrink = wanted * picture.size[0] / picture.image.width
        if shrink < 1 and (len(steps) - done) * (1 - shrink**2) >= WORTH:
            size = (max(1, round(picture.size[0] * wanted)), max(1, round(picture.size[1] * wanted)))
            picture = Decoded(_resized(picture.image, size), picture.size)
        found[number] = picture
    return found


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The same as `resize` gives, in bands side by side: Pillow looks beyond a band's edge for what it needs. Low ones,
    for what each holds meanwhile is as wide as the result and as high as what it is made of."""
    mode = image.mode
    image = image.convert("RGBa") if mode == "RGBA" else image  # as resize does, but once and not in each band
    whole = Image.new(image.mode, size)
    scale = image.height / size[1]

    def band(top: int) -> None:
        bottom = min(top + _BAND, size[1])
        box = (0, top * scale, image.width, min(bottom * scale, image.height))
        whole.paste(image.resize((size[0], bottom - top), Image.Resampling.LANCZOS, box), (0, top))

    work_on_each(band, range(0, size[1], _BAND))
    return whole.convert(mode)

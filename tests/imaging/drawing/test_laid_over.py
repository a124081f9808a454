"""Labels can be read, overlays stand where they were put, sheets show every picture."""

from __future__ import annotations

from itertools import pairwise

import pytest
from PIL import Image, ImageChops

from prefect_genmedia.errors import RecipeError
from prefect_genmedia.imaging.drawing import (
    CORNERS,
    PLACES,
    Face,
    before_and_after,
    contact_sheet,
    label,
    overlay,
)
from prefect_genmedia.imaging.drawing.labels import LEAST_CONTRAST, contrast, label_size


def luminance(pixel: tuple[int, ...]) -> float:
    shares = [value / 255 for value in pixel[:3]]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("corner", CORNERS)
def test_a_label_can_be_read_on_anything(corner: str, cat: Image.Image) -> None:
    greys = [Image.new("RGB", (300, 200), (shade,) * 3) for shade in (0, 60, 118, 128, 200, 255)]
    noise = [Image.effect_noise((300, 200), strength).convert("RGB") for strength in (20, 60, 120)]
    for below in (*greys, *noise, cat):
        after = label(below, "AI generated", Face(), corner, 0.06)  # type: ignore[arg-type]
        _, gap, (width, height) = label_size(below.size, "AI generated", Face(), 0.06)
        x = gap if corner.endswith("left") else below.width - width - gap
        y = gap if corner.startswith("top") else below.height - height - gap
        drawn = ImageChops.difference(below, after).getbbox()
        assert drawn is not None and x <= drawn[0] and y <= drawn[1]
        assert drawn[2] <= x + width and drawn[3] <= y + height
        # Left and right of the letters is what lies behind them.
        beside = [after.crop((at, y + gap, at + gap - 2, y + height - gap)) for at in (x + 2, x + width - gap)]
        ground = sorted(luminance(pixel) for part in beside for pixel in part.get_flattened_data())
        few = len(ground) // 10
        darkest, lightest = after.crop(drawn).convert("L").getextrema()
        inks = [1.0] * (lightest >= 250) + [0.0] * (darkest <= 5)  # type: ignore[operator]
        assert (
            max(min(contrast(ink, ground[few]), contrast(ink, ground[-1 - few])) for ink in inks)
            >= LEAST_CONTRAST * 0.9
        )


def test_a_label_that_does_not_fit_is_refused() -> None:
    with pytest.raises(RecipeError, match="does not fit"):
        label(Image.new("RGB", (60, 60)), "AI generated", Face())


@pytest.mark.parametrize("place", PLACES)
def test_an_overlay_stands_where_it_was_put(place: str) -> None:
    below = Image.new("RGB", (400, 200), "navy")
    logo = Image.new("RGBA", (100, 50), (255, 200, 0, 255))
    box = ImageChops.difference(below, overlay(below, logo, place, 0.25, 0.1)).getbbox()  # type: ignore[arg-type]
    left = {"left": 20, "right": 280}.get(place.rpartition("-")[2], 150)
    top = {"top": 20, "bottom": 130}.get(place.partition("-")[0], 75)
    assert box == ((0, 0, 400, 200) if place == "frame" else (left, top, left + 100, top + 50))


def test_an_overlay_never_leaves_the_picture_and_lets_light_through() -> None:
    below = Image.new("RGB", (100, 300), (0, 0, 0))
    wide = Image.new("RGBA", (900, 30), (255, 255, 255, 255))
    made = overlay(below, wide, "bottom", 1.0, 0.1, opacity=0.5)
    assert ImageChops.difference(below, made).getbbox() == (10, 287, 90, 290)
    assert 120 <= made.getpixel((50, 288))[0] <= 135  # type: ignore[index]
    clear = Image.new("RGBA", (100, 300), (0, 0, 0, 0))
    assert overlay(clear, wide, "top").mode == "RGBA"


def test_a_sheet_shows_every_picture_in_order() -> None:
    colours = ["red", "lime", "blue", "yellow", "magenta"]
    pictures = [Image.new("RGB", (300, 200), colour) for colour in colours]
    sheet = contact_sheet(pictures, [f"number {n}" for n in range(5)], columns=3, cell=120, gap=10)
    assert sheet.size == (10 + 3 * 130, 10 + 2 * (80 + 14 + 10))
    seen = [sheet.getpixel((10 + 60 + 130 * (n % 3), 10 + 40 + 104 * (n // 3))) for n in range(5)]
    assert seen == [Image.new("RGB", (1, 1), colour).getpixel((0, 0)) for colour in colours]
    with pytest.raises(ValueError):
        contact_sheet([])
    assert contact_sheet(pictures[:1], ["a very long caption " * 20], cell=120)


def test_before_and_after(cat: Image.Image) -> None:
    grey = cat.convert("L").convert("RGB").resize((225, 300))
    beside = before_and_after(cat, grey, gap=5)
    assert beside.size == (455, 300)
    split = before_and_after(cat, grey, "split")
    assert split.size == grey.size
    columns = [split.getpixel((x, 100)) for x in (30, 200)]
    assert len(set(columns[0])) > 1 and len(set(columns[1])) == 1  # type: ignore[arg-type]
    assert all(one is not other for one, other in pairwise((cat, grey, split)))

"""What can be asked for, and where the pixels then go."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pydantic import ValidationError

from prefect_genmedia.imaging import SOCIAL, Rendition
from prefect_genmedia.imaging.geometry import layout


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"name": "Wide Screen", "width": 9}, "name"),
        ({"name": "../up", "width": 9}, "name"),
        ({"name": "", "width": 9}, "name"),
        ({"name": "a", "width": 0}, "width"),
        ({"name": "a", "height": 16385}, "height"),
        ({"name": "a"}, "needs a width, a height or both"),
        ({"name": "a", "width": 16384, "format": "webp"}, "webp holds at most 16383 pixels a side"),
        ({"name": "a", "width": 16000, "height": 16000}, "at most 100 megapixels"),
        ({"name": "a", "width": 9, "quality": 101}, "quality"),
        ({"name": "a", "width": 9, "focus": (0.5, 1.1)}, "focus"),
        ({"name": "a", "width": 9, "background": "white"}, "background"),
        ({"name": "a", "width": 9, "fit": "stretch"}, "fit"),
        ({"name": "a", "width": 9, "sharpen": True}, "sharpen"),
    ],
)
def test_what_cannot_be_made_is_refused(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Rendition(**fields)


def test_every_field_explains_itself_in_the_form() -> None:
    for name, field in Rendition.model_json_schema()["properties"].items():
        assert field.get("description", "").endswith("."), name


def test_the_social_sizes() -> None:
    sizes = {each.name: (each.width, each.height) for each in SOCIAL}
    assert len(sizes) == len(SOCIAL) == 8
    assert sizes["portrait"] == (1080, 1350)
    assert sizes["story"] == (1080, 1920)
    assert {(each.fit, each.format, each.quality) for each in SOCIAL} == {("cover", "jpeg", 85)}


@pytest.mark.parametrize(
    ("fields", "size", "canvas"),
    [
        ({"width": 300}, (300, 200), (300, 200)),
        ({"height": 800}, (1200, 800), (1200, 800)),
        ({"height": 800, "enlarge": False}, (600, 400), (600, 400)),
        ({"width": 300, "height": 300}, (300, 300), (300, 300)),
        ({"width": 300, "height": 300, "fit": "inside"}, (300, 200), (300, 200)),
        ({"width": 300, "height": 300, "fit": "contain"}, (300, 200), (300, 300)),
        ({"width": 900, "height": 900, "fit": "inside", "enlarge": False}, (600, 400), (600, 400)),
        ({"width": 900, "height": 900, "fit": "contain", "enlarge": False}, (600, 400), (900, 900)),
        ({"width": 900, "height": 900, "fit": "cover", "enlarge": False}, (400, 400), (400, 400)),
        ({"width": 1600, "height": 900, "enlarge": False}, (600, 338), (600, 338)),
        ({"width": 500, "height": 100, "enlarge": False}, (500, 100), (500, 100)),
    ],
)
def test_sizes_for_a_picture_of_600_by_400(
    fields: dict[str, Any], size: tuple[int, int], canvas: tuple[int, int]
) -> None:
    plan = layout((600, 400), Rendition(name="a", **fields))
    assert (plan.size, plan.canvas) == (size, canvas)


def test_the_crop_is_centred_on_the_focus_until_it_meets_an_edge() -> None:
    def left(x: float) -> float:
        return layout((600, 400), Rendition(name="a", width=100, height=100, focus=(x, 0.5))).box[0]

    assert [left(x) for x in (0, 0.25, 0.5, 0.6, 1)] == [0, 0, 100, 160, 200]


def test_any_picture_fits_any_rendition() -> None:
    dice = random.Random(7)
    for _ in range(3000):
        picture = (dice.randint(1, 5000), dice.randint(1, 5000))
        width, height = dice.randint(1, 5000), dice.randint(1, 5000)
        rendition = Rendition(
            name="a",
            width=width,
            height=height,
            fit=dice.choice(["cover", "contain", "inside"]),
            focus=(dice.random(), dice.random()),
            enlarge=dice.random() < 0.5,
        )
        (left, top, right, bottom), size, canvas = layout(picture, rendition)
        assert 0 <= left < right <= picture[0] + 1e-6
        assert 0 <= top < bottom <= picture[1] + 1e-6
        assert 1 <= size[0] <= canvas[0] <= width
        assert 1 <= size[1] <= canvas[1] <= height
        if rendition.enlarge and rendition.fit != "inside":
            assert canvas == (width, height)
        if not rendition.enlarge:
            assert size[0] <= right - left + 1
            assert size[1] <= bottom - top + 1
        # Nothing is stretched: both sides are scaled alike, to a pixel.
        across, down = size[0] / (right - left), size[1] / (bottom - top)
        assert abs(across - down) * min(right - left, bottom - top) <= 1 + 1e-6

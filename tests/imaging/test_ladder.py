"""Many small files of one large picture: not each from all of its pixels, and yet as if."""

from __future__ import annotations

import pytest
from PIL import Image, ImageChops

from prefect_genmedia.imaging import Rendition
from prefect_genmedia.imaging.colours import Decoded, decode
from prefect_genmedia.imaging.geometry import layout
from prefect_genmedia.imaging.judging.similarity import ssim
from prefect_genmedia.imaging.ladder import ladder
from prefect_genmedia.imaging.rendering import cut
from prefect_genmedia.imaging.renditions import SOCIAL

SMALLER = [
    each.model_copy(update={"width": (each.width or 0) // 8, "height": (each.height or 0) // 8}) for each in SOCIAL
]


def picture(photos, name: str, mode: str = "RGB") -> Decoded:
    image = decode(photos / name).image.convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    return Decoded(image, image.size)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("name", ["coffee.png", "chelsea.png"])
def test_files_look_as_if_each_were_cut_from_all_pixels(photos, name: str, mode: str):
    whole = picture(photos, name, mode)
    plans = [layout(whole.size, each) for each in SMALLER]
    smaller = ladder(whole, plans)
    assert len({each.image.size for each in smaller}) > 1, "there are copies"
    for each, plan, wanted in zip(smaller, plans, SMALLER, strict=True):
        made, exact = cut(each, plan, wanted), cut(whole, plan, wanted)
        assert made.size == exact.size and made.mode == exact.mode == "RGB"
        assert ssim(exact, made) > 0.99, wanted.name


def test_each_copy_is_smaller_than_the_one_before_and_larger_than_what_is_cut_from_it(photos):
    whole = picture(photos, "coffee.png")
    plans = [layout(whole.size, each) for each in SMALLER]
    for each, plan in zip(ladder(whole, plans), plans, strict=True):
        across = each.image.width / whole.size[0]
        assert (plan.box[2] - plan.box[0]) * across >= plan.size[0] and each.size == whole.size


def test_bands_are_the_picture(photos):
    """Made side by side, and bit by bit what one piece would be."""
    large = picture(photos, "coffee.png").image.resize((1800, 1200))
    wanted = [Rendition(name=f"n{number}", width=600) for number in range(8)]
    plans = [layout(large.size, each) for each in wanted]
    copy = ladder(Decoded(large, large.size), plans)[0].image
    assert copy.size[1] > 256 and copy.size == (720, 480)
    difference = ImageChops.difference(copy, large.resize(copy.size, Image.Resampling.LANCZOS))
    assert difference.getextrema() == ((0, 0),) * 3


def test_there_is_no_copy_where_it_would_save_nothing(photos):
    whole = picture(photos, "coffee.png")
    few = [layout(whole.size, each) for each in SMALLER[:1]]
    large = [layout(whole.size, Rendition(name=f"n{width}", width=width)) for width in (600, 580, 560, 540, 900)]
    assert {id(each) for each in ladder(whole, few) + ladder(whole, large)} == {id(whole)}
    assert ladder(whole, []) == []

"""Files to a likeness, crops around what stands out, and a picture's colours."""

from __future__ import annotations

from io import BytesIO
from math import exp
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from pydantic import ValidationError

from prefect_genmedia.errors import MediaInvalidError
from prefect_genmedia.imaging import Rendition, render
from prefect_genmedia.imaging.encoding import encode, encode_as
from prefect_genmedia.imaging.judging import focal_point, palette, ssim
from prefect_genmedia.imaging.recipes import make, read_recipe


def written(image: Image.Image, kind: str, quality: int) -> Image.Image:
    return Image.open(BytesIO(encode_as(image, kind, quality)))


def by_the_paper(one: Image.Image, other: Image.Image) -> float:
    """Wang's SSIM with its Gaussian of 11×11, in plain numbers, at every fourth pixel."""
    first, second = (list(image.convert("RGB").convert("L").tobytes()) for image in (one, other))
    weights = [[exp(-(x * x + y * y) / 4.5) for x in range(-5, 6)] for y in range(-5, 6)]
    total = sum(map(sum, weights))
    values = []
    for top in range(0, one.height - 11, 4):
        for left in range(0, one.width - 11, 4):
            m = n = mm = nn = mn = 0.0
            for y, row in enumerate(weights):
                for x, weight in enumerate(row):
                    place, share = (top + y) * one.width + left + x, weight / total
                    a, b = first[place], second[place]
                    m, n, mm, nn, mn = (
                        s + share * t for s, t in zip((m, n, mm, nn, mn), (a, b, a * a, b * b, a * b), strict=True)
                    )
            c, d = 6.5025, 58.5225
            likeness = (2 * m * n + c) * (2 * (mn - m * n) + d) / (m * m + n * n + c)
            values.append(likeness / (mm + nn - m * m - n * n + d))
    return sum(values) / len(values)


def test_ssim_is_one_for_the_same_and_near_the_papers_for_others(cat: Image.Image) -> None:
    small = cat.resize((112, 76))
    assert ssim(small, small) == pytest.approx(1.0, abs=1e-6)
    assert ssim(Image.new("L", (1, 1)), Image.new("L", (1, 1))) == 1.0
    for quality in (20, 75, 92):
        worse = written(small, "jpeg", quality)
        assert ssim(small, worse) == pytest.approx(by_the_paper(small, worse), abs=0.012), quality
    assert ssim(small, small.rotate(180)) < 0.5
    clear = small.copy()
    clear.putalpha(0)
    assert ssim(clear, Image.new("RGB", small.size, "white")) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("kind", ["jpeg", "webp", "avif"])
@pytest.mark.sampled(3)
def test_the_lightest_file_that_is_so_like_the_picture(kind: str, cat: Image.Image) -> None:
    image = cat.resize((226, 150))
    wanted = Rendition(name="like", width=226, format=kind, ssim=0.95)
    content = encode(image, wanted)
    assert ssim(image, Image.open(BytesIO(content))) >= 0.95
    less = next(q for q in range(100, 0, -1) if len(encode_as(image, kind, q)) < len(content))
    assert ssim(image, written(image, kind, less)) < 0.955, "one quality less is no longer so like it, or hardly"
    assert len(content) < len(encode(image, wanted.model_copy(update={"ssim": 0.99})))
    with pytest.raises(MediaInvalidError, match=r"SSIM of 0\.9"):
        encode(image, wanted.model_copy(update={"max_bytes": 1000}))


def test_what_cannot_be_reached_is_as_good_as_it_gets_and_png_loses_nothing(cat: Image.Image) -> None:
    image = cat.resize((113, 75))
    best = encode(image, Rendition(name="best", width=113, ssim=0.99999))
    assert best == encode_as(image, "jpeg", 100)
    png = encode(image, Rendition(name="png", width=113, format="png", ssim=0.9))
    assert Image.open(BytesIO(png)).tobytes() == image.tobytes()
    with pytest.raises(ValidationError, match="not both"):
        Rendition(name="both", width=9, quality=80, ssim=0.9)


def spot(size: tuple[int, int], at: tuple[int, int]) -> Image.Image:
    image = Image.new("RGB", size, "#405060")
    ImageDraw.Draw(image).ellipse((at[0] - 20, at[1] - 20, at[0] + 20, at[1] + 20), fill="#e0b090", outline="white")
    return image


@pytest.mark.parametrize("at", [(60, 50), (340, 50), (300, 160), (200, 100)])
def test_what_stands_out_is_found_and_kept(at: tuple[int, int], tmp_path: Path) -> None:
    image = spot((400, 200), at)
    across, down = focal_point(image)
    assert abs(across * 400 - at[0]) < 45 and abs(down * 200 - at[1]) < 45
    image.save(tmp_path / "spot.png")
    wanted = Rendition(name="square", width=100, height=100, format="png", attention=True)
    (square,) = render(tmp_path / "spot.png", [wanted], tmp_path)
    steps = [{"step": "crop", "aspect": "1:2", "attention": True}, {"step": "save", "format": "png"}]
    (tall,) = make(tmp_path / "spot.png", read_recipe(steps), tmp_path)
    for made in (square, tall):
        with Image.open(made.path) as cut:
            skin = cut.getchannel("R").point(lambda value: 255 * (value > 180)).histogram()[255]
            assert skin > 0.9 * 3.14 * 20 * 20 * (cut.width / (200 if made is square else 100)) ** 2


def test_nothing_stands_out_of_one_colour_and_photographs_keep_their_heads(photos: Path) -> None:
    assert focal_point(Image.new("RGB", (300, 40), "teal")) == (0.5, 0.5)
    across, down = focal_point(Image.open(photos / "astronaut.png"))
    assert 0.3 < across < 0.6 and 0.05 < down < 0.4, "her face"
    across, down = focal_point(Image.open(photos / "coffee.png"))
    assert 0.35 < across < 0.7 and 0.3 < down < 0.7, "the cup"


def test_the_colours_of_a_picture() -> None:
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 30, 20))
    image.paste((0, 0, 255, 255), (0, 20, 10, 40))
    found = palette(image)
    assert [each.colour for each in found] == ["#ff0000", "#0000ff"]
    assert [round(each.share, 2) for each in found] == [0.75, 0.25]
    assert palette(Image.new("RGBA", (9, 9), (0, 0, 0, 0))) == []

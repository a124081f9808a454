"""A recipe is data; it is refused before it begins where it cannot work, and otherwise does what it says."""

from __future__ import annotations

import csv
import json
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from prefect_genmedia.errors import ConfigurationError, MediaInvalidError, MissingGlyphError, RecipeError
from prefect_genmedia.imaging import Rendition, inspect, render
from prefect_genmedia.imaging.recipes import Materials, Recipe, check, make, read_recipe, shipped_presets
from prefect_genmedia.imaging.recipes.placing import crop_box, padded
from prefect_genmedia.imaging.recipes.presets import USUAL, Preset, presets_in_file, read_presets
from prefect_genmedia.imaging.recipes.steps import Crop, Pad
from prefect_genmedia.imaging.renditions import SOCIAL, Format

LOGO = BytesIO()
Image.new("RGBA", (80, 40), (255, 0, 0, 255)).save(LOGO, "PNG")
WITH_LOGO = Materials(overlays={"logo.png": LOGO.getvalue()})


def finished(*steps: Any) -> Recipe:
    return read_recipe(list(steps)).finished(shipped_presets())


def made(source: Path, folder: Path, *steps: Any, materials: Materials = WITH_LOGO) -> list[Image.Image]:
    files = make(source, finished(*steps), folder, "pic", materials)
    for file in files:
        facts = inspect(file.path)
        assert (facts.width, facts.height, facts.media_type, facts.bytes) == (
            file.width,
            file.height,
            file.media_type,
            file.bytes,
        )
    return [Image.open(file.path) for file in files]


# -- reading ----------------------------------------------------------------------------------------

STEPS = [{"step": "crop", "aspect": "1:1"}, {"step": "label"}, {"step": "sizes", "sizes": ["square", "thumb"]}]
YAML = """
steps:
  - {step: crop, aspect: "1:1"}
  - step: label
  - step: sizes
    sizes: [square, thumb]
"""


def test_it_is_read_from_data_text_a_file_and_a_csv_column(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(YAML)
    table = StringIO()
    rows = csv.writer(table)
    rows.writerows([["sku", "recipe"], ["7", json.dumps(STEPS)], ["8", str(tmp_path / "shop.yaml")], ["9", YAML]])
    column = [row["recipe"] for row in csv.DictReader(StringIO(table.getvalue()))]
    recipes = [read_recipe(each) for each in (STEPS, {"steps": STEPS}, YAML, *column)]
    assert len(recipes) == 6 and len({each.digest({}) for each in recipes}) == 1
    assert recipes[0].names == ["square", "thumb"]


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ([{"step": "blur"}], "steps.0"),
        ([{"step": "crop"}], "a crop needs an aspect, or a width and a height"),
        ([{"step": "crop", "aspect": "1:1", "width": 3, "height": 3}], "a crop needs"),
        ([{"step": "crop", "aspect": "16:0"}], "an aspect is from"),
        ([{"step": "resize"}], "a resize needs"),
        ([{"step": "sizes", "sizes": []}], "there is no size"),
        ([{"step": "sizes", "sizes": ["square"]}, {"step": "save"}], "stand before"),
        ([{"step": "sizes", "sizes": ["square"]}, {"step": "sizes", "sizes": ["thumb"]}], "only once"),
        ([{"step": "save"}, {"step": "crop", "aspect": "1:1"}, {"step": "save"}], "two files are called picture"),
        ([{"step": "label"}, {"step": "keep"}], "first step"),
        ([{"step": "text", "text": "a", "box": [0.5, 0, 0.4, 1]}], "to the right of its left"),
        ([{"step": "text", "text": "a", "colour": "red"}], "steps.0.text.colour"),
        ([{"step": "label", "secret": 1}], "steps.0.label.secret"),
        ("steps: [", "no YAML"),
        ("nowhere.yaml", "nowhere.yaml cannot be read"),
        ("portrait", "recipe"),
        (7, "recipe"),
    ],
)
def test_what_is_no_recipe_is_refused_by_its_place(given_: Any, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        read_recipe(given_)


def test_its_hash_is_of_what_it_does() -> None:
    one = finished(*STEPS)
    assert one.digest({}) == finished(*[dict(reversed(step.items())) for step in STEPS]).digest({})
    others = [finished(*STEPS[1:]), finished(STEPS[0], {"step": "label", "corner": "top-left"}, STEPS[2])]
    wider = {**shipped_presets(), "square": Preset(width=1081, height=1080)}
    others.append(read_recipe(STEPS).finished(wider))
    digests = {each.digest({}) for each in (one, *others)} | {one.digest({"logo.png": "another"})}
    assert len(digests) == 5
    assert one.digest({"a": "1", "b": "2"}) == one.digest({"b": "2", "a": "1"})


# -- checked before anything begins -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "size", "said"),
    [
        ([{"step": "crop", "width": 2000, "height": 900}], (1024, 680), "larger than the picture, which is 1024×680"),
        ([{"step": "resize", "scale": 16}], (4000, 4000), "too many"),
        ([{"step": "text", "text": "word " * 300}], (200, 100), "does not fit"),
        ([{"step": "text", "text": "Größe ř"}], None, "no font has every sign"),
        ([{"step": "label", "text": "l" * 80}], (120, 90), "does not fit"),
        ([{"step": "sizes", "sizes": ["thumb"]}, {"step": "label", "size": 0.3}], None, "does not fit 400×400"),
        ([{"step": "overlay", "picture": "nowhere.png"}], None, "cannot be found"),
        ([{"step": "check", "least_width": 2000}], (1024, 680), "2000×0 are asked"),
        ([{"step": "check", "aspect": "1:1"}], (1024, 680), "the shape 1:1"),
        ([{"step": "resize", "width": 16384}, {"step": "save", "format": "webp"}], (100, 5), "too large"),
    ],
)
def test_what_cannot_work_is_refused_before_and_by_its_step(steps: Any, size: Any, said: str) -> None:
    recipe = finished(*steps)
    with pytest.raises(RecipeError, match=said) as caught:
        check(recipe, WITH_LOGO, size)
    assert "step " in caught.value.message


def test_what_is_not_known_yet_holds_nothing_back() -> None:
    recipe = finished({"step": "crop", "width": 2000, "height": 900}, {"step": "text", "text": "word " * 20})
    check(recipe, Materials(), None)
    check(recipe, Materials(), (2000, 900))
    with pytest.raises(MissingGlyphError, match="step 2"):
        check(finished({"step": "label"}, {"step": "text", "text": "\u0e01"}), Materials(), None)


def test_it_is_checked_again_on_the_picture_that_came(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="larger than the picture"):
        made(photos / "coffee.png", tmp_path, {"step": "crop", "width": 601, "height": 400})
    assert list(tmp_path.iterdir()) == []


# -- done -------------------------------------------------------------------------------------------


def test_each_step_does_what_it_says(photos: Path, tmp_path: Path) -> None:
    coffee = photos / "coffee.png"
    (cropped,) = made(coffee, tmp_path, {"step": "crop", "aspect": "1:1"}, {"step": "save", "format": "png"})
    whole = Image.open(coffee).convert("RGB")
    assert ImageChops.difference(cropped, whole.crop((100, 0, 500, 400))).getbbox() is None, "copied, not resampled"
    (large,) = made(coffee, tmp_path, {"step": "resize", "scale": 1.5})
    assert (large.size, large.format) == ((900, 600), "JPEG")
    (padded_,) = made(coffee, tmp_path, {"step": "pad", "aspect": "1:1", "background": "#ff0000"})
    assert padded_.size == (600, 600) and padded_.getpixel((300, 20))[0] > 240  # type: ignore[index]
    (grey,) = made(coffee, tmp_path, {"step": "colour", "saturation": 0}, {"step": "save", "format": "png"})
    assert len(set(grey.getpixel((300, 200)))) == 1  # type: ignore[arg-type]
    (clear,) = made(
        coffee,
        tmp_path,
        {"step": "pad", "border": 0.1, "background": "#00000000"},
        {"step": "save", "format": "webp"},
    )
    assert clear.mode == "RGBA" and clear.getpixel((2, 2))[3] == 0  # type: ignore[index]


def test_files_along_the_way_and_sizes_with_all_that_follows(photos: Path, tmp_path: Path) -> None:
    steps = [
        {"step": "keep"},
        {"step": "crop", "aspect": "4:3"},
        {"step": "save", "name": "clean", "format": "png"},
        {"step": "overlay", "picture": "logo.png", "place": "top-left", "margin": 0, "width": 0.5},
        {"step": "sizes", "sizes": ["thumb", {"name": "wide", "width": 300, "height": 100, "format": "png"}]},
        {"step": "text", "text": "Sale", "box": [0, 0.5, 1, 1], "colour": "#00ff00"},
    ]
    source = photos / "coffee.png"
    kept, clean, thumb, wide = made(source, tmp_path, *steps)
    assert (tmp_path / "pic-original.png").read_bytes() == source.read_bytes()
    assert kept.size == (600, 400) and clean.size == (533, 400)
    assert clean.getpixel((2, 2))[0] < 250 or clean.getpixel((2, 2))[1] > 20  # type: ignore[index]
    assert (thumb.size, wide.size) == ((400, 400), (300, 100))
    for each in (thumb, wide):
        green = [pixel for pixel in each.convert("RGB").get_flattened_data() if pixel[1] > 200 and pixel[0] < 90]
        assert len(green) > 40
    assert thumb.convert("RGB").getpixel((20, 20))[0] > 240  # type: ignore[index]


def test_sizes_alone_are_renditions(photos: Path, tmp_path: Path) -> None:
    recipe = finished({"step": "sizes", "sizes": list(USUAL)})
    by_recipe = make(photos / "rocket.jpg", recipe, tmp_path / "a", "pic")
    rendered = render(photos / "rocket.jpg", SOCIAL, tmp_path / "b", "pic")
    assert [(each.name, each.sha256) for each in by_recipe] == [(each.name, each.sha256) for each in rendered]


def test_a_check_refuses_what_has_come(photos: Path, tmp_path: Path) -> None:
    Image.new("RGB", (300, 200), "beige").save(tmp_path / "blank.png")
    with pytest.raises(MediaInvalidError, match="blank"):
        made(tmp_path / "blank.png", tmp_path / "out", {"step": "check"})
    assert made(tmp_path / "blank.png", tmp_path / "out", {"step": "check", "blank": True})
    assert made(photos / "coffee.png", tmp_path / "out", {"step": "check", "least_width": 600, "aspect": "3:2"})


@pytest.mark.parametrize("kind", get_args(Format))
@pytest.mark.parametrize("mode", ["CMYK", "I;16", "LA", "P", "RGBA", "1", "F"])
def test_any_picture_in_any_format(mode: str, kind: str, tmp_path: Path) -> None:
    shade = Image.linear_gradient("L").resize((160, 120))
    if mode == "I;16":
        image = shade.convert("I").point(lambda value: value * 257).convert("I;16")
    elif mode == "F":
        image = Image.new("F", (160, 120), 0.5)
    else:
        image = Image.merge("RGB", (shade, shade, shade)).convert(mode)
    source = tmp_path / ("in.tiff" if mode in ("CMYK", "F") else "in.png")
    image.save(source)
    steps = [{"step": "sharpen"}, {"step": "label", "size": 0.08}, {"step": "save", "format": kind}]
    (file,) = made(source, tmp_path / "out", *steps)
    assert file.size == (160, 120)


# -- numbers ----------------------------------------------------------------------------------------

Side = st.integers(1, 4000)
Ratio = st.tuples(st.integers(1, 40), st.integers(1, 40)).map(lambda pair: f"{pair[0]}:{pair[1]}")


@given(size=st.tuples(Side, Side), aspect=Ratio, focus=st.tuples(st.floats(0, 1), st.floats(0, 1)))
@settings(max_examples=200)
def test_a_crop_is_inside_has_its_shape_and_is_as_large_as_it_may_be(size: Any, aspect: str, focus: Any) -> None:
    left, top, right, bottom = crop_box(Crop(aspect=aspect, focus=focus), size)
    width, height = right - left, bottom - top
    assert 0 <= left < right <= size[0] and 0 <= top < bottom <= size[1]
    assert width == size[0] or height == size[1]
    across, down = map(int, aspect.split(":"))
    assert abs(width - height * across / down) <= max(1, across / down) or min(width, height) == 1


@given(size=st.tuples(Side, Side), aspect=Ratio, border=st.floats(0, 0.3))
@settings(max_examples=200)
def test_padding_has_its_shape_and_holds_all_of_the_picture(size: Any, aspect: str, border: float) -> None:
    try:
        width, height = padded(Pad(aspect=aspect, border=border), size)
    except RecipeError as refused:
        assert "too large" in refused.message
        return
    across, down = map(int, aspect.split(":"))
    room = round(border * min(size))
    assert width >= size[0] + 2 * room and height >= size[1] + 2 * room
    assert abs(width - height * across / down) <= max(1, across / down)


# -- presets ----------------------------------------------------------------------------------------


def test_every_preset_has_a_source_and_a_date_and_can_be_made() -> None:
    presets = shipped_presets()
    for name, preset in presets.items():
        assert preset.source not in ("", "yours") and preset.date and preset.use, name
        assert preset.rendition(name).name == name
    assert tuple(presets[name].rendition(name) for name in USUAL) == SOCIAL
    cover = presets["cover-art"]
    assert (cover.width, cover.height) == (3000, 3000)


def test_a_user_adds_presets_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("banner: {width: 1500, height: 500}\nsquare: {width: 900, height: 900}\n")
    mine = {**shipped_presets(), **presets_in_file(str(tmp_path / "mine.yaml"))}
    recipe = read_recipe([{"step": "sizes", "sizes": ["banner", "square"]}]).finished(mine)
    assert [each.width for each in recipe.renditions] == [1500, 900]
    for rows, said in (
        ({"banner": {"width": 0}}, "banner"),
        ({"Big Banner": {"width": 10}}, "Big Banner"),
        ({"banner": {"wide": 10}}, "banner.wide"),
        (["banner"], "by name"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            read_presets(rows, "mine.yaml")
    with pytest.raises(RecipeError, match="no preset called 'instagram'") as caught:
        read_recipe([{"step": "sizes", "sizes": ["instagram"]}]).finished(mine)
    assert "instagram-portrait" in caught.value.advice


# -- weight -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", get_args(Format))
@pytest.mark.sampled(4)
def test_a_file_weighs_no_more_than_it_may(kind: str, photos: Path, tmp_path: Path) -> None:
    heavy, light = (
        Rendition(name=name, width=500, format=kind, max_bytes=most)  # type: ignore[arg-type]
        for name, most in (("heavy", None), ("light", 90_000 if kind == "png" else 12_000))
    )
    first, second = render(photos / "coffee.png", [heavy, light], tmp_path)
    assert second.bytes <= (light.max_bytes or 0) < first.bytes
    if kind != "png":  # the best quality that fits: most of what is allowed is used
        assert second.bytes > 0.8 * (light.max_bytes or 0)
    with pytest.raises(MediaInvalidError, match="at its lightest"):
        render(photos / "coffee.png", [light.model_copy(update={"max_bytes": 1000})], tmp_path)

"""Cutting Midjourney's grid, and choosing among its four."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageCms, ImageFilter

from prefect_genmedia.errors import MediaInvalidError
from prefect_genmedia.imaging import quadrants, sharpest


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16"])
@pytest.mark.parametrize("size", [(200, 200), (201, 151), (2, 3)])
def test_the_four_together_are_the_grid(save, cat, tmp_path: Path, mode: str, size: tuple[int, int]) -> None:
    grid = cat.resize(size)
    grid = (
        grid.convert("L").convert("I").point(lambda v: v * 257).convert("I;16")
        if mode == "I;16"
        else grid.convert(mode)
    )
    made = quadrants(save(grid, "grid.png"), tmp_path / "four")
    assert [each.path.name for each in made] == [f"grid-{number}.png" for number in (1, 2, 3, 4)]
    tiles = [Image.open(each.path) for each in made]
    assert [tile.size for tile in tiles] == [(each.width, each.height) for each in made]
    assert {tile.mode for tile in tiles} == {mode}
    again = Image.new(mode, size)
    if mode == "P":
        again.putpalette(tiles[0].getpalette())
    width, height = tiles[0].size
    for tile, corner in zip(tiles, ((0, 0), (width, 0), (0, height), (width, height)), strict=True):
        again.paste(tile, corner)
    assert again.tobytes() == grid.tobytes()


def test_a_photograph_is_cut_in_reading_order(photos: Path, tmp_path: Path) -> None:
    made = quadrants(photos / "astronaut.png", tmp_path, "eileen")
    whole = Image.open(photos / "astronaut.png").convert("RGB")
    for each, box in zip(made, ((0, 0), (256, 0), (0, 256), (256, 256)), strict=True):
        expected = whole.crop((*box, box[0] + 256, box[1] + 256))
        assert Image.open(each.path).convert("RGB").tobytes() == expected.tobytes()


def test_transparency_and_profile_stay_and_the_rest_goes(save, cat, tmp_path: Path) -> None:
    palette = cat.quantize(16)
    palette.info["transparency"] = 3
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x010F] = "CameraMaker"
    for each in quadrants(save(palette, "grid.png", icc_profile=profile, exif=exif), tmp_path / "four"):
        tile = Image.open(each.path)
        assert (tile.info["transparency"], tile.info["icc_profile"]) == (3, profile)
        assert not tile.getexif()


def test_a_cmyk_grid_is_cut_too(save, cat, tmp_path: Path) -> None:
    made = quadrants(save(cat.convert("CMYK"), "grid.jpg"), tmp_path / "four")
    assert {Image.open(each.path).mode for each in made} == {"RGB"}


def test_what_cannot_be_cut_is_refused(save, tmp_path: Path) -> None:
    with pytest.raises(MediaInvalidError, match="is 1×9: too small for a 2×2 grid"):
        quadrants(save(Image.new("RGB", (1, 9)), "line.png"), tmp_path / "four")
    source = save(Image.new("RGB", (9, 9)), "grid-3.png")
    with pytest.raises(ValueError, match="is the source itself"):
        quadrants(source, tmp_path, "grid")


@pytest.mark.parametrize("name", ["chelsea.png", "rocket.jpg"])
def test_the_sharpest_is_found_among_blurred_ones(photos: Path, save, name: str) -> None:
    photo = Image.open(photos / name).convert("RGB")
    paths = [save(photo.filter(ImageFilter.GaussianBlur(r)), f"{r}.png") for r in (3, 1, 0, 0.5)]
    assert sharpest(paths) == 2
    assert sharpest(paths[:2]) == 1


def test_a_larger_picture_has_no_advantage(photos: Path, save) -> None:
    photo = Image.open(photos / "astronaut.png").convert("RGB")
    soft = photo.filter(ImageFilter.GaussianBlur(2))
    assert sharpest([save(soft.resize((1536, 1536)), "large.png"), save(photo, "sharp.png")]) == 1
    assert sharpest([save(photo.resize((256, 256)), "small.png"), save(soft, "soft.png")]) == 0
    # And neither has a smaller one, whose edges are steeper for being small.
    small = save(photo.filter(ImageFilter.GaussianBlur(1)).resize((256, 256)), "small soft.png")
    assert sharpest([small, save(photo.filter(ImageFilter.GaussianBlur(0.8)), "large.png")]) == 1


def test_the_first_wins_a_tie(photos: Path, save) -> None:
    assert sharpest([photos / "coffee.png"] * 3) == 0
    assert sharpest([save(Image.new("1", (1, 1)), "dot.png"), save(Image.new("L", (2, 2)), "dots.png")]) == 0
    with pytest.raises(ValueError, match="no picture to choose from"):
        sharpest([])

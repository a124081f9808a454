"""Thumbnails: small, and whole in themselves."""

from __future__ import annotations

from base64 import b64decode
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from prefect_genmedia.errors import MediaInvalidError
from prefect_genmedia.imaging import thumbnail


def weight_and_picture(uri: str) -> tuple[int, Image.Image]:
    start, data = uri.split(",")
    assert start == "data:image/webp;base64"
    raw = b64decode(data, validate=True)
    return len(raw), Image.open(BytesIO(raw))


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("astronaut.png", (160, 160)),
        ("chelsea.png", (160, 106)),
        ("coffee.png", (160, 107)),
        ("rocket.jpg", (160, 107)),
    ],
)
def test_a_photograph_becomes_a_small_data_uri(photos: Path, name: str, size: tuple[int, int]) -> None:
    weight, picture = weight_and_picture(thumbnail(photos / name))
    assert picture.size == size
    assert 500 < weight < 8000
    assert weight_and_picture(thumbnail(photos / name, 80))[1].width == 80


def test_quality_gives_way_where_a_picture_is_hard_to_compress(save) -> None:
    noise = save(Image.effect_noise((500, 500), 150).convert("RGB"), "noise.png")
    weight, picture = weight_and_picture(thumbnail(noise))
    assert picture.size == (160, 160)
    assert weight < 8000


def test_a_small_picture_stays_small(save) -> None:
    assert weight_and_picture(thumbnail(save(Image.new("RGB", (1, 1)), "dot.png")))[1].size == (1, 1)
    assert weight_and_picture(thumbnail(save(Image.new("RGB", (4000, 3)), "line.png")))[1].size == (160, 1)


def test_transparency_and_orientation_are_seen(save, cat) -> None:
    clear = cat.convert("RGBA")
    clear.putalpha(0)
    assert weight_and_picture(thumbnail(save(clear, "clear.png")))[1].mode == "RGBA"
    exif = Image.Exif()
    exif[0x0112] = 6
    large = cat.resize((1804, 1200))  # large enough for a JPEG to be decoded at half its size
    assert weight_and_picture(thumbnail(save(large, "turned.jpg", exif=exif)))[1].size == (106, 160)


def test_what_is_no_picture_has_no_thumbnail(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"\x00\x00\x00\x18ftypmp42" + bytes(64))
    with pytest.raises(MediaInvalidError, match="is not a picture Pillow can read"):
        thumbnail(tmp_path / "clip.mp4")
    for size in (0, 4000):
        with pytest.raises(ValueError, match="16 to 1024 pixels a side"):
            thumbnail(photos / "coffee.png", size)

"""What is sent: upright, sRGB, nobody's position in it, in a format and size that is taken; or a plain refusal."""

from __future__ import annotations

import os
import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageCms, ImageStat
from PIL.PngImagePlugin import PngInfo

from prefect_genmedia.errors import MediaInvalidError
from prefect_genmedia.imaging import PictureLimit, Ready, as_it_is, made_ready
from prefect_genmedia.imaging.geometry import within

LIMIT = PictureLimit(megapixels=16, megabytes=10)


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def shown(ready: Ready) -> Image.Image:
    picture = Image.open(BytesIO(ready.content))
    picture.load()
    assert picture.size == (ready.width, ready.height)
    assert Image.MIME[picture.format or ""] == ready.media_type
    return picture


def far(one: Image.Image, other: Image.Image) -> float:
    difference = ImageChops.difference(one.convert("RGB"), other.convert("RGB"))
    return max(ImageStat.Stat(difference).mean)


def exif(orientation: int | None = None) -> Image.Exif:
    made = Image.Exif()
    made[0x010F] = "a camera"
    if orientation is not None:
        made[0x0112] = orientation
    return made


# -- what is right already stays as it is -------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA"])
def test_a_picture_that_is_ready_stays_the_same_bytes(cat: Image.Image, kind: str, mode: str) -> None:
    if kind == "JPEG" and mode in ("P", "RGBA"):
        return
    content = encoded(cat.convert(mode), kind)
    assert made_ready(content, LIMIT).content == content
    assert made_ready(content, LIMIT, shrink=True).content == content


def test_a_profile_that_is_srgb_stays_and_costs_no_quality(cat: Image.Image) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    content = encoded(cat, "JPEG", icc_profile=srgb)
    assert made_ready(content, LIMIT).content == content


def test_metadata_goes_and_pixels_stay(cat: Image.Image) -> None:
    plain = encoded(cat, "JPEG")
    assert made_ready(encoded(cat, "JPEG", exif=exif(1)), LIMIT).content == plain


def test_as_it_is_means_every_byte(cat: Image.Image) -> None:
    content = encoded(cat, "JPEG", exif=exif(6), comment=b"mine")
    ready = as_it_is(content, LIMIT)
    assert ready.content == content
    assert (ready.width, ready.height) == (300, 451)
    with pytest.raises(MediaInvalidError, match="is GIF; taken are JPEG, PNG, WebP"):
        as_it_is(encoded(cat, "GIF"), LIMIT)
    with pytest.raises(MediaInvalidError, match=r"megapixels; the limit is 0.1"):
        as_it_is(content, PictureLimit(megapixels=0.1))
    with pytest.raises(MediaInvalidError, match=r"MB; the limit is 0.001 MB"):
        as_it_is(content, PictureLimit(megabytes=0.001))


# -- what is not, is written anew ---------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.sampled(4)
def test_a_turned_photograph_stands_upright(cat: Image.Image, kind: str, orientation: int) -> None:
    turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # of Image.Transpose: how the stored pixels are to be turned
    content = encoded(cat, kind, exif=exif(orientation))
    ready = made_ready(content, LIMIT)
    picture = shown(ready)
    assert picture.size == ((300, 451) if orientation >= 5 else (451, 300))
    assert not picture.getexif()
    assert far(picture, cat.transpose(Image.Transpose(turns[orientation]))) < 6


def test_an_orientation_behind_the_pixels_counts_too(cat: Image.Image) -> None:
    content = encoded(cat, "PNG", exif=exif(6))
    start = content.index(b"eXIf") - 4
    end = start + 12 + struct.unpack_from(">I", content, start)[0]
    moved = content[:start] + content[end:-12] + content[start:end] + content[-12:]
    assert shown(made_ready(moved, LIMIT)).size == (300, 451)


def wide_profile(photos: Path) -> bytes:
    profile = Image.open(photos / "rocket.jpg").info["icc_profile"]
    assert isinstance(profile, bytes)
    return profile


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_other_colours_become_srgb(photos: Path, mode: str) -> None:
    red = Image.new(mode, (40, 30), (200, 30, 30, 120)[: len(mode)])
    picture = shown(made_ready(encoded(red, "PNG", icc_profile=wide_profile(photos)), LIMIT))
    assert "icc_profile" not in picture.info and picture.mode == mode
    assert picture.getpixel((5, 5)) != red.getpixel((5, 5))


def test_srgb_by_name_that_is_not_is_found_out(cat: Image.Image) -> None:
    """A profile is known by what it does to colours, not by what it is called."""
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for tag in (b"XYZ", b"TRC"):
        data = data.replace(b"r" + tag, b"?" + tag).replace(b"b" + tag, b"r" + tag).replace(b"?" + tag, b"b" + tag)
    assert "sRGB" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(BytesIO(data)))
    picture = shown(made_ready(encoded(Image.new("RGB", (8, 8), "red"), "PNG", icc_profile=data), LIMIT))
    assert picture.getpixel((3, 3)) == (0, 0, 255)


def big_endian() -> bytes:
    return encoded(Image.frombytes("I;16B", (8, 8), struct.pack(">H", 40000) * 64), "TIFF")


DEEP = {
    "16 bits": encoded(Image.new("I;16", (8, 8), 40000), "PNG"),
    "16 bits, little-endian TIFF": encoded(Image.new("I;16", (8, 8), 40000), "TIFF"),
    "16 bits, big-endian TIFF": big_endian(),
    "floating point": encoded(Image.new("F", (8, 8), 40000 / 65535), "TIFF"),
}


@pytest.mark.parametrize("kind", DEEP)
def test_deep_pictures_are_scaled_not_clipped(kind: str) -> None:
    picture = shown(made_ready(DEEP[kind], LIMIT))
    assert picture.format == "PNG" and picture.convert("RGB").getpixel((3, 3)) == (156, 156, 156)


def test_one_grey_of_sixteen_bits_may_be_transparent() -> None:
    half = Image.new("I;16", (8, 8), 40000)
    half.paste(Image.new("I;16", (4, 8), 20000), (0, 0))
    picture = shown(made_ready(encoded(half, "PNG", transparency=40000), LIMIT))
    assert picture.mode == "RGBA"
    assert [picture.getpixel((x, 3)) for x in (1, 6)] == [(78, 78, 78, 255), (156, 156, 156, 0)]


@pytest.mark.parametrize(
    "picture",
    [Image.new("F", (8, 8), 7.0), Image.new("F", (8, 8), -0.5), Image.new("F", (8, 8), float("nan")),
     Image.new("I", (8, 8), 70000), Image.new("I", (8, 8), -3)],
    ids=["7.0", "-0.5", "no number", "70000", "-3"],
)  # fmt: skip
def test_numbers_that_are_no_grey_are_refused(picture: Image.Image) -> None:
    with pytest.raises(MediaInvalidError, match="numbers that are no shades of grey"):
        made_ready(encoded(picture, "TIFF"), LIMIT)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "AVIF"])
def test_a_format_that_is_not_taken_becomes_one_that_is(cat: Image.Image, kind: str) -> None:
    ready = made_ready(encoded(cat, kind, exif=exif()) if kind == "AVIF" else encoded(cat, kind), LIMIT)
    assert ready.media_type in ("image/jpeg", "image/png")
    assert far(shown(ready), cat) < 8


def test_the_operation_says_which_formats(cat: Image.Image) -> None:
    content = encoded(cat, "BMP")
    assert made_ready(content, PictureLimit(formats=("PNG", "BMP"))).content == content
    assert made_ready(encoded(cat, "WEBP"), PictureLimit(formats=("PNG", "BMP"))).media_type == "image/png"


def test_a_cmyk_jpeg_is_a_jpeg_in_srgb(cat: Image.Image) -> None:
    picture = shown(made_ready(encoded(cat.convert("CMYK"), "JPEG", quality=95), LIMIT))
    assert (picture.format, picture.mode) == ("JPEG", "RGB")
    assert far(picture, cat) < 4


def test_what_is_transparent_stays_so(cat: Image.Image) -> None:
    """It says where midjourney.edit is to draw."""
    cat.putalpha(Image.linear_gradient("L").resize(cat.size))
    for content in (encoded(cat, "TIFF"), encoded(cat, "PNG", exif=exif(6))):
        picture = shown(made_ready(content, LIMIT))
        assert picture.mode == "RGBA" and picture.getextrema()[3] == (0, 255)  # type: ignore[index]


def test_an_animation_in_another_format_is_its_first_frame(cat: Image.Image) -> None:
    frames = [cat, cat.rotate(90), cat.rotate(180)]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    picture = shown(made_ready(content, LIMIT))
    assert getattr(picture, "n_frames", 1) == 1 and far(picture, cat) < 8


def test_a_heic_is_called_one() -> None:
    with pytest.raises(MediaInvalidError, match="is a HEIC picture, which cannot be read here; save it as JPEG"):
        made_ready(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(400), LIMIT)


def test_the_same_bytes_give_the_same_bytes(cat: Image.Image) -> None:
    for content in (encoded(cat, "JPEG", exif=exif(6)), encoded(cat, "TIFF"), encoded(cat.convert("CMYK"), "JPEG")):
        assert len({made_ready(content, LIMIT).content for _ in range(3)}) == 1


# -- too large ----------------------------------------------------------------------------------------


def test_what_is_too_large_is_refused_unless_it_may_be_made_smaller(cat: Image.Image) -> None:
    content = encoded(cat, "JPEG")
    for limit, said in (
        (PictureLimit(megapixels=0.1), r"has 0.1 megapixels; the limit is 0.1"),
        (PictureLimit(longest_side=400), r"has 451 pixels on a side; the limit is 400"),
        (PictureLimit(megabytes=0.01), r"has 0.0 MB; the limit is 0.01 MB"),
    ):
        with pytest.raises(MediaInvalidError, match=said) as caught:
            made_ready(content, limit)
        assert 'prepare="fit"' in caught.value.advice
        ready = made_ready(content, limit, shrink=True)
        picture = shown(ready)
        assert ready.width * ready.height <= limit.pixels and len(ready.content) <= limit.bytes
        assert max(picture.size) <= (limit.longest_side or 451)
        assert picture.width / picture.height == pytest.approx(451 / 300, rel=0.02)


def test_a_mask_is_never_made_smaller(cat: Image.Image) -> None:
    mask = PictureLimit(megapixels=0.1, scalable=False)
    with pytest.raises(MediaInvalidError, match=r"the limit is 0.1"):
        made_ready(encoded(cat, "PNG"), mask, shrink=True)


def test_what_was_without_loss_stays_so_while_its_weight_allows() -> None:
    noise = Image.frombytes("RGB", (300, 200), os.urandom(180_000))
    content = encoded(noise, "TIFF")
    assert shown(made_ready(content, LIMIT)).tobytes() == noise.tobytes()
    light = made_ready(content, PictureLimit(megabytes=0.15))
    assert light.media_type == "image/jpeg" and len(light.content) <= 150_000
    assert (light.width, light.height) == (300, 200)
    smaller = made_ready(content, PictureLimit(megabytes=0.01), shrink=True)
    assert smaller.width < 300 and len(smaller.content) <= 10_000
    noise.putalpha(Image.linear_gradient("L").resize(noise.size))
    clear = made_ready(encoded(noise, "TIFF"), PictureLimit(megabytes=0.1), shrink=True)
    assert shown(clear).mode == "RGBA" and clear.media_type == "image/webp"


def test_noise_in_a_jpeg_can_be_turned_too() -> None:
    """The file is larger than most; its writer must not run out of room."""
    noise = Image.frombytes("RGB", (700, 500), os.urandom(1_050_000))
    assert made_ready(encoded(noise, "JPEG", quality=100, exif=exif(6)), LIMIT).height == 700


@given(
    size=st.tuples(st.integers(1, 70_000), st.integers(1, 70_000)),
    pixels=st.integers(1, 100_000_000),
    side=st.none() | st.integers(1, 70_000),
)
def test_a_smaller_size_keeps_the_shape_and_every_limit(size: tuple[int, int], pixels: int, side: int | None) -> None:
    width, height = within(size, pixels, side)
    assert 1 <= width <= size[0] and 1 <= height <= size[1]
    assert width * height <= pixels and max(width, height) <= (side or 70_000)
    assert within((width, height), pixels, side) == (width, height)
    fits = size[0] * size[1] <= pixels and max(size) <= (side or 70_000)
    assert ((width, height) == size) == fits
    if min(width, height) > 1:  # as near to its shape as whole pixels allow
        scale = max(width / size[0], height / size[1])
        assert abs(width - size[0] * scale) <= 1.001 and abs(height - size[1] * scale) <= 1.001
        grown = scale * (1 + 1.5 / min(width, height))  # a step further and a limit is passed
        assert fits or size[0] * size[1] * grown**2 > pixels or (side is not None and max(size) * grown > side)


def test_text_that_is_a_bomb_is_refused() -> None:
    text = PngInfo()
    text.add_text("a", "x" * 3_000_000, zip=True)
    with pytest.raises(MediaInvalidError):
        made_ready(encoded(Image.new("RGB", (8, 8)), "PNG", pnginfo=text), LIMIT)

"""What tells of a picture's origin is cut out of its file, and no pixel changes."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from prefect_genmedia.imaging.incoming.metadata import stripped

SECRET = b"51.5007 N 0.1246 W"
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def cat() -> Image.Image:
    gradient = Image.radial_gradient("L").resize((96, 64))
    return Image.merge("RGB", (gradient, gradient.rotate(90), gradient.rotate(180)))


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def gps() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif.get_ifd(0x8825)[1] = "N"
    return exif


def talkative(kind: str) -> bytes:
    """A picture that tells where it was taken, in every way that its format has."""
    xmp = b"<x:xmpmeta>" + SECRET + b"</x:xmpmeta>"
    if kind == "PNG":
        text = PngInfo()
        text.add_text("Comment", SECRET.decode())
        text.add_itxt("XML:com.adobe.xmp", xmp.decode(), zip=False)
        return encoded(cat(), "PNG", exif=gps(), pnginfo=text, icc_profile=SRGB) + SECRET
    if kind == "WEBP":
        return encoded(cat(), "WEBP", exif=gps(), xmp=xmp, icc_profile=SRGB) + SECRET
    if kind == "GIF":
        plain = encoded(cat(), "GIF", comment=SECRET)
        extension = b"\x21\xff\x0bXMP DataXMP" + bytes([len(SECRET)]) + SECRET + b"\0"
        head = 13 + 3 * 2 ** ((plain[10] & 7) + 1)
        return plain[:head] + extension + plain[head:] + SECRET
    options: dict[str, Any] = {"exif": gps(), "xmp": xmp, "comment": SECRET, "icc_profile": SRGB}
    if kind == "MPO":
        return encoded(cat(), "MPO", save_all=True, append_images=[cat()], **options) + SECRET
    return encoded(cat(), "JPEG", progressive=kind == "progressive JPEG", **options) + SECRET


KINDS = ("JPEG", "progressive JPEG", "MPO", "PNG", "WEBP", "GIF")


def cut(content: bytes, kind: str) -> bytes:
    left = stripped(content, kind.removeprefix("progressive "))
    assert left is not None
    return left


def frames(content: bytes) -> list[bytes]:
    with Image.open(BytesIO(content)) as picture:
        picture.seek(0)
        return [picture.convert("RGBA").tobytes()]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_tells_where_it_was_taken_and_no_pixel_changes(kind: str) -> None:
    given_ = talkative(kind)
    assert SECRET in given_
    left = cut(given_, kind)
    assert SECRET not in left and b"Exif" not in left and b"xmpmeta" not in left
    assert frames(left) == frames(given_)
    with Image.open(BytesIO(left)) as picture:
        picture.load()
        assert not picture.getexif() and not picture.info.keys() & {"exif", "xmp", "comment", "Comment"}
        assert kind == "GIF" or picture.info.get("icc_profile") == SRGB
    assert cut(left, kind) == left


def test_a_camera_file_of_several_jpegs_is_its_first_jpeg() -> None:
    with Image.open(BytesIO(cut(talkative("MPO"), "MPO"))) as picture:
        assert picture.format == "JPEG"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_a_file_without_any_stays_the_same_file(kind: str) -> None:
    for options in ({}, {"lossless": True} if kind == "WEBP" else {"optimize": kind != "BMP"}):
        content = encoded(cat(), kind, **options)
        assert stripped(content, kind) == content


def test_the_photographs_lose_no_pixel(photos: Path) -> None:
    for name in ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"):
        content = (photos / name).read_bytes()
        left = cut(content, "JPEG" if name.endswith("jpg") else "PNG")
        assert len(left) <= len(content) and frames(left) == frames(content)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_an_animation_keeps_its_frames(kind: str) -> None:
    moving = [cat().rotate(turn) for turn in (0, 20, 40)]
    content = encoded(moving[0], kind, save_all=True, append_images=moving[1:], duration=50, loop=0)
    left = cut(content, kind)
    with Image.open(BytesIO(left)) as picture:
        assert picture.n_frames == 3  # type: ignore[attr-defined]


def test_what_colours_depend_on_stays() -> None:
    """Adobe's mark says that a CMYK JPEG is stored inverted; gAMA and cHRM are a PNG's colours."""
    content = encoded(cat().convert("CMYK"), "JPEG", exif=gps())
    assert frames(cut(content, "JPEG")) == frames(content)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    png = encoded(cat(), "PNG")
    gamma, mine = chunk(b"gAMA", struct.pack(">I", 45455)), chunk(b"myOw", SECRET)
    left = cut(png[:33] + gamma + mine + png[33:], "PNG")
    assert left == png[:33] + gamma + png[33:]


@given(
    kind=st.sampled_from([each for each in KINDS if each != "GIF"]),
    segments=st.lists(st.tuples(st.integers(0xE1, 0xEF), st.binary(max_size=300)), max_size=6),
)
@settings(max_examples=60)
def test_segments_of_any_content_are_cut_out(kind: str, segments: list[tuple[int, bytes]]) -> None:
    """Also those that hold what looks like a JPEG's own marks."""
    plain = encoded(cat(), "JPEG", progressive=kind == "progressive JPEG")
    added = b"".join(
        bytes([0xFF, mark]) + struct.pack(">H", len(data) + 2) + data
        for mark, data in segments
        if not data.startswith((b"Adobe", b"ICC_PROFILE\0"))
    )
    assert cut(plain[:2] + added + plain[2:], "JPEG") == plain


@given(
    kind=st.sampled_from(["JPEG", "PNG", "WEBP", "GIF"]),
    start=st.integers(0, 4000),
    data=st.binary(min_size=0, max_size=40),
    keep=st.integers(0, 4000),
)
@settings(max_examples=300)
def test_bytes_that_are_no_such_file_end_nothing(kind: str, start: int, data: bytes, keep: int) -> None:
    content = talkative(kind)
    damaged = content[:start] + data + content[start + len(data) : start + keep]
    left = stripped(damaged, kind)
    assert left is None or len(left) <= len(damaged) + 12


@pytest.mark.parametrize("kind", ["TIFF", "nothing"])
def test_what_cannot_be_cut_is_said(kind: str) -> None:
    assert stripped(encoded(cat(), "TIFF"), kind) is None

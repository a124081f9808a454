"""Three hundred files that people give as pictures, most of them broken: each is a picture that can be sent, or a plain
refusal, within bounded memory."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from prefect_genmedia.errors import MediaError
from prefect_genmedia.imaging import PictureLimit, Ready, made_ready
from tests import PHOTOS

LIMIT = PictureLimit(megapixels=0.05, megabytes=0.5)
SMALL = (120, 80)


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "SECRET"
    return exif


def whole() -> dict[str, bytes]:
    """One of each kind that there is."""
    cat = Image.open(PHOTOS / "chelsea.png").convert("RGB").resize(SMALL)
    wide = Image.open(PHOTOS / "rocket.jpg").info["icc_profile"]
    grey = cat.convert("L")
    deep = grey.convert("I").point(lambda value: value * 257)
    clear = cat.copy()
    clear.putalpha(Image.linear_gradient("L").resize(SMALL))

    def moving(kind: str, **options: Any) -> bytes:
        first, *others = (cat.rotate(turn) for turn in (0, 30, 60))
        return encoded(first, kind, save_all=True, append_images=others, **options)

    big_endian = Image.frombytes("I;16B", SMALL, struct.pack(">9600H", *deep.get_flattened_data()))
    return {
        "jpeg": encoded(cat, "JPEG"),
        "jpeg progressive": encoded(cat, "JPEG", progressive=True),
        "jpeg grey": encoded(grey, "JPEG"),
        "jpeg cmyk": encoded(cat.convert("CMYK"), "JPEG"),
        "jpeg cmyk with a profile that misfits": encoded(cat.convert("CMYK"), "JPEG", icc_profile=wide),
        "jpeg wide": encoded(cat, "JPEG", icc_profile=wide),
        **{f"jpeg turned {way}": encoded(cat, "JPEG", exif=turned(way)) for way in (2, 3, 6, 8)},
        "mpo": moving("MPO", exif=turned(8)),
        "png": encoded(cat, "PNG"),
        "png clear": encoded(clear, "PNG", exif=turned(6)),
        "png palette": encoded(cat.quantize(64), "PNG", transparency=3),
        "png 16 bits": encoded(deep.convert("I;16"), "PNG"),
        "png 1 bit": encoded(cat.convert("1"), "PNG"),
        "png grey and clear": encoded(clear.convert("LA"), "PNG"),
        "png moving": moving("PNG"),
        "webp": encoded(cat, "WEBP", exif=turned(3), xmp=b"SECRET"),
        "webp lossless": encoded(clear, "WEBP", lossless=True),
        "webp moving": moving("WEBP"),
        "gif": encoded(cat, "GIF", comment=b"SECRET"),
        "gif moving": moving("GIF"),
        "bmp": encoded(cat, "BMP"),
        "tiff": encoded(cat, "TIFF", exif=turned(6)),
        "tiff lzw": encoded(clear, "TIFF", compression="tiff_lzw"),
        "tiff 16 bits": encoded(deep.convert("I;16"), "TIFF"),
        "tiff 16 bits big-endian": encoded(big_endian, "TIFF"),
        "tiff float": encoded(grey.convert("F").point(lambda value: value * (1 / 255) + 0), "TIFF"),
        "tiff float beyond": encoded(grey.convert("F"), "TIFF"),
        "tiff cmyk": encoded(cat.convert("CMYK"), "TIFF"),
        "tiff of many": moving("TIFF"),
        "avif": encoded(cat, "AVIF", exif=turned(6)),
    }


def bomb(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")


def claiming(content: bytes, kind: str, side: int) -> bytes:
    """The picture with another size in its header."""
    data = bytearray(content)
    if kind == "jpeg":
        at = content.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", min(side, 65_535), min(side, 65_535))
    elif kind == "gif":
        data[6:10] = struct.pack("<HH", min(side, 65_535), min(side, 65_535))
    elif kind == "bmp":
        data[18:26] = struct.pack("<ii", side, side)
    else:
        count = struct.unpack_from("<H", content, at := struct.unpack_from("<I", content, 4)[0])[0]
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            if struct.unpack_from("<H", content, entry)[0] in (256, 257):
                struct.pack_into("<HHII", data, entry, *struct.unpack_from("<H", content, entry), 4, 1, side)
    return bytes(data)


def bombs() -> Iterator[tuple[str, bytes]]:
    for side in (10_001, 20_000, 60_000):
        yield f"png of {side}", bomb(side, side)
        for kind in ("jpeg", "gif", "bmp", "tiff"):
            yield f"{kind} of {side}", claiming(WHOLE[kind], kind, side)
    yield "png of 2**31", bomb(2**31 - 1, 2**31 - 1)
    yield "png of no width", bomb(0, 5)
    yield "long png", bomb(1, 90_000_000)


def broken() -> Iterator[tuple[str, bytes]]:
    chance = random.Random(26)
    for name, content in WHOLE.items():
        yield name, content
        yield f"{name}, and more behind", content + b"\0" * 100 + b"SECRET"
        for share in (0.02, 0.3, 0.7, 0.97):
            yield f"{name}, {share:.0%} of it", content[: int(len(content) * share)]
        for number in range(4):
            data = bytearray(content)
            for _ in range(1 + number * 4):
                data[chance.randrange(len(data) // 8 if number % 2 else len(data))] = chance.randrange(256)
            yield f"{name}, damaged {number}", bytes(data)
    yield "nothing", b""
    yield "zero bytes", bytes(5000)
    yield "a PDF", b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
    yield "a page", b"<!DOCTYPE html><p>log in first</p>"
    yield "JSON", b'{"error": "not found"}'
    yield "PostScript", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n"
    yield "SVG", b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
    yield "HEIC", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(900)
    yield "a film", b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + bytes(900)
    yield "an archive", b"PK\3\4" + bytes(900)
    yield "noise", chance.randbytes(5000)
    yield "a head alone", b"\x89PNG\r\n\x1a\n"
    yield "a mark alone", b"\xff\xd8\xff"
    yield (
        "base64 of a picture",
        b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==",
    )


WHOLE = whole()
FILES = dict(broken())
REFUSED = {"tiff float beyond"}


def outcome(content: bytes, *, shrink: bool) -> Ready | None:
    try:
        return made_ready(content, LIMIT, shrink=shrink)
    except MediaError as refused:
        assert 0 < len(refused.message) < 200
        return None


def test_there_are_enough_of_them() -> None:
    assert len(FILES) + len(list(bombs())) >= 300


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")  # Pillow's own
@pytest.mark.parametrize("name", FILES)
def test_a_picture_that_can_be_sent_or_a_plain_refusal(name: str) -> None:
    ready = outcome(FILES[name], shrink=False)
    if name in WHOLE:
        assert (ready is None) == (name in REFUSED)
    if ready is None:
        return
    assert b"SECRET" not in ready.content and len(ready.content) <= LIMIT.bytes
    with Image.open(BytesIO(ready.content), formats=LIMIT.formats) as picture:
        picture.load()
        assert picture.size == (ready.width, ready.height)
        assert picture.mode in ("1", "L", "LA", "P", "PA", "RGB", "RGBA")
        assert not picture.getexif() and "xmp" not in picture.info
    assert made_ready(ready.content, LIMIT).content == ready.content


ALONE = """
import pathlib, resource, sys, warnings
from prefect_genmedia.errors import MediaInvalidError
from prefect_genmedia.imaging import PictureLimit, made_ready
warnings.simplefilter("ignore")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    for shrink in (False, True):
        try:
            made_ready(path.read_bytes(), PictureLimit(megapixels=200), shrink=shrink)
        except MediaInvalidError:
            continue
        raise SystemExit(f"{path.name} was let through")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    """In a process of its own, which never needs memory for what a header claims."""
    for name, content in bombs():
        (tmp_path / name).write_bytes(content)
    ran = subprocess.run([sys.executable, "-c", ALONE, str(tmp_path)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) < 30_000  # kilobytes

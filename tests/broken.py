"""Files that people give as pictures, films and sounds, most of them broken: the same each time."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests import PHOTOS

SMALL = (120, 80)
SAMPLES = Path(__file__).parent / "media" / "samples"


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


def heavy() -> Iterator[tuple[str, bytes]]:
    """Small files whose parts grow when they are read: bombs that no header tells of."""
    cat = Image.open(PHOTOS / "chelsea.png").convert("RGB").resize(SMALL)
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", "<x>" + " " * 60_000_000, zip=True)
    yield "png with a packet that grows", encoded(cat, "PNG", pnginfo=text)
    comment = PngInfo()
    comment.add_text("Comment", "a" * 60_000_000, zip=True)
    yield "png with a comment that grows", encoded(cat, "PNG", pnginfo=comment)
    yield "png with a profile that grows", encoded(cat, "PNG", icc_profile=bytes(60_000_000))
    dot = Image.new("P", (1, 1))
    dot.putpalette([0, 0, 0, 255, 255, 255])
    dots = [dot.point(lambda value, shade=shade: shade) for shade in (0, 1)] * 1500
    yield "gif of 3000 pictures", encoded(dots[0], "GIF", save_all=True, append_images=dots[1:])
    entities = b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 9000 + b'"><!ENTITY b "' + b"&a;" * 999 + b'">]><x>&b;</x>'
    yield "webp with a packet that grows", encoded(cat, "WEBP", xmp=entities)
    webp = bytearray(encoded(cat, "WEBP", xmp=b"<x/>"))
    webp[24:30] = b"\xff" * 6
    yield "webp of 2**24", bytes(webp)
    avif = encoded(cat, "AVIF")
    at = avif.index(b"ispe") + 8
    yield "avif of 60000", avif[:at] + struct.pack(">II", 60_000, 60_000) + avif[at + 8 :]


def recordings() -> Iterator[tuple[str, bytes]]:
    """Films and sounds: whole, cut anywhere, damaged, and under each other's names."""
    chance = random.Random(27)
    samples = {path.name: path.read_bytes() for path in sorted(SAMPLES.iterdir()) if path.suffix not in (".md",)}
    for name, content in samples.items():
        yield name, content
        for number in range(3):
            yield f"cut {number} {name}", content[: chance.randrange(1, len(content))]
        data = bytearray(content)
        for _ in range(8):
            data[chance.randrange(len(data))] = chance.randrange(256)
        yield f"damaged {name}", bytes(data)
    names = list(samples)
    for name, other in zip(names, names[5:], strict=False):
        yield f"in truth {Path(name).suffix[1:]} {other}", samples[name]


WHOLE = whole()
FILES = dict(broken())

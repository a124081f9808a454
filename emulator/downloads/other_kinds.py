"""Files of kinds that nobody ordered; each is made of the file that was."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable

from PIL import Image

SIZE = (64, 48)


def svg(original: bytes) -> bytes:
    wide, high = SIZE
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" '
        f'height="{high}"><!-- {zlib.crc32(original):08x} --><rect width="{wide}" height="{high}" fill="teal"/></svg>\n'
    ).encode()


def zipped(original: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for stem in ("vocals", "drums"):
            archive.writestr(zipfile.ZipInfo(f"{stem}.bin"), original[:2000])
    return file.getvalue()


def glb(original: bytes) -> bytes:
    """A 3D model with nothing in it."""
    scene = json.dumps({"asset": {"version": "2.0", "generator": f"emulator {zlib.crc32(original):08x}"}}).encode()
    scene += b" " * (-len(scene) % 4)
    chunk = struct.pack("<I4s", len(scene), b"JSON") + scene
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunk)) + chunk


def heic(original: bytes) -> bytes:
    """The boxes of an HEIC picture. There is no encoder at hand: no decoder will find a picture in it."""
    handler = _box(b"hdlr", struct.pack(">I4x4s12x", 0, b"pict") + b"\0")
    item = _box(b"infe", struct.pack(">IHH4s", 2 << 24, 1, 0, b"hvc1") + b"\0")
    items = _box(b"iinf", struct.pack(">IH", 0, 1) + item)
    meta = _box(b"meta", bytes(4) + handler + _box(b"pitm", struct.pack(">IH", 0, 1)) + items)
    return _box(b"ftyp", b"heic" + bytes(4) + b"mif1heic") + meta + _box(b"mdat", original[:4000])


def avif(original: bytes) -> bytes:
    file = io.BytesIO()
    shade = zlib.crc32(original) % 200
    Image.new("RGB", SIZE, (shade, 120, 200 - shade)).save(file, "AVIF", speed=10)
    return file.getvalue()


def mov(original: bytes) -> bytes:
    """QuickTime's older form, which does not begin with what it is."""
    return _box(b"wide", b"") + _box(b"mdat", original[:4000]) + _box(b"moov", _box(b"mvhd", bytes(100)))


def png_wrong_checksum(png: bytes) -> bytes:
    """The same PNG with a comment after its head whose checksum is wrong."""
    comment = b"tEXtComment\0made by an emulator"
    head = len(b"\x89PNG\r\n\x1a\n") + 25
    return png[:head] + struct.pack(">I", len(comment) - 4) + comment + b"\0\0\0\0" + png[head:]


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content


KINDS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "svg": (svg, "image/svg+xml"),
    "zip": (zipped, "application/zip"),
    "glb": (glb, "model/gltf-binary"),
    "heic": (heic, "image/heic"),
    "avif": (avif, "image/avif"),
    "mov": (mov, "video/quicktime"),
}

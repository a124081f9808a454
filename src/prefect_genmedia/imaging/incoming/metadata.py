"""What a picture's file says of its origin, cut out of the file: no pixel is decoded, none changes."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator

# JPEG: of the application segments, only what colours depend on stays. Length and mark of a scan's end: see _jpeg.
_KEPT_SEGMENTS = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
_NEXT_MARK = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
_KEPT_CHUNKS = (
    b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP sBIT cICP mDCV cLLI bKGD hIST pHYs sPLT acTL fcTL fdAT"
).split()
_KEPT_RIFF = (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP")
_KEPT_APPLICATIONS = (b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012")
_EXIF_AND_XMP = 0x08 | 0x04
_WITHOUT = ("BMP", "AVIF")


def stripped(content: bytes, kind: str) -> bytes | None:
    """The file without EXIF, XMP, comments, dates, previews, and whatever stands behind its end.

    `kind` is Pillow's word for the format; an AVIF is to have neither EXIF nor XMP. The very same bytes where there
    is nothing to cut out; None where this cannot be done for the format, or the file is not built as it should be: it
    has to be written anew.
    """
    pieces = _READERS.get(kind)
    if pieces is None:
        return content if kind in _WITHOUT else None
    try:
        return b"".join(pieces(content))
    except (struct.error, IndexError, ValueError):
        return None


def _jpeg(content: bytes) -> Iterator[bytes]:
    yield content[:2]
    place = 2
    while True:
        if content[place] != 0xFF:
            raise ValueError("no mark where one is due")
        while content[place + 1] == 0xFF:  # a mark may be repeated
            place += 1
        mark = content[place + 1]
        if mark == 0xD9:
            yield content[place : place + 2]
            return
        end = place + 2 + struct.unpack_from(">H", content, place + 2)[0]
        if mark == 0xDA:  # pixels follow, up to the next mark that is none of theirs
            following = _NEXT_MARK.search(content, end)
            if following is None:
                raise ValueError("no end")
            end = following.start()
        told = mark == 0xFE or 0xE0 <= mark <= 0xEF
        start = _KEPT_SEGMENTS.get(mark)
        if not told or (start is not None and content.startswith(start, place + 4)):
            yield content[place:end]
        place = end


def _png(content: bytes) -> Iterator[bytes]:
    yield content[:8]
    place, kind = 8, b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", content, place)
        end = place + 12 + length
        if end > len(content):
            raise ValueError("ends within a chunk")
        if kind in _KEPT_CHUNKS:
            yield content[place:end]
        place = end


def _webp(content: bytes) -> Iterator[bytes]:
    kept = []
    place, end = 12, min(len(content), 8 + struct.unpack_from("<I", content, 4)[0])
    while place + 8 <= end:
        kind, length = struct.unpack_from("<4sI", content, place)
        chunk = content[place : place + 8 + length + (length & 1)]
        if kind == b"VP8X":
            chunk = chunk[:8] + bytes([chunk[8] & ~_EXIF_AND_XMP]) + chunk[9:]
        if kind in _KEPT_RIFF:
            kept.append(chunk)
        place += len(chunk)
    yield struct.pack("<4sI4s", b"RIFF", 4 + sum(map(len, kept)), b"WEBP")
    yield from kept


def _gif(content: bytes) -> Iterator[bytes]:
    place = 13 + _palette(content[10])
    yield content[:place]
    while True:
        start, mark = place, content[place]
        if mark == 0x3B:
            yield content[place : place + 1]
            return
        kept = True
        if mark == 0x2C:
            place += 11 + _palette(content[place + 9])
        elif mark == 0x21:
            label, name = content[place + 1], content[place + 3 : place + 14]
            kept = label in (0x01, 0xF9) or (label == 0xFF and name in _KEPT_APPLICATIONS)
            place += 2
        else:
            raise ValueError("stray bytes")
        while content[place]:
            place += content[place] + 1
        place += 1
        if kept:
            yield content[start:place]


def _palette(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


_READERS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "JPEG": _jpeg,
    "MPO": _jpeg,
    "PNG": _png,
    "WEBP": _webp,
    "GIF": _gif,
}

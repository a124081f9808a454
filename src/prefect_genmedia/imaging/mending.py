"""Pictures that are whole and that strict decoders refuse all the same: what no pixel depends on is put right."""

from __future__ import annotations

import os
import zlib
from io import BytesIO
from typing import BinaryIO

from PIL import Image

_PNG = b"\x89PNG\r\n\x1a\n"
_START_OF_JPEG, _END_OF_JPEG = b"\xff\xd8\xff", b"\xff\xd9"
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
_BLANK_BYTES = 32
"""So many zeros at the end of a JPEG's scan are no picture: they decode, and into grey."""
# Behind the last pixel these change nothing; where pixels are missing each is decoded into others.
_TAILS = (b"", b"\x55" * 64, b"\xaa" * 64)


def mended(stream: BinaryIO) -> tuple[BinaryIO, str]:
    """The picture at its beginning, put right where that takes a mending, and what was wrong; "" for nothing."""
    start = stream.read(len(_PNG))
    content, remark = None, ""
    if start == _PNG:
        content, remark = _with_right_checksums(stream)
    elif start[:2] == b"\xff\xd8":
        content, remark = _with_its_end(stream)
    stream.seek(0)
    return (stream if content is None else BytesIO(content)), remark


def _with_right_checksums(stream: BinaryIO) -> tuple[bytes | None, str]:
    """A wrong checksum in a chunk that is no pixels: a comment, a date, a colour profile."""
    wrong: list[tuple[int, bytes, bytes]] = []
    while len(head := stream.read(8)) == 8:
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind == b"IEND":
            break
        if not kind[0] & 0x20:  # a capital letter: the picture itself
            stream.seek(length + 4, os.SEEK_CUR)
            continue
        content = stream.read(length)
        place, checksum = stream.tell(), stream.read(4)
        right = zlib.crc32(kind + content).to_bytes(4, "big")
        if len(checksum) == 4 and checksum != right:
            wrong.append((place, right, kind))
    if not wrong:
        return None, ""
    stream.seek(0)
    whole = bytearray(stream.read())
    for place, right, _ in wrong:
        whole[place : place + 4] = right
    kinds = ", ".join(sorted({kind.decode("latin-1") for _, _, kind in wrong}))
    return bytes(whole), f"the checksum of a part that is no pixels ({kinds}) is wrong"


def _with_its_end(stream: BinaryIO) -> tuple[bytes | None, str]:
    """A JPEG of which only the end mark is missing. Where pixels are missing too it stays as it is."""
    stream.seek(-2, os.SEEK_END)
    if stream.read(2) == _END_OF_JPEG:
        return None, ""
    stream.seek(0)
    content = stream.read()
    if (end := _end_of(content, 0)) is not None:
        return None, "a second picture stands behind it, and is cut short" if _another_is_cut(content, end) else ""
    content = content.removesuffix(b"\xff")
    if not _all_scans_begun(content):
        return None, ""
    # What a broken transfer or disk filled up is no pixel, and is decoded like one.
    is_blank = content.endswith(b"\0" * _BLANK_BYTES)
    content = content.rstrip(b"\0") if is_blank else content
    if len({_pixels(content + tail + _END_OF_JPEG) for tail in _TAILS}) != 1:
        return (content if is_blank else None), ""
    return content + _END_OF_JPEG, "the JPEG has no end mark; all of its pixels are there"


def _end_of(content: bytes, start: int) -> int | None:
    """Where the JPEG that begins at `start` has ended; None for one without its end mark.

    A mark within a segment, as of a thumbnail, is none of the picture's.
    """
    place = start + 2
    while (place := content.find(b"\xff", place)) >= 0 and place + 1 < len(content):
        mark = content[place + 1]
        if mark == _END_OF_JPEG[1]:
            return place + 2
        if mark in (0, 1, 0xFF) or 0xD0 <= mark <= 0xD8:
            place += 1 if mark == 0xFF else 2
        else:
            place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    return None


def _another_is_cut(content: bytes, end: int) -> bool:
    """Of several JPEGs in one file, as cameras write them (MPO), is the last one cut?"""
    while content.startswith(_START_OF_JPEG, end):
        if (its_end := _end_of(content, end)) is None:
            return True
        end = its_end
    return False


def _all_scans_begun(content: bytes) -> bool:
    """Has a scan begun for every bit of every coefficient? A progressive JPEG shows a picture from its first scan on.

    Each scan says which coefficients of which components it gives, and down to which bit (T.81, B.2.3 and G.1.1.1).
    """
    place, components, given = 2, 0, set()
    while (place := content.find(b"\xff", place)) >= 0 and place + 4 <= len(content):
        mark, size = content[place + 1], int.from_bytes(content[place + 2 : place + 4], "big")
        part = content[place + 4 : place + 2 + size]
        if mark in (0, 1, 0xFF) or 0xD0 <= mark <= 0xD9:
            place += 1 if mark == 0xFF else 2
            continue
        if mark in _FRAMES and len(part) > 5:
            if mark not in _PROGRESSIVE:
                return True
            components = part[5]
        elif mark == 0xDA and part and len(part) >= 4 + 2 * part[0]:
            first, last, low = part[-3], part[-2], part[-1] & 15
            if low == 0:
                given |= {(part[1 + 2 * each], at) for each in range(part[0]) for at in range(first, min(last, 63) + 1)}
        place += 2 + size
    return len(given) == 64 * components


def _pixels(content: bytes) -> bytes | int:
    try:
        with Image.open(BytesIO(content), formats=("JPEG",)) as picture:
            return picture.tobytes()
    except Exception:  # Pillow's decoders raise nearly anything on damaged bytes
        return len(content)

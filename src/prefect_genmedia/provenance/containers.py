"""JPEG, PNG and WebP: the XMP packet in a file's bytes, read and put in. What holds pixels is copied as it is."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

LONGEST_IN_JPEG = 65_502
"""Bytes that one segment holds."""

LONGEST_READ = 4_000_000
"""Bytes that a compressed packet may grow to."""

_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_PNG_XMP = b"XML:com.adobe.xmp\0"
_XMP_FLAG = 0x04
_ALPHA_FLAG = 0x10
_NO_LENGTH = {0x01, *range(0xD0, 0xDA)}


class NotBuiltSo(ValueError):
    """The bytes are not a file of that kind, as it should be."""


# -- JPEG -------------------------------------------------------------------------------------------


def _segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Mark, start and end of every segment before the pixels."""
    place = 2
    while True:
        start = place
        if content[place] != 0xFF:
            raise NotBuiltSo("no mark where one is due")
        while content[place + 1] == 0xFF:  # a mark may be repeated
            place += 1
        mark = content[place + 1]
        if mark == 0xDA or mark in _NO_LENGTH:
            return
        place += 2 + struct.unpack_from(">H", content, place + 2)[0]
        if place > len(content):
            raise NotBuiltSo("ends within a segment")
        yield mark, start, place


def packet_in_jpeg(content: bytes) -> bytes | None:
    for mark, start, end in _segments(content):
        if mark == 0xE1 and content.startswith(_JPEG_XMP, start + 4):
            return content[start + 4 + len(_JPEG_XMP) : end]
    return None


def put_in_jpeg(content: bytes, packet: bytes) -> bytes:
    """The packet in a segment of its own behind JFIF and EXIF, instead of one that is there."""
    if len(packet) > LONGEST_IN_JPEG:
        raise NotBuiltSo("a packet that is too long for a JPEG")
    segment = b"\xff\xe1" + struct.pack(">H", 2 + len(_JPEG_XMP) + len(packet)) + _JPEG_XMP + packet
    pieces, place, written = [content[:2]], 2, False
    for mark, start, end in _segments(content):
        leading = mark == 0xE0 or (mark == 0xE1 and content.startswith(b"Exif\0", start + 4))
        if not written and not leading:
            pieces.append(segment)
            written = True
        if not (mark == 0xE1 and content.startswith(_JPEG_XMP, start + 4)):
            pieces.append(content[start:end])
        place = end
    if not written:
        pieces.append(segment)
    return b"".join([*pieces, content[place:]])


# -- PNG --------------------------------------------------------------------------------------------


def _chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    place, kind = 8, b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", content, place)
        end = place + 12 + length
        if end > len(content):
            raise NotBuiltSo("ends within a chunk")
        yield kind, place, end
        place = end


def packet_in_png(content: bytes) -> bytes | None:
    for kind, start, end in _chunks(content):
        if kind == b"iTXt" and content.startswith(_PNG_XMP, start + 8):
            compressed = content[start + 8 + len(_PNG_XMP)]
            head = start + 8 + len(_PNG_XMP) + 2
            # Two names of a language end with a zero each.
            text = content[head : end - 4].split(b"\0", 2)[2]
            return zlib.decompressobj().decompress(text, LONGEST_READ) if compressed else text
    return None


def put_in_png(content: bytes, packet: bytes) -> bytes:
    data = b"iTXt" + _PNG_XMP + b"\0\0\0\0" + packet
    chunk = struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    pieces, place = [content[:8]], 8
    for kind, start, end in _chunks(content):
        if not (kind == b"iTXt" and content.startswith(_PNG_XMP, start + 8)):
            pieces.append(content[start:end])
        if kind == b"IHDR":
            pieces.append(chunk)
        place = end
    return b"".join([*pieces, content[place:]])


# -- WebP -------------------------------------------------------------------------------------------


def chunks_of_riff(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    place, end = 12, 8 + struct.unpack_from("<I", content, 4)[0]
    if end > len(content):
        raise NotBuiltSo("ends within a chunk")
    while place + 8 <= end:
        kind, length = struct.unpack_from("<4sI", content, place)
        piece = content[place : place + 8 + length + (length & 1)]
        yield kind, piece
        place += len(piece)


def packet_in_webp(content: bytes) -> bytes | None:
    for kind, piece in chunks_of_riff(content):
        if kind == b"XMP ":
            return piece[8 : 8 + struct.unpack_from("<I", piece, 4)[0]]
    return None


def put_in_webp(content: bytes, packet: bytes) -> bytes:
    """The packet as the last chunk; a file of the simple form becomes one of the extended form."""
    pieces = [(kind, piece) for kind, piece in chunks_of_riff(content) if kind != b"XMP "]
    if not pieces:
        raise NotBuiltSo("nothing in it")
    kind, first = pieces[0]
    if kind == b"VP8X":
        pieces[0] = kind, first[:8] + bytes([first[8] | _XMP_FLAG]) + first[9:]
    else:
        pieces.insert(0, (b"VP8X", _extended(kind, first)))
    chunk = struct.pack("<4sI", b"XMP ", len(packet)) + packet + b"\0" * (len(packet) & 1)
    body = b"".join([piece for _, piece in pieces] + [chunk])
    return struct.pack("<4sI4s", b"RIFF", 4 + len(body), b"WEBP") + body


def _extended(kind: bytes, piece: bytes) -> bytes:
    """The head of the extended form, for a file that has only its pixels."""
    if kind == b"VP8 " and piece[11:14] == b"\x9d\x01\x2a":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", piece, 14))
        flags = _XMP_FLAG
    elif kind == b"VP8L" and piece[8] == 0x2F:
        bits = struct.unpack_from("<I", piece, 9)[0]
        width, height = (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
        flags = _XMP_FLAG | (_ALPHA_FLAG if bits >> 28 & 1 else 0)
    else:
        raise NotBuiltSo("it does not begin with its pixels")
    head = struct.pack("<4sIB3x", b"VP8X", 10, flags)
    return head + int(width - 1).to_bytes(3, "little") + int(height - 1).to_bytes(3, "little")

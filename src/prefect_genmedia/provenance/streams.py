"""FLAC, Ogg (Vorbis, Opus) and Matroska: where their tags stand. Sound and film are copied as they are."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache
from itertools import count

from prefect_genmedia.provenance.comments import new_block, packet_in_block, packet_of, put_in_block
from prefect_genmedia.provenance.containers import NotBuiltSo

# -- FLAC -------------------------------------------------------------------------------------------

_COMMENTS = 4


def _blocks(content: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Kind, content and end of every block before the sound."""
    place, last = 4, 0
    while not last:
        head = content[place]
        last, kind = head & 0x80, head & 0x7F
        end = place + 4 + int.from_bytes(content[place + 1 : place + 4], "big")
        if end > len(content):
            raise NotBuiltSo("ends within its head")
        yield kind, content[place + 4 : end], end
        place = end


def packet_in_flac(content: bytes) -> bytes | None:
    return next((packet_in_block(block) for kind, block, _ in _blocks(content) if kind == _COMMENTS), None)


def put_in_flac(content: bytes, packet: bytes) -> bytes:
    blocks = list(_blocks(content))
    pieces = [(kind, put_in_block(block, packet) if kind == _COMMENTS else block) for kind, block, _ in blocks]
    if all(kind != _COMMENTS for kind, _ in pieces):
        pieces.insert(1, (_COMMENTS, new_block(packet)))
    if any(len(block) >= 1 << 24 for _, block in pieces):
        raise NotBuiltSo("more tags than can be counted")
    out = [content[:4]]
    for place, (kind, block) in enumerate(pieces, 1):
        out.append(bytes([kind | (0x80 if place == len(pieces) else 0)]) + len(block).to_bytes(3, "big") + block)
    return b"".join([*out, content[blocks[-1][2] :]])


# -- Ogg --------------------------------------------------------------------------------------------

_HEADS = {b"OpusHead": (b"OpusTags", 2), b"\x01vorbis": (b"\x03vorbis", 3)}
"""How the first packet begins: how the comments do, and how many packets come before the sound."""


def _pages(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Start, start of what it holds, end of each page."""
    place = 0
    while content.startswith(b"OggS", place):
        start = place + 27 + content[place + 26]
        end = start + sum(content[place + 27 : start])
        if end > len(content):
            raise NotBuiltSo("ends within a page")
        yield place, start, end
        place = end


def _head(content: bytes) -> tuple[bytes, list[bytes], int, int]:
    """How the comments begin, the packets behind the first one and before the sound, and on which pages they are."""
    pages = _pages(content)
    first_page = next(pages)
    first = content[first_page[1] : first_page[2]]
    kind, due = next((found for begin, found in _HEADS.items() if first.startswith(begin)), (b"", 0))
    if not due:
        raise NotBuiltSo("neither Vorbis nor Opus")
    packets: list[bytes] = []
    open_packet, used = b"", 0
    while len(packets) < due - 1:
        place, start, end = next(pages, (0, 0, 0))
        if not end or content[place + 14 : place + 18] != content[14:18]:
            raise NotBuiltSo("more than one stream, or no sound")
        used += 1
        for length in content[place + 27 : start]:
            open_packet += content[start : start + length]
            start += length
            if length < 255:
                packets.append(open_packet)
                open_packet = b""
    if len(packets) != due - 1 or open_packet or not packets[0].startswith(kind):
        raise NotBuiltSo("its sound does not begin on a page of its own")
    return kind, packets, first_page[2], used


def packet_in_ogg(content: bytes) -> bytes | None:
    kind, packets, _, _ = _head(content)
    return packet_in_block(packets[0][len(kind) :])


def put_in_ogg(content: bytes, packet: bytes) -> bytes:
    kind, packets, begin, used = _head(content)
    packets[0] = kind + put_in_block(packets[0][len(kind) :], packet)
    new = _new_pages(packets, content[14:18])
    rest = [(start, end) for start, _, end in _pages(content)][1 + used :]
    pages = [content[:begin], *new]
    if len(new) == used:
        return b"".join([*pages, content[rest[0][0] if rest else len(content) :]])
    numbers = count(1 + len(new))
    pages += [_sealed(_numbered(content[start:end], next(numbers))) for start, end in rest]
    return b"".join(pages)


def _new_pages(packets: list[bytes], serial: bytes) -> list[bytes]:
    """Packets in pages from number 1 on, of 255 pieces at most."""
    lengths: list[int] = []
    for packet in packets:
        lengths += [255] * (len(packet) // 255) + [len(packet) % 255]
    data, place = b"".join(packets), 0
    pages: list[bytes] = []
    for start in range(0, len(lengths), 255):
        table = lengths[start : start + 255]
        continued = 1 if start and lengths[start - 1] == 255 else 0
        # The place in the sound: none where no packet ends.
        granule = b"\0" * 8 if min(table) < 255 else b"\xff" * 8
        head = b"OggS\0" + bytes([continued]) + granule + serial + b"\0" * 8 + bytes([len(table), *table])
        pages.append(_sealed(_numbered(head + data[place : place + sum(table)], 1 + len(pages))))
        place += sum(table)
    return pages


def _numbered(page: bytes, number: int) -> bytes:
    return page[:18] + struct.pack("<I", number) + page[22:]


def _sealed(page: bytes) -> bytes:
    """With its checksum, which is counted with zeros in its place."""
    table, crc = _crc_table(), 0
    for byte in page[:22] + b"\0" * 4 + page[26:]:
        crc = (crc << 8 & 0xFFFFFFFF) ^ table[crc >> 24 ^ byte]
    return page[:22] + struct.pack("<I", crc) + page[26:]


@cache
def _crc_table() -> list[int]:
    table = []
    for value in range(256):
        value <<= 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value >> 31 else 0)) & 0xFFFFFFFF
        table.append(value)
    return table


# -- Matroska and WebM ------------------------------------------------------------------------------

_SEGMENT, _CLUSTER, _TAGS, _TAG, _SIMPLE = 0x18538067, 0x1F43B675, 0x1254C367, 0x7373, 0x67C8
_NAME, _STRING = 0x45A3, 0x4487


def packet_in_matroska(content: bytes) -> bytes | None:
    said: dict[str, str] = {}
    for kind, start, end in _elements(content, 0, len(content), (_SEGMENT, _TAGS, _TAG)):
        if kind == _SIMPLE:
            inner = {name: content[begin:stop] for name, begin, stop in _elements(content, start, end, ())}
            name, text = (inner.get(each, b"").decode("utf-8", "replace") for each in (_NAME, _STRING))
            said[name.upper()] = text
    return packet_of(said)


def _elements(content: bytes, place: int, stop: int, entered: tuple[int, ...]) -> Iterator[tuple[int, int, int]]:
    """Kind, start and end of what each element holds; what is in those that are entered comes behind them."""
    while place < stop:
        kind, place = _coded(content, place, marker=True)
        length, place = _coded(content, place, marker=False)
        if length is None:  # not known: a stream, whose elements follow
            entered = (*entered, _CLUSTER)
        end = stop if length is None else place + length
        if end > len(content):
            raise NotBuiltSo("ends within an element")
        yield kind or 0, place, end
        if length is not None and kind not in entered:
            place = end


def _coded(content: bytes, place: int, *, marker: bool) -> tuple[int | None, int]:
    """A number of EBML's, and where it ends; None for a length that is not known."""
    width = 9 - content[place].bit_length()
    if width > 8:
        raise NotBuiltSo("stray bytes")
    value = int.from_bytes(content[place : place + width], "big")
    if marker:
        return value, place + width
    value &= (1 << 7 * width) - 1
    return (None if value == (1 << 7 * width) - 1 else value), place + width

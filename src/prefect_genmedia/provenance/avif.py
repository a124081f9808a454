"""AVIF (ISO 14496-12, 23008-12): an XMP packet as an item of the file's meta box. The coded pixels stay where they are,
or move as a whole; the offsets to them are counted anew."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from prefect_genmedia.provenance.containers import NotBuiltSo

_KIND = b"application/rdf+xml\0"
_CONTAINERS_OF_FRAMES = (b"moov", b"moof")


@dataclass
class _Item:
    """One line of iloc: where an item's bytes are."""

    number: int
    method: int
    reference: int
    base: int
    extents: list[tuple[int, int, int]] = field(default_factory=list)
    """Index, offset, length."""


def packet_in_avif(content: bytes) -> bytes | None:
    meta = _meta(content)
    number = _packet_item(_box(meta, b"iinf"))
    if number is None:
        return None
    for item in _read_iloc(_box(meta, b"iloc"))[1]:
        if item.number == number and item.method == 0:
            places = [(item.base + offset, length) for _, offset, length in item.extents]
            return b"".join(content[place : place + length] for place, length in places)
    return None


def put_in_avif(content: bytes, packet: bytes) -> bytes:
    """The packet in an mdat of its own at the end. Raises NotBuiltSo for an animation, and for a file that is cut."""
    boxes = list(boxes_in(content, 0, len(content)))
    if any(kind in _CONTAINERS_OF_FRAMES for kind, _, _ in boxes):
        raise NotBuiltSo("an animation, whose frames' places are not known here")
    start, end = next(((start, end) for kind, start, end in boxes if kind == b"meta"), (0, 0))
    meta = _meta(content)
    version, items = _read_iloc(_box(meta, b"iloc"))
    number = _packet_item(_box(meta, b"iinf"))
    new = number is None
    if number is None:
        number = 1 + max([item.number for item in items] + _item_numbers(_box(meta, b"iinf")))
        if number > 0xFFFF:
            raise NotBuiltSo("more items than can be counted")
        items.append(_Item(number, 0, 0, 0))
    for item in items:  # no bases: C2PA's library moves both a base and the offsets from it, and so breaks the file
        item.extents = [(index, item.base + offset, length) for index, offset, length in item.extents]
        item.base = 0
    mine = next(item for item in items if item.number == number)
    mine.method, mine.reference = 0, 0
    mine.extents = [(0, 0, len(packet))]

    # Twice: how long the box becomes does not depend on the offsets in it, all of which have four bytes.
    grown = len(_rebuilt(content, meta, items, version, number if new else None)) - (end - start)
    for item in items:
        if item is not mine and item.method == 0:
            _shift(item, end, grown)
    mine.extents = [(0, len(content) + grown + 8, len(packet))]
    rebuilt = _rebuilt(content, meta, items, version, number if new else None)
    if len(content) + len(rebuilt) + len(packet) > 0xFFFF_FFFF:
        raise NotBuiltSo("more than four gigabytes")
    last = struct.pack(">I4s", 8 + len(packet), b"mdat") + packet
    return content[:start] + rebuilt + closed(content[end:], boxes[-1][1] - end) + last


def without_bases(content: bytes) -> bytes:
    """The same file, whose items lie at offsets from its beginning, as C2PA's library needs it. Raises NotBuiltSo."""
    packet, iloc = packet_in_avif(content), _box(_meta(content), b"iloc")
    return content if packet is None or iloc[13] >> 4 == 0 else put_in_avif(content, packet)


def boxes_in(content: bytes, place: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    while place < stop:
        if place + 8 > stop:
            raise NotBuiltSo("ends within a box")
        size, kind = struct.unpack_from(">I4s", content, place)
        if size == 1:
            size = struct.unpack_from(">Q", content, place + 8)[0]
        end = stop if size == 0 else place + size
        if end > stop or end < place + 8:
            raise NotBuiltSo("ends within a box")
        yield kind, place, end
        place = end


def closed(rest: bytes, last: int) -> bytes:
    """What stands behind meta. A last box that says "up to the end" has its length written, for another follows it."""
    if last < 0 or struct.unpack_from(">I", rest, last)[0] != 0:
        return rest
    return rest[:last] + struct.pack(">I", len(rest) - last) + rest[last + 4 :]


def _meta(content: bytes) -> list[tuple[bytes, bytes]]:
    for kind, start, end in boxes_in(content, 0, len(content)):
        if kind == b"meta":
            if struct.unpack_from(">I", content, start)[0] < 12:
                raise NotBuiltSo("a meta box of an odd length")
            return [(inner, content[begin:stop]) for inner, begin, stop in boxes_in(content, start + 12, end)]
    raise NotBuiltSo("no meta box")


def _box(boxes: list[tuple[bytes, bytes]], kind: bytes) -> bytes:
    found = next((box for name, box in boxes if name == kind), None)
    if found is None or len(found) < 12:
        raise NotBuiltSo(f"no {kind.decode()} box")
    return found


def _entries(iinf: bytes) -> Iterator[bytes]:
    start = 14 if iinf[8] == 0 else 16
    for kind, begin, end in boxes_in(iinf, start, len(iinf)):
        if kind == b"infe":
            yield iinf[begin:end]


def _number_of(infe: bytes) -> int:
    return int.from_bytes(infe[12:16] if infe[8] == 3 else infe[12:14], "big")


def _item_numbers(iinf: bytes) -> list[int]:
    return [_number_of(infe) for infe in _entries(iinf)]


def _packet_item(iinf: bytes) -> int | None:
    for infe in _entries(iinf):
        place = 18 if infe[8] == 3 else 16
        if infe[8] >= 2 and infe[place : place + 4] == b"mime" and _KIND in infe[place + 4 :] + b"\0":
            return _number_of(infe)
    return None


def _read_iloc(iloc: bytes) -> tuple[int, list[_Item]]:
    version, sizes = iloc[8], struct.unpack_from(">H", iloc, 12)[0]
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version else 0
    place = 14

    def number(size: int) -> int:
        nonlocal place
        if place + size > len(iloc):
            raise NotBuiltSo("an iloc box that is cut")
        value = int.from_bytes(iloc[place : place + size], "big")
        place += size
        return value

    wide = 4 if version == 2 else 2
    items = []
    for _ in range(number(wide)):
        name = number(wide)
        method = number(2) & 15 if version else 0
        item = _Item(name, method, number(2), number(base_size))
        for _ in range(number(2)):
            item.extents.append((number(index_size), number(offset_size), number(length_size)))
        items.append(item)
    return version, items


def _write_iloc(items: list[_Item], version: int) -> bytes:
    """All in one form: four bytes for offsets and lengths, no bases; two for item numbers, or four in version 2."""
    wide = ">I" if version == 2 else ">H"
    out = [struct.pack(">BBBB", version, 0, 0, 0), struct.pack(">BB", 0x44, 0x04 if version else 0x00)]
    out.append(struct.pack(wide, len(items)))
    for item in items:
        out.append(struct.pack(wide, item.number))
        if version:
            out.append(struct.pack(">H", item.method))
        out.append(struct.pack(">HH", item.reference, len(item.extents)))
        for index, offset, length in item.extents:
            out.append(struct.pack(">III", index, offset, length) if version else struct.pack(">II", offset, length))
    body = b"".join(out)
    return struct.pack(">I4s", 8 + len(body), b"iloc") + body


def _shift(item: _Item, behind: int, by: int) -> None:
    """Places behind the meta box move with what it has grown by."""
    item.extents = [
        (index, offset + by if offset >= behind else offset, length) for index, offset, length in item.extents
    ]


def _rebuilt(
    content: bytes, meta: list[tuple[bytes, bytes]], items: list[_Item], version: int, new: int | None
) -> bytes:
    """The meta box with these places; `new` is the number of an item that is to be named and tied to the picture."""
    picture = _box(meta, b"pitm")
    primary = int.from_bytes(picture[12:16] if picture[8] else picture[12:14], "big")
    if primary > 0xFFFF:
        raise NotBuiltSo("more items than can be counted")
    out, tied = [], False
    for kind, box in meta:
        if kind == b"iloc":
            box = _write_iloc(items, version)
        elif kind == b"iinf" and new is not None:
            box = _with_entry(box, new)
        elif kind == b"iref" and new is not None:
            box, tied = box + _reference(box[8], new, primary), True
            box = struct.pack(">I", len(box)) + box[4:]
        out.append(box)
    if new is not None and not tied:
        body = b"iref\0\0\0\0" + _reference(0, new, primary)
        out.append(struct.pack(">I", 4 + len(body)) + body)
    body = b"".join(out)
    start = next(start for kind, start, _ in boxes_in(content, 0, len(content)) if kind == b"meta")
    flags = content[start + 8 : start + 12]
    return struct.pack(">I4s", 12 + len(body), b"meta") + flags + body


def _with_entry(iinf: bytes, number: int) -> bytes:
    body = struct.pack(">BBBBHH4s", 2, 0, 0, 0, number, 0, b"mime") + b"XMP\0" + _KIND
    entry = struct.pack(">I4s", 8 + len(body), b"infe") + body
    wide = ">H" if iinf[8] == 0 else ">I"
    count = struct.unpack_from(wide, iinf, 12)[0] + 1
    whole = iinf[:12] + struct.pack(wide, count) + iinf[12 + struct.calcsize(wide) :] + entry
    return struct.pack(">I", len(whole)) + whole[4:]


def _reference(version: int, item: int, picture: int) -> bytes:
    """cdsc: the item describes the picture."""
    body = struct.pack(">IHI" if version else ">HHH", item, 1, picture)
    return struct.pack(">I4s", 8 + len(body), b"cdsc") + body

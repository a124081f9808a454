"""MP4, MOV and M4A (ISO 14496-12): an XMP packet as a box of its own behind all others, so that nothing moves."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from prefect_genmedia.provenance.avif import boxes_in, closed
from prefect_genmedia.provenance.containers import NotBuiltSo

_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_FIRST = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")


def is_mp4(content: bytes) -> bool:
    """Does it begin as one? A picture in such boxes does too."""
    return content[4:8] in _FIRST


def packet_in_mp4(content: bytes) -> bytes | None:
    return next((content[start + 24 : end] for start, end in _packets(content)), None)


def put_in_mp4(content: bytes, packet: bytes) -> bytes:
    """A packet that is there is left as free space, or cut off where it is the last: no place in the file changes."""
    ends = [(start, end) for _, start, end in boxes_in(content, 0, len(content))]
    if not ends:
        raise NotBuiltSo("nothing in it")
    kept = bytearray(closed(content, ends[-1][0]))
    for start, end in reversed(list(_packets(content))):
        if end == len(kept):
            del kept[start:]
        else:
            kept[start + 4 : start + 8] = b"free"
    return bytes(kept) + struct.pack(">I4s", 24 + len(packet), b"uuid") + _XMP + packet


def _packets(content: bytes) -> Iterator[tuple[int, int]]:
    for kind, start, end in boxes_in(content, 0, len(content)):
        if kind == b"uuid" and content[start + 8 : start + 24] == _XMP:
            yield start, end

"""MP3 and WAV: the XMP packet in an ID3 frame, in a RIFF chunk. What holds sound is copied as it is."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from prefect_genmedia.provenance.containers import NotBuiltSo, chunks_of_riff

_PRIVATE = b"XMP\0"  # who the frame is of; the packet follows
_ROOM = 64  # behind the frames: some readers doubt the length of one that nothing follows
_UNTOLD = (0, 0xFFFFFFFF)


def is_mp3(content: bytes) -> bool:
    """Does it begin with ID3 tags, or with a frame of MPEG sound? (AAC has layer 0.)"""
    return content[:3] == b"ID3" or (content[:1] == b"\xff" and content[1:2] >= b"\xe0" and bool(content[1] & 0x06))


# -- MP3: ID3 v2.3 and v2.4 -------------------------------------------------------------------------


def packet_in_mp3(content: bytes) -> bytes | None:
    version, frames, _ = _id3(content)
    for kind, frame in _frames(frames, version):
        if kind == b"PRIV" and frame.startswith(_PRIVATE, 10):
            return frame[10 + len(_PRIVATE) :]
    return None


def put_in_mp3(content: bytes, packet: bytes) -> bytes:
    version, frames, end = _id3(content)
    kept = [
        frame for kind, frame in _frames(frames, version) if not (kind == b"PRIV" and frame.startswith(_PRIVATE, 10))
    ]
    body = _PRIVATE + packet
    size = _spread(len(body)) if version == 4 else struct.pack(">I", len(body))
    kept.append(b"PRIV" + size + b"\0\0" + body)
    tag = b"".join(kept) + b"\0" * _ROOM
    return b"ID3" + bytes((version, 0, 0)) + _spread(len(tag)) + tag + content[end:]


def _id3(content: bytes) -> tuple[int, bytes, int]:
    """Version, the frames without what stands before them, and where the tag ends; an empty one where there is none."""
    if content[:3] != b"ID3":
        return 3, b"", 0
    version, flags = content[3], content[5]
    end = 10 + _gathered(content[6:10])
    if version not in (3, 4) or end > len(content):
        raise NotBuiltSo("tags of a version that is not known here, or cut ones")
    frames = content[10:end]
    if flags & 0x80 and version == 3:
        frames = frames.replace(b"\xff\0", b"\xff")
    elif flags & 0x80:
        raise NotBuiltSo("tags with bytes put between theirs")
    if flags & 0x40:  # a head of their own, with a checksum that would no longer hold
        frames = frames[_gathered(frames[:4]) if version == 4 else 4 + struct.unpack_from(">I", frames)[0] :]
    return version, frames, end + (10 if version == 4 and flags & 0x10 else 0)


def _frames(frames: bytes, version: int) -> Iterator[tuple[bytes, bytes]]:
    place = 0
    while place + 10 <= len(frames) and frames[place]:  # zeros are room for more
        length = frames[place + 4 : place + 8]
        end = place + 10 + (_gathered(length) if version == 4 else int.from_bytes(length, "big"))
        if end > len(frames):
            raise NotBuiltSo("ends within a tag")
        yield frames[place : place + 4], frames[place:end]
        place = end


def _gathered(four: bytes) -> int:
    """A number of four bytes with seven bits each."""
    if len(four) < 4 or max(four) > 0x7F:
        raise NotBuiltSo("a length that is none")
    return four[0] << 21 | four[1] << 14 | four[2] << 7 | four[3]


def _spread(number: int) -> bytes:
    if number >= 1 << 28:
        raise NotBuiltSo("more tags than can be counted")
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


# -- WAV --------------------------------------------------------------------------------------------


def packet_in_wav(content: bytes) -> bytes | None:
    return next((piece[8:] for kind, piece in _wav(content) if kind == b"_PMX"), None)


def put_in_wav(content: bytes, packet: bytes) -> bytes:
    """The packet as the last chunk."""
    packet += b"\n" * (len(packet) & 1)  # an odd length would need a byte that is counted nowhere
    pieces = [piece for kind, piece in _wav(content) if kind != b"_PMX"]
    body = b"".join([*pieces, struct.pack("<4sI", b"_PMX", len(packet)) + packet])
    behind = content[8 + struct.unpack_from("<I", content, 4)[0] :]
    return struct.pack("<4sI4s", b"RIFF", 4 + len(body), b"WAVE") + body + behind


def _wav(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    if struct.unpack_from("<I", content, 4)[0] in _UNTOLD:
        raise NotBuiltSo("it does not say how long it is")
    yield from chunks_of_riff(content)

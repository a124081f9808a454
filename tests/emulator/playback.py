"""Sound and film as a player sees them, read by other means than the emulator made them with."""

from __future__ import annotations

import io
import struct
import wave
from collections.abc import Iterator

CONTAINERS = ("moov", "trak", "mdia", "minf", "stbl", "dinf")


def boxes(content: bytes, path: str = "") -> Iterator[tuple[str, bytes]]:
    """Every box of an MP4 file, with its path; each must end where the next begins."""
    place = 0
    while place < len(content):
        size, kind = struct.unpack(">I4s", content[place : place + 8])
        assert 8 <= size <= len(content) - place, path
        name = f"{path}/{kind.decode('ascii')}"
        yield name, content[place + 8 : place + size]
        if kind.decode() in CONTAINERS:
            yield from boxes(content[place + 8 : place + size], name)
        place += size


def samples(content: bytes) -> list[bytes]:
    """What the tables of the one track point at."""
    found = dict(boxes(content))
    sizes = found["/moov/trak/mdia/minf/stbl/stsz"]
    count = struct.unpack(">I", sizes[8:12])[0]
    lengths = struct.unpack(f">{count}I", sizes[12:])
    (start,) = struct.unpack(">I", found["/moov/trak/mdia/minf/stbl/stco"][8:12])
    result = []
    for length in lengths:
        result.append(content[start : start + length])
        start += length
    assert start == len(content)
    return result


def seconds(content: bytes) -> float:
    head = dict(boxes(content))["/moov/mvhd"]
    scale, duration = struct.unpack(">II", head[12:20])
    return float(duration / scale)


def heard(content: bytes) -> bytes:
    with wave.open(io.BytesIO(content)) as opened:
        assert (opened.getnchannels(), opened.getsampwidth(), opened.getframerate()) == (1, 2, 8000)
        return opened.readframes(opened.getnframes())

"""Are all rows of a PNG there? Inflated and counted, not drawn: most of what decoding one takes is saved."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from zlib_ng import zlib_ng

_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples a pixel, by colour type (PNG, 11.2.1)."""
_LAST_FILTER = 4
"""Each row begins with how it was filtered, 0 to 4 (PNG, 9.2)."""
_MAY_HOLD_EXIF = {b"eXIf", b"tEXt", b"zTXt", b"iTXt"}
_PIECE = 64 * 1024
_MOST_AT_ONCE = 1024 * 1024
"""Inflated at a time, so that memory does not grow with the picture. Pixels of one colour grow a thousandfold."""


def can_be_counted(stream: BinaryIO) -> bool:
    """Whether `check_rows` knows this PNG: one picture, its rows in their order, and none but them behind them.

    How a picture must be turned may stand behind its pixels, where Pillow finds it only when it draws.
    """
    pixels_seen = False
    for kind, _ in _chunks(stream):
        if kind == b"IEND":
            break
        if kind in (b"acTL", b"fdAT") or (pixels_seen and kind in _MAY_HOLD_EXIF):
            return False
        pixels_seen = pixels_seen or kind == b"IDAT"
    return _header(stream)[4] == 0


def check_rows(stream: BinaryIO) -> None:
    """Raise ValueError, or zlib's own error, where rows are missing or are none: damaged as it was made.

    Its checksums and its end are to be looked at before: then nothing was lost on the way.
    """
    width, height, depth, colour, _ = _header(stream)
    row = (width * depth * _SAMPLES[colour] + 7) // 8 + 1
    due, got = row * height, 0
    inflater = zlib_ng.decompressobj()
    for piece in _pixels(stream):
        while piece and got < due and not inflater.eof:
            rows = inflater.decompress(piece, min(due - got, _MOST_AT_ONCE))
            if max(rows[-got % row :: row], default=0) > _LAST_FILTER:
                raise ValueError("unknown filter")
            got += len(rows)
            piece = inflater.unconsumed_tail
        if got >= due:
            return
        if inflater.eof:
            break
    raise ValueError("rows are missing")


def _header(stream: BinaryIO) -> tuple[int, int, int, int, int]:
    """Width, height, bits a sample, colour type, interlacing."""
    stream.seek(16)
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", stream.read(13))
    return width, height, depth, colour, interlaced


def _chunks(stream: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Kind and length of each chunk, where the stream stands at its content."""
    place = 8
    while True:
        stream.seek(place)
        head = stream.read(8)
        if len(head) < 8:
            return
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        yield kind, length
        place += 12 + length


def _pixels(stream: BinaryIO) -> Iterator[bytes]:
    """What all IDATs hold, which follow one another: who draws it reads no further either."""
    begun = False
    for kind, length in _chunks(stream):
        if kind != b"IDAT":
            if begun:
                return
            continue
        begun = True
        while length and (piece := stream.read(min(length, _PIECE))):
            length -= len(piece)
            yield piece

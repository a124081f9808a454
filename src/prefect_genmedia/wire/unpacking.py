"""Undoing an answer's Content-Encoding, in pieces of bounded size: a few kilobytes may hold gigabytes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

ACCEPT_ENCODING = "gzip, deflate"
STEP = 256 * 1024
_PACKED = ("gzip", "x-gzip", "deflate")
_OTHERS = ("br", "zstd", "compress", "x-compress", "dcb", "dcz")
"""Packings that nobody asked for. Any other word is a mistake for no packing at all, such as utf-8 or binary."""
MOST_LAYERS = 3
_PLAIN = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"OggS", b"fLaC", b"ID3")
"""How files begin that need no packing: under a wrong label they are what they are."""
_TOLD_BY = 8  # bytes


class UnpackingError(ValueError):
    """The bytes are not packed as their label says, end too early, or are packed in a way that nobody asked for."""


class Unpacker:
    """Feed it what comes in; it gives what was packed, never more than `STEP` bytes at once.

    A label may be wrong: what does not begin like gzip, or begins like a picture, is taken as it is.
    """

    def __init__(self, content_encoding: str) -> None:
        names = [name.strip().lower() for name in content_encoding.split(",")]
        names = [name for name in names if name in _PACKED + _OTHERS]
        if len(names) > MOST_LAYERS:
            raise UnpackingError(f"it is packed as {content_encoding[:40]!r}, which was not asked for")
        self._layers = [_Layer(name) for name in reversed(names)]

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """What can be unpacked so far. Raises UnpackingError."""
        pieces: Iterator[bytes] = iter((chunk,))
        for layer in self._layers:
            pieces = layer.unpacked(pieces)
        return pieces

    def end(self) -> Iterator[bytes]:
        """What was held back until all had come. Raises UnpackingError when something is missing."""
        for place, layer in enumerate(self._layers):
            rest: Iterator[bytes] = layer.end()
            for after in self._layers[place + 1 :]:
                rest = after.unpacked(rest)
            yield from rest


class _Layer:
    """One label's packing, undone."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._held = b""  # until it can be told what it begins
        self._rest = b""  # of a chunk, behind an end
        self._engine: zlib._Decompress | None = None
        self._plain = self._ended = False

    def unpacked(self, chunks: Iterator[bytes], *, is_last: bool = False) -> Iterator[bytes]:
        for chunk in chunks:
            data, self._held = self._held + chunk, b""
            while data:
                if self._engine is None and not self._plain:
                    if len(data) < _TOLD_BY and not is_last:
                        self._held = data
                        break
                    self._begin(data)
                if self._engine is None:
                    if not self._ended:
                        yield data
                    break
                yield from self._inflated(self._engine, data)
                data = self._rest

    def end(self) -> Iterator[bytes]:
        if self._held:
            held, self._held = self._held, b""
            yield from self.unpacked(iter((held,)), is_last=True)
        if self._engine is not None:
            raise UnpackingError("what was packed is cut short")

    def _begin(self, start: bytes) -> None:
        if start[:2] == b"\x1f\x8b":
            self._engine = zlib.decompressobj(31)
        elif self._ended or self._name in ("gzip", "x-gzip") or start.startswith(_PLAIN) or start[4:8] == b"ftyp":
            self._plain = True
        elif self._name != "deflate":
            raise UnpackingError(f"it is packed as {self._name!r}, which was not asked for")
        else:
            # "deflate" is zlib's format by the standard, and bare deflate from some servers.
            zlibs = start[0] & 15 == 8 and int.from_bytes(start[:2], "big") % 31 == 0
            self._engine = zlib.decompressobj(15 if zlibs else -15)

    def _inflated(self, engine: zlib._Decompress, data: bytes) -> Iterator[bytes]:
        self._rest = b""
        while not engine.eof:
            try:
                piece = engine.decompress(data, STEP)
            except zlib.error:
                raise UnpackingError("what was packed is damaged") from None
            if piece:
                yield piece
            data = engine.unconsumed_tail
            if not data and len(piece) < STEP and not engine.eof:
                return
        # gzip may be several members, one after the other; anything else behind an end is left.
        self._engine, self._ended, self._rest = None, True, engine.unused_data

"""Answers that come too slowly, never end, or are far larger than they look."""

from __future__ import annotations

import asyncio
import struct
import zlib
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from prefect_genmedia.emulator.server.replies import gone

PIECE = 65_536


class Stream(Response, ABC):
    """Piece by piece, until the client hangs up."""

    def __init__(self, content: bytes, media_type: str, length: int | None) -> None:
        super().__init__(media_type=media_type)
        self._content = content
        del self.headers["content-length"]
        if length is not None:
            self.headers["content-length"] = str(length)

    @abstractmethod
    def pieces(self) -> AsyncIterator[bytes]:
        """The content, as it is to come."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        # Nothing is heard of a client that has hung up but by listening.
        listening = asyncio.ensure_future(gone(receive))
        sending = asyncio.ensure_future(self._send(send))
        await asyncio.wait((listening, sending), return_when=asyncio.FIRST_COMPLETED)
        for task in (listening, sending):
            task.cancel()

    async def _send(self, send: Send) -> None:
        async for piece in self.pieces():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class Drip(Stream):
    """A few bytes, a pause, a few bytes."""

    def __init__(self, content: bytes, media_type: str, size: int, pause: float) -> None:
        super().__init__(content, media_type, len(content))
        self._size, self._pause = max(1, size), pause

    async def pieces(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._content), self._size):
            yield self._content[start : start + self._size]
            await asyncio.sleep(self._pause)


class Endless(Stream):
    """The content, then a filling without end."""

    def __init__(self, content: bytes, media_type: str, filling: bytes, pause: float) -> None:
        super().__init__(content, media_type, None)
        self._filling, self._pause = filling * PIECE, pause

    async def pieces(self) -> AsyncIterator[bytes]:
        yield self._content
        while True:
            yield self._filling
            await asyncio.sleep(self._pause)


def bomb(content: bytes, megabytes: int) -> Response:
    """The content and so many megabytes of blanks after it, which gzip makes small."""
    deflate = zlib.compressobj(9, wbits=-15)
    start = deflate.compress(content) + deflate.flush(zlib.Z_FULL_FLUSH)
    # After a full flush the same megabyte is written the same way each time.
    blanks = b" " * 2**20
    block = deflate.compress(blanks) + deflate.flush(zlib.Z_FULL_FLUSH)
    checksum = zlib.crc32(content)
    for _ in range(megabytes):
        checksum = zlib.crc32(blanks, checksum)
    trailer = struct.pack("<II", checksum, (len(content) + megabytes * 2**20) & 0xFFFFFFFF)
    packed = bytes.fromhex("1f8b08000000000000ff") + start + block * megabytes + b"\x03\x00" + trailer
    return Response(packed, media_type="application/json", headers={"content-encoding": "gzip"})

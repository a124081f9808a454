"""The TCP connection under a request, where faults reach it."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from prefect_genmedia.emulator.server.replies import TRANSPORT
from prefect_genmedia.emulator.server.state import State


class Connection(H11Protocol):
    def __init__(self, config: Config, shared: ServerState, state: State) -> None:
        super().__init__(config, shared, {})
        self._state = state
        self._new = True
        self._unread: bytes | None = None  # what has come while the server does not read yet
        self._heard = True  # whether it is read although the client has hung up

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # Head and body are two writes: without this, every answer waits 40 ms for an acknowledgement.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        app: ASGIApp = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope[TRANSPORT] = transport
            # Cancelled only when the server stops, and then nobody waits for the answer.
            with contextlib.suppress(asyncio.CancelledError):
                await app(scope, receive, send)

        self.app = with_transport

    def data_received(self, data: bytes) -> None:
        if self._new and data.startswith(b"POST ") and not data.startswith(b"POST /__emulator__/"):
            path = data.split(b" ", 2)[1].decode("latin-1")
            if fault := self._state.faults.take("submit_slow_connection", "", path):
                self._unread, self._heard = b"", bool(fault.parameters["heard"])
                self.loop.call_later(float(fault.parameters["seconds"]), self._read)
        self._new = False
        if self._unread is None:
            super().data_received(data)
        else:
            self._unread += data

    def connection_lost(self, exc: Exception | None) -> None:
        if self._unread and self._heard:
            self._read()
            # The request is on its way to the application, which must have it before it hears of the end.
            self.loop.call_soon(super().connection_lost, exc)
            return
        self._unread = None
        super().connection_lost(exc)

    def _read(self) -> None:
        unread, self._unread = self._unread, None
        if unread:
            super().data_received(unread)

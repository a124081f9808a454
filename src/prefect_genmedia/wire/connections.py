"""Connections that are used again only where the last answer was exactly as long as it said.

What a server or a proxy sends beyond an answer is taken by httpcore for the answer to the next question: another job's
file would be delivered as this one's. httpcore asks each idle connection whether it can be read from and takes that
for hung up; these say so, too, when more or other bytes have come than the answer's own.
"""

from __future__ import annotations

import re
import select
import socket
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

_HEAD_END = b"\r\n\r\n"
_WHOLE = 2**20  # more than anyio ever has: what it could not give it would keep, and nobody would see it
_LONGEST_HEAD = 100_000  # httpcore's own limit
_LAST_CHUNK = b"\r\n0\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*(?=\r\n)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked[ \t]*(?=\r\n)", re.IGNORECASE)


class _Length:
    """Has exactly one answer come? Told from its bytes as they come, without keeping its body."""

    def __init__(self) -> None:
        self._head = b""
        self._left: int | None = None  # of a body whose length was said
        self._tail: bytes | None = None  # of a body in chunks
        self.is_exact = False

    def saw(self, data: bytes) -> None:
        if self._left is not None:
            self._left -= len(data)
            self.is_exact = self._left == 0
        elif self._tail is not None:
            seen = self._tail + data
            at = seen.find(_LAST_CHUNK)
            self.is_exact = at >= 0 and at + len(_LAST_CHUNK) == len(seen)
            self._tail = seen[-len(_LAST_CHUNK) + 1 :]
        elif len(self._head) <= _LONGEST_HEAD:
            self._read_head(self._head + data)

    def _read_head(self, head: bytes) -> None:
        end = head.find(_HEAD_END)
        while end >= 0 and head[9:10] == b"1":  # a hint; the answer comes after it
            head = head[end + len(_HEAD_END) :]
            end = head.find(_HEAD_END)
        self._head = head
        if end < 0:
            return
        status, lines, body = head[9:12], head[: end + 2], head[end + len(_HEAD_END) :]
        lengths = set(_LENGTH.findall(lines))
        if status in (b"204", b"304"):
            self._left = 0
            self.saw(body)
        elif _CHUNKED.search(lines):
            self._tail = _HEAD_END[2:]  # no chunk but the last: it follows the head at once
            self.saw(body)
        elif len(lengths) == 1:
            self._left = int(lengths.pop())
            self.saw(body)
        # Anything else lasts until the connection ends, and is not used again in any case.


class _Connection(httpcore.AsyncNetworkStream):
    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._socket: socket.socket | None = stream.get_extra_info("socket")
        self._tls: ssl.SSLObject | None = stream.get_extra_info("ssl_object")
        self._answer = _Length()
        self._answered = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        data = await self._stream.read(max(max_bytes, _WHOLE), timeout)
        self._answered = True
        self._answer.saw(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        if self._answered:  # the next question
            self._answer, self._answered = _Length(), False
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        return _Connection(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        if info != "is_readable":
            return self._stream.get_extra_info(info)
        return not self._answer.is_exact or self._has_more() or self._is_readable()

    def _has_more(self) -> bool:
        """Has a TLS record come behind the answer's last one? The socket no longer shows it."""
        if self._tls is None:
            return False
        try:
            self._tls.read(1)
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError:
            pass  # it was ended
        return True

    def _is_readable(self) -> bool:
        # httpcore asks all that are idle, at each request, and anyio has the system tell the peer's name each time.
        if self._socket is None or not hasattr(select, "poll"):
            return bool(self._stream.get_extra_info("is_readable"))
        if (descriptor := self._socket.fileno()) < 0:
            return True
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(0))


class Network(httpcore.AsyncNetworkBackend):
    """httpcore's own network, with these connections."""

    def __init__(self) -> None:
        # Without anyio, httpcore has another class of this name, which is no backend: anyio comes with httpx.
        self._network: httpcore.AsyncNetworkBackend = httpcore.AnyIOBackend()  # pyright: ignore[reportAttributeAccessIssue]

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the parameters are httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _Connection(await self._network.connect_tcp(host, port, timeout, local_address, socket_options))

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


class _Transport(httpx.AsyncHTTPTransport):
    def __init__(self, tls: ssl.SSLContext, most: int, network: httpcore.AsyncNetworkBackend) -> None:
        super().__init__(verify=tls)
        # httpx has no parameter for the network below it; httpcore has.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls, max_connections=most, keepalive_expiry=5.0, network_backend=network
        )


def over(network: Network, client: httpx.AsyncClient, tls: ssl.SSLContext, most: int) -> httpx.AsyncClient:
    """The same client, its connections made by `network`; those to a proxy of the environment are watched as well."""
    for proxied in client._mounts.values():
        if isinstance(proxied, httpx.AsyncHTTPTransport):
            proxied._pool._network_backend = Network()
    # Not the constructor's `transport`: with it httpx no longer looks for proxies in the environment.
    client._transport = _Transport(tls, most, network)
    return client

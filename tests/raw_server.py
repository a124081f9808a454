"""A server on loopback that says, byte by byte, what a test wants: drips, cuts, bombs and wrong lengths included."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Asked:
    """One request as it came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Handler = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class RawServer:
    """Every request is kept in `asked`; `most_at_once` is how many were open together."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    open_now: int = 0
    most_at_once: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def reply(status: int, body: bytes, **headers: str) -> bytes:
    """A whole answer, with its length unless `headers` give one (length="" for none), and then the end."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    length = named.pop("length", str(len(body)))
    lines = [f"HTTP/1.1 {status} said", "connection: close", *(f"{name}: {value}" for name, value in named.items())]
    if length:
        lines.append(f"content-length: {length}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def always(answer: bytes) -> Handler:
    async def say(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    return say


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[RawServer]:
    server = RawServer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.open_now += 1
        server.most_at_once = max(server.most_at_once, server.open_now)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
            body = await reader.readexactly(int(headers.get("content-length") or 0))
            method, target, _ = head[0].split(" ", 2)
            asked = Asked(method, target, headers, body)
            server.asked.append(asked)
            await handler(asked, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            server.open_now -= 1
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()

"""Files that come in: without any key, in bounded pieces, and not out of our own network."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import httpx

from prefect_genmedia.wire.addresses import guarded
from prefect_genmedia.wire.connections import Network, over
from prefect_genmedia.wire.unpacking import Unpacker

MOST_AT_ONCE = 16  # each connection costs at every request (see MOST_FETCHES), and these fill most lines


@dataclass(frozen=True)
class Incoming:
    """A download that has begun. `pieces` are what was packed, in bounded pieces; they can be read once."""

    status: int
    headers: Mapping[str, str]
    pieces: AsyncIterator[bytes]


async def pieces(response: httpx.Response) -> AsyncIterator[bytes]:
    """The file, unpacked. Raises UnpackingError."""
    unpacker = Unpacker(response.headers.get("content-encoding", ""))
    async for chunk in response.aiter_raw():
        for piece in unpacker.feed(chunk):
            yield piece
    for piece in unpacker.end():
        yield piece


def open_download(tls: ssl.SSLContext, user_agent: str, base_host: str | None) -> httpx.AsyncClient:
    """A client for downloads: anywhere, or for an account at `base_host`."""
    client = httpx.AsyncClient(
        verify=tls,
        headers={"user-agent": user_agent, "accept-encoding": "identity"},
        follow_redirects=True,
        timeout=httpx.Timeout(60, connect=10, pool=None),
    )
    if base_host is None:
        return over(Network(), client, tls, MOST_AT_ONCE)
    return guarded(client, tls, MOST_AT_ONCE, base_host)

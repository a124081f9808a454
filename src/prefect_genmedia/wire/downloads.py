"""Files that come in: without any key, in bounded pieces, and not out of our own network."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from prefect_genmedia.wire.addresses import guarded
from prefect_genmedia.wire.connections import Network, over
from prefect_genmedia.wire.unpacking import Unpacker

MOST_REDIRECTS = 20
MOST_AT_ONCE = 16  # from one server: each connection costs at every request (see MOST_FETCHES); these fill most lines
MOST_IN_ALL = 64  # from several


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


def no_cookies() -> CookieJar:
    """A jar that keeps nothing: a client is shared by accounts, and what is told to one is not the other's."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=()))


@asynccontextmanager
async def opened(client: httpx.AsyncClient, url: httpx.URL) -> AsyncIterator[httpx.Response]:
    """The answer behind all redirects, with the cookies that they set on the way. Their bodies are not read.

    httpx would read and unpack each of them whole before it follows. Raises httpx.HTTPError.
    """
    request, cookies = client.build_request("GET", url), httpx.Cookies()
    for _ in range(MOST_REDIRECTS):
        response = await client.send(request, stream=True)
        try:
            if response.next_request is None:
                yield response
                return
            cookies.extract_cookies(response)
            request = response.next_request
            cookies.set_cookie_header(request)
        finally:
            await response.aclose()
    raise httpx.TooManyRedirects(f"more than {MOST_REDIRECTS} redirects", request=request)


def open_download(tls: ssl.SSLContext, user_agent: str, base_host: str | None) -> httpx.AsyncClient:
    """A client for downloads: anywhere, or for an account at `base_host`."""
    client = httpx.AsyncClient(
        verify=tls,
        headers={"user-agent": user_agent, "accept-encoding": "identity"},
        cookies=no_cookies(),
        timeout=httpx.Timeout(60, connect=10, pool=None),
    )
    if base_host is None:
        return over(Network(), client, tls, MOST_IN_ALL)
    return guarded(client, tls, MOST_IN_ALL, base_host)

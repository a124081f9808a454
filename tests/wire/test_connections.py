"""What a server sends beyond an answer is never taken for the answer to another question."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from prefect_genmedia.wire.connections import Network, over
from prefect_genmedia.wire.http import http_pool
from tests.certificates import paper

STRAY = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nSTRAY"
HINT = b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def plain(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def in_chunks(body: bytes) -> bytes:
    return CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


class Kept:
    """A server that keeps its connections, and says behind its first answer what a test wants it to."""

    def __init__(self, first: list[bytes]) -> None:
        self.first = first
        self.connections = 0
        self.newest: asyncio.StreamWriter | None = None
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.newest = writer
        while head := await reader.readuntil(b"\r\n\r\n"):
            path = b"/" + head.split()[1].rpartition(b"/")[2]  # to a proxy all of the address is said
            for piece in self.first if path == b"/first" else [plain(path)]:
                writer.write(piece)
                await writer.drain()


async def serving(kept: Kept, tls: ssl.SSLContext | None = None) -> asyncio.Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await kept.serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    kept.url = f"http{'' if tls is None else 's'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    return server


@asynccontextmanager
async def keeping(first: list[bytes]) -> AsyncIterator[Kept]:
    kept = Kept(first)
    async with await serving(kept):
        yield kept


async def got(base: str, *paths: str) -> list[bytes]:
    found = []
    async with http_pool() as pool:
        for path in paths:
            async with pool.stream(base + path) as incoming:
                found.append(b"".join([piece async for piece in incoming.pieces]))
    return found


@pytest.mark.parametrize(
    "first",
    [
        pytest.param([plain(b"good") + STRAY], id="a whole answer more"),
        pytest.param([plain(b"good") + STRAY[:20]], id="the beginning of one"),
        pytest.param([plain(b"good") + plain(b"good")], id="the same answer again"),
        pytest.param([in_chunks(b"good") + STRAY], id="behind the last chunk"),
        pytest.param([in_chunks(b"good") + in_chunks(b"good")], id="chunks again"),
        pytest.param([HINT + plain(b"good") + STRAY], id="behind a hint and an answer"),
        pytest.param([plain(b"good")[:30], plain(b"good")[30:] + STRAY], id="in pieces"),
    ],
)
async def test_a_stray_answer_is_given_to_nobody(first: list[bytes]) -> None:
    async with keeping(first) as kept:
        assert await got(kept.url, "/first", "/second", "/third") == [b"good", b"/second", b"/third"]
        assert kept.connections == 2


@pytest.mark.parametrize(
    "first",
    [[plain(b"good")], [in_chunks(b"good")], [HINT + plain(b"good")], [in_chunks(b"good")[:-2], b"\r\n"], [plain(b"")]],
    ids=["its length said", "in chunks", "behind a hint", "an end in pieces", "empty"],
)
async def test_a_connection_without_one_is_used_again(first: list[bytes]) -> None:
    async with keeping(first) as kept:
        assert (await got(kept.url, "/first", "/second", "/third"))[1:] == [b"/second", b"/third"]
        assert kept.connections == 1


@pytest.mark.parametrize("late", [STRAY, b""], ids=["a whole answer more", "it hung up"])
async def test_what_comes_once_the_answer_was_read_is_given_to_nobody_either(late: bytes) -> None:
    async with keeping([plain(b"good")]) as kept, http_pool() as pool:
        async with pool.stream(f"{kept.url}/first") as incoming:
            assert b"".join([piece async for piece in incoming.pieces]) == b"good"
        assert kept.newest is not None
        if late:
            kept.newest.write(late)
            await kept.newest.drain()
        else:
            kept.newest.close()
            await kept.newest.wait_closed()
        async with pool.stream(f"{kept.url}/second") as incoming:
            assert b"".join([piece async for piece in incoming.pieces]) == b"/second"
        assert kept.connections == 2


async def test_a_stray_answer_in_a_tls_record_of_its_own_is_given_to_nobody(tmp_path: Path) -> None:
    """With the first in one reading of the socket, where nothing of it is seen any more."""
    own = paper("localhost", use=ExtendedKeyUsageOID.SERVER_AUTH)
    (tmp_path / "server.pem").write_text(own.chain + own.key)
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server.load_cert_chain(tmp_path / "server.pem")
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    kept = Kept([plain(b"good"), STRAY])
    async with await serving(kept, server), over(Network(), httpx.AsyncClient(verify=client), client, 10) as asking:
        answers = [(await asking.get(f"{kept.url}/{path}")).content for path in ("first", "second", "third")]
    assert answers == [b"good", b"/second", b"/third"] and kept.connections == 2


async def test_a_stray_answer_behind_as_much_as_is_read_at_once_is_given_to_nobody() -> None:
    head = len(plain(b"x" * 65_000)) - 65_000
    async with keeping([plain(b"x" * (65_536 - head)) + STRAY]) as kept:
        assert (await got(kept.url, "/first", "/second", "/third"))[1:] == [b"/second", b"/third"]
        assert kept.connections == 2


async def test_a_proxys_stray_answer_is_given_to_nobody_either(monkeypatch: pytest.MonkeyPatch) -> None:
    async with keeping([plain(b"good") + STRAY]) as kept:
        monkeypatch.setenv("HTTP_PROXY", kept.url)
        base = "http://files.example"
        assert await got(base, "/first", "/second", "/third") == [b"good", b"/second", b"/third"]
        assert kept.connections == 2

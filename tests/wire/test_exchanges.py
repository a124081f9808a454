"""One exchange with a provider: what counts as sent, what its timeout counts, and how large an answer may become."""

from __future__ import annotations

import asyncio
import gzip
import json
import tracemalloc
import zlib
from functools import cache
from typing import Any

import pytest

from prefect_genmedia.errors import (
    ApiError,
    ConfigurationError,
    InvalidRequestError,
    NotDeliveredError,
    NotFoundError,
    OperationRetiredError,
    ResponseFormatError,
    ServerError,
    SubmitOutcomeUnknown,
    TransportError,
)
from prefect_genmedia.operation import Account
from prefect_genmedia.providers.novita.envelope import NOVITA
from prefect_genmedia.providers.ttapi.envelope import TTAPI
from prefect_genmedia.wire.http import Answer, encode_body, http_pool
from tests.patience import PATIENCE
from tests.raw_server import Asked, RawServer, always, reply, serving

ACCEPTED = {"status": "SUCCESS", "data": {"jobId": "j1"}}
BODY = encode_body({"prompt": "a cat"})


def ttapi(server: RawServer) -> Account:
    return Account(TTAPI, server.url, "the-key")


async def fetched(server: RawServer, account: Account | None = None) -> Answer:
    async with http_pool() as pool:
        return await pool.fetch(account or ttapi(server), "/fetch", {"jobId": "j1"})


async def posted(server: RawServer, seconds: float = 30.0, **options: Any) -> Answer:
    async with http_pool() as pool:
        return await pool.post(ttapi(server), "/submit", BODY, seconds, **options)


# -- what is sent -----------------------------------------------------------------------------------


async def test_a_submit_goes_out_as_it_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(always(reply(200, json.dumps(ACCEPTED).encode()))) as server:
        assert (await posted(server)).body == ACCEPTED
        monkeypatch.setenv("GENMEDIA_USER_AGENT", "our-shop/7 (ops@example.com)")
        await posted(server)
    first, second = server.asked
    assert (first.method, first.body) == ("POST", BODY)
    assert first.headers["content-type"] == "application/json"
    assert first.headers["tt-api-key"] == "the-key"
    assert first.headers["user-agent"].startswith("prefect-genmedia/")
    assert second.headers["user-agent"] == "our-shop/7 (ops@example.com)"
    assert "br" not in first.headers["accept-encoding"]


@pytest.mark.parametrize("agent", ["", " x", "a\r\nb: c", "ж"])
async def test_a_user_agent_that_no_header_holds_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, agent: str
) -> None:
    monkeypatch.setenv("GENMEDIA_USER_AGENT", agent)
    with pytest.raises(ConfigurationError, match="GENMEDIA_USER_AGENT"):
        async with http_pool():
            pass


ENDLESS: list[Any] = []
ENDLESS.append(ENDLESS)


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), b"bytes", {1, 2}, object(), "half a sign \ud800", ENDLESS, 10**5000],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_written_as_json_is_refused_before_anything_is_sent(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="written as JSON"):
        encode_body({"a": value})


# -- our own queue is not the provider's silence ------------------------------------------------------


async def test_submits_that_wait_for_a_connection_of_ours_do_not_time_out() -> None:
    """260 at once, 100 connections: the last 160 wait longer than their timeout before they go out."""
    seconds = 1.0
    while failed := await failures_of_queued(seconds):
        assert seconds < PATIENCE, failed  # a busy machine may need longer than that for a hundred answers
        seconds *= 4


async def failures_of_queued(seconds: float) -> list[type]:
    """What became of 160 submits with this timeout that waited longer for a connection, if not an answer."""
    held = asyncio.Event()

    async def hold(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await held.wait()
        writer.write(reply(200, json.dumps(ACCEPTED).encode()))

    async with serving(hold) as server, http_pool() as pool:
        account = ttapi(server)
        first = [asyncio.create_task(pool.post(account, "/submit", BODY, 2 * PATIENCE)) for _ in range(100)]
        while len(server.asked) < 100:
            await asyncio.sleep(0.01)
        queued = [asyncio.create_task(pool.post(account, "/submit", BODY, seconds)) for _ in range(160)]
        await asyncio.sleep(1.2 * seconds)
        assert len(server.asked) == 100
        held.set()
        got = await asyncio.gather(*first, *queued, return_exceptions=True)
    failed = [type(each) for each in got if not isinstance(each, Answer)]
    assert server.most_at_once <= 100 and (failed or len(server.asked) == 260)
    return failed


async def test_a_submit_that_waits_for_a_connection_of_ours_has_not_begun() -> None:
    held = asyncio.Event()

    async def hold(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await held.wait()
        writer.write(reply(200, json.dumps(ACCEPTED).encode()))

    sending: list[int] = []
    async with serving(hold) as server, http_pool() as pool:
        account = ttapi(server)
        first = [asyncio.create_task(pool.post(account, "/submit", BODY, 60.0)) for _ in range(100)]
        while len(server.asked) < 100:
            await asyncio.sleep(0.01)
        waiting = asyncio.create_task(
            pool.post(account, "/s", BODY, 0.1, may_begin=lambda: bool(sending.append(1)) or True)
        )
        await asyncio.sleep(0.5)  # longer than its timeout: it is not sent, so that does not run
        assert not waiting.done()
        waiting.cancel()
        held.set()
        await asyncio.gather(*first)
        assert sending == []
        assert len(server.asked) == 100


async def test_a_submit_says_when_it_goes_out() -> None:
    seen: list[int] = []

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, json.dumps(ACCEPTED).encode()))

    async with serving(answer) as server:
        await posted(server, may_begin=lambda: bool(seen.append(len(server.asked))) or True)
    assert seen == [0]


async def test_a_submit_whose_claim_has_run_out_is_held_back_before_its_first_byte() -> None:
    async with serving(always(reply(200, json.dumps(ACCEPTED).encode()))) as server:
        with pytest.raises(NotDeliveredError, match="ran out"):
            await posted(server, may_begin=lambda: False)
        assert server.asked == []


async def test_a_submit_without_an_answer_in_time_is_unknown() -> None:
    async def never(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    async with serving(never) as server:
        with pytest.raises(SubmitOutcomeUnknown, match=r"no answer within 0\.3 s|in time"):
            await posted(server, 0.3)


async def test_a_dripping_answer_ends_with_the_timeout() -> None:
    async def drip(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        for _ in range(1000):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with serving(drip) as server:
        with pytest.raises(SubmitOutcomeUnknown):
            await posted(server, 0.5)


async def test_where_nobody_listens_nothing_was_delivered() -> None:
    async with serving(always(b"")) as server:
        pass
    with pytest.raises(NotDeliveredError):
        await posted(server)


# -- what comes back --------------------------------------------------------------------------------


def zlibs(content: bytes) -> bytes:
    return zlib.compress(content)


@cache
def bomb(wbits: int) -> bytes:
    """256 MiB of JSON, packed; made when it is asked for, a part at a time."""
    packer = zlib.compressobj(1, wbits=wbits)
    part = b"a" * 1024**2
    packed = [packer.compress(b'{"a": "'), *(packer.compress(part) for _ in range(256)), packer.compress(b'"}')]
    return b"".join([*packed, packer.flush()])


GZIP, ZLIB = 31, 15
BOMBS = {
    "gzip": lambda: bomb(GZIP),
    "deflate": lambda: bomb(ZLIB),
    "gzip, gzip": lambda: gzip.compress(bomb(GZIP), 9),
}


@pytest.mark.parametrize("encoding", BOMBS)
async def test_an_answer_that_unpacks_without_end_is_bounded(encoding: str) -> None:
    packed = BOMBS[encoding]()
    async with serving(always(reply(200, packed, content_encoding=encoding))) as server:
        tracemalloc.start()
        try:
            with pytest.raises(ResponseFormatError, match="larger than 32 MiB"):
                await fetched(server)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 200 * 1024**2
        with pytest.raises(SubmitOutcomeUnknown):
            await posted(server)


async def test_an_endless_answer_is_bounded() -> None:
    async def endless(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b" " * 65536)
            await writer.drain()

    async with serving(endless) as server:
        with pytest.raises(ResponseFormatError, match="larger than 32 MiB"):
            await fetched(server)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "", "identity", "gzip, deflate"])
async def test_a_packed_answer_is_unpacked(encoding: str) -> None:
    content = json.dumps(ACCEPTED).encode()
    for name in encoding.split(", "):
        content = {"gzip": gzip.compress, "deflate": zlibs}.get(name, bytes)(content)
    async with serving(always(reply(200, content, content_encoding=encoding))) as server:
        assert (await fetched(server)).body == ACCEPTED


async def test_a_wrong_label_of_packing_does_not_matter() -> None:
    async with serving(always(reply(200, json.dumps(ACCEPTED).encode(), content_encoding="gzip"))) as server:
        assert (await posted(server)).body == ACCEPTED


@pytest.mark.parametrize(
    "content", [gzip.compress(json.dumps(ACCEPTED).encode())[:-12], b"\x1f\x8bnot packed"], ids=["cut", "damaged"]
)
async def test_a_packed_answer_that_is_cut_or_damaged_is_unreadable(content: bytes) -> None:
    async with serving(always(reply(200, content, content_encoding="gzip"))) as server:
        with pytest.raises(ResponseFormatError):
            await fetched(server)
        with pytest.raises(SubmitOutcomeUnknown):
            await posted(server)


async def test_an_answer_behind_a_byte_order_mark_is_an_answer() -> None:
    async with serving(always(reply(200, b"\xef\xbb\xbf" + json.dumps(ACCEPTED).encode()))) as server:
        assert (await posted(server)).body == ACCEPTED


async def test_a_cut_answer_is_no_answer() -> None:
    async with serving(always(reply(200, json.dumps(ACCEPTED).encode()[:-1], length="500"))) as server:
        with pytest.raises(TransportError):
            await fetched(server)
        with pytest.raises(SubmitOutcomeUnknown):
            await posted(server)


WHOLE = json.dumps(ACCEPTED).encode()
BADLY_ENDED = {
    "a length too large": reply(200, WHOLE, length="500"),
    "no last chunk": reply(200, b"%x\r\n%b\r\n" % (len(WHOLE), WHOLE), length="", transfer_encoding="chunked"),
    "gzip without its end": reply(200, gzip.compress(WHOLE)[:-6], content_encoding="gzip"),
}


@pytest.mark.parametrize("answer", BADLY_ENDED.values(), ids=BADLY_ENDED)
async def test_an_answer_that_has_come_whole_counts_however_its_transfer_ends(answer: bytes) -> None:
    """It names a job that is paid for, and nobody may ever say its name again."""
    async with serving(always(answer)) as server:
        assert (await posted(server)).body == ACCEPTED
        assert (await fetched(server)).body == ACCEPTED


@pytest.mark.parametrize("status", [301, 303, 307, 308])
async def test_a_redirect_of_a_submit_that_names_a_job_is_unknown_and_names_it(status: int) -> None:
    async with serving(always(reply(status, WHOLE, location="/elsewhere"))) as server:
        with pytest.raises(SubmitOutcomeUnknown, match="names the job j1"):
            await posted(server)
        assert len(server.asked) == 1


async def test_what_one_account_is_told_to_keep_is_not_sent_with_the_others_key() -> None:
    async with serving(always(reply(200, WHOLE, set_cookie="session=first; Path=/"))) as server, http_pool() as pool:
        for key in ("first-key", "second-key"):
            account = Account(TTAPI, server.url, key)
            await pool.post(account, "/submit", BODY, 30.0)
            await pool.fetch(account, "/fetch", {"jobId": "j1"})
    assert len(server.asked) == 4 and not [asked for asked in server.asked if "cookie" in asked.headers]


@pytest.mark.parametrize("hints", [1, 3000])
async def test_hints_before_an_answer_are_passed_over(hints: int) -> None:
    answer = b"HTTP/1.1 102 Processing\r\n\r\n" * hints + reply(200, WHOLE).replace(b"connection: close\r\n", b"")
    async with serving(always(answer)) as server:
        assert (await fetched(server)).body == ACCEPTED


GATEWAY = [b"<html>404</html>", b'{"detail": "Not Found"}', b'{"reason": "Not Found"}', b""]


@pytest.mark.parametrize("provider", [TTAPI, NOVITA], ids=lambda provider: provider.name)
@pytest.mark.parametrize("page", GATEWAY)
async def test_a_gateways_404_of_a_fetch_may_pass(page: bytes, provider: Any) -> None:
    async with serving(always(reply(404, page))) as server:
        account = Account(provider, server.url, "the-key")
        with pytest.raises(ServerError) as said:
            await fetched(server, account)
        assert said.value.http_status == 404
        async with http_pool() as pool:
            with pytest.raises(OperationRetiredError):
                await pool.post(account, "/submit", BODY, 30.0)


async def test_the_providers_own_404_is_its_word() -> None:
    own = {"status": "FAILED", "message": "job not found", "data": None}
    async with serving(always(reply(404, json.dumps(own).encode()))) as server:
        with pytest.raises(NotFoundError):
            await fetched(server)


@pytest.mark.parametrize("status", [400, 429, 500])
async def test_a_refusal_by_status_that_names_a_job_is_unknown_and_names_it(status: int) -> None:
    said = {"status": "FAILED", "message": "try later", "data": {"jobId": "j1"}}
    async with serving(always(reply(status, json.dumps(said).encode()))) as server:
        with pytest.raises(SubmitOutcomeUnknown, match="names the job j1"):
            await posted(server)


async def test_a_refusal_by_status_is_one() -> None:
    said = {"status": "FAILED", "message": "Invalid params", "data": None}
    async with serving(always(reply(400, json.dumps(said).encode(), retry_after="900"))) as server:
        with pytest.raises(InvalidRequestError) as refused:
            await posted(server)
        error: ApiError = refused.value
        assert error.retry_after == 900

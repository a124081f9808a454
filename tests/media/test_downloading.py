"""A download from its link to the store: what ends it, what it may not do, and what it keeps."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import io
import socket
import struct
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from prefect_genmedia.errors import MediaError, MediaExpiredError, MediaInvalidError
from prefect_genmedia.media import MediaFile, MediaStore, download, open_media
from prefect_genmedia.media.download import MAX_DOWNLOAD_BYTES
from prefect_genmedia.media.pictures import Picture, PictureLimit, load_picture
from prefect_genmedia.operation import Link
from prefect_genmedia.wire.addresses import kind_of
from prefect_genmedia.wire.http import http_pool
from tests.patience import PATIENCE
from tests.raw_server import Asked, RawServer, always, reply, serving

ELSEWHERE = "https://8.8.8.8"  # an account on the public internet; nothing is ever sent there


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(out, "PNG")
    return out.getvalue()


PNG = png()


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(str(tmp_path / "store"))


async def brought(
    store: MediaStore, text: str, base_url: str, *, seconds: float = 60.0, strict: bool = False, **due: Any
) -> MediaFile:
    deadline = time.monotonic() + seconds
    async with http_pool() as pool:
        link = Link(text, "grid", **due)
        return await download(pool, link, store, "op/day/job-0", deadline=deadline, base_url=base_url, strict=strict)


async def from_server(store: MediaStore, answer: bytes, **options: Any) -> tuple[MediaFile, RawServer]:
    async with serving(always(answer)) as server:
        return await brought(store, f"{server.url}/a.png", server.url, **options), server


def files_in(store: MediaStore) -> list[str]:
    return [path.name for path in Path(store.root).rglob("*") if path.is_file()]


async def test_a_file_that_came_whole_is_kept(store: MediaStore) -> None:
    file, server = await from_server(store, reply(200, PNG, content_type="image/png"))
    assert (file.media_type, file.bytes, file.width, file.height, file.role) == ("image/png", len(PNG), 64, 48, "grid")
    assert file.sha256 == hashlib.sha256(PNG).hexdigest()
    assert file.remarks == ()
    assert file.uri.endswith("/op/day/job-0.png")
    assert open_media(file) == PNG
    (asked,) = server.asked
    assert asked.headers["user-agent"].startswith("prefect-genmedia/")
    assert "authorization" not in asked.headers and "tt-api-key" not in asked.headers


async def test_a_guess_is_a_remark_and_strictness_is_asked_for(store: MediaStore) -> None:
    answer = reply(200, PNG, content_type="text/plain")
    file, _ = await from_server(store, answer, width=100)
    assert file.remarks == (
        "it is labelled text/plain and is image/png",
        "its width is 64 pixels; 100 were due",
    )
    assert MediaFile.model_validate_json(file.model_dump_json()) == file
    with pytest.raises(MediaInvalidError, match="100 were due"):
        await from_server(store, answer, width=100, strict=True)
    strict, _ = await from_server(store, reply(200, PNG), width=64, strict=True)
    assert strict.remarks == ()


# -- what ends it -----------------------------------------------------------------------------------


async def test_a_dripping_download_ends_at_the_deadline(store: MediaStore) -> None:
    async def drip(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with serving(drip) as server:
        started = time.monotonic()
        with pytest.raises(MediaError, match="did not end before our deadline") as said:
            await brought(store, server.url, server.url, seconds=1.0)
        assert 0.9 < time.monotonic() - started < 30
        assert not isinstance(said.value, MediaInvalidError | MediaExpiredError)
    assert files_in(store) == []


async def test_a_file_that_says_it_is_too_large_is_not_begun(store: MediaStore) -> None:
    answer = reply(200, b"x" * 1000, length=str(MAX_DOWNLOAD_BYTES + 1))
    with pytest.raises(MediaInvalidError, match="larger than 2 GiB"):
        await from_server(store, answer)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_a_link_that_is_dead_says_with_which_status(store: MediaStore, status: int) -> None:
    with pytest.raises(MediaExpiredError) as said:
        await from_server(store, reply(status, b"gone"))
    assert said.value.http_status == status


@pytest.mark.parametrize("status", [202, 204, 206, 418, 429, 500, 503])
async def test_any_other_status_may_pass(store: MediaStore, status: int) -> None:
    with pytest.raises(MediaError) as said:
        await from_server(store, reply(status, PNG if status < 300 else b"", retry_after="7"))
    assert not isinstance(said.value, MediaExpiredError)
    assert (said.value.http_status, said.value.retry_after) == (status, 7)


async def test_a_part_that_is_all_of_it_is_the_file(store: MediaStore) -> None:
    whole = f"bytes 0-{len(PNG) - 1}/{len(PNG)}"
    file, _ = await from_server(store, reply(206, PNG, content_range=whole))
    assert file.bytes == len(PNG)
    with pytest.raises(MediaError):
        await from_server(store, reply(206, PNG, content_range=f"bytes 0-{len(PNG) - 1}/{len(PNG) * 2}"))


@pytest.mark.parametrize("length", [str(len(PNG) + 500), ""])
async def test_a_cut_file_is_not_kept(store: MediaStore, length: str) -> None:
    with pytest.raises(MediaError):
        await from_server(store, reply(200, PNG[:-50], length=length))
    assert files_in(store) == []


async def test_a_packed_file_is_unpacked(store: MediaStore) -> None:
    file, _ = await from_server(store, reply(200, gzip.compress(PNG), content_encoding="gzip"))
    assert file.sha256 == hashlib.sha256(PNG).hexdigest()
    with pytest.raises(MediaInvalidError, match="cannot be unpacked"):
        await from_server(store, reply(200, gzip.compress(PNG)[:-9], content_encoding="gzip"))
    with pytest.raises(MediaInvalidError, match="not asked for"):
        await from_server(store, reply(200, b"\x0b\x02\x80packed", content_encoding="br"))


@pytest.mark.parametrize("label", ["deflate", "br", "zstd", "gzip", "gzip, br"])
async def test_a_picture_under_a_wrong_label_of_packing_is_what_it_is(store: MediaStore, label: str) -> None:
    file, _ = await from_server(store, reply(200, PNG, content_encoding=label))
    assert open_media(file) == PNG and not file.remarks


async def test_a_whole_picture_counts_however_its_transfer_ends(store: MediaStore) -> None:
    """A reset in the place of an end; an end that never comes."""

    async def reset(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, PNG, length=""))
        await writer.drain()
        await asyncio.sleep(0.2)  # so that it has been read: a reset discards what has not
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async def open_ended(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, PNG, length=str(len(PNG) + 100)))
        await asyncio.sleep(PATIENCE)

    for handler, seconds in ((reset, PATIENCE), (open_ended, 3.0)):
        async with serving(handler) as server:
            file = await brought(store, f"{server.url}/a.png", server.url, seconds=seconds)
        assert open_media(file) == PNG and "did not end as announced" in file.remarks[0]


async def test_a_second_answer_that_is_worse_does_not_replace_the_first(store: MediaStore) -> None:
    out = io.BytesIO()
    Image.effect_noise((64, 48), 60).save(out, "JPEG")
    good, answers = out.getvalue()[:-2], iter([])

    async def say(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, next(answers), content_type="image/jpeg"))

    answers = iter([good, bytes(range(256)) * 16])
    async with serving(say) as server:
        file = await brought(store, f"{server.url}/a.jpg", server.url)
    assert len(server.asked) == 2
    assert open_media(file) == good and "no end mark" in file.remarks[0]


async def test_the_body_of_a_redirect_is_not_read_and_its_cookie_goes_on(store: MediaStore) -> None:
    bomb = gzip.compress(bytes(200 * 1024**2))

    async def say(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if asked.target == "/a.png":
            writer.write(reply(302, bomb, location="/b.png", content_encoding="gzip", set_cookie="pass=1; Path=/"))
        else:
            writer.write(reply(200 if asked.headers.get("cookie") == "pass=1" else 403, PNG))

    async with serving(say) as server:
        tracemalloc.start()
        try:
            file = await brought(store, f"{server.url}/a.png", server.url)
            assert tracemalloc.get_traced_memory()[1] < 20 * 1024**2
        finally:
            tracemalloc.stop()
    assert open_media(file) == PNG


async def test_one_server_that_drips_holds_up_no_file_of_another(store: MediaStore) -> None:
    begun = asyncio.Event()

    async def drip(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, PNG[:1], length=str(len(PNG))))
        if slow.open_now == 16:
            begun.set()
        await asyncio.sleep(PATIENCE)

    async with serving(drip) as slow, serving(always(reply(200, PNG))) as quick, http_pool() as pool:
        deadline = time.monotonic() + PATIENCE

        async def one(url: str, name: str) -> MediaFile:
            return await download(pool, Link(url, "grid"), store, name, deadline=deadline, base_url=slow.url)

        dripping = [asyncio.create_task(one(f"{slow.url}/{n}.png", f"op/day/slow-{n}")) for n in range(20)]
        await asyncio.wait_for(begun.wait(), PATIENCE)
        assert (await asyncio.wait_for(one(f"{quick.url}/a.png", "op/day/quick"), PATIENCE / 2)).bytes == len(PNG)
        assert slow.most_at_once == 16
        for each in dripping:
            each.cancel()
        await asyncio.gather(*dripping, return_exceptions=True)


# -- where it may lead --------------------------------------------------------------------------------


@pytest.mark.parametrize("link", ["/f/a.png", "f/a.png", "//127.0.0.1:{port}/f/a.png", ' "{url}/f/a.png" '])
async def test_a_link_is_taken_as_it_comes(store: MediaStore, link: str) -> None:
    async with serving(always(reply(200, PNG))) as server:
        text = link.format(port=server.port, url=server.url)
        assert (await brought(store, text, server.url)).bytes == len(PNG)
        assert server.asked[0].target == "/f/a.png"


async def test_a_file_within_the_answer_is_kept(store: MediaStore) -> None:
    text = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    file = await brought(store, text, ELSEWHERE)
    assert (file.media_type, file.bytes) == ("image/png", len(PNG))
    with pytest.raises(MediaInvalidError):
        await brought(store, text[: len(text) // 2], ELSEWHERE)
    with pytest.raises(MediaInvalidError, match="empty"):
        await brought(store, "data:image/png;base64,", ELSEWHERE)


LOOPBACK = ["127.0.0.1", "localhost", "2130706433", "0x7f000001"]
PRIVATE = [*LOOPBACK, "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"]


@pytest.mark.parametrize("host", PRIVATE)
async def test_a_link_into_our_own_network_is_refused(store: MediaStore, host: str) -> None:
    async with serving(always(reply(200, PNG))) as server:
        with pytest.raises(MediaError, match=r"loopback|broke|no URL") as said:
            await brought(store, f"http://{host}:{server.port}/a.png", ELSEWHERE)
        assert server.asked == []
    if host in LOOPBACK:
        assert "loopback" in str(said.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_into_our_own_network_is_refused(store: MediaStore, status: int) -> None:
    """From loopback, where this account is, to a place where it is not."""
    answer = reply(status, b"", location="http://169.254.169.254/latest/meta-data")
    with pytest.raises(MediaError, match="link-local"):
        await from_server(store, answer)


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.1.1", "100.64.0.1", "[fd00::1]", "[64:ff9b::a00:1]"])
async def test_an_account_on_loopback_is_not_in_the_private_network(store: MediaStore, address: str) -> None:
    with pytest.raises(MediaError, match="private"):
        await brought(store, f"http://{address}/a.png", "http://127.0.0.1:9")


async def test_a_connection_that_is_kept_open_does_not_open_the_door(store: MediaStore) -> None:
    """One pool, two accounts: what one may reach the other may not."""
    async with serving(always(reply(200, PNG))) as server, http_pool():
        await brought(store, f"{server.url}/a.png", server.url)
        with pytest.raises(MediaError, match="loopback"):
            await brought(store, f"{server.url}/a.png", ELSEWHERE)
        assert len(server.asked) == 1


async def test_who_needs_it_may_allow_it(store: MediaStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENMEDIA_ALLOW_PRIVATE_LINKS", "true")
    async with serving(always(reply(200, PNG))) as server:
        assert (await brought(store, f"{server.url}/a.png", ELSEWHERE)).bytes == len(PNG)


async def test_a_users_own_picture_may_be_anywhere() -> None:
    async with serving(always(reply(200, PNG))) as server, http_pool() as pool:
        loaded = await load_picture(Picture(source=f"{server.url}/a.png"), PictureLimit(), pool)
    assert loaded.content == PNG


KINDS = {
    "8.8.8.8": "", "2606:4700::1111": "", "127.0.0.1": "loopback", "127.9.9.9": "loopback", "::1": "loopback",
    "0.0.0.0": "loopback", "::": "loopback", "169.254.169.254": "link-local", "fe80::1%eth0": "link-local",
    "10.1.2.3": "private", "172.31.0.1": "private", "172.32.0.1": "", "192.168.0.1": "private",
    "100.100.100.200": "private", "fd00:ec2::254": "private", "fec0::1": "private", "::ffff:10.0.0.1": "private",
    "::ffff:8.8.8.8": "", "64:ff9b::7f00:1": "loopback", "2002:7f00:1::": "loopback", "224.0.0.1": "reserved",
    "255.255.255.255": "reserved", "192.0.2.1": "reserved", "ff02::1": "reserved", "2001:db8::1": "reserved",
}  # fmt: skip


@pytest.mark.parametrize("address", KINDS)
def test_every_address_is_of_a_kind(address: str) -> None:
    assert kind_of(address) == KINDS[address]

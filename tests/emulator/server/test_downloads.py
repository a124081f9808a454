"""Faults of result files, as a client meets them."""

from __future__ import annotations

import io
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image

from prefect_genmedia.emulator import Emulator
from tests.emulator.clients import HASTY, Midjourney, Novita, once, picture_of
from tests.patience import PATIENCE


@pytest.fixture
def link(novita: Novita) -> str:
    return str(novita.done()["images"][0]["image_url"])


def test_download_expired(emulator: Emulator, midjourney: Midjourney, link: str) -> None:
    for url in (link, midjourney.done()["cdnImage"]):
        once(emulator, "download_expired")
        reply = midjourney.bare.get(url)
        assert (reply.status_code, "Request has expired" in reply.text) == (403, True)
        assert midjourney.bare.get(url).status_code == 200


@pytest.mark.parametrize("length", ["whole", "chunked"])
def test_download_truncated_and_it_shows(emulator: Emulator, novita: Novita, link: str, length: str) -> None:
    once(emulator, "download_truncated", length=length)
    with pytest.raises(httpx.RemoteProtocolError):
        novita.bare.get(link)


def test_download_truncated_in_silence(emulator: Emulator, novita: Novita, link: str) -> None:
    once(emulator, "download_truncated", length="none")
    short = novita.bare.get(link)
    whole = novita.bare.get(link)
    assert short.status_code == 200
    assert short.headers["x-genmedia-emulator"] == "1"
    assert short.content == whole.content[: len(whole.content) // 2]
    with pytest.raises(OSError):
        picture_of(short)
    assert emulator.jobs()["jobs"][0]["downloads"] == 1


def test_download_wrong(emulator: Emulator, novita: Novita, link: str) -> None:
    whole = novita.bare.get(link)
    once(emulator, "download_wrong_type")
    reply = novita.bare.get(link)
    assert reply.headers["content-type"].startswith("text/html")
    assert reply.content == whole.content
    once(emulator, "download_wrong_type", content_type="image/gif")
    reply = novita.bare.get(link)
    assert (reply.headers["content-type"], Image.open(io.BytesIO(reply.content)).format) == ("image/gif", "GIF")
    once(emulator, "download_wrong_size", factor=0.25)
    assert picture_of(novita.bare.get(link)).size == (48, 32)
    once(emulator, "download_html")
    reply = novita.bare.get(link)
    assert (reply.status_code, "<html>" in reply.text) == (200, True)
    once(emulator, "download_404")
    assert novita.bare.get(link).status_code == 404
    assert novita.bare.get(link).content == whole.content


def test_download_redirect(emulator: Emulator, midjourney: Midjourney, link: str) -> None:
    emulator.add_faults({"kind": "download_redirect"})
    for url in (link, midjourney.done()["cdnImage"]):
        reply = midjourney.bare.get(url)
        assert reply.status_code == 302
        assert urlsplit(reply.headers["location"]).hostname == "localhost"
        assert midjourney.bare.get(url, follow_redirects=True).status_code == 200


def test_download_slow(emulator: Emulator, novita: Novita, link: str) -> None:
    once(emulator, "download_slow", seconds=2 * PATIENCE)
    with pytest.raises(httpx.ReadTimeout):
        novita.bare.get(link, timeout=HASTY)
    once(emulator, "download_slow", seconds=0.1)
    assert novita.bare.get(link).content == novita.bare.get(link).content

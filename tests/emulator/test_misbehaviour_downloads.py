"""Result files that are late, dead, of another kind, cut or without end; and links as they are written."""

from __future__ import annotations

import base64
import io
import time
import zipfile
import zlib
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from PIL import Image

from prefect_genmedia.emulator import Emulator
from tests.patience import PATIENCE

METADATA = "http://169.254.169.254/latest/meta-data/"
HOUR = {"kind": "clock_skew", "seconds": 3600}


@pytest.fixture
def link(midjourney: Any) -> str:
    return str(midjourney.done()["cdnImage"])


def opened(reply: httpx.Response) -> Image.Image:
    picture = Image.open(io.BytesIO(reply.content))
    picture.load()
    return picture


def test_one_dead_link_among_several(emulator: Emulator, midjourney: Any, novita: Any) -> None:
    job, task = midjourney.done(), novita.done(image_num=3)
    emulator.add_faults({"kind": "download_dead", "places": [2], "status": 403})
    links = [job["cdnImage"], *job["images"]]
    assert [midjourney.bare.get(each).status_code for each in links] == [200, 200, 403, 200, 200]
    links = [picture["image_url"] for picture in task["images"]]
    assert [midjourney.bare.get(each).status_code for each in links * 2] == [200, 200, 403] * 2
    assert novita.read(task["task"]["task_id"]).json()["images"][2]["image_url"].startswith("http")


@pytest.mark.parametrize("status", [404, 403])
def test_a_file_that_is_late(emulator: Emulator, midjourney: Any, link: str, status: int) -> None:
    emulator.add_faults({"kind": "download_late", "seconds": 3000, "status": status})
    reply = midjourney.bare.get(link)
    assert (reply.status_code, "<Error>" in reply.text) == (status, True)
    emulator.add_faults(HOUR)
    assert opened(midjourney.bare.get(link)).format == "PNG"


def test_a_user_agent_that_is_refused(emulator: Emulator, midjourney: Any, link: str) -> None:
    emulator.add_faults({"kind": "download_agent_refused"})
    assert midjourney.bare.get(link).status_code == 403
    assert midjourney.bare.get(link, headers={"user-agent": "a pack/1.0"}).status_code == 200


def test_a_redirect_to_a_private_address(emulator: Emulator, midjourney: Any, link: str) -> None:
    emulator.add_faults({"kind": "download_redirect_to"})
    reply = midjourney.bare.get(link)
    assert (reply.status_code, reply.headers["location"]) == (302, METADATA)


def test_a_label_that_lies(emulator: Emulator, midjourney: Any, link: str) -> None:
    emulator.add_faults({"kind": "download_wrong_type", "content_type": "text/plain"})
    reply = midjourney.bare.get(link)
    assert reply.headers["content-type"].startswith("text/plain")
    assert opened(reply).format == "PNG"


def test_a_size_that_is_a_pixel_off(emulator: Emulator, midjourney: Any, link: str) -> None:
    whole = opened(midjourney.bare.get(link)).size
    emulator.add_faults({"kind": "download_wrong_size", "factor": 1.0, "pixels": -1})
    assert opened(midjourney.bare.get(link)).size == (whole[0] - 1, whole[1] - 1)


def test_a_jpeg_without_its_end_mark(emulator: Emulator, midjourney: Any, link: str) -> None:
    emulator.add_faults({"kind": "download_jpeg_unended"})
    reply = midjourney.bare.get(link)
    assert (reply.headers["content-type"], reply.content[:2]) == ("image/jpeg", b"\xff\xd8")
    assert not reply.content.endswith(b"\xff\xd9")


def test_a_png_with_a_wrong_checksum_in_a_comment(emulator: Emulator, midjourney: Any, link: str) -> None:
    whole = midjourney.bare.get(link).content
    emulator.add_faults({"kind": "download_png_wrong_checksum"})
    content = midjourney.bare.get(link).content
    place = content.index(b"tEXt")
    length = int.from_bytes(content[place - 4 : place], "big")
    stands = int.from_bytes(content[place + 4 + length : place + 8 + length], "big")
    assert stands != zlib.crc32(content[place : place + 4 + length])
    assert content[: place - 4] + content[place + 8 + length :] == whole


@pytest.mark.parametrize(
    ("file", "label", "start", "magic"),
    [
        ("svg", "image/svg+xml", 39, b"<svg "),
        ("zip", "application/zip", 0, b"PK\x03\x04"),
        ("glb", "model/gltf-binary", 0, b"glTF\x02"),
        ("heic", "image/heic", 4, b"ftypheic"),
        ("avif", "image/avif", 4, b"ftypavif"),
        ("mov", "video/quicktime", 4, b"wide"),
    ],
)
def test_another_kind_of_file(
    emulator: Emulator, midjourney: Any, link: str, file: str, label: str, start: int, magic: bytes
) -> None:
    emulator.add_faults({"kind": "download_other_kind", "file": file, "times": 1})
    reply = midjourney.bare.get(link)
    assert (reply.headers["content-type"], reply.content[start : start + len(magic)]) == (label, magic)
    if file == "avif":
        assert opened(reply).format == "AVIF"
    if file == "zip":
        assert zipfile.ZipFile(io.BytesIO(reply.content)).testzip() is None
    if file == "glb":
        assert int.from_bytes(reply.content[8:12], "little") == len(reply.content)
    emulator.add_faults({"kind": "download_other_kind", "file": file, "label": "image/png"})
    assert midjourney.bare.get(link).headers["content-type"] == "image/png"


def test_a_few_bytes_of_a_song(emulator: Emulator, midjourney: Any) -> None:
    job = midjourney.http.post("/suno/v1/music", json={"gpt_description_prompt": "a waltz"}).json()["data"]["jobId"]
    end = time.monotonic() + PATIENCE
    while (said := midjourney.http.get("/suno/v2/fetch", params={"jobId": job}).json())["status"] != "SUCCESS":
        assert time.monotonic() < end
    song = said["data"]["musics"][0]
    emulator.add_faults({"kind": "download_truncated", "length": "none", "bytes": 15})
    for name, magic in (("audioUrl", b"ID3"), ("videoUrl", b"\0\0\0\x1cftyp")):
        reply = midjourney.bare.get(song[name])
        assert (len(reply.content), reply.content[: len(magic)]) == (15, magic)
        assert "content-length" not in reply.headers
    emulator.clear_faults()
    emulator.add_faults({"kind": "download_truncated", "length": "none"})
    half = midjourney.bare.get(song["videoUrl"]).content
    emulator.clear_faults()
    whole = midjourney.bare.get(song["videoUrl"]).content
    assert half == whole[: len(whole) // 2]


def test_a_download_that_drips(emulator: Emulator, midjourney: Any, link: str) -> None:
    whole = midjourney.bare.get(link).content
    emulator.add_faults({"kind": "download_drip", "bytes": 3, "pause_seconds": 0.01, "times": 1})
    with midjourney.bare.stream("GET", link) as reply:
        assert reply.headers["content-length"] == str(len(whole))
        pieces = reply.iter_raw()
        assert next(pieces) == whole[:3]
        assert b"".join(next(pieces) for _ in range(3)).startswith(whole[3:6])
    assert midjourney.bare.get(link).content == whole
    emulator.add_faults({"kind": "download_drip", "bytes": 10_000_000, "pause_seconds": 0})
    assert midjourney.bare.get(link).content == whole


def test_a_download_without_end(emulator: Emulator, midjourney: Any, link: str) -> None:
    whole = midjourney.bare.get(link).content
    emulator.add_faults({"kind": "download_endless", "times": 1})
    got = b""
    with midjourney.bare.stream("GET", link) as reply:
        assert "content-length" not in reply.headers
        for piece in reply.iter_raw():
            got += piece
            if len(got) > len(whole) + 10_000_000:
                break
    assert got.startswith(whole + bytes(1_000_000))
    assert midjourney.bare.get(link).content == whole


# Links


def written(emulator: Emulator, midjourney: Any, style: str) -> tuple[list[str], list[str]]:
    """A job's links as they are, and as they are written."""
    job = midjourney.done()
    emulator.clear_faults()
    emulator.add_faults({"kind": "links_written", "style": style})
    said = midjourney.read(job["jobId"]).json()["data"]
    return [job["cdnImage"], *job["images"]], [said["cdnImage"], *said["images"]]


@pytest.mark.parametrize("style", ["scheme", "path", "relative", "blanks"])
def test_links_in_other_writings(emulator: Emulator, midjourney: Any, style: str) -> None:
    whole, odd = written(emulator, midjourney, style)
    start = {"scheme": "//127.0.0.1", "path": "/cdn/", "relative": "../../cdn/", "blanks": " \thttp://"}[style]
    assert all(link.startswith(start) for link in odd)
    assert [urljoin(f"{emulator.url}/midjourney/v1/fetch", link.strip()) for link in odd] == whole


def test_links_that_are_the_file(emulator: Emulator, midjourney: Any) -> None:
    whole, odd = written(emulator, midjourney, "data")
    head, _, content = odd[1].partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(content) == midjourney.bare.get(whole[1]).content


def test_links_to_elsewhere(emulator: Emulator, midjourney: Any) -> None:
    assert set(written(emulator, midjourney, "to")[1]) == {METADATA}


def test_a_relative_link_keeps_its_signature(emulator: Emulator, novita: Any) -> None:
    task = novita.done()["task"]["task_id"]
    emulator.add_faults({"kind": "links_written", "style": "relative"})
    reply = novita.read(task)
    link = reply.json()["images"][0]["image_url"]
    assert link.startswith("../../s3/prod/")
    assert novita.bare.get(urljoin(str(reply.url), link)).status_code == 200


def test_links_of_a_callback_and_of_novita(emulator: Emulator, novita: Any, receiver: Any) -> None:
    emulator.add_faults({"kind": "links_written", "style": "relative", "at": "callback"})
    done = novita.done({"webhook": {"url": receiver.url}})["images"][0]["image_url"]
    assert urlsplit(done).hostname == "127.0.0.1"
    end = time.monotonic() + PATIENCE
    while not receiver.got:
        assert time.monotonic() < end
        time.sleep(0.01)
    link = receiver.bodies()[0]["payload"]["images"][0]["image_url"]
    assert link.startswith("/s3/prod/")
    assert novita.bare.get(emulator.url + link).status_code == 200  # its signature is whole
    assert receiver.bodies()[0]["payload"]["extra"]["webhook"]["url"] == receiver.url

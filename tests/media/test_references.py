"""How people write a picture: a path, a file: URI, a store's address, a URL; as a sheet or a chat has it."""

from __future__ import annotations

import os
from pathlib import Path

import fsspec
import pytest
from PIL import Image

from prefect_genmedia.errors import MediaError, MediaInvalidError
from prefect_genmedia.media.pictures import Picture, PictureLimit, load_picture
from prefect_genmedia.media.references import read_reference, tidy, web_address
from prefect_genmedia.wire.http import http_pool
from tests.stand_in import Say, Wire

MOST = 1_000_000


@pytest.fixture
def cat(tmp_path: Path) -> Path:
    path = tmp_path / "my cat #1.png"
    Image.new("RGB", (8, 6), "teal").save(path)
    return path


WRITTEN = {
    "a path": "{path}",
    "spaces around": "  {path}\n",
    "straight quotes": '"{path}"',
    "single quotes": "'{path}'",
    "curly quotes": "\u201c{path}\u201d",
    "angle brackets": "<{path}>",
    "a byte order mark": "\ufeff{path}",
    "a file URI": "{uri}",
    "a file URI in capitals": "FILE://{rest}",
    "a file URI in quotes": '"{uri}" ',
    "a file URI with a host": "file://localhost{rest}",
    "a file URI that is not encoded": "file://{path}",
}


@pytest.mark.parametrize("way", WRITTEN)
def test_a_file_is_found_however_it_is_written(cat: Path, way: str) -> None:
    uri = cat.as_uri()
    text = WRITTEN[way].format(path=cat, uri=uri, rest=uri.removeprefix("file://"))
    assert read_reference(text, MOST) == cat.read_bytes()
    assert Picture.model_validate(text).is_local


def test_a_file_whose_name_is_odd_is_taken_by_its_name(tmp_path: Path) -> None:
    """Quotes and percent signs may be part of it."""
    for name in ('"quoted".png', "ends with a space ", "100%25.png"):
        (tmp_path / name).write_bytes(name.encode())
        assert read_reference(str(tmp_path / name), MOST) == name.encode()
    assert read_reference(f"file://{tmp_path}/100%25.png", MOST) == b"100%25.png"
    assert read_reference(f"file://{tmp_path}/100%2525.png", MOST) == b"100%25.png"


def test_an_address_in_a_store_is_read() -> None:
    fsspec.filesystem("memory").pipe_file("/shop/cat.png", b"a cat")
    for text in ("memory://shop/cat.png", " Memory://shop/cat.png\n", '"memory://shop/cat.png"'):
        assert read_reference(text, MOST) == b"a cat"
        assert not Picture.model_validate(text).is_local
    with pytest.raises(MediaInvalidError, match="the limit is"):
        read_reference("memory://shop/cat.png", 4)


@pytest.mark.parametrize(
    "text", ["memory://shop/none.png", "nosuch://bucket/a.png", "s3://bucket/a.png", "://a", "a b://c"]
)
def test_what_is_in_no_store_is_told(text: str) -> None:
    with pytest.raises(MediaError, match=r"cannot read|there is no"):
        read_reference(text, MOST)


def test_a_relative_path_that_leads_nowhere_is_told_with_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MediaError, match=f"there is no photographs/cat.png in {tmp_path}") as told:
        read_reference("photographs/cat.png", MOST)
    assert "Give the whole path" in str(told.value)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("https://example.com/A.png?B=c", "https://example.com/A.png?B=c"),
        ("HTTPS://Example.com/A.png", "https://Example.com/A.png"),
        ("Http://example.com/a.png", "http://example.com/a.png"),
        (' "https://example.com/a.png"\r\n', "https://example.com/a.png"),
        ("<https://example.com/a.png>", "https://example.com/a.png"),
        ("example.com/a.png", None),
        ("https:/example.com/a.png", None),
        ("file:///a.png", None),
        ("s3://a/b.png", None),
        ("/home/a.png", None),
    ],
)
def test_a_web_address_is_known_in_any_case(text: str, meant: str | None) -> None:
    assert web_address(text) == meant


async def test_a_web_address_is_downloaded_however_it_is_written(cat: Path, wire: Wire) -> None:
    wire.answer = lambda seen: Say(200, cat.read_bytes(), {"content-type": "image/png"})
    async with http_pool() as pool:
        for text in (f"{wire.url}/a.png", f" {wire.url}/a.png\n", f"{wire.url.replace('http', 'HTTP')}/a.png"):
            loaded = await load_picture(Picture.model_validate(text), PictureLimit(), pool)
            assert loaded.content == cat.read_bytes()
    assert [seen.path for seen in wire.seen] == ["/a.png"] * 3


@pytest.mark.parametrize("text", ["", "  ", '""', " '' \n", "\ufeff"])
def test_nothing_is_told_as_nothing(text: str) -> None:
    with pytest.raises(ValueError, match="is empty"):
        Picture.model_validate(text)


@pytest.mark.parametrize("text", [" data:image/png;base64,AAAA", "DATA:image/png;base64,AAAA", '"data:,x"'])
def test_a_data_uri_is_refused_however_it_is_written(text: str) -> None:
    with pytest.raises(ValueError, match="data: URI"):
        Picture.model_validate(text)


def test_a_file_of_another_machine_is_not_looked_for_here() -> None:
    with pytest.raises(MediaError, match="another machine"):
        read_reference("file://nas/photos/a.png", MOST)


def test_what_may_never_end_is_not_begun(tmp_path: Path) -> None:
    """A pipe that nobody writes to, a device that gives noughts for ever."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(MediaError, match="no file but a device or a pipe"):
            read_reference(str(path), MOST)


def test_what_is_around_is_not_what_is_within() -> None:
    assert tidy(" 'a \"b\" c' ") == 'a "b" c'

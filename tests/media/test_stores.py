"""A store of any kind: what is kept there is whole, known again, and read like a file of a folder."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from prefect_genmedia.errors import ConfigurationError, MediaError, MediaInvalidError
from prefect_genmedia.media import MediaFile, MediaStore, local_copies, local_copy, open_media
from prefect_genmedia.media.places import open_place, tidy_location
from prefect_genmedia.media.references import read_reference
from tests.patience import PATIENCE
from tests.s3 import ON_S3, S3, environ_for, forget_connections

CONTENT = b"a picture, for all that a store knows"
KEY = "op/2026-11-28/a b ž #1.webp"


class Drive(MemoryFileSystem):
    """A network drive: a file is seen while it is written; it can be renamed, but not onto another."""

    protocol = "drive"
    breaks_after: int | None = None

    def put_file(self, lpath: str, rpath: str, **options: Any) -> None:
        self.pipe_file(rpath, Path(lpath).read_bytes()[: Drive.breaks_after])
        if Drive.breaks_after is not None:
            raise ConnectionResetError(104, "Connection reset by peer")

    def mv(self, old: str, new: str, **options: Any) -> None:
        if self.exists(new):
            raise FileExistsError(17, "File exists")
        self.pipe_file(new, self.cat_file(old))
        self.rm_file(old)


fsspec.register_implementation("drive", Drive, clobber=True)


@pytest.fixture(params=["folder", "drive", "memory", pytest.param("s3", marks=ON_S3)])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    Drive.breaks_after = None
    if request.param == "s3":
        return str(request.getfixturevalue("bucket"))
    return {
        "folder": str(tmp_path / "media"),
        "drive": f"drive://{tmp_path.name}/media/",
        "memory": f"memory://{tmp_path.name}/media",
    }[request.param]


def keep(store: MediaStore, tmp_path: Path, content: bytes = CONTENT, key: str = KEY) -> MediaFile:
    part = tmp_path / "part"
    part.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return MediaFile(uri=store.keep(part, key), sha256=digest, media_type="image/webp", bytes=len(content))


def overwrite(file: MediaFile, content: bytes) -> None:
    """Another program does, or a disk."""
    if file.is_local:
        file.path.write_bytes(content)
    else:
        fs, path = open_place(file.uri)
        fs.pipe_file(path, content)


def test_what_is_kept_is_found_and_read(location: str, tmp_path: Path) -> None:
    store = MediaStore(location)
    store.prepare(None)
    store.check()
    file = keep(store, tmp_path)
    assert store.look_at(file) == "here"
    assert store.key_of(file) == KEY
    assert open_media(file) == CONTENT
    assert read_reference(file.uri, 1000) == CONTENT
    with local_copy(file) as path, local_copies([file, file]) as paths:
        assert {each.read_bytes() for each in (path, *paths)} == {CONTENT}
    assert (KEY, len(CONTENT)) in list(store.files())
    # Another process, another machine.
    assert MediaStore(location).look_at(file) == "here"
    assert MediaStore(str(tmp_path / "another")).key_of(file) is None


def test_a_file_may_be_kept_again(location: str, tmp_path: Path) -> None:
    store = MediaStore(location)
    keep(store, tmp_path)
    file = keep(store, tmp_path, b"another")
    assert open_media(file) == b"another"
    assert [key for key, _ in store.files() if not key.startswith(".")] == [KEY]


def test_other_bytes_are_noticed(location: str, tmp_path: Path) -> None:
    """By length everywhere; at equal length where that is cheap, and by whoever looks closely."""
    store = MediaStore(location)
    file = keep(store, tmp_path)
    overwrite(file, CONTENT.upper())
    noticed = location.startswith(("/", "s3:"))
    assert store.look_at(file) == ("changed" if noticed else "here")
    assert store.look_at(file, thorough=True) == MediaStore(location, thorough=True).look_at(file) == "changed"
    with pytest.raises(MediaInvalidError, match="has changed"):
        open_media(file)
    if not file.is_local:
        with pytest.raises(MediaInvalidError, match="has changed"), local_copy(file):
            pass
    overwrite(file, CONTENT[:5])
    assert store.look_at(file) == "cut"
    overwrite(file, CONTENT * 2)
    assert store.look_at(file) == "changed"


def test_what_breaks_while_it_is_written_is_not_seen(tmp_path: Path) -> None:
    store = MediaStore(f"drive://{tmp_path.name}/media")
    Drive.breaks_after = 5
    for before in ([], [KEY]):
        with pytest.raises(MediaError, match="Connection reset") as caught:
            keep(store, tmp_path)
        assert caught.value.in_store
        assert [key for key, _ in store.files() if not key.startswith(".incoming/")] == before
        Drive.breaks_after = None
        keep(store, tmp_path)
        Drive.breaks_after = 5
    Drive.breaks_after = None


def test_a_browser_is_told_what_a_file_of_a_bucket_is(bucket: str, tmp_path: Path, s3: S3) -> None:
    store = MediaStore(bucket)
    for ending, kind in (
        ("webp", "image/webp"),
        ("html", "text/html"),
        ("json", "application/json"),
        ("mp4", "video/mp4"),
    ):
        file = keep(store, tmp_path, key=f"op/a.{ending}")
        assert s3.fs().info(file.uri)["ContentType"] == kind


def test_a_bucket_that_is_not_there_is_told(s3: S3) -> None:
    with pytest.raises(ConfigurationError, match="there is no such file or bucket"):
        MediaStore("s3://not-there/media").prepare(None)


def test_a_bucket_that_is_away_is_told_in_a_moment(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MediaStore(bucket)
    name = store.prepare(None)
    file = keep(store, tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    forget_connections()
    away = MediaStore(bucket)
    with pytest.raises(ConfigurationError, match=r"cannot be read: it does not answer.*GENMEDIA_MEDIA_STORE"):
        away.prepare(name)
    with pytest.raises(MediaError, match="cannot be told: it does not answer"):
        away.look_at(file)
    with pytest.raises(MediaError, match=r"could not be kept in s3://.*: it does not answer"):
        keep(away, tmp_path)
    with pytest.raises(MediaError, match=r"cannot read s3://.*: it does not answer"):
        open_media(file)


@pytest.mark.parametrize(
    ("module", "location", "extra"), [("s3fs", "s3://b/media", "s3"), ("gcsfs", "gs://b/media", "gcs")]
)
def test_a_library_that_is_missing_is_told_with_what_to_type(module: str, location: str, extra: str) -> None:
    code = f"import sys; sys.modules[{module!r}] = None; import prefect_genmedia.media as m; m.MediaStore({location!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE)
    assert "ConfigurationError" in done.stderr
    assert f'pip install "prefect-genmedia[{extra}]"' in done.stderr


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("/srv/media", "/srv/media"),
        ("S3://bucket/prefix/", "s3://bucket/prefix"),
        ("sftp://someone@host/srv/media", "sftp://someone@host/srv/media"),
        ("block:remote-file-system/media", "block://remote-file-system/media"),
        ("block:s3-bucket/media/below/", "block://s3-bucket/media/below"),
    ],
)
def test_how_a_store_is_written(written: str, meant: str) -> None:
    assert tidy_location(written) == meant


@pytest.mark.parametrize("location", ["sftp://me:hunter2@host/media", "s3://bucket/media?X-Amz-Signature=hunter2"])
def test_a_store_s_address_holds_no_secret(location: str) -> None:
    """It would be in the ledger, with each file."""
    with pytest.raises(ConfigurationError, match="block:remote-file-system") as caught:
        MediaStore(location)
    assert "hunter2" not in str(caught.value)


def test_credentials_that_are_missing_are_told(s3: S3) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environ |= {name: value for name, value in environ_for(s3.url).items() if "KEY" not in name}
    code = "from prefect_genmedia.media import MediaStore; MediaStore('s3://bucket/media').prepare(None)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environ, "HOME": "/nowhere"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert "ConfigurationError" in done.stderr
    assert "no credentials were found" in done.stderr

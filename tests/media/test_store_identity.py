"""A store is known again: one that is not mounted, or another in its place, is told before anything happens."""

from __future__ import annotations

import hashlib
import shutil
import threading
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from prefect_genmedia.errors import ConfigurationError, MediaError
from prefect_genmedia.media import MediaFile, MediaStore
from prefect_genmedia.media.identity import MARK
from prefect_genmedia.media.places import open_place
from tests.s3 import ON_S3


class Away(MemoryFileSystem):
    """A store on the network: `Away.failure` is what it answers with."""

    protocol = "away"
    failure: Exception | None = None

    def _ask(self) -> None:
        if Away.failure is not None:
            raise Away.failure

    def cat_file(self, *args: Any, **options: Any) -> Any:
        self._ask()
        return super().cat_file(*args, **options)

    def info(self, *args: Any, **options: Any) -> Any:
        self._ask()
        return super().info(*args, **options)

    def put_file(self, *args: Any, **options: Any) -> Any:
        self._ask()
        return super().put_file(*args, **options)

    def pipe_file(self, *args: Any, **options: Any) -> Any:
        self._ask()
        return super().pipe_file(*args, **options)


fsspec.register_implementation("away", Away, clobber=True)


@pytest.fixture(params=["folder", "network", pytest.param("s3", marks=ON_S3)])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    Away.failure = None
    if request.param == "s3":
        return str(request.getfixturevalue("bucket"))
    return str(tmp_path / "far" / "media") if request.param == "folder" else f"away://{tmp_path.name}/media"


def kept(store: MediaStore, tmp_path: Path, content: bytes = b"content") -> MediaFile:
    part = tmp_path / "part"
    part.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return MediaFile(
        uri=store.keep(part, "op/a.png"), sha256=digest, media_type="image/png", bytes=len(content), role="grid"
    )


def test_a_store_is_named_at_its_first_use_and_known_again(location: str) -> None:
    store = MediaStore(location)
    assert store.identity() is None
    name = store.prepare(None)
    assert store.identity() == name
    again = MediaStore(location)
    assert again.prepare(None) == again.prepare(name) == name


def test_a_store_that_lacks_its_mark_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    """Not mounted: the folder is empty, or is not there at all."""
    folder = tmp_path / "mnt"
    name = MediaStore(str(folder)).prepare(None)
    shutil.rmtree(folder)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="Is it mounted"):
            MediaStore(str(folder)).prepare(name)
        assert list(folder.glob("*")) == []
        folder.mkdir(exist_ok=True)


def test_another_store_in_its_place_is_told(location: str, tmp_path: Path) -> None:
    """A second machine, with a folder of its own."""
    name = MediaStore(location).prepare(None)
    other = MediaStore(str(tmp_path / "of this machine"))
    assert other.prepare(None) != name
    with pytest.raises(ConfigurationError, match="another one"):
        other.prepare(name)


def test_a_mark_moves_with_the_files(tmp_path: Path) -> None:
    name = MediaStore(str(tmp_path / "old")).prepare(None)
    (tmp_path / "old").rename(tmp_path / "new")
    assert MediaStore(str(tmp_path / "new")).prepare(name) == name


@pytest.mark.parametrize("damage", [b"", b"x", b"\xff" * 32])
def test_a_damaged_mark_is_told(tmp_path: Path, damage: bytes) -> None:
    store = MediaStore(str(tmp_path))
    (tmp_path / MARK).write_bytes(damage)
    with pytest.raises(ConfigurationError, match="damaged"):
        store.prepare(None)


def test_of_many_that_use_it_first_all_agree(location: str) -> None:
    names: list[str] = []
    start = threading.Barrier(8)

    def use() -> None:
        start.wait()
        names.append(MediaStore(location).prepare(None))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names) == 8
    assert len(set(names)) == 1


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ConfigurationError, match="GENMEDIA_MEDIA_STORE"):
        MediaStore(str(tmp_path / "file" / "below")).prepare(None)


OUTAGES = [
    PermissionError(13, "Access Denied"),
    OSError(16, "SlowDown"),
    TimeoutError(),
    RuntimeError("EndpointConnection"),
]


@pytest.mark.parametrize("failure", OUTAGES, ids=lambda failure: type(failure).__name__)
def test_a_store_that_is_away_is_no_store_without_files(tmp_path: Path, failure: Exception) -> None:
    Away.failure = None
    store = MediaStore(f"away://{tmp_path.name}/media")
    name = store.prepare(None)
    file = kept(store, tmp_path)
    assert store.has(file)
    Away.failure = failure
    with pytest.raises(MediaError):
        store.has(file)
    with pytest.raises(ConfigurationError):
        MediaStore(f"away://{tmp_path.name}/media").prepare(name)
    with pytest.raises(MediaError) as caught:
        kept(store, tmp_path)
    assert caught.value.in_store
    Away.failure = None
    assert store.has(file)


def test_a_file_that_is_gone_is_gone(location: str, tmp_path: Path) -> None:
    store = MediaStore(location)
    store.prepare(None)
    file = kept(store, tmp_path)
    assert store.has(file)
    assert not store.has(file.model_copy(update={"bytes": 1}))
    fs, path = open_place(location)
    fs.rm(f"{path}/op/a.png")
    assert not store.has(file)


def test_with_its_store_gone_a_file_is_not_called_gone(tmp_path: Path) -> None:
    folder = tmp_path / "mnt"
    store = MediaStore(str(folder))
    store.prepare(None)
    file = kept(store, tmp_path)
    shutil.rmtree(folder)
    with pytest.raises(MediaError, match="no longer there"):
        store.has(file)


def test_a_file_in_a_kind_of_store_that_is_not_installed_is_not_called_gone(tmp_path: Path) -> None:
    file = MediaFile(uri="nosuch://bucket/a.png", sha256="0" * 64, media_type="image/png", bytes=1)
    with pytest.raises(MediaError, match="cannot be told"):
        MediaStore(str(tmp_path)).has(file)

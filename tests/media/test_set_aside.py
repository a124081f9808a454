"""A published file is not lost to another one of its name: it is set aside, with its manifest."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from prefect_genmedia.media import MediaFile, MediaStore
from prefect_genmedia.tasks.publishing.keeping import write, write_manifest
from prefect_genmedia.tasks.publishing.manifests import manifest_bytes

KEY = "published/autumn/hero-square.jpg"


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> MediaStore:
    return MediaStore(str(tmp_path / "store") if request.param == "folder" else request.getfixturevalue("bucket"))


def publish(store: MediaStore, content: bytes, jobs: list[str], parents: tuple[str, ...] = ("grid",)) -> None:
    def file(name: str, of: bytes) -> MediaFile:
        sha256 = hashlib.sha256(of).hexdigest()
        return MediaFile(uri="", sha256=sha256, media_type="image/jpeg", bytes=len(of), role=name)

    told: dict[str, Any] = {"jobs": [{"ledger_id": job} for job in jobs]} if jobs else {}
    made, sources = file("square", content), [file(parent, parent.encode()) for parent in parents]
    with store.incoming() as incoming:
        write_manifest(store, incoming, KEY, manifest_bytes("hero-square.jpg", made, sources, told))
        write(store, incoming, KEY, content)


def published(store: MediaStore) -> dict[str, bytes]:
    return {key.rpartition("/")[2]: store.read(key) for key, _ in store.files() if not key.endswith(".json")}


def mark(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:8]


def test_what_another_job_gave_is_set_aside(store: MediaStore) -> None:
    publish(store, b"first", ["job-1"])
    publish(store, b"second", ["job-2"])
    aside = f"hero-square.{mark(b'first')}.jpg"
    assert published(store) == {"hero-square.jpg": b"second", aside: b"first"}
    told = json.loads(store.read(f"published/autumn/{aside}.json"))
    assert (told["file"], told["jobs"]) == (aside, [{"ledger_id": "job-1"}])
    assert json.loads(store.read(f"{KEY}.json"))["jobs"] == [{"ledger_id": "job-2"}]


@pytest.mark.parametrize("jobs", [["job-1"], ["job-1", "job-2"]], ids=["the same", "refined anew"])
def test_what_the_same_job_gave_is_replaced(store: MediaStore, jobs: list[str]) -> None:
    publish(store, b"first", ["job-1"], parents=("grid", "left"))
    publish(store, b"sharper", jobs, parents=("other",))
    assert published(store) == {"hero-square.jpg": b"sharper"}


def test_where_no_job_is_known_the_files_it_was_made_of_tell(store: MediaStore) -> None:
    publish(store, b"first", [], parents=("a", "b"))
    publish(store, b"one more", [], parents=("a", "b", "c"))
    publish(store, b"another", [], parents=("d",))
    assert published(store) == {"hero-square.jpg": b"another", f"hero-square.{mark(b'one more')}.jpg": b"one more"}


def test_two_that_take_turns_leave_two_files(store: MediaStore) -> None:
    for content, job in [(b"first", "job-1"), (b"second", "job-2")] * 3:
        publish(store, content, [job])
    assert len(published(store)) == 3 and set(published(store).values()) == {b"first", b"second"}


def test_a_manifest_that_nobody_can_read_is_no_obstacle(store: MediaStore) -> None:
    publish(store, b"first", ["job-1"])
    with store.incoming() as incoming:
        write(store, incoming, f"{KEY}.json", b"{not json")
    publish(store, b"second", ["job-2"])
    assert published(store) == {"hero-square.jpg": b"second"}

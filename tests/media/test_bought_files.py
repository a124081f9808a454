"""Bought files in a bucket and in a folder: handed out again as they came, or brought in again; never paid twice."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import ConfigurationError, MediaError
from prefect_genmedia.jobs import JobResult, resume, script_run
from prefect_genmedia.jobs.history.inventory import Finding, fsck
from prefect_genmedia.ledger import Ledger
from prefect_genmedia.media import MediaFile, MediaStore, open_media
from prefect_genmedia.media.places import open_place
from prefect_genmedia.operation import Account
from prefect_genmedia.providers.novita.images import IMG2IMG
from prefect_genmedia.settings import Settings
from tests.media.test_stores import overwrite
from tests.s3 import ON_S3, S3, environ_for, forget_connections
from tests.shop import SUBMIT_IMG2IMG, buy, img2img, refusal


@pytest.fixture(params=["folder", pytest.param("s3", marks=ON_S3)])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "s3":
        monkeypatch.setenv("GENMEDIA_MEDIA_STORE", request.getfixturevalue("bucket"))
    return Settings().media_store


def other_bytes(file: MediaFile) -> bytes:
    """As many, and not the same."""
    return open_media(file)[:-1] + b"\0"


def found(read_bytes: bool = False) -> list[Finding]:
    return list(fsck(read_bytes)[1])


def remove(file: MediaFile) -> None:
    fs, path = open_place(file.path.as_posix() if file.is_local else file.uri)
    fs.rm_file(path)


async def test_what_is_bought_is_there_and_goes_into_the_next_job(
    store: str, emulator: Emulator, novita: Account
) -> None:
    first = await buy(img2img(), novita)
    assert first.media[0].uri.startswith("s3://" if store.startswith("s3") else "file://")
    await buy(img2img(image=first.media[0]), novita)
    await buy(img2img(image=first.media[0].uri, prompt="by its address"), novita)
    again = await buy(img2img(), novita)
    assert again.media == first.media
    assert emulator.billed() == 3


async def test_other_bytes_of_equal_length_are_brought_in_again(
    store: str, emulator: Emulator, novita: Account, caplog: pytest.LogCaptureFixture
) -> None:
    first = await buy(img2img(), novita)
    (file,) = first.media
    overwrite(file, other_bytes(file))
    again = await buy(img2img(), novita)
    assert again.media == first.media
    open_media(file)
    assert "changed since it was stored" in caplog.text
    assert emulator.billed() == 1


async def test_fsck_tells_what_is_amiss_and_what_to_type(
    store: str, emulator: Emulator, novita: Account, ledger: Ledger
) -> None:
    kept, gone, cut, changed = [await buy(img2img(prompt=word), novita) for word in ("kept", "gone", "cut", "changed")]
    assert found() == found(read_bytes=True) == []
    remove(gone.media[0])
    overwrite(cut.media[0], open_media(cut.media[0])[:100])
    overwrite(changed.media[0], other_bytes(changed.media[0]))
    by_size = {finding.job: finding.kind for finding in found()}
    assert by_size == {gone.job.id: "missing", cut.job.id: "cut"}
    findings = found(read_bytes=True)
    assert {finding.job: finding.kind for finding in findings} == {**by_size, changed.job.id: "changed"}
    for finding in findings:
        assert finding.job is not None
        assert f"genmedia jobs resume {finding.job[:12]}" in finding.advice
        row = ledger.get(finding.job)
        assert row is not None
        await resume(IMG2IMG, row, novita, run=script_run())
    assert found(read_bytes=True) == []
    assert kept.media == (await buy(img2img(prompt="kept"), novita)).media
    assert emulator.billed() == 4


async def test_fsck_tells_of_bought_files_that_no_row_names(store: str, emulator: Emulator, novita: Account) -> None:
    result = await buy(img2img(), novita)
    fs, root = open_place(store)
    day = f"{root}/novita.img2img/2026-11-28"
    fs.makedirs(f"{root}/published/spring", exist_ok=True)
    fs.makedirs(day, exist_ok=True)
    if not store.startswith("s3"):  # one that works now, and one that was killed the day before yesterday
        for name, days in (("now", 0), ("then", 2)):
            part = Path(store) / ".incoming" / name
            part.write_bytes(b"half")
            os.utime(part, (time.time() - days * 86400,) * 2)
        (left,) = found()
        assert (left.kind, left.where) == ("left over", ".incoming/then")
        part.unlink()
    for path in (f"{day}/{'0' * 32}-0.png", f"{day}/{result.job.id}-7.png", f"{root}/published/spring/a.png"):
        fs.pipe_file(path, b"x")
    ours, others = sorted(found(), key=lambda finding: finding.job is None)
    assert (ours.kind, others.kind) == ("without a row", "without a row")
    assert ours.job == result.job.id and "may be deleted" in ours.advice
    assert "no job of this ledger" in others.says


async def test_resume_reads_what_is_too_large_to_be_read_each_time(
    emulator: Emulator, novita: Account, ledger: Ledger, bucket: str, monkeypatch: pytest.MonkeyPatch, s3: S3
) -> None:
    """A program may write other bytes and leave the sha256 that they should have."""
    monkeypatch.setenv("GENMEDIA_MEDIA_STORE", bucket)
    first = await buy(img2img(), novita)
    (file,) = first.media
    s3.fs().pipe_file(file.uri, other_bytes(file), Metadata={"sha256": file.sha256})
    assert MediaStore(bucket).look_at(file) == "here"
    assert [finding.kind for finding in found(read_bytes=True)] == ["changed"]
    row = ledger.get(first.job.id)
    assert row is not None
    again: JobResult = await resume(IMG2IMG, row, novita, run=script_run())
    assert again.media == first.media
    assert found(read_bytes=True) == []
    assert emulator.billed() == 1


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in environ_for("http://127.0.0.1:1").items():
        monkeypatch.setenv(name, value)
    forget_connections()
    monkeypatch.setenv("GENMEDIA_MEDIA_STORE", "s3://media/prefix")
    yield
    forget_connections()


async def test_a_bucket_that_is_away_is_told_before_money(away: None, emulator: Emulator, novita: Account) -> None:
    error = await refusal(img2img(), novita)
    assert isinstance(error, ConfigurationError)
    assert "it does not answer" in error.message and "GENMEDIA_MEDIA_STORE" in error.advice
    assert error.money == "Nothing was bought."
    assert SUBMIT_IMG2IMG not in emulator.requests()["requests"]


async def test_an_input_picture_in_a_bucket_that_is_away_is_told_before_money(
    away: None, emulator: Emulator, novita: Account, monkeypatch: pytest.MonkeyPatch, isolated: object
) -> None:
    monkeypatch.setenv("GENMEDIA_MEDIA_STORE", f"{isolated}/media")
    error = await refusal(img2img(image="s3://media/cat.jpg"), novita)
    assert isinstance(error, MediaError)
    assert "it does not answer" in error.message
    assert SUBMIT_IMG2IMG not in emulator.requests()["requests"]

"""Disks that are full, folders that are none, ledgers that are damaged: told before money, or never losing the job."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import resource
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import ConfigurationError, LedgerError, MediaError
from prefect_genmedia.media import MediaStore
from prefect_genmedia.operation import Account
from tests.patience import PATIENCE, a_until
from tests.shop import SCRIPTS, SUBMIT_IMG2IMG, buy, child, imagine, img2img, refusal, the_ledger, the_row
from tests.shop import novita as novita_at
from tests.stand_in import Say, Seen, Wire


@pytest.fixture
def a_file(tmp_path: Path) -> Path:
    """A regular file: no folder can be made below it, whoever asks, root included."""
    path = tmp_path / "file"
    path.write_text("not a folder")
    return path


def nothing_was_sent(emulator: Emulator) -> bool:
    return emulator.requests()["requests"] == {}


# -- before money -----------------------------------------------------------------------------------


@pytest.mark.parametrize("below", ["", "below", "far/below"])
async def test_a_media_store_that_cannot_be_written_is_told_before_money(
    emulator: Emulator, novita: Account, monkeypatch: pytest.MonkeyPatch, a_file: Path, below: str
) -> None:
    monkeypatch.setenv("GENMEDIA_MEDIA_STORE", str(a_file / below) if below else str(a_file))
    error = await refusal(img2img(), novita)
    assert isinstance(error, ConfigurationError)
    assert "GENMEDIA_MEDIA_STORE" in str(error)
    assert error.job is None
    assert nothing_was_sent(emulator)


@pytest.mark.parametrize("location", ["nosuch://bucket", "s3-that-is-not-installed://bucket"])
async def test_a_media_store_of_an_unknown_kind_is_told_before_money(
    emulator: Emulator, novita: Account, monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    monkeypatch.setenv("GENMEDIA_MEDIA_STORE", location)
    error = await refusal(img2img(), novita)
    assert isinstance(error, ConfigurationError)
    assert "GENMEDIA_MEDIA_STORE" in str(error)
    assert nothing_was_sent(emulator)


@pytest.mark.parametrize("name", ["ledger.db", "below/ledger.db"])
async def test_a_ledger_that_cannot_be_written_is_told_before_money(
    emulator: Emulator, novita: Account, monkeypatch: pytest.MonkeyPatch, a_file: Path, name: str
) -> None:
    monkeypatch.setenv("GENMEDIA_LEDGER_URL", f"sqlite:///{a_file / name}")
    error = await refusal(img2img(), novita)
    assert isinstance(error, ConfigurationError)
    assert "GENMEDIA_LEDGER_URL" in str(error)
    assert nothing_was_sent(emulator)


async def test_a_ledger_that_is_a_folder_is_told_before_money(
    emulator: Emulator, novita: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GENMEDIA_LEDGER_URL", f"sqlite:///{tmp_path}")
    assert isinstance(await refusal(img2img(), novita), LedgerError | ConfigurationError)
    assert nothing_was_sent(emulator)


async def test_a_ledger_that_is_no_database_is_told_and_left_as_it_is(
    emulator: Emulator, novita: Account, monkeypatch: pytest.MonkeyPatch, a_file: Path
) -> None:
    a_file.write_bytes(b"a letter to a friend" * 1000)
    monkeypatch.setenv("GENMEDIA_LEDGER_URL", f"sqlite:///{a_file}")
    error = await refusal(img2img(), novita)
    assert isinstance(error, LedgerError)
    assert "not a database" in str(error)
    assert a_file.read_bytes() == b"a letter to a friend" * 1000
    assert nothing_was_sent(emulator)


async def test_a_ledger_of_a_newer_version_is_told_and_left_as_it_is(
    emulator: Emulator, novita: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An older installation must not guess what a newer one wrote."""
    await buy(img2img(), novita)
    newer = tmp_path / "newer.db"
    with sqlite3.connect(str(the_ledger().database.url.database)) as old, sqlite3.connect(newer) as new:
        old.backup(new)
        new.execute("UPDATE genmedia_version SET version_num = '9999'")
    new.close()
    before = newer.read_bytes()
    monkeypatch.setenv("GENMEDIA_LEDGER_URL", f"sqlite:///{newer}")
    error = await refusal(img2img(prompt="another"), novita)
    assert isinstance(error, ConfigurationError)
    assert "newer version" in str(error)
    with sqlite3.connect(newer) as found:
        assert found.execute("SELECT count(*) FROM genmedia_job").fetchone() == (1,)
    assert len(newer.read_bytes()) == len(before)
    assert emulator.billed() == 1


def fill(account: Account, most_bytes: int, **fields: Any) -> dict[str, Any]:
    order = {
        "operation": "novita.img2img",
        "base_url": account.base_url,
        "api_key": account.api_key,
        "request": img2img(**fields).model_dump(mode="json", exclude_none=True),
        "most_bytes": most_bytes,
    }
    process = subprocess.run(
        [sys.executable, str(SCRIPTS / "fill_disk.py")],
        input=json.dumps(order),
        text=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    assert process.stdout, process.stderr
    answer: dict[str, Any] = json.loads(process.stdout)
    return answer


async def test_a_disk_that_is_full_before_the_purchase_costs_nothing(
    emulator: Emulator, novita: Account, prepared: Path
) -> None:
    """Not even the ledger's first page fits: said at once, not after half a minute of trying."""
    prepared.unlink()
    answer = await asyncio.to_thread(fill, novita, 100)
    assert answer["seconds"] < 25
    assert answer["error"] in ("LedgerError", "ConfigurationError")
    assert answer["job"] is None
    assert nothing_was_sent(emulator)
    await buy(img2img(), novita)
    assert emulator.billed() == 1


# -- after money ------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_a_disk_that_fills_up_while_downloading_keeps_the_job(emulator: Emulator, novita: Account) -> None:
    """The picture does not fit; the job stays in the ledger, and the next run brings it in for nothing."""
    large = {"width": 1024, "height": 1024}
    answer = await asyncio.to_thread(fill, novita, 700_000, **large)
    assert answer["error"] == "MediaError"
    assert answer["job"]["job_id"] == emulator.jobs()["jobs"][0]["id"]
    assert "free some space" in answer["message"]
    assert the_row().state == "SUCCEEDED"
    result = await buy(img2img(**large), novita)
    assert result.job.id == answer["job"]["id"]
    assert result.media[0].bytes > 700_000
    assert emulator.requests()["requests"][SUBMIT_IMG2IMG] == 1
    assert emulator.billed() == 1


async def test_a_ledger_that_cannot_be_written_after_the_purchase_is_written_later(
    emulator: Emulator, wire: Wire
) -> None:
    """The disk fills up between the POST and its answer: the job id waits in memory until it can be written."""
    full = threading.Event()

    def held_back(seen: Seen) -> Say:
        url, headers = f"{emulator.url}{seen.path}?{seen.query}", {"authorization": seen.headers["authorization"]}
        said = httpx.request(seen.method, url, headers=headers, content=seen.body, timeout=PATIENCE)
        assert seen.method == "GET" or full.wait(PATIENCE)
        return Say(said.status_code, said.content)

    wire.answer = held_back
    buying = child(novita_at(wire.url), img2img())
    await a_until(emulator.billed, "the job accepted")
    resource.prlimit(buying.process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    full.set()
    said = await asyncio.to_thread(_first_error_line, buying.process)
    assert "accepted" in said
    assert emulator.jobs()["jobs"][0]["id"] in said  # whoever reads the log can still find the job
    assert the_row().state == "INTENT"
    resource.prlimit(buying.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    (answer,) = await asyncio.to_thread(buying.ended)
    assert answer["error"] is None
    assert the_row().state == "STORED"
    assert emulator.requests()["requests"][SUBMIT_IMG2IMG] == 1
    assert emulator.billed() == 1


def _first_error_line(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if "ledger" in line:
            return str(line)
    raise AssertionError("the child never said that its ledger is away")


@pytest.mark.parametrize("instead", ["a file", "the folder it was mounted on"])
async def test_a_store_that_vanishes_after_the_purchase_keeps_the_job(
    emulator: Emulator, novita: Account, isolated: Path, instead: str
) -> None:
    """Once it is back a rerun delivers. What is put in its place takes nothing: it would be lost with it."""
    emulator.configure(hold=True)
    buying = asyncio.create_task(refusal(img2img(), novita, deadline_seconds=30))
    await a_until(lambda: the_ledger().rows(["SUBMITTED"]), "the job submitted")
    media = isolated / "media"
    media.rename(isolated / "aside")
    if instead == "a file":
        media.write_text("not a folder")
    else:
        media.mkdir()
    emulator.release()
    error = await buying
    assert isinstance(error, MediaError)
    assert error.job is not None
    assert error.job.job_id == emulator.jobs()["jobs"][0]["id"]
    assert "the store" in str(error.advice) and "Make room" not in str(error)
    assert isinstance(await refusal(img2img(), novita), ConfigurationError)
    assert not list(media.rglob("*.png"))
    media.rename(isolated / "instead")
    (isolated / "aside").rename(media)
    result = await buy(img2img(), novita)
    assert result.job.id == error.job.id and result.media[0].path.is_file()
    assert emulator.billed() == 1


class _Unmounts(logging.Handler):
    """Takes the store's files away when it hears that one of them did not come."""

    def __init__(self, store: Path) -> None:
        super().__init__(logging.WARNING)
        self._store = store
        self.taken = 0

    def emit(self, record: logging.LogRecord) -> None:
        for file in self._store.rglob("*.png"):
            file.rename(file.with_suffix(".away"))
            self.taken += 1


async def test_a_job_whose_files_vanish_as_they_come_is_no_success_without_files(
    emulator: Emulator, ttapi: Account, isolated: Path
) -> None:
    """Four of five have come, and are gone before they are handed out; the fifth did not come in time."""
    emulator.configure(one_picture=True)
    emulator.add_faults({"kind": "download_truncated", "skip": 4})
    unmounts = _Unmounts(isolated / "media")
    ours = logging.getLogger("prefect_genmedia")
    ours.addHandler(unmounts)
    try:
        error = await refusal(imagine(), ttapi, deadline_seconds=8)
    finally:
        ours.removeHandler(unmounts)
    assert isinstance(error, MediaError) and error.in_store and error.job is not None
    assert unmounts.taken == 4 and "none of its files" in str(error)
    emulator.clear_faults()
    assert len((await buy(imagine(), ttapi)).media) == 5
    assert emulator.billed() == 1


async def test_a_ledger_of_a_relative_path_stays_where_it_was_opened(
    emulator: Emulator, novita: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that changes its folder has the same ledger, and buys nothing again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GENMEDIA_LEDGER_URL", "sqlite:///relative.db")
    first = await buy(img2img(), novita)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert (await buy(img2img(), novita)).job.id == first.job.id
    assert emulator.billed() == 1 and not list((tmp_path / "elsewhere").iterdir())


async def test_a_ledger_that_is_deleted_while_it_is_open_stops_every_purchase(
    emulator: Emulator, novita: Account
) -> None:
    """What is written into a deleted file nobody reads: another process would buy it all again."""
    await buy(img2img(), novita)
    ledger = Path(str(the_ledger().database.engine.url.database))
    aside = ledger.with_name("aside.db")
    ledger.rename(aside)
    error = await refusal(img2img(prompt="another"), novita)
    assert isinstance(error, LedgerError) and "is gone" in str(error) and "Put it back" in str(error)
    assert emulator.billed() == 1 and not ledger.exists()
    aside.rename(ledger)
    await buy(img2img(prompt="another"), novita)
    assert emulator.billed() == 2


async def test_a_ledger_that_is_replaced_while_it_is_open_stops_every_purchase(
    emulator: Emulator, novita: Account, tmp_path: Path
) -> None:
    await buy(img2img(), novita)
    ledger = Path(str(the_ledger().database.engine.url.database))
    with sqlite3.connect(ledger) as old, sqlite3.connect(tmp_path / "backup.db") as backup:
        old.backup(backup)
    backup.close()
    (tmp_path / "backup.db").replace(ledger)
    error = await refusal(img2img(prompt="another"), novita)
    assert isinstance(error, LedgerError) and "replaced" in str(error)
    assert emulator.billed() == 1


def test_a_store_leaves_nothing_behind_when_it_is_checked(tmp_path: Path) -> None:
    store = MediaStore(str(tmp_path / "media"))
    store.check()
    assert [path for path in (tmp_path / "media").rglob("*") if path.is_file()] == []


def test_without_settings_all_is_kept_below_prefects_home(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GENMEDIA_")}
    look = "from prefect_genmedia.settings import Settings; s = Settings(); print(s.ledger_url, s.media_store)"
    said = subprocess.run(
        [sys.executable, "-c", look],
        env={**environ, "PREFECT_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert said.stdout.split() == [f"sqlite:///{tmp_path}/genmedia/ledger.db", f"{tmp_path}/genmedia/media"]

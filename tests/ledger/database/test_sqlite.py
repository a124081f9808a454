"""A ledger in a file, as every call opens it: for many at once, and of two workers at most one makes each change."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from prefect_genmedia.ledger import Ledger, Want
from prefect_genmedia.operation import JobState, JobStatus
from tests.shop import the_ledger

RUN = "script:a-machine|1|1"


@pytest.fixture
def ledger(prepared: Path) -> Ledger:
    return the_ledger()


def want(key: str = "key", **fields: Any) -> Want:
    given: dict[str, Any] = {
        "key": key,
        "request_hash": "hash",
        "scope": RUN,
        "copy": 0,
        "operation": "novita.img2img",
        "base_url": "https://h",
        "account": "account",
        "title": "title",
        "request": {"prompt": "p"},
        "expected_cost": None,
        "run": RUN,
    }
    return Want(**{**given, **fields})


def at_once(calls: list[Any]) -> list[Any]:
    """Every call in a thread of its own, released together."""
    barrier = threading.Barrier(len(calls))

    def one(call: Any) -> Any:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(one, call) for call in calls]]


@pytest.mark.parametrize("holds", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
def test_a_ledger_that_another_process_is_setting_up_is_waited_for(isolated: Path, holds: str) -> None:
    """It has begun to write the first tables just as we open the file."""
    isolated.mkdir(parents=True)
    other = sqlite3.connect(isolated / "ledger.db", isolation_level=None, check_same_thread=False)
    other.execute(holds)
    done = threading.Timer(0.4, lambda: other.execute("COMMIT"))
    done.start()
    assert the_ledger().rows() == []
    done.join()
    other.close()


def test_a_ledger_that_another_process_writes_to_is_waited_for(ledger: Ledger) -> None:
    other = sqlite3.connect(str(ledger.database.url.database), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    done = threading.Timer(0.4, lambda: other.execute("COMMIT"))
    done.start()
    assert ledger.claim(want(), "me").mine
    done.join()
    other.close()


def test_many_threads_may_open_a_fresh_ledger(isolated: Path) -> None:
    assert at_once([lambda: the_ledger().rows()] * 8) == [[]] * 8


def test_of_many_who_claim_one_key_one_gets_it(ledger: Ledger) -> None:
    claims = at_once([lambda n=n: ledger.claim(want(), f"owner {n}") for n in range(8)])
    assert [claim.mine for claim in claims].count(True) == 1
    assert len({claim.row.id for claim in claims}) == 1
    assert len(ledger.rows()) == 1


def test_of_many_who_adopt_one_job_one_gets_it(ledger: Ledger) -> None:
    row = ledger.claim(want("crashed"), "dead").row
    ledger.submitted(row.id, "job-1", "accepted")
    ledger.release("dead")
    wants = [want(f"key {n}", run=f"run {n}", scope=f"run {n}") for n in range(8)]
    seen = [ledger.undelivered(each)[0] for each in wants]
    adopted = at_once([lambda r=r, w=w: ledger.adopt(r, w) for r, w in zip(seen, wants, strict=True)])
    assert adopted.count(True) == 1
    assert len(ledger.rows()) == 1


def test_a_state_is_only_left_for_the_next(ledger: Ledger) -> None:
    """What comes late, or twice, or from a worker that lost the row, changes nothing."""
    done = JobStatus(JobState.SUCCEEDED, "SUCCESS", quota=2.0)
    row = ledger.claim(want(), "me").row
    assert not ledger.unknown(row.id, "early", 0)
    assert ledger.intend(row, "somebody else", want()) is None
    assert ledger.intend(row, "me", want()) is not None
    assert ledger.intend(row, "me", want()) is None
    assert not ledger.succeeded(row.id, done, {}, [])
    assert not ledger.stored(row.id, {})
    assert ledger.submitted(row.id, "job-1", "accepted")
    assert not ledger.submitted(row.id, "job-1", "accepted")
    assert not ledger.not_accepted(row.id, "late")
    assert not ledger.unknown(row.id, "late", 1)
    assert not ledger.progress(row.id, "somebody else", JobStatus(JobState.RUNNING, "ON_QUEUE"))
    assert ledger.succeeded(row.id, done, {}, [])
    assert not ledger.failed(row.id, JobStatus(JobState.FAILED, "FAILED"))
    assert ledger.stored(row.id, {})
    assert not ledger.missing(row.id, "late", 0.0)
    assert [event.state for event in ledger.history(row.id)] == ["INTENT", "SUBMITTED", "SUCCEEDED", "STORED"]
    found = ledger.get(row.id)
    assert found is not None
    assert found.job_id == "job-1"


def test_what_was_written_is_there_for_the_next_process(ledger: Ledger) -> None:
    """Read by another connection, straight from the file."""
    row = ledger.claim(want(), "me").row
    ledger.submitted(row.id, "job-1", "accepted")
    with sqlite3.connect(str(ledger.database.url.database)) as connection:
        found = connection.execute("SELECT id, state, job_id FROM genmedia_job").fetchall()
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert found == [(row.id, "SUBMITTED", "job-1")]


def test_rows_are_found_by_the_beginning_of_their_id_or_by_the_providers(ledger: Ledger) -> None:
    row = ledger.claim(want(), "me").row
    ledger.submitted(row.id, "job-1", "accepted")
    assert [found.id for found in ledger.find(row.id[:12])] == [row.id]
    assert [found.id for found in ledger.find("job-1")] == [row.id]
    assert ledger.find("%") == []
    assert ledger.find("_" * 12) == []

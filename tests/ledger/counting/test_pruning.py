"""Old history moves out; every job stays, and so nothing is bought twice and every budget counts as before."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update

from prefect_genmedia.budget import Budget
from prefect_genmedia.errors import BudgetExceededError, ConfigurationError, LedgerError
from prefect_genmedia.ledger import UNFINISHED, Ledger, count_old, move_old
from prefect_genmedia.ledger import LedgerState as S
from prefect_genmedia.ledger.models import EventRow, JobRow
from tests.ledger.actors import bring_to, buy, everything, history, want

DAY = 86_400.0
TAGGED: dict[str, Any] = {"tags": ("spring",), "scope": "key:sku"}


def age(ledger: Ledger, row_id: str, days: float) -> None:
    then = time.time() - days * DAY
    with ledger.database.write() as session:
        session.execute(update(JobRow).where(JobRow.id == row_id).values(updated_at=then))
        session.execute(update(EventRow).where(EventRow.job == row_id).values(at=then))


def read(*files: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for file in files for line in gzip.decompress(file.read_bytes()).splitlines()]


def kept(ledger: Ledger, row_id: str) -> dict[str, Any]:
    return {name: value for name, value in everything(ledger, row_id).items() if name != "history"}


def test_the_history_of_what_ended_long_ago_moves_and_all_else_stays(ledger: Ledger, tmp_path: Path) -> None:
    ids = {state: bring_to(ledger, state, want(state, **TAGGED), job_id=f"job-{state}") for state in S}
    young = bring_to(ledger, S.STORED, want("young"), job_id="job-young")
    for row_id in ids.values():
        age(ledger, row_id, 91)
    age(ledger, young, 89)
    before = {row_id: (kept(ledger, row_id), history(ledger, row_id)) for row_id in [*ids.values(), young]}
    finished = {ids[state] for state in S if state not in UNFINISHED}
    meant = sum(len(before[row_id][1]) for row_id in finished)
    assert count_old(ledger, 90 * DAY) == meant > 10
    assert sum(move_old(ledger, 90 * DAY, tmp_path / "old.jsonl.gz")) == meant
    moved = read(tmp_path / "old.jsonl.gz")
    for row_id, (row, lines) in before.items():
        assert kept(ledger, row_id) == row
        assert history(ledger, row_id) == ([] if row_id in finished else lines)
        told = [(line["state"], line["note"]) for line in moved if line["job"] == row_id]
        assert told == (lines if row_id in finished else [])
    assert count_old(ledger, 90 * DAY) == 0


def test_what_was_bought_before_is_not_bought_again_and_counts_as_before(ledger: Ledger, tmp_path: Path) -> None:
    row_id = bring_to(ledger, S.STORED, want(**TAGGED))
    ledger.release("call-1")
    age(ledger, row_id, 400)
    assert sum(move_old(ledger, 90 * DAY, tmp_path / "old.jsonl.gz")) > 0
    claim = ledger.claim(want(run="flow:2", **TAGGED), "call-2")
    assert (claim.mine, claim.row.id, claim.row.state) == (False, row_id, S.STORED)
    assert [file.position for file in ledger.media(row_id)] == [0]
    with pytest.raises(BudgetExceededError, match=r"has 0\.5 of 4 quota left"):
        buy(ledger, want("more", tags=("spring",), budget=Budget(per_tag={"spring": 4})))


def test_a_job_whose_history_has_moved_lives_on(ledger: Ledger, tmp_path: Path) -> None:
    row_id = bring_to(ledger, S.FAILED)
    age(ledger, row_id, 100)
    assert sum(move_old(ledger, 90 * DAY, tmp_path / "old.jsonl.gz")) > 0
    assert ledger.found_again(row_id, "call-2")
    assert history(ledger, row_id) == [(S.SUBMITTED, "the provider knows it after all")]


def test_what_could_not_be_deleted_is_in_both_and_moves_the_next_time(ledger: Ledger, tmp_path: Path) -> None:
    """As when it is killed between the two: no line is lost."""
    row_id = bring_to(ledger, S.STORED)
    age(ledger, row_id, 91)
    before = history(ledger, row_id)
    with ledger.database.write() as session:
        session.execute(text("CREATE TABLE holds (event INTEGER REFERENCES genmedia_event(id))"))
        session.execute(text("INSERT INTO holds SELECT max(id) FROM genmedia_event"))
    with pytest.raises(LedgerError):
        list(move_old(ledger, 90 * DAY, tmp_path / "first.jsonl.gz"))
    assert history(ledger, row_id) == before
    with ledger.database.write() as session:
        session.execute(text("DROP TABLE holds"))
    assert sum(move_old(ledger, 90 * DAY, tmp_path / "second.jsonl.gz")) == len(before)
    assert read(tmp_path / "first.jsonl.gz") == read(tmp_path / "second.jsonl.gz")
    assert history(ledger, row_id) == []


@pytest.mark.sampled(2)
def test_more_than_a_batch_moves_whole_and_in_order(ledger: Ledger, tmp_path: Path) -> None:
    row_id = bring_to(ledger, S.STORED)
    with ledger.database.write() as session:
        for n in range(2000):
            ledger.note(session, row_id, S.STORED, f"line {n}")
    age(ledger, row_id, 91)
    before = history(ledger, row_id)
    batches = list(move_old(ledger, 90 * DAY, tmp_path / "old.jsonl.gz"))
    assert len(batches) > 1
    assert [(line["state"], line["note"]) for line in read(tmp_path / "old.jsonl.gz")] == before
    assert history(ledger, row_id) == []


@pytest.mark.parametrize("name", ["there.gz", "no/such/folder.gz"])
def test_a_file_that_is_there_or_cannot_be_made_is_refused_and_nothing_moves(
    ledger: Ledger, tmp_path: Path, name: str
) -> None:
    (tmp_path / "there.gz").write_bytes(b"history of last year")
    row_id = bring_to(ledger, S.STORED)
    age(ledger, row_id, 91)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        list(move_old(ledger, 90 * DAY, tmp_path / name))
    assert (tmp_path / "there.gz").read_bytes() == b"history of last year"
    assert len(history(ledger, row_id)) == 4

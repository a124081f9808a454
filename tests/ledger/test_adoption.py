"""Adopt before you buy: what a dead run has bought and nobody has got goes to the next run that asks for it."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from prefect_genmedia.ledger import UNFINISHED, JobRow, Ledger
from prefect_genmedia.ledger import LedgerState as S
from tests.ledger.actors import (
    ELSEWHERE,
    FILE,
    Processes,
    adopt_each,
    bring_to,
    everything,
    history,
    hold,
    lease_now,
    race,
    rewrite,
    row_of,
    want,
)

ADOPTABLE = [*UNFINISHED, S.STORED]
NEXT = want(run="flow:2", task_run="task-2")


def left_behind(ledger: Ledger, state: S = S.SUBMITTED, **fields: Any) -> str:
    """A row of another run, whose owner has gone."""
    row_id = bring_to(ledger, state, want(**fields), owner="gone")
    ledger.release("gone")
    return row_id


def offered(ledger: Ledger, row_id: str) -> JobRow:
    (row,) = [row for row in ledger.undelivered(NEXT) if row.id == row_id]
    return row


@pytest.mark.parametrize("state", ADOPTABLE)
def test_what_a_dead_run_left_is_offered_and_adopted(ledger: Ledger, state: S) -> None:
    row_id = left_behind(ledger, state, copy=0)
    before = everything(ledger, row_id)
    assert [row.id for row in ledger.undelivered(NEXT)] == [row_id]
    assert ledger.adopt(offered(ledger, row_id), NEXT)
    after = everything(ledger, row_id)
    assert {name for name in after if after[name] != before[name]} == {"key", "scope", "run", "updated_at", "history"}
    assert (after["key"], after["scope"], after["run"]) == (NEXT.key, "flow:2", "flow:2")
    assert after["history"] == [*before["history"], (state, "adopted from flow:1")]
    claim = ledger.claim(NEXT, "call-2")
    assert (claim.row.id, claim.mine) == (row_id, state is not S.STORED)


@pytest.mark.parametrize("state", [S.NOT_ACCEPTED, S.FAILED, S.EXPIRED])
def test_what_was_not_bought_or_has_come_to_nothing_is_not_offered(ledger: Ledger, state: S) -> None:
    left_behind(ledger, state)
    assert ledger.undelivered(NEXT) == []


def test_live_jobs_are_not_offered(url: str, ledger: Ledger) -> None:
    bring_to(ledger, S.SUBMITTED, want(run="flow:8"))
    elsewhere = bring_to(ledger, S.SUBMITTED, want(run="flow:9"))
    rewrite(ledger, elsewhere, process=ELSEWHERE, lease_until=lease_now(ledger) + 60)
    owner = Processes(1, hold, url, want(), S.SUBMITTED)
    (row_id,) = owner.said()
    assert ledger.undelivered(NEXT) == []
    owner.kill()
    assert [row.id for row in ledger.undelivered(NEXT)] == [row_id]


def test_only_the_same_request_of_the_same_account_is_offered_to_another_run(ledger: Ledger) -> None:
    row_id = left_behind(ledger)
    others = [want("a heron", run="flow:2"), want(run="flow:2", account="account-2"), want(), want(copy=1)]
    assert [ledger.undelivered(other) for other in others] == [[]] * 4
    shared = want(run="flow:2", scope="flow:1")  # its key is the row's own: that is for claim to find
    assert ledger.undelivered(shared) == []
    assert [row.id for row in ledger.undelivered(NEXT)] == [row_id]


def test_what_was_bought_again_instead_is_not_offered(ledger: Ledger) -> None:
    lost = bring_to(ledger, S.UNKNOWN, want(), owner="gone")
    anew = ledger.supersede(lost, want(), "gone").row
    assert ledger.intend(anew, "gone", want())
    ledger.release("gone")
    assert [row.id for row in ledger.undelivered(NEXT)] == [anew.id]


def test_the_same_copy_is_offered_first_and_then_the_oldest(ledger: Ledger) -> None:
    rows = [left_behind(ledger, run=f"flow:{n}", copy=copy) for n, copy in ((5, 0), (6, 1), (7, 0), (8, 1))]
    asked = replace(NEXT, key=want(run="flow:2", copy=1).key, copy=1)
    assert [row.id for row in ledger.undelivered(asked)] == [rows[1], rows[3], rows[0], rows[2]]


def test_a_run_that_has_ended_well_has_its_files(ledger: Ledger) -> None:
    """Its stored jobs are delivered; what it never brought in is still nobody's."""
    stored, waiting = left_behind(ledger, S.STORED), left_behind(ledger, S.SUBMITTED, copy=1)
    theirs = left_behind(ledger, S.STORED, run="flow:3")
    before = time.time()
    ledger.delivered("flow:1")
    delivered_at = row_of(ledger, stored).delivered_at
    assert delivered_at is not None
    assert before - 0.1 <= delivered_at <= time.time() + 0.1
    assert row_of(ledger, waiting).delivered_at is row_of(ledger, theirs).delivered_at is None
    ledger.delivered("flow:1")
    assert row_of(ledger, stored).delivered_at == delivered_at
    assert {row.id for row in ledger.undelivered(NEXT)} == {waiting, theirs}


def test_a_run_that_has_ended_well_with_a_part_of_the_files_has_that_part(ledger: Ledger) -> None:
    """The next run buys its own picture, and does not get that of yesterday; a sweep still completes the old one."""
    row_id = left_behind(ledger, S.SUCCEEDED)
    assert ledger.stored(row_id, {0: FILE}, missing=["tile: HTTP 404"])
    assert [row.id for row in ledger.undelivered(NEXT)] == [row_id]
    ledger.delivered("flow:1")
    assert ledger.undelivered(NEXT) == []
    assert [row.id for row in ledger.left_alone(0)] == [row_id]


@pytest.mark.parametrize("state", [S.SUCCEEDED, S.STORED])
def test_who_was_handed_the_files_has_them_at_once(ledger: Ledger, state: S) -> None:
    """A script has no run whose end would say so."""
    row_id, other = left_behind(ledger, state), left_behind(ledger, state, copy=1)
    ledger.handed_over(row_id)
    delivered_at = row_of(ledger, row_id).delivered_at
    assert delivered_at is not None
    assert [row.id for row in ledger.undelivered(NEXT)] == [other]
    ledger.handed_over(row_id)
    assert row_of(ledger, row_id).delivered_at == delivered_at


def test_a_run_that_has_a_job_of_its_own_adopts_none(ledger: Ledger) -> None:
    row_id = left_behind(ledger)
    row = offered(ledger, row_id)
    ledger.claim(NEXT, "call-2")
    before = everything(ledger, row_id)
    assert not ledger.adopt(row, NEXT)
    assert everything(ledger, row_id) == before


# Between the look and the adoption.


@pytest.mark.parametrize("state", [S.SUBMITTED, S.SUCCEEDED, S.UNKNOWN])
def test_a_job_that_came_alive_meanwhile_is_left_alone(ledger: Ledger, state: S) -> None:
    row_id = left_behind(ledger, state)
    row = offered(ledger, row_id)
    assert ledger.claim(want(), "call-1 again").mine
    before = everything(ledger, row_id)
    assert not ledger.adopt(row, NEXT)
    assert everything(ledger, row_id) == before


def test_a_job_that_was_delivered_meanwhile_is_left_alone(ledger: Ledger) -> None:
    row_id = left_behind(ledger, S.STORED)
    row = offered(ledger, row_id)
    ledger.delivered("flow:1")
    before = everything(ledger, row_id)
    assert not ledger.adopt(row, NEXT)
    assert everything(ledger, row_id) == before


def test_a_job_that_went_on_meanwhile_is_left_alone(ledger: Ledger) -> None:
    row_id = left_behind(ledger, S.UNKNOWN)
    row = offered(ledger, row_id)
    assert ledger.not_accepted(row_id, "not in the list")
    before = everything(ledger, row_id)
    assert not ledger.adopt(row, NEXT)
    assert everything(ledger, row_id) == before


# Many at once.


def test_of_two_runs_that_adopt_one_job_one_does(ledger: Ledger, another: Any) -> None:
    other = another()
    for n in range(15):
        row_id = left_behind(ledger, what=f"picture {n}")
        wants = [want(f"picture {n}", run=run) for run in ("flow:2", "flow:3")]
        rows = [ledger.undelivered(wanted)[0] for wanted in wants]
        won = race(partial(ledger.adopt, rows[0], wants[0]), partial(other.adopt, rows[1], wants[1]))
        assert sorted(won) == [False, True]
        assert row_of(ledger, row_id).key == wants[won.index(True)].key
        assert history(ledger, row_id)[-1] == (S.SUBMITTED, "adopted from flow:1")


def test_two_workers_of_one_job_adopt_one_of_two(ledger: Ledger, another: Any) -> None:
    """Two dead runs left the same; two workers that share a request_key take one of them, and both follow it."""
    other = another()
    for n in range(15):
        rows = [left_behind(ledger, what=f"picture {n}", run=run) for run in ("flow:8", "flow:9")]
        shared = want(f"picture {n}", run="flow:2", scope="key:sku")
        left = ledger.undelivered(shared)
        assert [row.id for row in left] == rows
        won = race(partial(ledger.adopt, left[0], shared), partial(other.adopt, left[1], shared))
        assert sorted(won) == [False, True]
        assert ledger.claim(shared, "call-2").row.id == rows[won.index(True)]
        assert row_of(ledger, rows[won.index(False)]).run == ("flow:8", "flow:9")[won.index(False)]


def test_adopting_and_buying_at_once_gives_one_job(ledger: Ledger, another: Any) -> None:
    """One worker of a request_key sees what was left, the other has looked before it was: one row is theirs."""
    other = another()
    for n in range(15):
        row_id = left_behind(ledger, what=f"picture {n}")
        shared = want(f"picture {n}", run="flow:2", scope="key:sku")
        (left,) = ledger.undelivered(shared)
        adopted, claim = race(partial(ledger.adopt, left, shared), partial(other.claim, shared, "call-2"))
        assert (claim.row.id == row_id) is adopted
        assert claim.mine
        assert ledger.claim(shared, "call-3").row.id == claim.row.id


def test_of_three_processes_that_find_the_same_left_behind_one_adopts_each(url: str, ledger: Ledger) -> None:
    left = [left_behind(ledger, what=f"picture {n}") for n in range(15)]
    answers = Processes(3, adopt_each, url, [f"picture {n}" for n in range(15)]).said()
    for row_id, adopted in zip(left, zip(*answers, strict=True), strict=True):
        assert sorted(adopted) == [False, False, True]
        assert row_of(ledger, row_id).run == f"flow:process-{adopted.index(True)}"
    assert len(ledger.rows()) == 15

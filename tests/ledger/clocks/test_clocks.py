"""Machines whose clocks differ: a live lease is respected, ages are right, and a frozen worker is surely too late."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from prefect_genmedia.budget import Budget
from prefect_genmedia.errors import BudgetExceededError
from prefect_genmedia.ledger import Database, JobRow, Ledger
from prefect_genmedia.ledger import LedgerState as S
from tests.ledger.actors import DONE, FILE, RUNNING, buy, history, lease_now, rewrite, row_of, want
from tests.ledger.clocks.machine import Machine
from tests.patience import until

pytestmark = pytest.mark.slow
TEN_MINUTES = 600.0
Start = Callable[[float], Machine]


@pytest.fixture
def ahead(url: str, machine: Start) -> Machine:
    return machine(TEN_MINUTES).open(url)


@pytest.fixture
def behind(url: str, machine: Start) -> Machine:
    return machine(-TEN_MINUTES).open(url)


def bought(on: Machine, wanted: Any) -> JobRow:
    """Its submit is on its way there."""
    claim = on.do("claim", wanted, "call-1")
    assert claim.mine
    intended: JobRow = on.do("intend", claim.row, "call-1", wanted)
    return intended


def test_they_are_two_machines_with_clocks_of_their_own(ahead: Machine, behind: Machine) -> None:
    """Else nothing here would be a test."""
    apart = ahead.do("time") - behind.do("time")
    assert 2 * TEN_MINUTES - 60 < apart < 2 * TEN_MINUTES + 60
    assert behind.do("is_dead", ahead.do("this_process")) is None
    assert ahead.do("is_dead", behind.do("this_process")) is None


@pytest.mark.parametrize("owner", ["ahead", "behind"])
def test_nobody_takes_the_others_live_lease(ledger: Ledger, ahead: Machine, behind: Machine, owner: str) -> None:
    mine, theirs = (ahead, behind) if owner == "ahead" else (behind, ahead)
    row = bought(mine, want())
    for other in (theirs, mine):
        claim = other.do("claim", want(), "call-2")
        assert (claim.mine, claim.row.id, claim.row.owner) == (False, row.id, "call-1")
        assert not other.do("take", row.id, "call-2").mine
        assert other.do("undelivered", want(run="flow:2")) == []
        assert other.do("left_alone", 0) == []
    mine.do("renew", "call-1")
    assert mine.do("submitted", row.id, "job-1", "accepted")
    assert mine.do("progress", row.id, "call-1", RUNNING)
    assert not theirs.do("take", row.id, "call-2").mine
    assert history(ledger, row.id) == [(S.INTENT, "to be sent"), (S.SUBMITTED, "accepted")]


@pytest.mark.parametrize("owner", ["ahead", "behind"])
def test_a_frozen_workers_job_is_taken_when_its_lease_is_over_and_not_before(
    url: str, ledger: Ledger, machine: Start, owner: str
) -> None:
    """When it wakes it can no longer send, nor say anything of what its successor sends."""
    offset = TEN_MINUTES if owner == "ahead" else -TEN_MINUTES
    frozen, heir = machine(offset).open(url, lease_seconds=1.0), machine(-offset).open(url)
    row = bought(frozen, want())
    frozen.freeze()
    claim = until(lambda: (claim := heir.do("claim", want(), "call-2")).mine and claim, "the end of the lease")
    assert (claim.row.id, claim.row.state) == (row.id, S.UNKNOWN)
    # An instant after the heir has taken it, by the one clock that counts.
    assert claim.row.lease_until - 60 >= row.lease_until
    assert heir.do("may_yet_arrive", claim.row)
    assert heir.do("not_accepted", row.id, "not in the list", 1)
    anew = heir.do("intend", heir.do("get", row.id), "call-2", want())
    frozen.wake()
    assert frozen.do("intend", row, "call-1", want()) is None
    assert not frozen.do("not_accepted", row.id, "never sent", 1)
    assert not frozen.do("unknown", row.id, "no answer", 1)
    frozen.do("renew", "call-1")
    frozen.do("release", "call-1")
    kept = row_of(ledger, row.id)
    assert (kept.state, kept.sends, kept.owner, kept.lease_until) == (S.INTENT, 2, "call-2", anew.lease_until)


# On PostgreSQL the times of rows are the database's as well; an SQLite ledger's users have one clock.


@pytest.fixture
def direct(postgres_url: str) -> Ledger:
    return Ledger(Database(postgres_url), 60)


@pytest.mark.postgres
@pytest.mark.parametrize("offset", [TEN_MINUTES, -TEN_MINUTES])
def test_all_times_of_a_job_are_the_databases(postgres_url: str, direct: Ledger, machine: Start, offset: float) -> None:
    there = machine(offset).open(postgres_url)
    started = lease_now(direct)
    row_id = bought(there, want()).id
    assert there.do("unknown", row_id, "no answer", 1)
    assert there.do("hint", row_id, "job-1")
    assert there.do("submitted", row_id, "job-1", "named by its callback")
    assert there.do("succeeded", row_id, DONE, {}, [])
    assert there.do("stored", row_id, {0: FILE})
    there.do("delivered", "flow:1")
    other = there.do("imported", "midjourney.imagine", "quota", "https://x", "account-1", "job-2", "flow:1")[0].id
    assert not there.do("missing", other, "not found", 3600)
    ended = lease_now(direct)
    row, imported = row_of(direct, row_id), row_of(direct, other)
    names = ["created_at", "updated_at", "sent_at", "lost_at", "hint_at", "submitted_at", "finished_at", "delivered_at"]
    times = {name: getattr(row, name) for name in names}
    times |= {"imported": imported.created_at, "missing": imported.missing_since}
    times |= {f"line {line.id}": line.at for line in (*direct.history(row_id), *direct.history(other))}
    assert {name: moment for name, moment in times.items() if not started <= moment <= ended} == {}
    assert started + 60 <= row.lease_until <= ended + 60


@pytest.mark.postgres
def test_looks_from_two_machines_do_not_make_a_job_look_forgotten_for_long(
    postgres_url: str, direct: Ledger, machine: Start
) -> None:
    ahead, behind = (machine(offset).open(postgres_url) for offset in (TEN_MINUTES, -TEN_MINUTES))
    row = buy(direct, want())
    assert direct.submitted(row.id, "job-1", "accepted")
    for _ in range(4):
        for each in (behind, ahead):
            assert not each.do("missing", row.id, "not found", TEN_MINUTES)
    assert row_of(direct, row.id).missing_looks == 1


@pytest.mark.postgres
def test_how_long_a_job_was_left_alone_is_told_by_the_database(
    postgres_url: str, direct: Ledger, machine: Start
) -> None:
    fresh, old = buy(direct, want("fresh")), buy(direct, want("old"))
    direct.release("call-1")
    rewrite(direct, fresh.id, updated_at=lease_now(direct) - 60)
    rewrite(direct, old.id, updated_at=lease_now(direct) - 3600)
    for offset in (TEN_MINUTES, -TEN_MINUTES):
        there = machine(offset).open(postgres_url)
        assert [row.id for row in there.do("left_alone", 500)] == [old.id]


@pytest.mark.postgres
@pytest.mark.parametrize("days", [3, -3])
def test_a_budgets_day_is_the_databases(postgres_url: str, direct: Ledger, machine: Start, days: int) -> None:
    """A machine that takes today for another day would begin it with nothing spent, or end none."""
    there = machine(days * 86_400.0).open(postgres_url)
    budget = Budget(per_day=5)
    old = buy(direct, want("long ago"))
    rewrite(direct, old.id, sent_at=time.time() - 2 * 86_400)
    assert bought(there, want("first", budget=budget)).expected_cost == 4
    with pytest.raises(BudgetExceededError, match="has 1 of 5 quota left"):
        bought(there, replace(want("second"), budget=budget))

"""The fence before each submit: who has lost a job neither sends it nor tells of what its successor has sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from prefect_genmedia.budget import Budget
from prefect_genmedia.errors import BudgetExceededError
from prefect_genmedia.ledger import Database, JobRow, Ledger
from prefect_genmedia.ledger import LedgerState as S
from tests.ledger.actors import (
    ELSEWHERE,
    REFUNDED,
    RUNNING,
    bring_to,
    buy,
    ended_process,
    everything,
    lease_now,
    rewrite,
    row_of,
    want,
)


def taken_over(ledger: Ledger, row: JobRow, process: str = ELSEWHERE) -> JobRow:
    """The row, once its owner's lease is over and another call has taken it."""
    rewrite(ledger, row.id, process=process, lease_until=lease_now(ledger) - 1)
    claim = ledger.claim(want(), "call-2")
    assert claim.mine
    return claim.row


# -- to be sent ---------------------------------------------------------------------------------------


def test_what_is_to_be_sent_is_written_down_and_counted_before(ledger: Ledger) -> None:
    claim, started = ledger.claim(want(), "call-1"), lease_now(ledger)
    rewrite(ledger, claim.row.id, arrives_until=5.0)
    row = ledger.intend(claim.row, "call-1", want(labelled=True))
    assert row is not None
    assert (row.state, row.sends, row.labelled, row.arrives_until) == (S.INTENT, 1, True, None)
    assert row.sent_at is not None and row.created_at <= row.sent_at <= row.updated_at
    assert row.lease_until >= started + 60
    assert everything(ledger, row.id)["history"] == [(S.INTENT, "to be sent")]


def test_who_has_lost_the_job_does_not_send_it(ledger: Ledger) -> None:
    claim = ledger.claim(want(), "call-1")
    heir = taken_over(ledger, claim.row)
    before = everything(ledger, heir.id)
    assert ledger.intend(claim.row, "call-1", want()) is None
    assert everything(ledger, heir.id) == before
    assert ledger.intend(heir, "call-2", want()) is not None


@pytest.mark.parametrize("spent", [False, True])
def test_who_has_lost_the_job_is_told_so_whatever_the_budget_says(ledger: Ledger, spent: bool) -> None:
    claim = ledger.claim(want(), "call-1")
    taken_over(ledger, claim.row)
    assert ledger.intend(claim.row, "call-1", want(budget=Budget(per_run=0 if spent else 100))) is None


def test_a_row_that_was_read_before_another_submit_sends_nothing(ledger: Ledger) -> None:
    """The same call, twice: what it knew of the first submit is no ground for the third."""
    row = ledger.claim(want(), "call-1").row
    assert ledger.intend(row, "call-1", want()) is not None
    assert ledger.not_accepted(row.id, "HTTP 429", 1)
    assert ledger.intend(row, "call-1", want()) is None
    again = ledger.intend(row_of(ledger, row.id), "call-1", want())
    assert again is not None and again.sends == 2


@pytest.mark.parametrize("state", [state for state in S if state is not S.NOT_ACCEPTED])
def test_only_what_is_surely_not_bought_is_sent(ledger: Ledger, state: S) -> None:
    row_id = bring_to(ledger, state)
    rewrite(ledger, row_id, owner="call-1")
    before = everything(ledger, row_id)
    assert ledger.intend(row_of(ledger, row_id), "call-1", want()) is None
    assert everything(ledger, row_id) == before


def test_what_the_budget_refuses_is_as_if_it_had_not_been_asked(ledger: Ledger) -> None:
    claim = ledger.claim(want(tags=("spring",)), "call-1")
    before = everything(ledger, claim.row.id)
    for refused in (Budget(per_run=3.9), Budget(per_tag={"summer": 1})):
        with pytest.raises(BudgetExceededError, match="Nothing was bought"):
            ledger.intend(claim.row, "call-1", want(tags=("summer",), budget=refused))
        assert everything(ledger, claim.row.id) == before


# -- what came of it ----------------------------------------------------------------------------------


def test_an_overtaken_owner_changes_nothing_of_a_later_submit(ledger: Ledger) -> None:
    """It wakes up and tells of its own submit, which was settled long ago."""
    first = buy(ledger, want())
    assert taken_over(ledger, first).state == S.UNKNOWN
    assert ledger.not_accepted(first.id, "not in the list", first.sends)
    second = ledger.intend(row_of(ledger, first.id), "call-2", want())
    assert second is not None and second.sends == 2
    before = everything(ledger, first.id)
    assert not ledger.not_accepted(first.id, "never sent", first.sends)
    assert not ledger.unknown(first.id, "no answer", first.sends)
    assert not ledger.progress(first.id, "call-1", RUNNING)
    assert not ledger.supersede(first.id, want(), "call-1").mine
    ledger.renew("call-1")
    ledger.release("call-1")
    assert everything(ledger, first.id) == before
    assert ledger.unknown(first.id, "no answer", second.sends)
    assert not ledger.not_accepted(first.id, "never sent", first.sends)
    assert ledger.not_accepted(first.id, "HTTP 429", second.sends)


def test_an_overtaken_owner_still_tells_what_was_bought(ledger: Ledger) -> None:
    """A fact about money is true whoever brings it; the second one is kept in the history."""
    first = buy(ledger, want())
    taken_over(ledger, first)
    assert ledger.not_accepted(first.id, "not in the list", first.sends)
    assert ledger.intend(row_of(ledger, first.id), "call-2", want())
    assert ledger.submitted(first.id, "job-1", "accepted as job-1")
    assert not ledger.submitted(first.id, "job-2", "accepted as job-2")
    row = row_of(ledger, first.id)
    assert (row.state, row.job_id, row.owner) == (S.SUBMITTED, "job-1", "call-2")
    assert ledger.history(first.id)[-1].note == "accepted once more, as job-2: paid twice?"


def test_what_is_told_of_another_job_than_the_row_now_names_changes_nothing(ledger: Ledger) -> None:
    """A person has corrected the id while a call was still asking for the wrong one."""
    row_id = bring_to(ledger, S.SUBMITTED)
    assert ledger.named(row_id, "job-2", "found by hand")
    assert not ledger.progress(row_id, "call-1", RUNNING)
    before = everything(ledger, row_id)
    assert not ledger.succeeded(row_id, replace(RUNNING, quota=3), {"seed": 1}, [], "job-1")
    assert not ledger.failed(row_id, REFUNDED, "job-1")
    assert not any(ledger.missing(row_id, "not found", 0, "job-1") for _ in range(9))
    assert everything(ledger, row_id) == before
    assert ledger.succeeded(row_id, replace(RUNNING, quota=3), {"seed": 1}, [], "job-2")


# -- a submit that may yet arrive -----------------------------------------------------------------------


def test_a_submit_of_a_worker_that_may_only_be_asleep_may_yet_arrive(ledger: Ledger) -> None:
    """Until then nothing proves that it was not accepted, and nothing that was bought later is later than it."""
    row = taken_over(ledger, buy(ledger, want()))
    assert ledger.may_yet_arrive(row)
    assert row.arrives_until is not None and row.lost_at is not None
    now = lease_now(ledger)
    assert now < row.arrives_until <= now + ledger.submit_timeout_seconds
    assert row.lost_at - row.updated_at == pytest.approx(ledger.submit_timeout_seconds, abs=1)
    rewrite(ledger, row.id, arrives_until=now)
    assert not ledger.may_yet_arrive(row_of(ledger, row.id))


def test_a_submit_of_a_dead_worker_arrives_no_more(ledger: Ledger) -> None:
    row = taken_over(ledger, buy(ledger, want()), ended_process())
    assert row.arrives_until is None
    assert row.lost_at is not None and row.lost_at <= row.updated_at
    assert not ledger.may_yet_arrive(row)


def test_the_wait_outlives_the_one_who_waits(ledger: Ledger) -> None:
    row = taken_over(ledger, buy(ledger, want()))
    ledger.release("call-2")
    again = ledger.take(row.id, "call-3").row
    assert (again.arrives_until, again.lost_at) == (row.arrives_until, row.lost_at)
    assert ledger.may_yet_arrive(again)


def test_as_long_as_the_submit_may_take_here(url: str) -> None:
    database = Database(url)
    slow = Ledger(database, lease_seconds=60, submit_timeout_seconds=1800)
    row = taken_over(slow, buy(slow, want()))
    assert row.arrives_until is not None
    assert row.arrives_until - lease_now(slow) == pytest.approx(1800, abs=60)
    assert slow.may_yet_arrive(row)
    database.engine.dispose()


@pytest.mark.postgres
def test_a_shorter_timeout_here_does_not_shorten_it(postgres_url: str, request: Any) -> None:
    """What another machine has written down by its own settings holds."""
    slow, quick = (Ledger(Database(postgres_url), 60, seconds) for seconds in (1800, 1))
    assert quick.may_yet_arrive(taken_over(slow, buy(slow, want())))


def test_a_wait_of_before_the_machines_start_is_over(sqlite_url: str) -> None:
    """Uptime has begun anew, and the worker is gone."""
    ledger = Ledger(Database(sqlite_url), 60)
    row = taken_over(ledger, buy(ledger, want()))
    rewrite(ledger, row.id, arrives_until=lease_now(ledger) + 100_000)
    assert not ledger.may_yet_arrive(row_of(ledger, row.id))

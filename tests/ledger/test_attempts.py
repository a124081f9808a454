"""Another attempt at the same job: after a bad end, or instead of a submit that nobody can clear up."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from prefect_genmedia.budget import Budget
from prefect_genmedia.errors import BudgetExceededError, LedgerError
from prefect_genmedia.ledger import Ledger
from prefect_genmedia.ledger import LedgerState as S
from tests.ledger.actors import bring_to, everything, history, race, rewrite, row_of, want

AGAIN: dict[S, dict[str, Any]] = {S.FAILED: {"attempts": 2}, S.EXPIRED: {"on_expired": "resubmit"}}
"""What a caller has to say so that it is bought again after this end."""


@pytest.mark.parametrize("end", AGAIN)
def test_a_bad_end_is_final_unless_another_purchase_is_asked_for(ledger: Ledger, end: S) -> None:
    first = bring_to(ledger, end)
    (other,) = [said for state, said in AGAIN.items() if state is not end]
    for wanted in (want(), want(**other)):
        assert not ledger.claim(wanted, "call-2").mine
    second = ledger.claim(want(task_run="task-2", **AGAIN[end]), "call-2")
    assert second.mine
    assert (second.row.attempt, second.row.state, second.row.key) == (2, S.NOT_ACCEPTED, want().key)
    assert (second.row.sends, history(ledger, second.row.id)) == (0, [])
    left = row_of(ledger, first)
    assert (left.state, left.successor, left.attempt) == (end, second.row.id, 1)


def test_what_was_forgotten_does_not_count_as_an_attempt(ledger: Ledger) -> None:
    """Attempts are how often it may be bought when the provider says that it failed; a lost submit is none either."""
    wanted = want(attempts=2, on_expired="resubmit")
    ends = (S.EXPIRED, S.EXPIRED, S.FAILED, S.EXPIRED, S.FAILED)
    for attempt, end in enumerate(ends, 1):
        assert row_of(ledger, bring_to(ledger, end, wanted, owner=f"call-{attempt}")).attempt == attempt
    last = ledger.claim(wanted, "call-6")
    assert (last.mine, last.row.attempt, last.row.state) == (False, 5, S.FAILED)


def test_attempts_are_counted_over_all_calls(ledger: Ledger) -> None:
    wanted = want(attempts=3)
    rows = []
    for attempt in (1, 2, 3):
        row_id = bring_to(ledger, S.FAILED, wanted, owner=f"call-{attempt}")
        assert row_of(ledger, row_id).attempt == attempt
        rows.append(row_id)
    last = ledger.claim(wanted, "call-4")
    assert (last.mine, last.row.id, last.row.state) == (False, rows[-1], S.FAILED)
    assert [row_of(ledger, row_id).successor for row_id in rows] == [rows[1], rows[2], None]


def test_whoever_asks_for_a_job_gets_its_last_attempt(ledger: Ledger) -> None:
    bring_to(ledger, S.FAILED)
    second = ledger.claim(want(attempts=2), "call-2").row.id
    for asked in (want(), want(attempts=5)):
        follower = ledger.claim(asked, "call-3")
        assert (follower.mine, follower.row.id) == (False, second)


@pytest.mark.parametrize("end", AGAIN)
@pytest.mark.sampled(3)
def test_many_that_want_another_attempt_get_one(ledger: Ledger, another: Any, end: S) -> None:
    ledgers = [ledger, another(), another(), another()]
    for n in range(15):
        wanted = want(f"picture {n}", **AGAIN[end])
        bring_to(ledger, end, wanted)
        claims = race(*(partial(each.claim, wanted, f"call-{place}") for place, each in enumerate(ledgers, 2)))
        assert sorted(claim.mine for claim in claims) == [False, False, False, True]
        assert {claim.row.attempt for claim in claims} == {2}
        assert len({claim.row.id for claim in claims}) == 1


# -- instead of a lost submit -------------------------------------------------------------------------


def test_a_lost_submit_is_left_as_it_is_when_the_job_is_bought_anew(ledger: Ledger) -> None:
    lost = bring_to(ledger, S.UNKNOWN)
    before = row_of(ledger, lost)
    claim = ledger.supersede(lost, want(), "call-1")
    assert claim.mine
    assert (claim.row.attempt, claim.row.state, claim.row.sends) == (2, S.NOT_ACCEPTED, 0)
    assert (claim.row.owner, claim.row.key) == ("call-1", want().key)
    left = row_of(ledger, lost)
    assert (left.state, left.reason, left.owner, left.successor) == (S.UNKNOWN, before.reason, None, claim.row.id)
    assert history(ledger, lost)[-1] == (S.UNKNOWN, f"bought again as {claim.row.id}")
    assert ledger.claim(want(), "call-2").row.id == claim.row.id


def test_a_lost_submit_that_turns_up_after_all_is_kept(ledger: Ledger) -> None:
    """Both were bought; neither is lost."""
    lost = bring_to(ledger, S.UNKNOWN)
    anew = ledger.supersede(lost, want(), "call-1").row.id
    assert ledger.submitted(anew, "job-2", "accepted")
    assert ledger.submitted(lost, "job-1", "found in the list")
    assert (row_of(ledger, lost).job_id, row_of(ledger, anew).job_id) == ("job-1", "job-2")


@pytest.mark.parametrize("state", [state for state in S if state is not S.UNKNOWN])
def test_only_a_lost_submit_is_superseded(ledger: Ledger, state: S) -> None:
    row_id = bring_to(ledger, state)
    before = everything(ledger, row_id)
    claim = ledger.supersede(row_id, want(), "call-1")
    assert (claim.mine, claim.row.id) == (False, row_id)
    assert everything(ledger, row_id) == before
    assert len(ledger.rows()) == 1


def test_only_its_owner_supersedes_a_lost_submit_and_only_once(ledger: Ledger) -> None:
    lost = bring_to(ledger, S.UNKNOWN)
    assert not ledger.supersede(lost, want(), "call-2").mine
    assert ledger.supersede(lost, want(), "call-1").mine
    rewrite(ledger, lost, owner="call-1")
    before = everything(ledger, lost)
    assert not ledger.supersede(lost, want(), "call-1").mine
    assert everything(ledger, lost) == before
    assert len(ledger.rows()) == 2


def test_of_two_that_supersede_one_does(ledger: Ledger, another: Any) -> None:
    ledgers = another(), another()
    for n in range(15):
        wanted = want(f"picture {n}")
        lost = bring_to(ledger, S.UNKNOWN, wanted)
        claims = race(*(partial(each.supersede, lost, wanted, "call-1") for each in ledgers))
        assert sorted(claim.mine for claim in claims) == [False, True]
        assert len(ledger.rows(run="flow:1")) == 2 * (n + 1)


def test_what_the_budget_forbids_is_not_bought_anew(ledger: Ledger) -> None:
    """The lost one counts as well: nobody knows whether it was bought."""
    lost = bring_to(ledger, S.UNKNOWN)
    tight, enough = want(budget=Budget(per_run=7)), want(budget=Budget(per_run=8))
    anew = ledger.supersede(lost, tight, "call-1").row
    before = everything(ledger, anew.id)
    with pytest.raises(BudgetExceededError):
        ledger.intend(anew, "call-1", tight)
    assert everything(ledger, anew.id) == before
    assert ledger.intend(anew, "call-1", enough) is not None


def test_what_is_not_in_the_ledger_is_not_superseded(ledger: Ledger) -> None:
    with pytest.raises(LedgerError):
        ledger.supersede("0" * 32, want(), "call-1")
    assert ledger.rows() == []

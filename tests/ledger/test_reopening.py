"""No symptom is final: a job is forgotten only in time, and every state but STORED gives way to a later truth."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from prefect_genmedia.ledger import Ledger
from prefect_genmedia.ledger import LedgerState as S
from tests.ledger.actors import (
    DONE,
    FILE,
    REFUNDED,
    RUNNING,
    bring_to,
    everything,
    history,
    lease_now,
    race,
    rewrite,
    row_of,
    want,
)

HOUR = 3600.0
FORGOTTEN = partial(lambda ledger, row_id, after=6 * HOUR: ledger.missing(row_id, "HTTP 404", after))


def passes(ledger: Ledger, row_id: str, seconds: float) -> None:
    """So much time since the job was first not known."""
    since = row_of(ledger, row_id).missing_since
    assert since is not None
    rewrite(ledger, row_id, missing_since=since - seconds)


# -- forgotten ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [S.SUBMITTED, S.SUCCEEDED])
def test_many_looks_in_a_moment_are_one_symptom(ledger: Ledger, state: S) -> None:
    row_id = bring_to(ledger, state)
    before, started = everything(ledger, row_id), lease_now(ledger)
    for _ in range(30):
        assert not FORGOTTEN(ledger, row_id)
    after = everything(ledger, row_id)
    assert {name for name in after if after[name] != before[name]} == {"missing_since", "missing_looks", "history"}
    line = (state, "the provider does not know it at present: HTTP 404")
    assert after["history"] == [*before["history"], line]
    assert after["missing_looks"] == 1
    if not ledger.database.sqlite:
        assert started <= after["missing_since"] <= lease_now(ledger)


@pytest.mark.parametrize("state", [S.SUBMITTED, S.SUCCEEDED])
def test_looks_that_are_spread_over_the_time_make_it_forgotten(ledger: Ledger, state: S) -> None:
    row_id = bring_to(ledger, state)
    assert not FORGOTTEN(ledger, row_id)
    for _ in range(2):
        passes(ledger, row_id, 2 * HOUR)
        assert not any(FORGOTTEN(ledger, row_id) for _ in range(5))
    passes(ledger, row_id, 2 * HOUR)
    assert FORGOTTEN(ledger, row_id)
    row = row_of(ledger, row_id)
    assert (row.state, row.reason, row.owner) == (S.EXPIRED, "HTTP 404", None)
    assert row.finished_at is not None
    assert history(ledger, row_id)[-1] == (S.EXPIRED, "HTTP 404")
    before = everything(ledger, row_id)
    assert FORGOTTEN(ledger, row_id)
    assert everything(ledger, row_id) == before


def test_two_moments_far_apart_are_two_symptoms(ledger: Ledger) -> None:
    """A worker saw it missing, and the next one a week later sees a provider that lags: nobody looked between."""
    row_id = bring_to(ledger, S.SUBMITTED)
    assert not FORGOTTEN(ledger, row_id)
    for looks in (2, 3):
        passes(ledger, row_id, 7 * 24 * HOUR)
        assert not any(FORGOTTEN(ledger, row_id) for _ in range(30))
        assert row_of(ledger, row_id).missing_looks == looks
    passes(ledger, row_id, 7 * 24 * HOUR)
    assert FORGOTTEN(ledger, row_id)


def test_frequent_looks_need_the_whole_time(ledger: Ledger) -> None:
    row_id = bring_to(ledger, S.SUBMITTED)
    assert not FORGOTTEN(ledger, row_id)
    for _ in range(35):
        passes(ledger, row_id, 600)
        assert not FORGOTTEN(ledger, row_id)
    passes(ledger, row_id, 600)
    assert FORGOTTEN(ledger, row_id)


@pytest.mark.parametrize("known", ["progress", "succeeded"])
def test_a_look_that_finds_it_begins_anew(ledger: Ledger, known: str) -> None:
    row_id = bring_to(ledger, S.SUBMITTED)
    FORGOTTEN(ledger, row_id)
    passes(ledger, row_id, 5 * HOUR)
    FORGOTTEN(ledger, row_id)
    found = {
        "progress": lambda: ledger.progress(row_id, "call-1", RUNNING),
        "succeeded": lambda: ledger.succeeded(row_id, DONE, {}, []),
    }
    assert found[known]()
    assert (row_of(ledger, row_id).missing_since, row_of(ledger, row_id).missing_looks) == (None, 0)
    assert not FORGOTTEN(ledger, row_id)
    assert row_of(ledger, row_id).missing_looks == 1


def test_where_no_time_is_asked_for_some_looks_are_enough(ledger: Ledger) -> None:
    row_id = bring_to(ledger, S.SUBMITTED)
    assert [FORGOTTEN(ledger, row_id, after=0) for _ in range(5)] == [False, False, False, True, True]


@pytest.mark.parametrize("state", [state for state in S if state not in (S.SUBMITTED, S.SUCCEEDED, S.EXPIRED)])
def test_only_what_was_bought_and_is_not_here_can_be_forgotten(ledger: Ledger, state: S) -> None:
    row_id = bring_to(ledger, state)
    before = everything(ledger, row_id)
    assert not any(FORGOTTEN(ledger, row_id, after=0) for _ in range(9))
    assert everything(ledger, row_id) == before


def test_looks_at_the_same_moment_count_once(ledger: Ledger, another: Any) -> None:
    other = another()
    for n in range(15):
        row_id = bring_to(ledger, S.SUBMITTED, want(f"picture {n}"))
        assert race(*(partial(FORGOTTEN, each, row_id) for each in (ledger, other))) == [False, False]
        passes(ledger, row_id, 3 * HOUR)
        assert race(*(partial(FORGOTTEN, each, row_id) for each in (ledger, other))) == [False, False]
        assert row_of(ledger, row_id).missing_looks == 2
        assert len(history(ledger, row_id)) == 3


# -- and yet it is there ----------------------------------------------------------------------------------

TRUTHS = {
    "a callback": lambda ledger, row_id: ledger.hint(row_id, "job-1", True),
    "a fetch": lambda ledger, row_id: ledger.found_again(row_id, "call-2"),
    "a person": lambda ledger, row_id: ledger.named(row_id, "job-1", "found by hand"),
}


@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("state", [S.EXPIRED, S.FAILED])
def test_a_later_truth_reopens_what_was_held_for_final(ledger: Ledger, state: S, truth: str) -> None:
    row_id = bring_to(ledger, state)
    assert TRUTHS[truth](ledger, row_id)
    row = row_of(ledger, row_id)
    assert (row.state, row.job_id, row.reason) == (S.SUBMITTED, "job-1", "")
    assert (row.missing_since, row.missing_looks) == (None, 0)
    assert row.owner == ("call-2" if truth == "a fetch" else None)
    # What has been reopened is not gone again with the next hiccup.
    assert not FORGOTTEN(ledger, row_id)
    claim = ledger.claim(want(), "call-2")
    assert (claim.mine, claim.row.id, claim.row.state) == (True, row_id, S.SUBMITTED)
    assert ledger.succeeded(row_id, DONE, {}, [])
    assert ledger.stored(row_id, {0: FILE})


@pytest.mark.parametrize("truth", TRUTHS)
def test_what_is_stored_needs_no_later_truth(ledger: Ledger, truth: str) -> None:
    row_id = bring_to(ledger, S.STORED)
    before = everything(ledger, row_id)
    assert not TRUTHS[truth](ledger, row_id)
    assert everything(ledger, row_id) == before


def test_a_callback_that_says_failed_reopens_what_was_forgotten_and_not_what_failed(ledger: Ledger) -> None:
    forgotten, failed = bring_to(ledger, S.EXPIRED, want("forgotten")), bring_to(ledger, S.FAILED, want("failed"))
    assert ledger.hint(forgotten, "job-1", ended_well=False)
    assert not ledger.hint(failed, "job-1", ended_well=False)
    assert (row_of(ledger, forgotten).state, row_of(ledger, failed).state) == (S.SUBMITTED, S.FAILED)


def test_a_callback_that_was_heard_before_the_end_counts_again_after_it(ledger: Ledger) -> None:
    """The provider repeats it, and we have held the job for forgotten meanwhile; a third time it changes nothing."""
    row_id = bring_to(ledger, S.SUBMITTED)
    assert ledger.hint(row_id, "job-1")
    assert [ledger.missing(row_id, "HTTP 404", 0) for _ in range(4)][-1]
    assert ledger.hint(row_id, "job-1")
    assert row_of(ledger, row_id).state == S.SUBMITTED
    before = everything(ledger, row_id)
    assert not ledger.hint(row_id, "job-1")
    assert everything(ledger, row_id) == before


def test_an_attempt_that_ended_well_after_all_is_kept_beside_the_one_bought_instead(ledger: Ledger) -> None:
    """Nothing paid for is lost, though another call asks for the newer."""
    first = bring_to(ledger, S.FAILED)
    second = bring_to(ledger, S.SUBMITTED, want(attempts=2), owner="call-2", job_id="job-2")
    assert ledger.hint(first, "job-1", ended_well=True)
    assert [row.id for row in ledger.left_alone(0)] == [first]
    assert ledger.take(first, "sweep").mine
    assert ledger.claim(want(), "call-3").row.id == second


def test_a_wrong_id_is_corrected_with_all_that_came_of_it(ledger: Ledger) -> None:
    row_id = bring_to(ledger, S.SUCCEEDED)
    assert ledger.stored(row_id, {1: FILE}, missing=["image: HTTP 404"])
    assert ledger.named(row_id, "job-2", "found by hand")
    row = row_of(ledger, row_id)
    assert (row.state, row.job_id, row.owner, row.reason) == (S.SUBMITTED, "job-2", None, "")
    assert row.result is row.remarks is row.quota is row.sent_at is None
    assert ledger.media(row_id) == []


def test_the_right_id_said_again_keeps_what_has_come(ledger: Ledger) -> None:
    row_id = bring_to(ledger, S.SUCCEEDED)
    assert ledger.stored(row_id, {1: FILE}, missing=["image: HTTP 404"])
    before = everything(ledger, row_id)
    assert ledger.named(row_id, "job-1", "found by hand")
    after = everything(ledger, row_id)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"state", "reason", "owner", "updated_at", "history"}


def test_one_of_two_later_truths_and_an_end_holds(ledger: Ledger, another: Any) -> None:
    """A callback reopens it just as a slow poll writes that it failed: it is looked at again, or it has failed."""
    other = another()
    for n in range(15):
        row_id = bring_to(ledger, S.SUBMITTED, want(f"picture {n}"))
        noted, failed = race(
            partial(ledger.hint, row_id, "job-1", True), partial(other.failed, row_id, REFUNDED, "job-1")
        )
        row = row_of(ledger, row_id)
        assert (noted, failed, row.hint) == (True, True, "job-1")
        assert row.state in (S.SUBMITTED, S.FAILED)
        assert row.state == S.SUBMITTED or ledger.found_again(row_id, "call-2")

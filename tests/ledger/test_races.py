"""Many want the same at the same moment, in threads and in processes: one gets it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import pytest

from prefect_genmedia.ledger import Ledger
from prefect_genmedia.ledger import LedgerState as S
from tests.ledger.actors import (
    DONE,
    LIFE,
    REFUNDED,
    Processes,
    bring_to,
    claim_each,
    contested_steps,
    intend_each,
    live_each,
    race,
    row_of,
    states,
    want,
)

WANTS = [want(f"picture {n}") for n in range(50)]


def owners(rounds: Iterable[Sequence[tuple[bool, str]]]) -> list[str]:
    """The row of each round, once it is sure that one and only one owns it and all others follow it."""
    rows = []
    for n, claims in enumerate(rounds):
        assert [mine for mine, _ in claims].count(True) == 1, f"round {n}: {claims}"
        assert len({row_id for _, row_id in claims}) == 1, f"round {n}: {claims}"
        rows.append(claims[0][1])
    return rows


def test_of_eight_threads_that_ask_for_one_job_one_buys_it(ledger: Ledger, another: Any) -> None:
    ledgers = [ledger, another(), ledger, another()] * 2  # some share an engine, some do not
    rounds = []
    for wanted in WANTS[:15]:
        claims = race(*(partial(each.claim, wanted, f"call-{place}") for place, each in enumerate(ledgers)))
        rounds.append([(claim.mine, claim.row.id) for claim in claims])
    rows = owners(rounds)
    assert len(set(rows)) == 15 == len(ledger.rows())
    assert {tuple(states(ledger, row_id)) for row_id in rows} == {()}


@pytest.mark.slow
def test_of_three_processes_that_ask_for_one_job_one_buys_it(url: str, ledger: Ledger) -> None:
    rows = owners(zip(*Processes(3, claim_each, url, WANTS).said(), strict=True))
    assert len(set(rows)) == 50 == len(ledger.rows())
    assert {tuple(states(ledger, row_id)) for row_id in rows} == {()}


@pytest.mark.slow
def test_of_three_processes_that_find_a_dead_owners_job_one_takes_it(url: str, ledger: Ledger) -> None:
    """Half of them were bought; of the other half nobody knows."""
    left = [bring_to(ledger, (S.INTENT, S.SUBMITTED)[n % 2], wanted, owner="dead") for n, wanted in enumerate(WANTS)]
    ledger.release("dead")
    assert owners(zip(*Processes(3, claim_each, url, WANTS).said(), strict=True)) == left
    assert {tuple(states(ledger, row_id)) for row_id in left[0::2]} == {("INTENT", "UNKNOWN")}
    assert {tuple(states(ledger, row_id)) for row_id in left[1::2]} == {("INTENT", "SUBMITTED", "SUBMITTED")}


def test_of_two_threads_one_makes_each_step(ledger: Ledger, another: Any) -> None:
    """The whole life of a job, every step tried by both at the same moment: 80 races."""
    both = [ledger, another()]
    for n, wanted in enumerate(WANTS[:8]):
        row_id = ledger.claim(wanted, "call-1").row.id
        lives = [contested_steps(each, row_id, wanted, place) for place, each in enumerate(both)]
        for step, tries in enumerate(zip(*lives, strict=True)):
            assert sorted(race(*tries)) == [False, True], f"round {n}, step {step}"
        assert states(ledger, row_id) == LIFE


@pytest.mark.slow
def test_of_two_processes_one_makes_each_step(url: str, ledger: Ledger) -> None:
    jobs = [(ledger.claim(wanted, "call-1").row.id, wanted) for wanted in WANTS[:8]]
    first, second = Processes(2, live_each, url, jobs).said()
    for n in range(8):
        assert [sorted(tries) for tries in zip(first[n], second[n], strict=True)] == [[False, True]] * len(LIFE)
    rows = ledger.rows()
    assert len(rows) == 8
    assert {tuple(states(ledger, row.id)) for row in rows} == {tuple(LIFE)}
    assert all(ledger.media(row.id) == [] for row in rows)


@pytest.mark.slow
def test_of_three_processes_that_send_one_job_one_does(url: str, ledger: Ledger) -> None:
    """Even if all of them take themselves for its owner."""
    jobs = [(ledger.claim(wanted, "call-1").row.id, wanted) for wanted in WANTS[:25]]
    tried = Processes(3, intend_each, url, jobs).said()
    assert [sorted(tries) for tries in zip(*tried, strict=True)] == [[False, False, True]] * 25
    assert {(row.state, row.sends) for row in ledger.rows()} == {(S.INTENT, 1)}


def test_a_found_job_and_a_refusal_that_race_leave_no_doubt(ledger: Ledger, another: Any) -> None:
    """A witness finds the job while a slow reply says no: what is bought stays known, whoever is first."""
    other = another()
    for wanted in WANTS[:25]:
        row_id = bring_to(ledger, S.UNKNOWN, wanted)
        race(
            partial(ledger.submitted, row_id, "job-1", "found"),
            partial(other.not_accepted, row_id, "not in the list"),
        )
        row = row_of(ledger, row_id)
        assert (row.state, row.job_id, row.reason) == (S.SUBMITTED, "job-1", "")


def test_one_end_of_a_job_wins(ledger: Ledger, another: Any) -> None:
    """Two pollers, two answers: the first one written is the one that holds."""
    other = another()
    for wanted in WANTS[:25]:
        row_id = bring_to(ledger, S.SUBMITTED, wanted)
        won = race(partial(ledger.succeeded, row_id, DONE, {}, []), partial(other.failed, row_id, REFUNDED))
        assert sorted(won) == [False, True]
        row = row_of(ledger, row_id)
        assert row.state == (S.SUCCEEDED if won[0] else S.FAILED)
        assert (row.quota, row.refunded) == ((3.5, None) if won[0] else (None, True))
        assert states(ledger, row_id)[-1] == row.state


def test_of_two_jobs_that_are_told_one_id_at_the_same_moment_one_has_it(ledger: Ledger, another: Any) -> None:
    both = [ledger, another()]
    for n in range(10):
        rows = [bring_to(each, S.INTENT, WANTS[2 * n + place]) for place, each in enumerate(both)]
        told = race(
            *(
                partial(each.accepted, row_id, f"job-{n}", "accepted", 1)
                for each, row_id in zip(both, rows, strict=True)
            )
        )
        assert sorted(told) == [False, True]
        assert sorted(row_of(ledger, row_id).state for row_id in rows) == ["SUBMITTED", "UNKNOWN"]

"""Places in a provider's queue, counted from the rows of all workers."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from prefect_genmedia.ledger import Full, JobRow, Ledger, Queue
from prefect_genmedia.ledger.models import FactRow
from prefect_genmedia.ledger.values import LINE_SECONDS
from tests.ledger.actors import want

QUEUE = Queue("account-1", "midjourney", longest=600.0, most=3)


def send(ledger: Ledger, what: str, queue: Queue = QUEUE, **terms: Any) -> str:
    """One job is about to be sent by a call of its own; its row."""
    wanted = want(what, queue=queue.name, account=queue.account, **terms)
    row = ledger.claim(wanted, what).row
    assert ledger.intend(row, what, wanted, queue) is not None
    return row.id


def test_a_queue_that_is_full_takes_no_more_until_one_has_ended(ledger: Ledger) -> None:
    ids = [send(ledger, f"job {n}") for n in range(3)]
    with pytest.raises(Full) as full:
        send(ledger, "one too many")
    assert full.value.most == 3
    assert [row.state for row in ledger.rows() if row.title == "one too many"] in ([], ["NOT_ACCEPTED"])
    ledger.not_accepted(ids[0], "refused", 1)
    send(ledger, "another")


def test_another_account_and_another_queue_have_places_of_their_own(ledger: Ledger) -> None:
    for n in range(3):
        send(ledger, f"job {n}")
    send(ledger, "a clip", replace(QUEUE, name="midjourney.video"))
    send(ledger, "elsewhere", replace(QUEUE, account="account-2"))


def test_a_job_whose_worker_died_is_counted_until_it_must_be_over(ledger: Ledger) -> None:
    for n in range(3):
        ledger.submitted(send(ledger, f"job {n}"), f"job-{n}", "accepted")
        ledger.release(f"job {n}")
    with pytest.raises(Full):
        send(ledger, "one too many")
    with ledger.database.write() as session:
        session.execute(update(JobRow).values(sent_at=JobRow.sent_at - QUEUE.longest))
    send(ledger, "later")


def test_a_refusal_teaches_all_workers(ledger: Ledger, another: Callable[[], Ledger]) -> None:
    unknown = replace(QUEUE, most=None)
    for n in range(2):
        send(ledger, f"job {n}", unknown)
    assert ledger.refused(unknown) == 2
    with pytest.raises(Full) as full:
        send(another(), "one too many", unknown)
    assert full.value.most == 2
    with pytest.raises(Full):
        send(another(), "also where the page says more", replace(QUEUE, most=10))


def waits(ledger: Ledger, run: str, priority: int = 0, queue: Queue = QUEUE) -> None:
    """A run is told that the queue is full, as its process then tells the ledger."""
    asked = want(f"{run} waits", queue=queue.name, account=queue.account, run=run, priority=priority)
    with pytest.raises(Full) as full:
        send(ledger, asked.title, queue, run=run, priority=priority)
    ledger.wait_in_line(full.value, run, priority)


def test_a_run_that_waits_goes_before_one_that_has_more_in_progress(
    ledger: Ledger, another: Callable[[], Ledger]
) -> None:
    """Of two processes: whose job has ended knows first that there is a place, and leaves it to the other."""
    big, small = ledger, another()
    first, second, _ = (send(big, f"big {n}", run="flow:big") for n in range(3))
    waits(small, "flow:small")
    big.not_accepted(first, "refused", 1)
    with pytest.raises(Full):
        send(big, "big 3", run="flow:big")
    send(small, "small 0", run="flow:small")
    big.not_accepted(second, "refused", 1)
    send(big, "big 4", run="flow:big")  # the other does not wait now


def test_who_has_as_many_waits_for_nobody(ledger: Ledger) -> None:
    queue = replace(QUEUE, most=2)
    ids = [send(ledger, f"{run} 0", queue, run=run) for run in ("flow:a", "flow:b")]
    waits(ledger, "flow:b", queue=queue)
    ledger.not_accepted(ids[1], "refused", 1)
    with pytest.raises(Full):
        send(ledger, "a 1", queue, run="flow:a")
    ids.append(send(ledger, "b 1", queue, run="flow:b"))
    waits(ledger, "flow:b", queue=queue)
    ledger.not_accepted(ids[0], "refused", 1)
    send(ledger, "a 2", queue, run="flow:a")


def test_the_higher_priority_goes_first_whatever_the_others_have(ledger: Ledger) -> None:
    queue = replace(QUEUE, most=2)
    ids = [send(ledger, f"urgent {n}", queue, run="flow:urgent", priority=5) for n in range(2)]
    waits(ledger, "flow:patient", queue=queue)
    waits(ledger, "flow:urgent", 5, queue)
    ledger.not_accepted(ids[0], "refused", 1)
    with pytest.raises(Full):
        send(ledger, "patient", queue, run="flow:patient")
    send(ledger, "urgent 3", queue, run="flow:urgent", priority=5)


def test_a_run_that_is_alone_shares_the_queue_with_nobody(ledger: Ledger) -> None:
    """Also once it has said that it waits: it says so no more while its own jobs fill the queue."""
    for n in range(3):
        send(ledger, f"job {n}", run="flow:alone")
    waits(ledger, "flow:alone")
    with pytest.raises(Full) as full:
        send(ledger, "one too many", run="flow:alone")
    assert not full.value.shared
    with pytest.raises(Full) as full:
        send(ledger, "another's", run="flow:other")
    assert full.value.shared


def test_a_run_with_more_jobs_in_its_line_still_waits_when_one_is_sent(ledger: Ledger) -> None:
    queue = replace(QUEUE, most=2)
    ids = [send(ledger, f"patient {n}", queue, run="flow:patient") for n in range(2)]
    waits(ledger, "flow:urgent", 5, queue)
    for row_id, more_wait in zip(ids, (True, False), strict=True):
        ledger.not_accepted(row_id, "refused", 1)
        with pytest.raises(Full):
            send(ledger, "patient", queue, run="flow:patient")
        send(ledger, f"urgent {row_id}", replace(queue, more_wait=more_wait), run="flow:urgent", priority=5)
    # Its last is sent: now the other goes before it.
    ledger.not_accepted(ledger.rows(run="flow:urgent")[0].id, "refused", 1)
    send(ledger, "patient", queue, run="flow:patient")


def test_nobody_waits_for_a_run_that_may_have_fewer_in_progress(ledger: Ledger) -> None:
    """Its worker has a lower limit than the others: it could not take the place."""
    ids = [send(ledger, f"big {n}", run="flow:big") for n in range(3)]
    waits(ledger, "flow:small", queue=replace(QUEUE, most=2))
    ledger.not_accepted(ids[0], "refused", 1)
    send(ledger, "big 3", run="flow:big")


def test_nobody_waits_for_a_run_that_counts_more_in_progress(ledger: Ledger) -> None:
    """Jobs that nobody watches count for the usual time of what is asked for: a longer one counts them longer."""
    for n in range(3):
        ledger.submitted(send(ledger, f"job {n}"), f"job-{n}", "accepted")
        ledger.release(f"job {n}")
    with ledger.database.write() as session:
        session.execute(update(JobRow).values(sent_at=JobRow.sent_at - 100))
    send(ledger, "quick 0", replace(QUEUE, longest=30.0), run="flow:quick")
    waits(ledger, "flow:slow", 5, replace(QUEUE, longest=180.0))
    send(ledger, "quick 1", replace(QUEUE, longest=30.0), run="flow:quick")


def test_who_no_longer_asks_holds_nobody_up(ledger: Ledger) -> None:
    """Its process died, or found a place elsewhere; its clock may even have been set back since."""
    for shift in (LINE_SECONDS + 1, -LINE_SECONDS - 1):
        ids = [send(ledger, f"big {n} {shift}", run="flow:big") for n in range(3)]
        waits(ledger, "flow:small")
        with ledger.database.write() as session:
            for name, value in session.execute(select(FactRow.name, FactRow.value)).tuples().all():
                if name.startswith(QUEUE.line):
                    line = json.loads(value)
                    line["at"] -= shift
                    session.execute(update(FactRow).where(FactRow.name == name).values(value=json.dumps(line)))
        ledger.not_accepted(ids[0], "refused", 1)
        last = send(ledger, f"big 3 {shift}", run="flow:big")
        for each in (*ids[1:], last):
            ledger.not_accepted(each, "refused", 1)


def test_lines_of_runs_that_ended_do_not_pile_up(ledger: Ledger) -> None:
    for n in range(3):
        send(ledger, f"job {n}")
    waits(ledger, "flow:early")
    with ledger.database.write() as session:
        early = session.scalars(select(FactRow).where(FactRow.name.startswith(QUEUE.line))).one()
        early.value = json.dumps(json.loads(early.value) | {"at": 0.0})
    waits(ledger, "flow:late")
    with ledger.database.read() as session:
        (line,) = session.scalars(select(FactRow.value).where(FactRow.name.startswith(QUEUE.line)))
    assert json.loads(line)["run"] == "flow:late"


def test_of_many_at_once_no_more_than_the_limit_get_a_place(another: Callable[[], Ledger]) -> None:
    ledgers = [another() for _ in range(8)]

    def one(n: int) -> bool:
        try:
            send(ledgers[n % 8], f"job {n}")
        except Full:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(one, range(24))) == 3

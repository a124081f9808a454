"""Places in a provider's queue, counted from the rows of all workers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import update

from prefect_genmedia.ledger import Full, JobRow, Ledger, Queue
from tests.ledger.actors import want

QUEUE = Queue("account-1", "midjourney", longest=600.0, most=3)


def send(ledger: Ledger, what: str, queue: Queue = QUEUE) -> str:
    """One job is about to be sent by a call of its own; its row."""
    wanted = want(what, queue=queue.name, account=queue.account)
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

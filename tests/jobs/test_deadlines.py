"""Two deadlines: how long a job may wait for its turn, and how long its work may take. Neither shortens the other."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import parse_qsl

import pytest

from prefect_genmedia.errors import GenMediaError, JobFailedError, JobTimeoutError, MediaError, QueueFullError
from prefect_genmedia.jobs import Terms
from prefect_genmedia.jobs.call import Call
from tests.patience import PATIENCE, a_until
from tests.shop import DOOMED, imagine, refusal
from tests.shop import ttapi as ttapi_at
from tests.stand_in import Say, Seen, Wire

SHORT = 0.5


@pytest.fixture
def job(wire: Wire) -> dict[str, Any]:
    """What the provider says of its only job; `looks` counts how often it was asked."""
    says: dict[str, Any] = {"status": "PENDING_QUEUE", "looks": 0}

    def answer(seen: Seen) -> Say:
        if seen.method == "POST":
            return Say(200, {"status": "SUCCESS", "message": "success", "data": {"jobId": "job-1"}})
        if "jobId" not in seen.query:
            return Say(503, {})  # of a file
        says["looks"] += 1
        data = says.get("data")
        return Say(200, {"status": says["status"], "message": "", "data": data, **dict(parse_qsl(seen.query))})

    wire.answer = answer
    return says


async def ended(wire: Wire, **terms: Any) -> GenMediaError:
    return await refusal(imagine(DOOMED), ttapi_at(wire.url), **terms)


async def test_a_job_in_the_providers_queue_spends_none_of_its_works_time(wire: Wire, job: dict[str, Any]) -> None:
    buying = asyncio.create_task(ended(wire, deadline_seconds=2.0, queue_deadline_seconds=PATIENCE))
    await a_until(lambda: job["looks"], "a look")
    await asyncio.sleep(2.5)
    assert not buying.done()
    job["status"] = "FAILED"
    assert isinstance(await buying, JobFailedError)


async def test_a_job_that_stays_in_the_providers_queue_is_given_up_and_says_so(wire: Wire, job: dict[str, Any]) -> None:
    error = await ended(wire, deadline_seconds=PATIENCE, queue_deadline_seconds=SHORT)
    assert isinstance(error, JobTimeoutError)
    assert "it still stands in the provider's queue" in str(error)


@pytest.mark.parametrize("queued_first", [False, True])
async def test_work_that_does_not_end_is_given_up_whatever_time_the_queue_had(
    wire: Wire, job: dict[str, Any], queued_first: bool
) -> None:
    job["status"] = "PENDING_QUEUE" if queued_first else "ON_QUEUE"
    buying = asyncio.create_task(ended(wire, deadline_seconds=SHORT, queue_deadline_seconds=10 * PATIENCE))
    await a_until(lambda: job["looks"], "a look")
    job["status"] = "ON_QUEUE"  # TTAPI's word for a job that is worked on
    error = await asyncio.wait_for(buying, PATIENCE)
    assert isinstance(error, JobTimeoutError)
    assert "queue" not in str(error)


async def test_work_that_waits_again_is_worked_on_already(wire: Wire, job: dict[str, Any]) -> None:
    """Its turn had come: there is no time for another, and none is needed."""
    job["status"] = "ON_QUEUE"
    buying = asyncio.create_task(ended(wire, deadline_seconds=PATIENCE, queue_deadline_seconds=0))
    for status in ("PENDING_QUEUE", "FAILED"):
        seen = job["looks"]
        await a_until(lambda: job["looks"] > seen + 1, "two looks")  # noqa: B023
        job["status"] = status
    assert isinstance(await buying, JobFailedError)


async def test_the_files_have_the_time_of_the_work_and_not_of_the_queue(wire: Wire, job: dict[str, Any]) -> None:
    buying = asyncio.create_task(ended(wire, deadline_seconds=SHORT, queue_deadline_seconds=10 * PATIENCE))
    await a_until(lambda: job["looks"], "a look")
    job["data"] = {"cdnImage": f"{wire.url}/gone.png", "images": [], "jobId": "job-1"}
    job["status"] = "SUCCESS"
    assert isinstance(await asyncio.wait_for(buying, PATIENCE), MediaError)


def test_only_waiting_spends_the_time_for_the_turn() -> None:
    around: list[Any] = [None] * 9
    call = Call(*around, work_seconds=60, turn_seconds=30, deadline=0)
    call.begin_work()
    assert call.deadline == 0  # it did not wait
    call.wait_for_turn()
    until = call.deadline
    call.wait_for_turn()
    assert call.deadline == until
    call.begin_work()
    left = call.turn_seconds
    assert 0 < left < 30 and call.deadline > until
    time.sleep(0.1)
    now = time.monotonic()
    call.wait_for_turn()
    assert call.deadline >= now + left


async def test_who_waits_for_a_place_does_not_spend_the_time_of_the_work(
    wire: Wire, job: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENMEDIA_MAX_IN_PROGRESS", "1")
    first = asyncio.create_task(ended(wire, copy=1))
    await a_until(lambda: job["looks"], "the first job")
    second = asyncio.create_task(ended(wire, copy=2, deadline_seconds=SHORT, queue_deadline_seconds=PATIENCE))
    await asyncio.sleep(3 * SHORT)
    assert not second.done()
    job["status"] = "FAILED"
    assert isinstance(await first, JobFailedError)
    assert not isinstance(await second, QueueFullError)  # it was sent; its own half a second may be too short here
    assert [seen.method for seen in wire.seen].count("POST") == 2


async def test_who_waits_for_an_equal_call_that_waits_for_its_turn_is_not_told_that_it_is_bought(
    wire: Wire, job: dict[str, Any]
) -> None:
    """The other is refused at first, and asks again later; nothing is bought yet."""
    refused = Say(429, {"status": "FAILED", "message": "busy"}, {"Retry-After": "600"})
    wire.answer = lambda seen: refused
    first = asyncio.create_task(ended(wire, queue_deadline_seconds=3600, request_key="hero"))
    await a_until(lambda: wire.seen, "a refusal")
    second = ended(wire, deadline_seconds=10 * PATIENCE, queue_deadline_seconds=SHORT, request_key="hero")
    error = await asyncio.wait_for(second, PATIENCE)
    assert isinstance(error, QueueFullError)
    assert "bought once" not in str(error)
    first.cancel()
    await asyncio.wait([first])


@pytest.mark.parametrize(
    ("terms", "turn"),
    [
        (Terms(), 6 * 3600),
        (Terms(deadline_seconds=60), 60),
        (Terms(deadline_seconds=60, queue_deadline_seconds=5), 5),
        (Terms(queue_deadline_seconds=5), 5),
    ],
)
async def test_how_long_a_job_waits_for_its_turn_where_it_is_not_said(terms: Terms, turn: float) -> None:
    assert terms.turn_seconds == turn

"""Never more in progress than the provider takes, over all workers; and whose turn it is. The provider counts."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any
from urllib.parse import parse_qsl

import pytest
from sqlalchemy import select

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import QueueFullError
from prefect_genmedia.jobs import Run
from prefect_genmedia.ledger.models import FactRow
from prefect_genmedia.operation import Account
from tests.patience import a_until
from tests.shop import DOOMED, buy, child, imagine, img2img, refusal, the_ledger
from tests.shop import ttapi as ttapi_at
from tests.stand_in import Say, Seen, Wire

NO_PAGE = {"kind": "answer_cut", "at": "account"}


@pytest.fixture
def emulator(prepared: Any) -> Any:
    """Jobs that take a moment, so that many are in progress at once."""
    with Emulator(job_seconds=0.1, queue_seconds=0.0, max_jobs=10) as emulator:
        yield emulator


async def buy_many(account: Account, count: int) -> None:
    """Jobs that are accepted and billed, and whose pictures nobody has to draw."""
    await asyncio.gather(*(refusal(imagine(DOOMED), account, copy=copy) for copy in range(count)))


def refused(emulator: Emulator) -> int:
    return int(emulator.requests()["statuses"].get("499", 0))


def most_at_once(emulator: Emulator) -> int:
    """How many of the provider's jobs were in progress at the same time."""
    jobs = emulator.jobs()["jobs"]
    starts = [(job["created_at"], 1) for job in jobs]
    ends = [(job["finished_at"], -1) for job in jobs if job["finished_at"]]
    most = now = 0
    for _, step in sorted(starts + ends):
        now += step
        most = max(most, now)
    return most


async def test_where_the_account_page_says_the_limit_no_job_is_refused(emulator: Emulator, ttapi: Account) -> None:
    await buy_many(ttapi, 60)
    assert emulator.billed() == 60
    assert refused(emulator) == 0
    assert emulator.requests()["requests"]["GET /midjourney/v1/info"] == 1


async def test_one_job_alone_asks_for_no_limit(emulator: Emulator, ttapi: Account) -> None:
    await buy_many(ttapi, 1)
    assert "GET /midjourney/v1/info" not in emulator.requests()["requests"]


@pytest.mark.slow
async def test_a_limit_that_nobody_says_is_learnt_from_few_refusals(emulator: Emulator, ttapi: Account) -> None:
    emulator.add_faults(NO_PAGE)
    emulator.configure(hold=True)
    buying = asyncio.create_task(buy_many(ttapi, 60))
    await a_until(lambda: emulator.billed() == 10 and refused(emulator), "a full queue")
    emulator.configure(hold=False)
    emulator.release()
    await buying
    assert emulator.billed() == 60
    assert 1 <= refused(emulator) <= 10


@pytest.mark.slow
async def test_a_limit_that_is_halved_is_learnt_from_few_refusals(emulator: Emulator, ttapi: Account) -> None:
    emulator.add_faults({"kind": "queue_halved", "skip": 20})
    await buy_many(ttapi, 60)
    assert emulator.billed() == 60
    assert refused(emulator) <= 10


async def test_two_workers_share_the_limit(emulator: Emulator, ttapi: Account) -> None:
    """A third, with one job that asks for no limit, is refused once at most; then it knows of the others' too."""
    emulator.configure(hold=True)
    wanted = [imagine(DOOMED) for _ in range(8)]
    workers = [child(ttapi, *wanted, copies=range(8 * n, 8 * n + 8), deadline_seconds=120) for n in range(2)]
    try:
        await a_until(lambda: emulator.billed() == 10, "a full queue")
        error = await refusal(imagine(DOOMED), ttapi, copy=99, deadline_seconds=1.0)
        assert isinstance(error, QueueFullError) or "deadline" in str(error)
    finally:
        emulator.configure(hold=False)
        emulator.release()
        for worker in workers:
            await asyncio.to_thread(worker.ended)
    assert emulator.billed() == 16
    assert refused(emulator) <= 1


@pytest.mark.parametrize("priority", [0, 5])
async def test_two_processes_take_turns_and_the_higher_priority_goes_first(
    emulator: Emulator, ttapi: Account, priority: int
) -> None:
    """Two places. One job after the other ends, and each time the place is free for both, should they ask."""
    emulator.configure(hold=True)
    limit = {"GENMEDIA_MAX_IN_PROGRESS": "2"}
    names, workers = {"first": 0, "second": priority}, []
    try:
        for name, right in names.items():
            asked = [imagine(f"{DOOMED} {name} {n}") for n in range(5)]
            workers.append(child(ttapi, *asked, priority=right, deadline_seconds=300, environ=limit))
            await a_until(lambda: emulator.billed() == 2, "a full queue")
        first = min(the_ledger().rows(), key=lambda row: row.created_at).run
        wrong = 0
        while len(sent := jobs_sent(emulator)) < 10:
            now = time.time()
            ends = next(job for job in sent if job["finished_at"] is None)
            goes_on = [owner(job) for job in sent if job["finished_at"] is None and job is not ends]
            rest = [name for name in names if [owner(job) for job in sent].count(name) < 5]
            goes_next = min(rest, key=lambda name: (-names[name], goes_on.count(name)))
            if len(rest) == 2:
                await a_until(lambda: goes_next in told_since(now, first), f"{goes_next} in line")  # noqa: B023
            emulator.release(ends["id"])
            await a_until(lambda: len(jobs_sent(emulator)) > len(sent), "the next")
            wrong += owner(jobs_sent(emulator)[-1]) != goes_next
    finally:
        emulator.configure(hold=False)
        emulator.release()
        for worker in workers:
            await asyncio.to_thread(worker.ended)
    assert wrong <= 1  # who is held up for a second is not waited for


def jobs_sent(emulator: Emulator) -> list[dict[str, Any]]:
    return sorted(emulator.jobs()["jobs"], key=lambda job: job["created_at"])


def owner(job: dict[str, Any]) -> str:
    return str(job["prompt"].split()[1])


def told_since(moment: float, first: str) -> list[str]:
    """Who has told the ledger since then that it waits: for two seconds from then it goes first, if it is its turn."""
    with the_ledger().database.read() as session:
        lines = session.scalars(select(FactRow.value).where(FactRow.name.startswith("line:"))).all()
    fresh = [line for line in map(json.loads, lines) if line["at"] > moment]
    return ["first" if line["run"] == first else "second" for line in fresh]


async def test_jobs_that_nobody_watches_give_their_places_back_when_they_end(
    emulator: Emulator, ttapi: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their calls were cancelled; who waits for a place asks the provider for them, and writes down that they ended."""
    monkeypatch.setenv("GENMEDIA_MAX_IN_PROGRESS", "2")
    emulator.configure(hold=True)
    given_up = [asyncio.create_task(buy(imagine(DOOMED), ttapi, copy=copy)) for copy in range(2)]
    await a_until(lambda: emulator.billed() == 2, "a full queue")
    await a_until(lambda: all(row.state == "SUBMITTED" for row in the_ledger().rows()), "what was accepted")
    for each in given_up:
        each.cancel()
    await asyncio.wait(given_up)
    emulator.configure(hold=False)
    emulator.release()
    await asyncio.gather(*(refusal(imagine(DOOMED), ttapi, copy=copy) for copy in (7, 8)))
    assert emulator.billed() == 4
    assert {row.state for row in the_ledger().rows()} == {"FAILED"}


@pytest.mark.slow
async def test_of_many_that_wait_for_other_workers_few_ask(
    emulator: Emulator, ttapi: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks in vain has claimed its row: those behind it have none yet."""
    monkeypatch.setenv("GENMEDIA_MAX_IN_PROGRESS", "2")
    emulator.configure(hold=True)
    other = child(ttapi, *[imagine(DOOMED)] * 2, copies=[50, 51], deadline_seconds=120)
    try:
        await a_until(lambda: emulator.billed() == 2, "a full queue")
        wanted = [refusal(imagine(DOOMED), ttapi, copy=copy, deadline_seconds=1.5) for copy in range(30)]
        assert {type(error) for error in await asyncio.gather(*wanted)} == {QueueFullError}
        assert len(the_ledger().rows()) <= 2 + 4
    finally:
        other.kill()


async def test_equal_calls_do_not_stand_in_each_others_way(
    emulator: Emulator, ttapi: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits for another call's job holds no place, which that call may need."""
    monkeypatch.setenv("GENMEDIA_MAX_IN_PROGRESS", "1")
    twice = [imagine(prompt) for prompt in (DOOMED, f"{DOOMED} too") for _ in range(2)]
    errors = await asyncio.gather(*(refusal(each, ttapi) for each in twice))
    assert [type(error).__name__ for error in errors] == ["JobFailedError"] * 4
    assert emulator.billed() == 2


async def test_a_setting_limits_a_provider_that_refuses_nobody(
    emulator: Emulator, novita: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENMEDIA_MAX_IN_PROGRESS", "2")
    await asyncio.gather(*(buy(img2img(), novita, copy=copy) for copy in range(6)))
    assert emulator.billed() == 6
    assert most_at_once(emulator) <= 2


async def test_a_job_that_waits_is_not_claimed_and_says_so_at_its_deadline(
    emulator: Emulator, ttapi: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENMEDIA_MAX_IN_PROGRESS", "1")
    emulator.configure(hold=True)
    first = asyncio.create_task(buy(imagine(DOOMED), ttapi))
    await a_until(lambda: emulator.billed() == 1, "the first")
    error = await refusal(imagine("a tern"), ttapi, deadline_seconds=0.5)
    assert isinstance(error, QueueFullError)
    assert "nothing was sent" in str(error)
    assert len(the_ledger().rows()) == 1 == emulator.billed()
    first.cancel()
    await asyncio.wait([first])


async def test_a_job_with_priority_goes_first_and_flows_take_turns(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """One place: the order in which they are sent is the order of the line."""
    monkeypatch.setenv("GENMEDIA_MAX_IN_PROGRESS", "1")
    go_on = asyncio.Event()
    loop, sent = asyncio.get_running_loop(), []

    def answer(seen: Seen) -> Say:
        if seen.method == "POST":
            sent.append(seen.json["prompt"])
            return Say(200, {"status": "SUCCESS", "message": "success", "data": {"jobId": f"job-{len(sent)}"}})
        if not go_on.is_set():
            return Say(200, {"status": "ON_QUEUE", "message": "", "data": None})
        return Say(200, {"status": "FAILED", "message": "the end", **dict(parse_qsl(seen.query))})

    wire.answer = answer
    account = ttapi_at(wire.url)

    def asked(prompt: str, flow: str, priority: int = 0) -> asyncio.Task[Any]:
        return loop.create_task(refusal(imagine(prompt), account, run_as=Run(f"flow:{flow}"), priority=priority))

    calls = [asked("first", "big")]
    await a_until(lambda: sent == ["first"], "the first submit")
    calls += [asked(f"big {n}", "big") for n in range(8)]
    calls += [asked(f"small {n}", "small") for n in range(2)]
    calls += [asked("urgent", "small", priority=5)]
    await a_until(lambda: waiting(account) == 11, "all in line")
    go_on.set()
    await asyncio.gather(*calls)
    assert sent[1] == "urgent"
    assert {"small 0", "small 1"} <= set(sent[2:8])  # though eight of the other flow wait


def waiting(account: Account) -> int:
    from prefect_genmedia.jobs.turns.line import line_of

    return line_of(account.fingerprint, "midjourney", careful=True).waiting

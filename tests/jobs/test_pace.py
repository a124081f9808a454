"""When to look next: few looks, and the end noticed soon. Played on a clock that costs nothing."""

from __future__ import annotations

import asyncio
import heapq
import math
import random
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.jobs.looking.pace import Pace
from prefect_genmedia.ledger import Ledger
from prefect_genmedia.operation import Account
from tests.shop import buy, imagine, the_row
from tests.shop import ttapi as ttapi_at

SHORTEST, LONGEST = 0.2, 300.0


def play(pace: Pace, seconds: float, tells: bool) -> tuple[int, float]:
    """How often a job of so many seconds is looked at, and how late its end is noticed."""
    now, looks, vain = 0.0, 0, 0
    percent: float | None = None
    while True:
        now += max(SHORTEST, min(LONGEST, pace.pause(now, vain, None, percent)))
        looks += 1
        if now >= seconds:
            pace.learn(now, at_first_look=vain == 0)
            return looks, now - seconds
        vain += pace.is_due(now, vain)
        percent = float(int(100 * now / seconds)) if tells else None


def played(seconds: Callable[[], float], tells: bool, jobs: int = 300) -> tuple[float, float]:
    """The mean of the looks and the median of the delays, of all jobs after the first ten."""
    pace = Pace(60.0)
    told = [play(pace, seconds(), tells) for _ in range(jobs)][10:]
    return sum(looks for looks, _ in told) / len(told), median(late for _, late in told)


@pytest.mark.parametrize(
    ("seconds", "most_looks", "latest"), [(3, 3, 0.25), (5, 3, 0.25), (20, 3, 0.5), (60, 4, 1.0), (300, 5, 3.0)]
)
def test_jobs_of_one_length_are_asked_for_a_few_times_and_noticed_soon(
    seconds: float, most_looks: float, latest: float
) -> None:
    looks, late = played(lambda: seconds, tells=True)
    assert looks <= most_looks
    assert late <= latest


@pytest.mark.parametrize("seconds", [5.0, 20.0, 60.0, 300.0])
@pytest.mark.parametrize("tells", [True, False])
def test_jobs_that_differ_by_a_tenth(seconds: float, tells: bool) -> None:
    luck = random.Random(7)
    looks, late = played(lambda: luck.gauss(seconds, seconds / 10), tells)
    assert looks <= 6
    assert late <= max(0.5, seconds * 0.05)


def test_a_few_jobs_that_take_far_longer_do_not_make_the_others_late() -> None:
    luck = random.Random(7)
    looks, late = played(lambda: 20 * luck.paretovariate(2), tells=True)
    assert looks <= 5
    assert late <= 1


def test_a_provider_whose_pace_doubles_is_followed() -> None:
    luck, pace = random.Random(7), Pace(60.0)
    for length in (60.0, 120.0, 60.0):
        told = [play(pace, length * luck.uniform(0.95, 1.05), tells=True) for _ in range(100)]
        assert sum(looks for looks, _ in told) / 100 <= 5
        assert median(late for _, late in told) <= 3


@pytest.mark.parametrize("tells", [True, False])
def test_a_kind_that_became_three_times_as_fast_is_followed_within_a_dozen_jobs(tells: bool) -> None:
    """Each is found done at its first look, and nobody says since when."""
    pace = Pace(60.0, [60.0] * 20)
    told = [play(pace, 20.0, tells) for _ in range(30)]
    assert told[0][1] > 30
    assert all(late <= 3 for _, late in told[12:])
    assert sum(looks for looks, _ in told[12:]) / 18 <= 6


def waves(seconds: Callable[[], float], jobs: int, rounds: int = 12) -> tuple[float, float]:
    """The mean of the looks and the median of the delays of jobs that are all sent at once, again and again."""
    pace, looks, late = Pace(60.0), [], []
    for wave in range(rounds):
        ends = [seconds() for _ in range(jobs)]
        vain = [0] * jobs
        due = [(pace.pause(0.0, 0, None, None), n, 1) for n in range(jobs)]
        heapq.heapify(due)
        while due:
            now, n, count = heapq.heappop(due)
            if now >= ends[n]:
                pace.learn(now, at_first_look=vain[n] == 0)
                if wave >= 2:
                    looks.append(count)
                    late.append(now - ends[n])
                continue
            pause = max(1.0, pace.pause(now, vain[n], None, None))
            vain[n] += pace.is_due(now, vain[n])
            heapq.heappush(due, (now + pause, n, count + 1))
    return sum(looks) / len(looks), median(late)


@pytest.mark.parametrize(
    ("spread", "jobs", "most", "latest"), [(0.02, 20, 4.3, 1.0), (0.05, 50, 3.6, 2.2), (0.1, 100, 3.3, 3.6)]
)
def test_of_jobs_that_are_sent_together_the_first_to_end_do_not_speak_for_all(
    spread: float, jobs: int, most: float, latest: float
) -> None:
    luck = random.Random(7)
    looks, late = waves(lambda: luck.gauss(60.0, 60.0 * spread), jobs)
    assert looks <= most
    assert late <= latest


def test_the_first_job_of_its_kind_is_noticed_within_a_tenth_of_its_time() -> None:
    for seconds in (5.0, 20.0, 60.0, 300.0):
        looks, late = play(Pace(60.0), seconds, tells=True)
        assert looks <= 12
        assert late <= max(1.0, seconds / 10)


@pytest.mark.parametrize("left", [None, 0.0, 1.0, -5.0, 1e308, math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("percent", [None, 0.0, 1.0, 99.9, 100.0])
@pytest.mark.parametrize("elapsed", [0.0, 0.5, 60.0, 1e9])
@pytest.mark.parametrize("known", [(), (20.0, 20.0, 20.0)])
def test_whatever_the_provider_says_a_pause_is_a_time(
    known: tuple[float, ...], elapsed: float, percent: float | None, left: float | None
) -> None:
    pause = Pace(60.0, known).pause(elapsed, 3, left, percent)
    assert 0 <= pause < math.inf


def test_an_end_that_stays_near_is_asked_for_less_and_less() -> None:
    pace = Pace(60.0, [20.0] * 10)
    pauses = [pace.pause(100.0, vain, 0.0, 99.0) for vain in range(8)]
    assert pauses == sorted(pauses) and pauses[-1] > 5 * pauses[0]


def test_what_the_ledger_noticed_hours_late_teaches_nothing() -> None:
    assert Pace(60.0, [7200.0] * 10).expected() is None
    assert Pace(60.0, [7200.0] * 10 + [20.0] * 3).expected() == pytest.approx(20.0, rel=0.05)


def test_a_few_percent_are_no_estimate_to_rely_on() -> None:
    """8 % after 9 s is a hundred seconds left, or a provider that counts badly: no long pause."""
    assert Pace(60.0).pause(9.0, 0, None, 8.0) <= 14
    assert Pace(60.0).pause(9.0, 0, None, 50.0) == pytest.approx(9.0, rel=0.1)


def test_a_percentage_is_finer_than_seconds_told_in_whole_ones() -> None:
    """1 s left may be 0.5 s or 1.5 s; 80 % after 3.2 s says 0.8 s. Where the two contradict, the seconds count."""
    pace = Pace(60.0, [3.0] * 10)
    assert pace.pause(3.2, 0, 1.0, 80.0) == pytest.approx(0.8, rel=0.05)
    assert pace.pause(3.2, 0, 5.0, 80.0) == pytest.approx(5.0, rel=0.05)
    assert pace.pause(3.2, 0, 30_000.0, 80.0) < 1.0  # in milliseconds, or made up


async def test_a_job_is_asked_for_less_once_its_kind_is_known(prepared: Path) -> None:
    with Emulator(job_seconds=2.0, queue_seconds=0.0) as emulator:
        emulator.add_faults({"kind": "fetch_missing_fields", "fields": ["data.progress"]})
        account, looks = ttapi_at(emulator.url), []
        for name in ("first", "second"):
            await asyncio.gather(*(buy(imagine(prompt=f"{name} bell {n}"), account) for n in range(4)))
            looks.append(emulator.requests()["requests"]["GET /midjourney/v1/fetch"])
    first, both = looks
    assert 2 * (both - first) < first


def test_the_ledger_knows_what_jobs_of_a_kind_took(ledger: Ledger, ttapi: Account) -> None:
    asyncio.run(buy(imagine(), ttapi))
    row = the_row()
    assert row.finished_at is not None and row.submitted_at is not None
    took = ledger.took(row.operation, row.account, {"mode": row.request.get("mode")}, 5)
    assert took == [row.finished_at - row.submitted_at]
    assert ledger.took(row.operation, row.account, {"mode": "another"}, 5) == []
    assert ledger.took(row.operation, "another", {}, 5) == []

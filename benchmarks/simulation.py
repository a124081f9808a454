"""A day of a million jobs, on a clock of its own: the real ledger, its admission and the real pace; no network.

python -m benchmarks.simulation [--a-day 1_000_000 …] [--minutes 30] [--rows 1_000_000] [--url postgresql://…]

Jobs arrive evenly, at as many accounts as they need; the provider is a distribution. What the clock shows is simulated,
what the ledger takes is measured: its share of a second in which so many jobs arrive says when it gives way. Written to
benchmarks/results/simulation.json.
"""

from __future__ import annotations

import argparse
import hashlib
import heapq
import itertools
import json
import math
import random
import statistics
import tempfile
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.ledger import fill
from benchmarks.machine import machine
from prefect_genmedia.jobs.looking.pace import KEPT, Pace
from prefect_genmedia.jobs.wait import WRITTEN_SECONDS
from prefect_genmedia.ledger import Database, Full, JobRow, Ledger, Queue, Want
from prefect_genmedia.operation import JobState, JobStatus
from prefect_genmedia.settings import Settings

X = TypeVar("X")
RESULT = Path(__file__).parent / "results" / "simulation.json"
LEASE_SECONDS = 60.0
SUBMIT_SECONDS, DOWNLOAD_SECONDS = 0.8, 2.0
TYPICAL_SECONDS = 60.0
SLOW = 0.03  # the share of jobs that take four times as long
SPREAD = 0.25  # of the logarithm: two thirds of the others take 47 to 77 s
PLACES = 100  # that one account's queue has
ROOM = 1.25  # places for each that is needed on average
FILES = 5
RUNNING = JobStatus(JobState.RUNNING, "ON_QUEUE", percent=None)
DONE = JobStatus(JobState.SUCCEEDED, "SUCCESS", percent=100.0, quota=4.0)
FILE = {"role": "image", "uri": "s3://bucket/a.png", "sha256": "a" * 64, "media_type": "image/png", "bytes": 1_234_567}


class ByTheClock(Ledger):
    """The ledger at a moment that is given."""

    moment = 0.0

    def clock(self) -> float:
        return self.moment

    def lease_clock(self) -> float:
        return self.moment


@dataclass
class Job:
    number: int
    account: str
    arrived: float
    row: JobRow | None = None
    sent_at: float = 0.0
    accepted_at: float = 0.0
    ends_at: float = 0.0
    vain: int = 0
    written_at: float = 0.0

    @property
    def owner(self) -> str:
        return f"call-{self.number}"

    @property
    def want(self) -> Want:
        key = hashlib.sha256(f"{self.account} {self.number}".encode()).hexdigest()
        return Want(
            key=key, request_hash=key, scope="flow:day", copy=0, operation="midjourney.imagine",
            base_url="https://api.example", account=self.account, title=f"wish {self.number}", queue="midjourney",
            request={"prompt": f"wish {self.number} --ar 3:2", "mode": "fast"}, expected_cost=4.0, run="flow:day",
        )  # fmt: skip


@dataclass
class Account:
    """A line of ours before its queue, and what it taught."""

    waiting: deque[Job] = field(default_factory=deque)
    in_progress: int = 0
    asked_at: deque[float] = field(default_factory=deque)
    """When it was asked, within the last second."""
    busiest: int = 0


class Day:
    """Some minutes of it."""

    def __init__(self, ledger: ByTheClock, a_day: int, seconds: float) -> None:
        self._ledger, self._seconds, self._rate = ledger, seconds, a_day / 86_400
        self._random = random.Random(a_day)
        count = max(1, math.ceil(self._rate * (TYPICAL_SECONDS * 1.2 + 5) * ROOM / PLACES))
        self._accounts = {f"{a_day}-{number}": Account() for number in range(count)}
        # As on any day but the first: what such jobs took lately is known.
        self._pace = Pace(TYPICAL_SECONDS, [self._work_seconds() for _ in range(KEPT)])
        self._due: list[tuple[float, int, Callable[[Job], None], Job]] = []
        self._order = itertools.count()
        self._settings = Settings()
        self._began = ledger.moment
        self.took: dict[str, float] = defaultdict(float)
        self.calls: Counter[str] = Counter()
        self.looks = 0
        self.late: list[float] = []
        self.waited: list[float] = []
        self._owners: set[str] = set()

    def run(self) -> dict[str, Any]:
        names = list(self._accounts)
        for number in range(int(self._rate * self._seconds)):
            job = Job(number, names[number % len(names)], self._began + number / self._rate)
            self._at(job.arrived, self._arrive, job)
        renewed_at = self._began
        while self._due:
            if self._due[0][0] >= renewed_at + LEASE_SECONDS / 3:
                renewed_at = self._ledger.moment
                self._measured("renew", lambda: self._ledger.renew(*self._owners))
            self._ledger.moment, _, step, job = heapq.heappop(self._due)
            step(job)
        return self._told()

    def _at(self, moment: float, step: Callable[[Job], None], job: Job) -> None:
        heapq.heappush(self._due, (moment, next(self._order), step, job))

    def _measured(self, name: str, step: Callable[[], X]) -> X:
        started = time.perf_counter()
        try:
            return step()
        finally:
            self.took[name] += time.perf_counter() - started
            self.calls[name] += 1

    def _arrive(self, job: Job) -> None:
        job.row = self._measured("claim", lambda: self._ledger.claim(job.want, job.owner)).row
        self._owners.add(job.owner)
        self._accounts[job.account].waiting.append(job)
        self._send_next(job)

    def _send_next(self, job: Job) -> None:
        account = self._accounts[job.account]
        while account.waiting and account.in_progress < PLACES:
            first = account.waiting[0]
            assert first.row is not None
            queue = Queue(first.account, "midjourney", TYPICAL_SECONDS, PLACES)
            intend = partial(self._ledger.intend, first.row, first.owner, first.want, queue)
            try:
                sent = self._measured("intend", intend)
            except Full:
                self._at(self._ledger.moment + 0.25, self._send_next, first)
                return
            assert sent is not None
            account.waiting.popleft()
            account.in_progress += 1
            first.row, first.sent_at = sent, self._ledger.moment
            self.waited.append(first.sent_at - first.arrived)
            self._at(self._ledger.moment + SUBMIT_SECONDS, self._accepted, first)

    def _accepted(self, job: Job) -> None:
        row = job.row
        assert row is not None
        self._measured("submitted", lambda: self._ledger.submitted(row.id, f"job-{row.id}", "accepted"))
        job.accepted_at = self._ledger.moment
        job.ends_at = job.accepted_at + self._work_seconds()
        self._look_later(job)

    def _look_later(self, job: Job) -> None:
        pause = self._pace.pause(self._ledger.moment - job.accepted_at, job.vain, None, None)
        bounds = self._settings.poll_seconds, self._settings.poll_max_seconds
        self._at(self._ledger.moment + max(bounds[0], min(bounds[1], pause)), self._look, job)

    def _look(self, job: Job) -> None:
        row, now = job.row, self._ledger.moment
        assert row is not None
        self.looks += 1
        account = self._accounts[job.account]
        account.asked_at.append(now)
        while account.asked_at[0] < now - 1:
            account.asked_at.popleft()
        account.busiest = max(account.busiest, len(account.asked_at))
        elapsed = now - job.accepted_at
        if now < job.ends_at:
            if now >= job.written_at + WRITTEN_SECONDS:
                job.written_at = now
                self._measured("progress", lambda: self._ledger.progress(row.id, job.owner, RUNNING))
            self._look_later(job)
            job.vain += self._pace.is_due(elapsed, job.vain)
            return
        self.late.append(now - job.ends_at)
        self._pace.learn(elapsed, at_first_look=job.vain == 0)
        self._measured("succeeded", lambda: self._ledger.succeeded(row.id, DONE, {"seed": 7}, [], row.job_id))
        account.in_progress -= 1
        self._send_next(job)
        self._at(now + DOWNLOAD_SECONDS, self._stored, job)

    def _stored(self, job: Job) -> None:
        row = job.row
        assert row is not None
        files = {place: {**FILE, "uri": f"s3://bucket/{row.id}-{place}.png"} for place in range(FILES)}
        self._measured("stored", lambda: self._ledger.stored(row.id, files))
        self._measured("release", lambda: self._ledger.release(job.owner))
        self._owners.discard(job.owner)

    def _work_seconds(self) -> float:
        slow = 4.0 if self._random.random() < SLOW else 1.0
        return TYPICAL_SECONDS * slow * self._random.lognormvariate(0.0, SPREAD)

    def _told(self) -> dict[str, Any]:
        jobs = len(self.late)
        per_job = {name: round(1000 * seconds / jobs, 3) for name, seconds in sorted(self.took.items())}
        return {
            "jobs": jobs,
            "jobs_a_second": round(self._rate, 2),
            "accounts": len(self._accounts),
            "ledger_ms_a_job": per_job,
            "ledger_busy": round(sum(self.took.values()) / jobs * self._rate, 4),
            "looks_a_job": round(self.looks / jobs, 2),
            "late_median": round(statistics.median(self.late), 2),
            "late_p95": round(statistics.quantiles(self.late, n=20)[-1], 2),
            "waited_median": round(statistics.median(self.waited), 2),
            "waited_p95": round(statistics.quantiles(self.waited, n=20)[-1], 2),
            "looks_in_an_accounts_busiest_second": max(each.busiest for each in self._accounts.values()),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--a-day", type=int, nargs="+", default=[1_000_000, 2_000_000, 4_000_000, 8_000_000])
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--rows", type=int, default=1_000_000, help="jobs of the last hundred days that are there")
    parser.add_argument("--url", help="an empty PostgreSQL database, or a new SQLite file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="genmedia-bench-") as folder:
        url = options.url or f"sqlite:///{folder}/ledger.db"
        fill(url, options.rows)
        ledger = ByTheClock(Database(url), LEASE_SECONDS)
        days = {}
        for a_day in options.a_day:
            ledger.moment = time.time()
            days[f"{a_day:,} a day"] = told = Day(ledger, a_day, options.minutes * 60).run()
            print(f"{a_day:,} a day: {json.dumps(told)}", flush=True)
        found = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        name = "SQLite" if ledger.database.sqlite else "PostgreSQL"
        found[name] = {"rows_before": options.rows, "minutes": options.minutes, "days": days}
        RESULT.write_text(json.dumps({**found, "machine": machine()}, indent=1) + "\n")
        ledger.database.engine.dispose()


if __name__ == "__main__":
    main()

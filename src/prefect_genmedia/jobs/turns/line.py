"""The line before a provider's queue: whose job is sent next, and how many are sent at once.

How many may be in progress is counted in the ledger, over all workers. Here stand the jobs of one process, so that
only the first in line asks, and nobody asks in vain again and again.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import math
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from prefect_genmedia.errors import QueueFullError
from prefect_genmedia.ledger.values import PROBE_SECONDS

ASK_AGAIN_SECONDS = 0.25  # while other workers fill the queue
FIRST_BURST = 8.0  # submits on their way at once to a queue of unknown length: most of too many are refused
GROWTH = 0.5  # for each that is taken: soon as many as there are


Rank = tuple[float, float, int]
"""The higher priority first, then runs by turns, then who came first."""


@dataclass(order=True)
class _Waiter:
    rank: Rank
    run: str = field(compare=False)
    loop: asyncio.AbstractEventLoop = field(compare=False)
    called: asyncio.Event = field(compare=False)
    state: Literal["waiting", "called"] = field(default="waiting", compare=False)


class Line:
    """One account's line before one of its queues. Shared by all event loops of the process."""

    def __init__(self, *, careful: bool) -> None:
        self._lock = threading.Lock()
        self._waiting: list[_Waiter] = []
        self._numbers = itertools.count()
        self._turns: dict[str, float] = {}
        self._turn = 0.0
        self._burst = FIRST_BURST if careful else math.inf
        self._asking = 0
        self._not_before = 0.0
        self._learnt_at = 0.0
        self._most = math.inf
        self.in_progress = 0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def is_short(self) -> bool:
        """Is at most one of ours in progress or in line?"""
        return self.in_progress + self.waiting <= 1

    def has(self, run: str, priority: int) -> bool:
        """Does this run wait here with such a priority?"""
        with self._lock:
            return any(each.run == run and each.rank[0] == -priority for each in self._waiting)

    async def take(
        self, run: str, priority: int, deadline: float, rank: Rank | None, still_waits: Callable[[], Awaitable[None]]
    ) -> Rank:
        """Wait for a place; `rank` is that of an earlier try. Raises QueueFullError at the deadline (monotonic).

        The first in line says now and then that it still waits.
        """
        waiter = self._stand(run, priority, rank)
        try:
            while True:
                self._call_next()
                if waiter.state == "called":
                    return waiter.rank
                left = deadline - time.monotonic()
                if left <= 0:
                    raise QueueFullError("our deadline passed while the provider's queue was full; nothing was sent")
                # A place wakes its waiter; who looks again looks for what time brings. The more wait, the rarer,
                # but for the first in line.
                is_first = self._waiting[:1] == [waiter]
                pause = ASK_AGAIN_SECONDS + (0.0 if is_first else 0.01 * self.waiting)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(left, pause)):
                        await waiter.called.wait()
                # Not while one that was called sleeps before it sends again: then we could not use a place.
                if is_first and waiter.state == "waiting" and not self._asking:
                    await still_waits()
        except BaseException:
            self._leave(waiter)
            raise

    def answered(self, *, taken: bool) -> None:
        """The provider has said something to one that was called, or it asks no more."""
        with self._lock:
            self._asking -= 1
            self._burst += GROWTH * taken
        self._call_next()

    def give_back(self) -> None:
        """One of ours is in progress no more."""
        with self._lock:
            self.in_progress -= 1
            self._not_before = 0.0
        self._call_next()

    def limit(self, most: float) -> None:
        """No more than so many may be in progress, as far as we know."""
        with self._lock:
            self._most, self._learnt_at = max(1.0, most), time.monotonic()

    def step_back(self, most: float) -> None:
        """One that was called found no place: no more than `most` may be in progress, and for a moment nobody asks.

        The next is not called: it would find none either.
        """
        with self._lock:
            self.in_progress -= 1
            self._asking -= 1
            self._most, self._learnt_at = max(1.0, most), time.monotonic()
            self._not_before = self._learnt_at + ASK_AGAIN_SECONDS

    def _stand(self, run: str, priority: int, rank: Rank | None) -> _Waiter:
        with self._lock:
            if rank is None:
                # A run that comes later stands beside the others' next, and not before all of them.
                turn = max(self._turns.get(run, 0.0) + 1, self._turn)
                self._turns[run] = turn
                rank = (-priority, turn, next(self._numbers))
            waiter = _Waiter(rank, run, asyncio.get_running_loop(), asyncio.Event())
            heapq.heappush(self._waiting, waiter)
            return waiter

    def _leave(self, waiter: _Waiter) -> None:
        with self._lock:
            if waiter.state == "waiting":
                self._waiting.remove(waiter)
                heapq.heapify(self._waiting)
                return
        self.answered(taken=False)
        self.give_back()

    def _call_next(self) -> None:
        with self._lock:
            now = time.monotonic()
            if self._most != math.inf and now - self._learnt_at > PROBE_SECONDS:
                self._most, self._learnt_at = self._most + 1, now
            while self._waiting and now >= self._not_before and self._has_room():
                waiter = heapq.heappop(self._waiting)
                waiter.state = "called"
                self.in_progress += 1
                self._asking += 1
                self._turn = max(self._turn, waiter.rank[1])
                waiter.loop.call_soon_threadsafe(waiter.called.set)
            if not self._waiting:
                self._turns.clear()

    def _has_room(self) -> bool:
        if self._most == math.inf:
            return self._asking < self._burst
        return self.in_progress < self._most


_lines: dict[tuple[str, str], Line] = {}


def line_of(account: str, queue: str, *, careful: bool) -> Line:
    """This account's line before this queue; `careful` where the provider refuses what is too much."""
    return _lines.setdefault((account, queue), Line(careful=careful))

"""A call's place in its provider's queue, and how long that queue may be."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import time
from dataclasses import dataclass, field
from typing import Literal

from prefect_genmedia.errors import GenMediaError, LedgerError
from prefect_genmedia.jobs.call import Call
from prefect_genmedia.jobs.turns.line import Line, Rank, line_of
from prefect_genmedia.jobs.turns.unwatched import look_after
from prefect_genmedia.ledger import Full, Queue
from prefect_genmedia.ledger.values import LINE_SECONDS

LOOK_SECONDS = 2.0  # between looks at jobs that hold a place and that nobody watches
TELL_SECONDS = 1.0  # between words to the ledger that a run waits: well within LINE_SECONDS
PAGE_SECONDS = 5.0  # a page that does not answer holds up no purchase for longer
GOOD_SECONDS, VAIN_SECONDS = 600.0, 60.0  # after so long the page is read again


@dataclass
class _Page:
    """What the account's page said last, for all of the process."""

    most: int | None = None
    good_until: float = 0.0
    look_at: float = 0.0
    """When to look again after jobs that nobody watches."""
    told: dict[tuple[str, int], tuple[float, Full]] = field(default_factory=dict)
    """When the ledger was told last that a run waits with a priority, and for what."""
    reading: concurrent.futures.Future[int | None] | None = field(default=None)


_pages: dict[Line, _Page] = {}


class Place:
    """One call's place: taken before its job is sent, given back when the provider has done it."""

    def __init__(self, call: Call) -> None:
        self._call = call
        refuses = call.account.provider.refuses_full_queues
        self._is_counted = refuses or call.settings.max_in_progress is not None
        self._line = line_of(call.account.fingerprint, call.operation.queue, careful=refuses)
        self._page = _pages.setdefault(self._line, _Page())
        self._rank: Rank | None = None
        self._state: Literal["none", "asking", "in progress"] = "none"

    async def take(self) -> None:
        """Wait until the provider's queue seems to have a place for one more job. Raises QueueFullError."""
        if self._state == "none":
            call = self._call
            if (most := call.settings.max_in_progress) is not None:
                self._line.limit(most)
            call.wait_for_turn()
            run, priority = call.run.name, call.terms.priority
            self._rank = await self._line.take(run, priority, call.deadline, self._rank, self._still_waits)
            self._state = "asking"

    async def queue(self) -> Queue | None:
        """The queue as it is counted in the ledger; None where nothing limits it."""
        if not self._is_counted:
            return None
        call, most = self._call, self._call.settings.max_in_progress
        if most is None and call.operation.queue_limit is not None and not self._line.is_short:
            most = await self._read_page()
        if most is not None:
            self._line.limit(most)
        operation, more_wait = call.operation, self._line.has(call.run.name, call.terms.priority)
        return Queue(call.account.fingerprint, operation.queue, operation.typical_seconds, most, more_wait)

    def answered(self, *, taken: bool = False) -> None:
        """The provider has said something, or will not: the next of ours may ask."""
        if self._state == "asking":
            self._state = "in progress"
            self._line.answered(taken=taken)

    def give_back(self) -> None:
        """Our job is no longer in progress at the provider."""
        self.answered()
        if self._state == "in progress":
            self._state = "none"
            self._line.give_back()

    async def full(self, full: Full) -> None:
        """As many as the queue takes are in progress, over all workers: wait for one to end.

        The ledger is told that we wait, so that other processes let us go first when it is our turn.
        """
        if time.monotonic() >= self._page.look_at:
            self._page.look_at = time.monotonic() + LOOK_SECONDS
            await look_after(self._call, full.queue)
        await self._tell(full)
        self._step_back(full.most)

    async def _still_waits(self) -> None:
        """While our own jobs fill the queue we do not ask: when one ends, who has less right must not be first."""
        _, full = self._page.told.get((self._call.run.name, self._call.terms.priority), (0.0, None))
        if full is not None and full.shared:
            await self._tell(full)

    async def _tell(self, full: Full) -> None:
        ours, now, told = (self._call.run.name, self._call.terms.priority), time.monotonic(), self._page.told
        if ours in told and now <= told[ours][0] + TELL_SECONDS:
            return
        self._page.told = {each: last for each, last in told.copy().items() if now <= last[0] + LINE_SECONDS}
        self._page.told[ours] = now, full
        with contextlib.suppress(LedgerError):  # only turns
            await asyncio.to_thread(self._call.ledger.wait_in_line, full, *ours)

    def refused(self, in_progress: int) -> None:
        """The provider took no more than what is in progress."""
        self._step_back(in_progress)
        self._page.good_until = 0.0

    def _step_back(self, most: int) -> None:
        """Into the line again, before those who came later."""
        if self._state == "asking":
            self._state = "none"
            self._line.step_back(most)
        else:  # a second attempt, whose place is from the first
            self.give_back()
            self._line.limit(most)

    async def _read_page(self) -> int | None:
        """What the provider says that the queue takes; None when it does not say. One asks for all that wait."""
        page = self._page
        if time.monotonic() < page.good_until:
            return page.most
        if (reading := page.reading) is not None:
            return await asyncio.shield(asyncio.wrap_future(reading))
        page.reading = reading = concurrent.futures.Future()
        most = None
        try:
            most = await self._ask_page()
        finally:
            page.most, page.reading = most, None
            page.good_until = time.monotonic() + (VAIN_SECONDS if most is None else GOOD_SECONDS)
            reading.set_result(most)
        return most

    async def _ask_page(self) -> int | None:
        call, limit = self._call, self._call.operation.queue_limit
        if limit is None:
            return None
        try:
            async with asyncio.timeout(PAGE_SECONDS):
                return limit.read((await call.pool.fetch(call.account, limit.path, {})).body)
        except (GenMediaError, TimeoutError):
            return None  # the submit will say what is wrong; refusals teach us as well

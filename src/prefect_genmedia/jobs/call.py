"""One call: what never changes while it works on a job, and how it writes facts into the ledger."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar

from prefect_genmedia.errors import MAY_BE_BILLED, LedgerError
from prefect_genmedia.jobs.values import Progress, Run, Terms, ref_of
from prefect_genmedia.media import MediaStore
from prefect_genmedia.operation import Account, Operation
from prefect_genmedia.settings import Settings
from prefect_genmedia.wire.http import Pool

if TYPE_CHECKING:
    from prefect_genmedia.ledger import JobRow, Ledger

P = ParamSpec("P")
T = TypeVar("T")

CLAIM_PATIENCE_SECONDS = 5.0  # nothing is bought yet: say soon that the database is away
READ_PATIENCE_SECONDS = 60.0  # a job is claimed: a database that restarts must not end it
FACT_PATIENCE_SECONDS = 600.0  # a fact about money: longer than a failover takes
LONGEST_FACT = 300  # characters of a fact in an error: enough for a job id; an answer may be long


class Taken(Exception):
    """Another call has taken the row over."""


@dataclass(eq=False)
class Call:
    """The surroundings of one call."""

    operation: Operation[Any, Any]
    account: Account
    run: Run
    terms: Terms
    settings: Settings
    ledger: Ledger
    store: MediaStore
    pool: Pool
    owner: str
    """Names this call in the rows that it works on."""
    work_seconds: float
    """How long the work may take, once it is the job's turn."""
    turn_seconds: float
    """How long it may still wait for its turn: before it is sent, and in the provider's own queue."""
    deadline: float
    """Of what it does now, by time.monotonic(): a clock that is set back changes no wait."""
    _waits_since: float | None = None

    @property
    def provider(self) -> str:
        return self.account.provider.name

    def wait_for_turn(self) -> None:
        """From now on time is spent that is for waiting; what is left of it is the deadline."""
        if self._waits_since is None:
            self._waits_since = time.monotonic()
            self.deadline = self._waits_since + self.turn_seconds

    def begin_work(self) -> None:
        """The wait for its turn, if it is one, ends here: now the whole time for the work begins."""
        if self._waits_since is not None:
            now = time.monotonic()
            self.turn_seconds = max(0.0, self.turn_seconds - (now - self._waits_since))
            self._waits_since, self.deadline = None, now + self.work_seconds

    def is_over(self, pause: float = 0.0) -> bool:
        """Will our deadline have passed after this many seconds?"""
        return time.monotonic() + pause > self.deadline

    async def ask_ledger(self, seconds: float, question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask the ledger, and again while its database is away. Raises LedgerError after `seconds`."""
        return await self._insist(seconds, question.__name__, partial(question, *args, **kwargs))

    async def read_row(self, row_id: str) -> JobRow:
        return await self.ask_ledger(READ_PATIENCE_SECONDS, self._row, row_id)

    def _row(self, row_id: str) -> JobRow:
        row = self.ledger.get(row_id)
        if row is None:
            raise LedgerError(f"job {row_id} has vanished from the ledger", away=False)
        return row

    async def record_fact(self, row: JobRow, record: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Record a fact about money, however long the database is away, and even while being cancelled."""
        words = f"job {row.id}: {record.__name__} {args[1:]}"
        return await self._record(row, words, partial(record, *args, **kwargs))

    async def record_and_read(
        self, row: JobRow, record: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> tuple[T, JobRow]:
        """The same, and the row as it then is: handed to one thread, for each such way costs time."""

        def both() -> tuple[T, JobRow]:
            return record(*args, **kwargs), self._row(row.id)

        return await self._record(row, f"job {row.id}: {record.__name__} {args[1:]}", both)

    async def _record(self, row: JobRow, words: str, record: Callable[[], T]) -> T:
        fact = words[:LONGEST_FACT]

        async def stubbornly() -> T:
            try:
                return await self._insist(FACT_PATIENCE_SECONDS, fact, record)
            except LedgerError as error:
                error.args = (f"{error.message}; not recorded: {fact}",)
                if row.job_id is None:
                    error.money = MAY_BE_BILLED
                raise error.about(ref_of(row), self.provider) from None

        return await to_its_end(stubbornly())

    async def _insist(self, seconds: float, words: str, ask: Callable[[], T]) -> T:
        until = time.monotonic() + seconds
        pause, level = 0.1, logging.ERROR
        while True:
            try:
                return await in_thread(ask)
            except LedgerError as error:
                if not error.away or time.monotonic() > until:
                    raise
                self.run.log.log(level, "The ledger is away; waiting for it, for at most %.0f s: %s", seconds, words)
                level = logging.DEBUG  # said once
            await asyncio.sleep(pause)
            pause = min(5.0, pause * 2)

    def show(
        self,
        row: JobRow,
        state: Literal["queued", "running", "downloading", "done"],
        percent: float | None = None,
        eta: float | None = None,
    ) -> None:
        """Tell whoever watches; their failure is none of the job's."""
        if self.run.on_progress is not None:
            try:
                self.run.on_progress(Progress(ref_of(row), state, percent, eta))
            except Exception as failure:
                self.run.log.debug("%s: its progress was not shown: %r", row.operation, failure)


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` in a thread. A cancellation is held back until it has ended.

    The end of asyncio.run cancels every task there is, and with a task the work that still waits for its thread:
    what is awaited here is no task.
    """
    running = asyncio.get_running_loop().run_in_executor(None, partial(work, *args, **kwargs))
    cancelled = False
    while not running.done():
        cancelled |= await outlast(running, 0.0)
    if cancelled:
        running.exception()  # looked at: a cancelled caller has no use for it
        raise asyncio.CancelledError
    return running.result()


async def to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Await `work` so that a cancellation is held back until it has ended, however often it comes."""
    running = asyncio.ensure_future(work)
    cancelled = False
    while not running.done():
        cancelled |= await outlast(running, 0.0)
    if cancelled:
        running.exception()  # looked at: a cancelled caller has no use for it
        raise asyncio.CancelledError
    return running.result()


async def outlast(running: asyncio.Future[Any], seconds: float) -> bool:
    """Wait until `running` is done; once cancelled, for at most so many seconds more. Were we cancelled?"""
    try:
        await asyncio.wait([running])
        return False
    except asyncio.CancelledError:
        pass
    with contextlib.suppress(asyncio.CancelledError):  # asked twice: at once, then
        await asyncio.wait([running], timeout=seconds)
    return True

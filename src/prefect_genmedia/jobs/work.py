"""One call's work on one row: what every step needs, and the sentences that the steps say."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, ParamSpec, TypeVar

from prefect_genmedia.errors import (
    ConfigurationError,
    GenMediaError,
    JobExpiredError,
    JobFailedError,
    JobTimeoutError,
    LedgerError,
    SubmitOutcomeUnknown,
)
from prefect_genmedia.jobs.slots import slots_of
from prefect_genmedia.jobs.values import JobResult, Progress, Run, Terms, media_file_of, ref_of
from prefect_genmedia.ledger import JobRow, Ledger, LedgerState, MediaRow, Want
from prefect_genmedia.media import MediaStore
from prefect_genmedia.operation import Account, Link, Operation
from prefect_genmedia.settings import Settings
from prefect_genmedia.wire.http import Pool

P = ParamSpec("P")
T = TypeVar("T")

LEDGER_PATIENCE_SECONDS = 600.0  # how long a fact about money waits for a database that is away
READ_PATIENCE_SECONDS = 60.0  # how long anything else does, once a row is claimed


class Taken(Exception):
    """Another call has taken the row over."""


@dataclass
class Work:
    """The state of one call. `want` and `body` are None when a job is only brought in, never bought."""

    operation: Operation[Any, Any]
    account: Account
    run: Run
    terms: Terms
    settings: Settings
    ledger: Ledger
    store: MediaStore
    pool: Pool
    want: Want | None = None
    body: Callable[[], dict[str, Any]] | None = None
    owner: str = field(default_factory=lambda: uuid.uuid4().hex)
    links: list[Link] | None = None
    """The result's links as last fetched. They may be signed: they live only here."""

    resubmitted: bool = False
    """Has this call already bought an unknown job again? The policy allows it once."""

    sent: bool = False
    """May a POST of this call be on its way, or have arrived? Until then an INTENT is surely not bought."""
    _holds_slot: bool = False

    def __post_init__(self) -> None:
        asked = self.terms.deadline_seconds
        seconds = self.operation.deadline_seconds if asked is None else asked
        # Monotonic: a clock that is set back neither shortens nor lengthens a wait.
        self.deadline = time.monotonic() + seconds
        self.slots = slots_of(self.account.fingerprint, self.operation.name)

    async def take_slot(self) -> None:
        """Wait until the provider's queue has a place for one more of our jobs. Raises QueueFullError."""
        if not self._holds_slot:
            await self.slots.take(self.deadline)
            self._holds_slot = True

    def give_slot(self) -> None:
        """Our job is no longer in progress at the provider."""
        if self._holds_slot:
            self._holds_slot = False
            self.slots.give_back()

    async def row(self, row_id: str) -> JobRow:
        row = await self.patiently(READ_PATIENCE_SECONDS, self.ledger.get, row_id)
        if row is None:
            raise LedgerError(f"job {row_id} has vanished from the ledger")
        return row

    async def patiently(self, seconds: float, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask the ledger, and again while its database is away. Raises LedgerError after `seconds`."""
        return await self._insist(seconds, call.__name__, partial(call, *args, **kwargs))

    async def _insist(self, seconds: float, words: str, call: Callable[[], T]) -> T:
        until = time.monotonic() + seconds
        pause = 0.1
        while True:
            try:
                return await asyncio.to_thread(call)
            except LedgerError:
                if time.monotonic() > until:
                    raise
                self.run.log.error("The ledger is away; waiting for it: %s", words)
            await asyncio.sleep(pause)
            pause = min(5.0, pause * 2)

    async def must(self, row: JobRow, record: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Record a fact about money, however long the database is away, and even while being cancelled."""
        fact = f"job {row.id}: {record.__name__} {args[1:]}"[:300]  # enough for a job id; an answer may be long

        async def stubbornly() -> T:
            try:
                return await self._insist(LEDGER_PATIENCE_SECONDS, fact, partial(record, *args, **kwargs))
            except LedgerError as error:
                error.args = (f"{error.message}; not recorded: {fact}",)
                raise self.about(error, row) from None

        recording = asyncio.ensure_future(stubbornly())
        try:
            return await asyncio.shield(recording)
        except asyncio.CancelledError:
            # The fact is written first; the cancellation goes on after it.
            await recording
            raise

    async def show(
        self,
        row: JobRow,
        state: Literal["queued", "running", "downloading", "done"],
        percent: float | None = None,
        eta: float | None = None,
    ) -> None:
        if self.run.on_progress is not None:
            await self.run.on_progress(Progress(ref_of(row), state, percent, eta))

    def result(self, row: JobRow, files: list[MediaRow]) -> JobResult[Any]:
        result = self.operation.result.model_validate(row.result or {})
        return JobResult(job=ref_of(row), media=[media_file_of(file) for file in files], result=result, quota=row.quota)

    # -- what the errors say ----------------------------------------------------------------------

    def _named(self, row: JobRow) -> dict[str, Any]:
        return {"provider": self.account.provider.name, "operation": row.operation, "job": ref_of(row)}

    def about(self, error: GenMediaError, row: JobRow) -> GenMediaError:
        """The same error, naming the job that it leaves behind."""
        error.job, error.operation, error.provider = ref_of(row), row.operation, self.account.provider.name
        # Whatever it came from may hold a request, and so a key or a signed link.
        error.__context__ = error.__cause__ = None
        if not error.advice and not isinstance(error, ConfigurationError):
            error.advice = f"The job is safe; waiting for it again costs nothing: genmedia jobs resume {row.id[:12]}"
        return error

    def late(self, row: JobRow) -> JobTimeoutError:
        return JobTimeoutError(
            "our deadline passed; the job may still finish",
            advice=f"Waiting for it again costs nothing: run again, or genmedia jobs resume {row.id[:12]}",
            **self._named(row),
        )

    def unknown(self, row: JobRow, said: str) -> SubmitOutcomeUnknown:
        return SubmitOutcomeUnknown(
            f"the submit got no usable answer ({row.reason}) and may be billed; {said}; "
            f"policy {self.terms.on_unknown!r}: not sent again",
            advice=f"Look it up at the provider, then: genmedia jobs adopt {row.id[:12]} --job-id ID, or "
            f"genmedia jobs adopt {row.id[:12]} --not-accepted.",
            **self._named(row),
        )

    def bad_end(self, row: JobRow) -> GenMediaError:
        if row.state == LedgerState.EXPIRED:
            return JobExpiredError(f"the provider no longer knows the job: {row.reason}", **self._named(row))
        money = {True: "The quota was returned. ", False: "The quota was kept. ", None: ""}[row.refunded]
        return JobFailedError(
            f"the provider says that it failed: {row.reason or 'no reason given'}",
            refunded=row.refunded,
            advice=f"{money}Another attempt is another purchase: ask for attempts={row.attempt + 1}.",
            **self._named(row),
        )

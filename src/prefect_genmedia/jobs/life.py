"""A job from state to state: whose it is, what comes next, and when it is delivered."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from prefect_genmedia.errors import JobFailedError, LedgerError
from prefect_genmedia.jobs.collect import collect
from prefect_genmedia.jobs.submit import reconcile, submit
from prefect_genmedia.jobs.values import JobResult, media_file_of, ref_of
from prefect_genmedia.jobs.wait import wait
from prefect_genmedia.jobs.work import READ_PATIENCE_SECONDS, Taken, Work
from prefect_genmedia.ledger import Claim, JobRow, LedgerState, MediaRow, Want, is_dead

S = LedgerState
CLAIM_PATIENCE_SECONDS = 5.0  # nothing is bought yet: say soon that the database is away


async def deliver(work: Work, want: Want) -> JobResult[Any]:
    """The files of what is wanted: bought already, adopted, or bought now."""
    await _adopt(work, want)

    async def claim() -> Claim:
        # Before the claim: a row that says INTENT must not be waiting in line.
        if await asyncio.to_thread(work.ledger.has_none, want.key):
            await work.take_slot()
        # Asked again with the same owner, a claim whose reply was lost gives the row that it made.
        return await work.patiently(CLAIM_PATIENCE_SECONDS, work.ledger.claim, want, work.owner)

    try:
        while True:
            try:
                return await _until_delivered(work, claim)
            except JobFailedError as failure:
                claimed = await claim()
                if not claimed.mine and claimed.row.state in (S.FAILED, S.EXPIRED):
                    raise
                work.run.log.warning("%s Buying it again: attempt %d.", failure, claimed.row.attempt)
    finally:
        work.give_slot()


async def bring_in(work: Work, row: JobRow) -> JobResult[Any]:
    """The files of a job that is bought already. Never submits."""

    async def take() -> Claim:
        return await asyncio.to_thread(work.ledger.take, row.id, work.owner)

    return await _until_delivered(work, take)


async def _until_delivered(work: Work, claim: Callable[[], Awaitable[Claim]]) -> JobResult[Any]:
    while True:
        claimed = await claim()
        try:
            return await _work_on(work, claimed)
        except Taken:
            # Another call works on this row: look again in a moment.
            if time.monotonic() > work.deadline:
                raise work.late(claimed.row) from None
            await asyncio.sleep(min(work.settings.poll_seconds, 1.0))


async def _adopt(work: Work, want: Want) -> None:
    """Take over an equal job that was bought for a run which never got its files."""
    for row in await asyncio.to_thread(work.ledger.undelivered, want):
        state, dead = await work.run.state_of(row.run), is_dead(row.process)
        abandoned = state == "ended" or (state == "live" and dead is True)
        # Paid and never brought in: nobody has it, whatever became of its run.
        unfetched = row.state != S.STORED and state != "live"
        if (abandoned or unfetched) and await asyncio.to_thread(work.ledger.adopt, row, want):
            work.run.log.info("Adopted job %s, bought for %s and never delivered.", ref_of(row), row.run)
            return


async def _work_on(work: Work, claimed: Claim) -> JobResult[Any]:
    row = claimed.row
    if not claimed.mine:
        if row.state not in (S.STORED, S.FAILED, S.EXPIRED):
            raise Taken
        asked = work.want.request if work.want is not None and work.operation.reading else row.request
        if row.state == S.FAILED or (row.state == S.EXPIRED and asked == row.request):
            raise work.bad_end(row)
        if asked != row.request:
            # To be read in another way than before.
            reopened = await asyncio.to_thread(work.ledger.reread, row.id, work.owner, asked)
        else:
            files = await asyncio.to_thread(work.ledger.media, row.id)
            if await asyncio.to_thread(_all_there, work, files):
                return work.result(row, files)
            # Somebody has deleted them: the provider may still have them.
            reopened = await asyncio.to_thread(work.ledger.reopen, row.id, work.owner)
        if not reopened:
            raise Taken
    async with _lease(work, row.id):
        try:
            return await _advance(work, row.id)
        except LedgerError as error:
            raise work.about(error, row) from None


def _all_there(work: Work, files: list[MediaRow]) -> bool:
    return all(work.store.has(media_file_of(file)) for file in files)


@contextlib.asynccontextmanager
async def _lease(work: Work, row_id: str) -> AsyncIterator[None]:
    """Keep the row ours while we work; leave it to whoever comes next when we stop, however we stop."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(work.settings.lease_seconds / 3)
            with contextlib.suppress(LedgerError):
                await asyncio.to_thread(work.ledger.renew, work.owner)

    keeper = asyncio.create_task(renew())
    try:
        yield
    finally:
        keeper.cancel()
        with contextlib.suppress(LedgerError):
            await asyncio.shield(work.patiently(READ_PATIENCE_SECONDS, work.ledger.release, work.owner, work.sent))


async def _advance(work: Work, row_id: str) -> JobResult[Any]:
    while True:
        row = await work.row(row_id)
        if row.state == S.STORED:
            files = await work.patiently(READ_PATIENCE_SECONDS, work.ledger.media, row.id)
            await work.show(row, "done", 100.0)
            return work.result(row, files)
        if row.state in (S.FAILED, S.EXPIRED):
            raise work.bad_end(row)
        if row.owner != work.owner:
            raise Taken
        if row.state == S.UNKNOWN:
            row_id = await reconcile(work, row)
        elif row.state == S.SUBMITTED:
            await wait(work, row)
            work.give_slot()
        elif row.state == S.SUCCEEDED:
            await collect(work, row)
        elif work.want is None:
            raise JobFailedError("it was never bought; ask for it again", job=ref_of(row))
        elif row.state == S.INTENT:
            await submit(work, row)
        else:
            await work.patiently(READ_PATIENCE_SECONDS, work.ledger.intend, row, work.owner, work.want)

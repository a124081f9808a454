"""Waiting: poll until the provider is done, at a pace that follows the job's own time."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from dataclasses import replace
from typing import Any, Literal

from prefect_genmedia.errors import (
    GenMediaError,
    LedgerError,
    NotFoundError,
    RateLimitedError,
    ResponseFormatError,
    ServerError,
    TransportError,
)
from prefect_genmedia.jobs.work import Taken, Work
from prefect_genmedia.ledger import JobRow
from prefect_genmedia.operation import JobState, JobStatus
from prefect_genmedia.wire.redaction import quotable, without_signatures
from prefect_genmedia.wire.retry import failure_pause, poll_pause

FORGOTTEN_AFTER = 3  # this many fetches in a row that do not know the job


async def fetch(work: Work, row: JobRow) -> tuple[JobStatus, dict[str, Any]]:
    """One read of the job at its provider."""
    route = work.operation.fetch_route(row.request)
    answer = await work.pool.fetch(work.account, route.path, {route.job_id: row.job_id or ""}, method=route.method)
    status = work.account.provider.status(answer.body)
    status = replace(status, message=quotable(status.message, work.account.api_key))
    return status, work.account.provider.payload(answer.body)


async def wait(work: Work, row: JobRow) -> None:
    """Until the row is SUCCEEDED, FAILED or EXPIRED. Raises JobTimeoutError, or what keeps failing, with the JobRef."""
    started, failures, missing = time.monotonic(), 0, 0
    strange: set[str] = set()
    while True:
        error: GenMediaError | None = None
        try:
            status, payload = await fetch(work, row)
            if status.state is JobState.SUCCEEDED:
                result = read_result(work, row, payload)
                await work.must(row, work.ledger.succeeded, row.id, status, result)
                return
        except NotFoundError as gone:
            missing, error = missing + 1, gone
            if missing >= FORGOTTEN_AFTER:
                await work.must(row, work.ledger.expired, row.id, gone.message)
                return
        except RateLimitedError as busy:
            error = busy  # its own pace, not a failure
        except (TransportError, ServerError, ResponseFormatError) as failure:
            failures, error = failures + 1, failure
            if failures >= work.settings.poll_failures:
                raise work.about(failure, row) from None
        except GenMediaError as final:
            raise work.about(final, row) from None
        if error is None:
            failures = missing = 0
            if status.state is JobState.FAILED:
                await work.must(row, work.ledger.failed, row.id, status)
                return
            if status.message and status.message not in strange:
                strange.add(status.message)
                work.run.log.info("%s: %s", row.operation, status.message)
            await _progress(work, row, status)
            pace = work.settings.poll_seconds, work.settings.poll_max_seconds
            pause = poll_pause(time.monotonic() - started, status.eta_seconds, *pace)
        else:
            retry_after = getattr(error, "retry_after", None)
            pause = failure_pause(failures + missing, retry_after, work.settings.poll_seconds, random.random())
        if time.monotonic() + pause > work.deadline:
            raise work.late(row)
        await _pause(work, row, pause)


def read_result(work: Work, row: JobRow, payload: dict[str, Any]) -> dict[str, Any]:
    """Keep the links in memory, give the answer without their signatures. Raises ResponseFormatError."""
    try:
        result = work.operation.result.model_validate(payload)
    except ValueError:
        raise ResponseFormatError("the finished job's answer lacks what it should hold") from None
    work.links = work.operation.links(result, row.request)
    unsigned: dict[str, Any] = without_signatures(payload)
    return unsigned


async def _progress(work: Work, row: JobRow, status: JobStatus) -> None:
    try:
        kept = await asyncio.to_thread(work.ledger.progress, row.id, work.owner, status)
    except LedgerError:
        kept = True  # only progress: the next poll writes it
    if not kept:
        raise Taken
    state: Literal["queued", "running"] = "queued" if status.state is JobState.QUEUED else "running"
    await work.show(row, state, status.percent, status.eta_seconds)


async def _pause(work: Work, row: JobRow, seconds: float) -> None:
    """Sleep, but wake when a callback says that this job has ended."""
    if not work.settings.callback_url:
        await asyncio.sleep(seconds)
        return
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        await asyncio.sleep(min(left, 0.5))
        with contextlib.suppress(LedgerError):
            now = await work.row(row.id)
            if now.hint_at != row.hint_at:
                row.hint_at = now.hint_at
                return

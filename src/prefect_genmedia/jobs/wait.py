"""Waiting: look until the provider is done, at a pace learnt from earlier jobs of its kind."""

from __future__ import annotations

import asyncio
import math
import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from prefect_genmedia.errors import (
    GenMediaError,
    JobTimeoutError,
    LedgerError,
    NotFoundError,
    RateLimitedError,
    ResponseFormatError,
    ServerError,
    TransportError,
)
from prefect_genmedia.jobs.call import Call, Taken
from prefect_genmedia.jobs.looking.outage import answered, is_silence, silent
from prefect_genmedia.jobs.looking.pace import pace_of
from prefect_genmedia.jobs.looking.wakeups import wakeups
from prefect_genmedia.jobs.values import ref_of
from prefect_genmedia.media.links import files_anywhere
from prefect_genmedia.operation import JobState, JobStatus, Link
from prefect_genmedia.quoting import without_files
from prefect_genmedia.wire.redaction import quotable, without_key, without_signatures
from prefect_genmedia.wire.retry import failure_pause

if TYPE_CHECKING:
    from prefect_genmedia.ledger import JobRow

LAST_LOOK_SECONDS = 1.0  # before the deadline: time for one more answer
SAFETY_PAUSES = 150  # shortest ones, half a minute: where callbacks are received, only a lost one makes us look
FIRST_PAUSES = 10  # two seconds, until one has been received: it is given the time to be there first
WRITTEN_SECONDS = 5.0  # between rows of a progress that says the same: nobody reads it more often
VAGUE_LOOKS = 5  # in a row, with growing pauses, until a failure that names no job counts as this job's
GRACE_SECONDS = 5.0  # after the deadline: a look that has begun may end
QUEUED = "it still stands in the provider's queue"
MOST_QUOTA = 1e6  # in any provider's unit: more than any job costs


async def fetch(call: Call, row: JobRow) -> tuple[JobStatus, dict[str, Any]]:
    """One read of the job at its provider. Raises ApiError, TransportError, ResponseFormatError.

    The answer is held against the question: another job's is never ours.
    """
    route = call.operation.fetch_route(row.request)
    left = max(0.0, call.deadline - time.monotonic()) + GRACE_SECONDS
    patience = min(left, max(1.0, call.settings.outage_seconds / 2))  # so that one that hangs is asked twice
    try:
        async with asyncio.timeout(patience):
            params = {route.job_id: row.job_id or ""}
            answer = await call.pool.fetch(call.account, route.path, params, method=route.method)
    except TimeoutError:
        late = "before our deadline" if patience == left else f"within {patience:g} s"
        raise TransportError(f"no answer {late}", provider=call.provider) from None
    provider = call.account.provider
    if (about := provider.job_id_of(answer.body)) is not None and about.casefold() != (row.job_id or "").casefold():
        raise ResponseFormatError(f"asked for job {row.job_id}, answered with job {about}", provider=provider.name)
    status = provider.status(answer.body)
    status = replace(status, message=quotable(status.message, call.account.api_key))
    return status, provider.payload(answer.body)


async def wait(call: Call, row: JobRow, accepted_at: float | None) -> tuple[JobRow, list[Link]]:
    """Until the row is SUCCEEDED, FAILED or EXPIRED; it, and the links of the result, which are kept nowhere.

    `accepted_at` is when, by time.monotonic(), this call had it accepted; None for a job of an earlier call, which
    is looked at at once. Raises JobTimeoutError, or what keeps failing, with the JobRef.
    """
    pace = await pace_of(call, row)
    hinted = row.hint_at is not None
    since = accepted_at
    if since is None:  # a clock that differs makes the pace a little worse, and nothing else
        since = time.monotonic() - max(0.0, time.time() - (row.submitted_at or row.created_at))
    elif row.hint_at is None:
        hinted = await _pause(call, row, bounded(call, pace.pause(time.monotonic() - since, 0, None, None)))
    vain, failures, missing, vague = 0, 0, 0, 0
    written_state, written_at, was_worked_on = "", -math.inf, False
    told: set[str] = set()
    while True:
        error: GenMediaError
        asked_at = time.monotonic()
        try:
            status, payload = await fetch(call, row)
            answered(call)
            vague = vague + 1 if status.is_vague else 0
            has_ended = status.state in (JobState.SUCCEEDED, JobState.FAILED)
            if has_ended and row.hint_at is None and calls_back(call, row):
                wakeups(call.ledger).arrive = False
            if status.state is not JobState.QUEUED:
                was_worked_on = True
                call.begin_work()
            elif not was_worked_on:
                call.wait_for_turn()
            if 0 < vague < VAGUE_LOOKS:
                raise ServerError(f"a failure that names no job: {status.message or status.provider_state}")
            if status.state is JobState.SUCCEEDED:
                if accepted_at is not None:
                    pace.learn(time.monotonic() - accepted_at, at_first_look=vain == 0 and not hinted)
                return await record_success(call, row, status, payload)
        except NotFoundError as gone:
            # A symptom: how long it must last before the job counts as forgotten is the ledger's to say.
            missing, error = missing + 1, gone
            lasting = call.settings.expired_after_seconds
            if await call.record_fact(row, call.ledger.missing, row.id, gone.message, lasting, row.job_id):
                return await call.read_row(row.id), []
            if missing == 1:
                call.run.log.warning("%s: the provider does not know it at present (%s).", row.operation, gone.message)
        except RateLimitedError as busy:
            error = busy  # its own pace, not a failure
        except (TransportError, ServerError, ResponseFormatError) as failure:
            failures, error = failures + 1, failure
            if failures >= call.settings.poll_failures:
                raise failure.about(ref_of(row), call.provider) from None
        except GenMediaError as final:
            raise final.about(ref_of(row), call.provider) from None
        else:
            was_missing, failures, missing = missing > 0, 0, 0
            if status.state is JobState.FAILED:
                _, now = await call.record_and_read(row, call.ledger.failed, row.id, status, row.job_id)
                return now, []
            if status.message and status.message not in told:
                told.add(status.message)
                call.run.log.info("%s: %s", row.operation, status.message)
            looked_at = time.monotonic()
            if was_missing or status.provider_state != written_state or looked_at >= written_at + WRITTEN_SECONDS:
                kept = await _write_progress(call, row, status)
                written_state, written_at = status.provider_state, looked_at if kept else -math.inf
            _show_progress(call, row, status)
            elapsed = looked_at - since
            pause = bounded(call, pace.pause(elapsed, vain, status.eta_seconds, status.percent))
            vain += pace.is_due(elapsed, vain)
            hinted = await _pause(call, row, pause, "" if was_worked_on else QUEUED)
            continue
        retry_after = getattr(error, "retry_after", None)
        pause = failure_pause(failures + missing, retry_after, trouble_pause(call), random.random())
        if not is_silence(error):
            answered(call)
        else:
            pause = silent(call, row, error, asked_at, pause)
            if error.lasting:
                raise error.about(ref_of(row), call.provider) from None
        await _pause(call, row, pause, error.message)


async def record_success(
    call: Call, row: JobRow, status: JobStatus, payload: dict[str, Any]
) -> tuple[JobRow, list[Link]]:
    """Write the finished job's answer down, without signatures and files; the row as it then is, and its links.

    Raises ResponseFormatError.
    """
    links = read_links(call, row, payload)
    status, kept, remarks = to_be_kept(call, row, status, payload)
    _, now = await call.record_and_read(row, call.ledger.succeeded, row.id, status, kept, remarks, row.job_id)
    return now, links


def to_be_kept(
    call: Call, row: JobRow, status: JobStatus, payload: dict[str, Any]
) -> tuple[JobStatus, dict[str, Any], list[str]]:
    """What the ledger keeps of a finished job's answer, and what is odd about it."""
    remarks = []
    if status.quota is not None and not 0 <= status.quota <= MOST_QUOTA:
        remarks.append(f"the provider says that it cost {status.quota:g}; the estimate is counted instead")
        status = replace(status, quota=None)
    if status.remark:
        remarks.append(status.remark)
    for remark in remarks:
        call.run.log.warning("%s: %s [job %s]", row.operation, remark, ref_of(row))
    kept: dict[str, Any] = without_signatures(without_key(without_files(payload), call.account.api_key))
    return status, kept, remarks


def read_links(call: Call, row: JobRow, payload: dict[str, Any]) -> list[Link]:
    """Where the files of a finished job are. Raises ResponseFormatError."""
    try:
        result = call.operation.result.model_validate(payload)
    except ValueError:
        raise ResponseFormatError("the finished job's answer lacks what it should hold") from None
    try:
        return call.operation.links(result, row.request)
    except ResponseFormatError:
        # Nobody can be asked again for what is in the answer to a submit: whatever file it holds is what was bought.
        if call.operation.at_once is None or not (found := files_anywhere(payload, row.request)):
            raise
        return [Link(text, "image") for text in found]


async def _write_progress(call: Call, row: JobRow, status: JobStatus) -> bool:
    """False when the ledger cannot now: the next look writes it. Raises Taken."""
    try:
        is_ours = await asyncio.to_thread(call.ledger.progress, row.id, call.owner, status)
    except LedgerError:
        return False
    if not is_ours:
        raise Taken
    return True


def _show_progress(call: Call, row: JobRow, status: JobStatus) -> None:
    state: Literal["queued", "running"] = "queued" if status.state is JobState.QUEUED else "running"
    call.show(row, state, status.percent, status.eta_seconds)


def trouble_pause(call: Call) -> float:
    """The shortest pause after an answer that went wrong: who is in trouble is left alone for longer."""
    return call.settings.poll_seconds * 5


def bounded(call: Call, pause: float) -> float:
    """Within what the user allows; the last look comes just before the deadline."""
    left = call.deadline - time.monotonic() - LAST_LOOK_SECONDS
    longest = min(call.settings.poll_max_seconds, max(left, 0.0))
    return max(call.settings.poll_seconds, min(longest, pause))


def calls_back(call: Call, row: JobRow) -> bool:
    """Was the provider asked to call our receiver?"""
    return bool(call.settings.callback_url) and row.labelled


async def _pause(call: Call, row: JobRow, seconds: float, last_word: str = "") -> bool:
    """Sleep until then, or until a callback says that the job has ended: did one? Raises JobTimeoutError."""
    if call.is_over(seconds):
        raise JobTimeoutError.of(ref_of(row), call.provider, last_word)
    if calls_back(call, row) and row.hint_at is None:
        # The callback says when to look. Where they arrive only a lost one makes us ask, and late is early enough.
        callbacks = wakeups(call.ledger)
        left = call.deadline - time.monotonic() - LAST_LOOK_SECONDS
        safety = seconds + call.settings.poll_seconds * (SAFETY_PAUSES if callbacks.arrive else FIRST_PAUSES)
        return await callbacks.until_hinted(row, max(seconds, min(safety, left)))
    await asyncio.sleep(seconds)
    return False

"""Buying: the one place that sends a POST which costs money."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prefect_genmedia.errors import (
    BudgetExceededError,
    GenMediaError,
    LedgerError,
    NotDeliveredError,
    QueueFullError,
    SubmitOutcomeUnknown,
)
from prefect_genmedia.jobs.admission import Place
from prefect_genmedia.jobs.balance import read_balance
from prefect_genmedia.jobs.call import READ_PATIENCE_SECONDS, Call, Taken, in_thread, outlast, to_its_end
from prefect_genmedia.jobs.purchase import Purchase
from prefect_genmedia.ledger import Full, Queue, uptime
from prefect_genmedia.wire.redaction import quotable
from prefect_genmedia.wire.retry import Verdict, busy_pause, judge_submit

if TYPE_CHECKING:
    from prefect_genmedia.ledger import JobRow

FENCE_SHARE = 0.9  # of a lease: the clocks of two machines do not run at exactly the same pace
STOPPED = "stopped while the submit was on its way"


@dataclass(frozen=True)
class Accepted:
    """The provider took it."""

    job_id: str


@dataclass(frozen=True)
class Refused:
    """Surely not bought; `again` when the same request may pass later."""

    error: GenMediaError
    again: bool


@dataclass(frozen=True)
class Unknown:
    """Perhaps bought; `job_id` is one that the answer names all the same."""

    reason: str
    job_id: str | None = None


Outcome = Accepted | Refused | Unknown


async def submit(call: Call, row: JobRow, purchase: Purchase, place: Place) -> JobRow:
    """Send a job that is not bought, until it is accepted, refused for good, or nobody knows; the row as it then is.

    The row says INTENT whenever a POST may be on its way, and only then. Raises the provider's refusal, Taken.
    """
    body = await asyncio.to_thread(purchase.encoded, call.ledger.token(row.id))
    refusals = 0
    while True:
        await place.take()
        await _keep_minimum_balance(call, row)
        queue = await place.queue()
        try:
            outcome = await _send(call, row, purchase, body, queue)
        except Full as full:
            await place.full(full)
            continue
        match outcome:
            case Accepted(job_id):
                place.answered(taken=True)
                now = await call.read_row(row.id)
                if now.job_id != job_id:
                    call.run.log.error("%s: accepted as %s, bought already as %s.", row.operation, job_id, now.job_id)
                call.show(now, "queued", 0.0)
                return now
            case Unknown(reason, _):
                place.answered()
                call.run.log.warning("%s: no usable answer to the submit (%s).", row.operation, reason)
                return await call.read_row(row.id)
            case Refused(error, again=False):
                raise error
            case Refused(error):
                pause = busy_pause(refusals, getattr(error, "retry_after", None), random.random())
                if isinstance(error, QueueFullError) and queue is not None:
                    ours = await call.ask_ledger(READ_PATIENCE_SECONDS, call.ledger.refused, queue)
                    place.refused(ours)
                    pause = 0.0 if ours else pause  # the next of ours that ends makes room
                if call.is_over(pause):
                    if pause >= 1 and getattr(error, "retry_after", None):
                        error.advice = f"The provider asks to come again in {pause:.0f} s: run again then."
                    raise error
                refusals += 1
                call.run.log.info("%s: not taken yet (%s); again in %.1f s.", row.operation, error.message, pause)
                await asyncio.sleep(pause)
                row = await call.read_row(row.id)


async def _send(call: Call, row: JobRow, purchase: Purchase, body: bytes, queue: Queue | None) -> Outcome:
    """Write down that it is sent, send it once, and write down what came of it.

    Raises Taken, BudgetExceededError, Full.
    """
    send = row.sends + 1
    # Counted from before the row says so: whoever takes it over later has waited at least this long.
    fence = Fence(uptime() + call.ledger.lease_seconds * FENCE_SHARE)
    try:
        intended = await in_thread(call.ledger.intend, row, call.owner, purchase.want, queue)
    except asyncio.CancelledError:
        await call.record_fact(row, call.ledger.not_accepted, row.id, "cancelled before anything was sent", send)
        raise
    except LedgerError as failure:
        if not failure.away:
            raise
        # Perhaps it is written down, and only we know that nothing was sent.
        said = "the ledger went away before anything was sent"
        await to_its_end(call.ask_ledger(READ_PATIENCE_SECONDS, call.ledger.not_accepted, row.id, said, send))
        return Refused(failure, again=True)
    if intended is None:
        raise Taken
    outcome, cancelled = await _post(call, intended, body, fence)
    match outcome:
        case Accepted(job_id):
            await call.record_fact(row, call.ledger.submitted, row.id, job_id, f"accepted as {job_id}")
        case Refused(error):
            await call.record_fact(row, call.ledger.not_accepted, row.id, error.message, send)
        case Unknown(reason, job_id):
            await call.record_fact(row, call.ledger.unknown, row.id, reason, send)
            if job_id is not None:
                await call.record_fact(row, call.ledger.hint, row.id, job_id)
    if cancelled:
        raise asyncio.CancelledError
    return outcome


class Fence:
    """A POST begins only while its claim is surely still ours: asked by the wire just before the first byte."""

    def __init__(self, until: float) -> None:
        self._until = until
        self.passed = False

    def may_begin(self) -> bool:
        self.passed = uptime() < self._until
        return self.passed


async def _post(call: Call, row: JobRow, body: bytes, fence: Fence) -> tuple[Outcome, bool]:
    """One POST; and whether we were asked to stop while it was on its way: it is then waited for a little longer."""
    path = call.operation.submit_route(row.request).path
    patience = call.settings.submit_timeout_seconds
    posting = asyncio.ensure_future(call.pool.post(call.account, path, body, patience, may_begin=fence.may_begin))
    cancelled = await outlast(posting, call.settings.cancel_grace_seconds)
    if not posting.done():
        posting.cancel()
        await asyncio.wait([posting])
    try:
        job_id = call.account.provider.accepted(posting.result().body)
        return (Accepted(job_id) if job_id is not None else Unknown("the answer names no job id")), cancelled
    except asyncio.CancelledError:
        error: GenMediaError = SubmitOutcomeUnknown(STOPPED)
        if not fence.passed:
            error = NotDeliveredError("cancelled before anything was sent")
    except GenMediaError as failure:
        error = failure
    error.args = (quotable(error.message, call.account.api_key),)
    error.operation, error.provider = call.operation.name, call.provider
    verdict = judge_submit(error)
    if verdict is Verdict.UNKNOWN:
        return Unknown(error.message, getattr(error, "job_id", None)), cancelled
    return Refused(error, again=verdict is Verdict.AGAIN), cancelled


async def _keep_minimum_balance(call: Call, row: JobRow) -> None:
    """The budget's last gate: what the account itself has left. Raises BudgetExceededError; nothing is sent."""
    budget = call.terms.budget
    if budget is None or budget.minimum_balance is None or budget.unit not in (None, call.operation.unit):
        return
    left = (await read_balance(call.account, call.pool)).left - (row.expected_cost or 0.0)
    if left < budget.minimum_balance:
        raise BudgetExceededError(
            f"the account would have {left:g} {call.operation.unit} left; {budget.minimum_balance:g} are to stay",
            provider=call.provider,
            operation=call.operation.name,
        )

"""Buying: the one place that sends a POST which costs money."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from prefect_genmedia.errors import (
    ApiError,
    BudgetExceededError,
    ContentRejectedError,
    GenMediaError,
    LedgerError,
    MediaError,
    NotDeliveredError,
    QueueFullError,
    ResponseFormatError,
    SubmitOutcomeUnknown,
)
from prefect_genmedia.jobs.call import READ_PATIENCE_SECONDS, Call, Taken, in_thread, outlast, to_its_end
from prefect_genmedia.jobs.looking.outage import answered, silent
from prefect_genmedia.jobs.purchase import Purchase
from prefect_genmedia.jobs.turns.admission import Place
from prefect_genmedia.jobs.turns.balance import read_balance
from prefect_genmedia.jobs.turns.uploads import on_the_way
from prefect_genmedia.jobs.values import ref_of
from prefect_genmedia.jobs.wait import read_links, to_be_kept
from prefect_genmedia.ledger import Full, Queue, uptime
from prefect_genmedia.operation import JobState, JobStatus, Link
from prefect_genmedia.wire.redaction import quotable
from prefect_genmedia.wire.retry import Verdict, busy_pause, judge_submit

if TYPE_CHECKING:
    from prefect_genmedia.ledger import JobRow

FENCE_SHARE = 0.9  # of a lease: the clocks of two machines do not run at exactly the same pace
NOTHING_MORE = "Nothing more was bought."
STOPPED = "stopped while the submit was on its way"
_OWN_NAME = re.compile(r"(?=.*[0-9])[0-9A-Za-z_-]{16,64}")  # of a file, as no other has it


@dataclass(frozen=True)
class Done:
    """What a submit was answered with, where that is the files themselves."""

    status: JobStatus
    payload: dict[str, Any]
    links: list[Link]


@dataclass(frozen=True)
class Accepted:
    """The provider took it; `done` where it has also done it."""

    job_id: str
    done: Done | None = None


@dataclass(frozen=True)
class Refused:
    """Surely not bought; `again` when the same request may pass later."""

    error: GenMediaError
    again: bool


@dataclass(frozen=True)
class Failed:
    """Refused in place of the files themselves: perhaps after the work, and perhaps charged."""

    reason: str


@dataclass(frozen=True)
class Unknown:
    """Perhaps bought; `job_id` is one that the answer names all the same."""

    reason: str
    job_id: str | None = None


Outcome = Accepted | Refused | Failed | Unknown


async def submit(call: Call, row: JobRow, purchase: Purchase, place: Place) -> tuple[JobRow, list[Link] | None]:
    """Send a job that is not bought, until it is accepted, refused for good, or nobody knows; the row as it then is.

    With the links of its files, which are kept nowhere, where the answer held them.

    The row says INTENT whenever a POST may be on its way, and only then. Raises the provider's refusal, Taken.
    """
    token = await asyncio.to_thread(call.ledger.token, row.id)
    refusals, memory = 0, call.settings.upload_memory_mb * 1e6
    call.wait_for_turn()
    while True:
        await place.take()
        await _keep_minimum_balance(call, row)
        queue = await place.queue()
        try:
            async with on_the_way().room(purchase.picture_bytes, memory):
                body = await _body(call, row, purchase, token)
                asked_at = time.monotonic()
                try:
                    outcome, row = await _send(call, row, purchase, body, queue)
                finally:
                    del body
                    purchase.spare()
        except Full as full:
            await place.full(full)
            continue
        if isinstance(outcome, Accepted | Failed) or (
            isinstance(outcome, Refused) and not isinstance(outcome.error, NotDeliveredError | LedgerError)
        ):
            answered(call)
        if not isinstance(outcome, Refused):
            call.begin_work()
        match outcome:
            case Accepted(job_id, done):
                place.answered(taken=True)
                if row.job_id != job_id:
                    call.run.log.error("%s: accepted as %s, bought already as %s.", row.operation, job_id, row.job_id)
                elif done is not None:
                    return row, done.links
                call.show(row, "queued", 0.0)
                return row, None
            case Unknown(reason, _):
                place.answered()
                said = "%s: no usable answer to the submit (%s). It is looked for; nothing is sent again by itself."
                call.run.log.warning(said, row.operation, reason)
                return row, None
            case Failed():
                place.answered(taken=True)
                return row, None
            case Refused(error, again=False):
                raise error
            case Refused(error):
                pause = busy_pause(refusals, getattr(error, "retry_after", None), random.random())
                if isinstance(error, QueueFullError) and queue is not None:
                    ours = await call.ask_ledger(READ_PATIENCE_SECONDS, call.ledger.refused, queue)
                    place.refused(ours)
                    pause = 0.0 if ours else pause  # the next of ours that ends makes room
                unreached = isinstance(error, NotDeliveredError)
                if unreached:
                    pause = silent(call, row, error, asked_at, pause)
                if error.lasting or call.is_over(pause):
                    if pause >= 1 and getattr(error, "retry_after", None):
                        error.advice = f"The provider asks to come again in {pause:.0f} s: run again then."
                    raise error
                refusals += 1
                level = logging.DEBUG if unreached else logging.INFO  # an outage is told once, and not by each job
                said = "%s: not taken yet (%s); again in %.1f s."
                call.run.log.log(level, said, row.operation, error.message, pause)
                await asyncio.sleep(pause)
                row = await call.read_row(row.id)


async def _body(call: Call, row: JobRow, purchase: Purchase, token: str) -> bytes:
    """What goes out, with its pictures. Raises MediaError, MediaInvalidError: this time nothing was sent."""
    try:
        await purchase.read_again(call.pool)
    except MediaError as error:
        if row.attempt == 1 and not row.sends:
            raise
        error.money = NOTHING_MORE
        raise error.about(ref_of(row), call.provider) from None
    return await asyncio.to_thread(purchase.encoded, token)


async def _send(
    call: Call, row: JobRow, purchase: Purchase, body: bytes, queue: Queue | None
) -> tuple[Outcome, JobRow]:
    """Write down that it is sent, send it once, and write down what came of it. The row as it then is.

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
        return Refused(failure, again=True), row
    if intended is None:
        raise Taken
    outcome, cancelled = await _post(call, intended, body, fence)
    match outcome:
        case Accepted(job_id, Done(status, payload, _)):
            kept = to_be_kept(call, row, status, payload)
            _, now = await call.record_and_read(row, call.ledger.answered, row.id, job_id, *kept)
        case Accepted(job_id):
            note = f"accepted as {job_id}"
            is_new, now = await call.record_and_read(row, call.ledger.accepted, row.id, job_id, note, send)
            if not is_new:
                outcome = Unknown("it names a job that is another of ours already", None)
        case Refused(error):
            _, now = await call.record_and_read(row, call.ledger.not_accepted, row.id, error.message, send)
        case Failed(reason):
            _, now = await call.record_and_read(row, call.ledger.failed_at_once, row.id, reason, send)
        case Unknown(reason, job_id):
            _, now = await call.record_and_read(row, call.ledger.unknown, row.id, reason, send)
            if job_id is not None:
                _, now = await call.record_and_read(row, call.ledger.hint, row.id, job_id)
    if cancelled:
        raise asyncio.CancelledError
    return outcome, now


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
    if call.operation.at_once is not None:
        patience = max(patience, call.operation.at_once.seconds)
    posting = asyncio.ensure_future(call.pool.post(call.account, path, body, patience, may_begin=fence.may_begin))
    cancelled = await outlast(posting, call.settings.cancel_grace_seconds)
    if not posting.done():
        posting.cancel()
        await asyncio.wait([posting])
    try:
        return _read(call, row, posting.result().body), cancelled
    except asyncio.CancelledError:
        error: GenMediaError = SubmitOutcomeUnknown(STOPPED)
        if not fence.passed:
            error = NotDeliveredError("cancelled before anything was sent")
    except GenMediaError as failure:
        error = failure
    error.args = (quotable(error.message, call.account.api_key),)
    error.operation, error.provider = call.operation.name, call.provider
    if call.operation.at_once is not None and isinstance(error, ContentRejectedError):
        return Failed(error.message), cancelled  # perhaps it is the finished picture that was looked at
    verdict = judge_submit(error)
    if verdict is Verdict.UNKNOWN:
        return Unknown(error.message, getattr(error, "job_id", None)), cancelled
    return Refused(error, again=verdict is Verdict.AGAIN), cancelled


def _read(call: Call, row: JobRow, body: dict[str, Any]) -> Outcome:
    """What an answer to a submit means. Raises ApiError for a refusal."""
    provider = call.account.provider
    if call.operation.at_once is not None:
        return _read_at_once(call, row, body)
    job_id = provider.accepted(body)
    return Accepted(job_id) if job_id is not None else Unknown("the answer names no job id")


def _read_at_once(call: Call, row: JobRow, body: dict[str, Any]) -> Outcome:
    """The same where the answer is the files: one that names any holds what was paid for, whatever else it says."""
    provider = call.account.provider
    odd = "the answer names no file"
    for payload in (provider.payload(body), body):  # its file may stand at a place that no page names
        try:
            links = read_links(call, row, payload)
        except ResponseFormatError as failure:
            odd = failure.message
            continue
        if links:
            break
    else:
        try:
            return Unknown(odd, provider.accepted(body))
        except ApiError as refusal:
            return Failed(quotable(refusal.message, call.account.api_key))
    status = provider.status(body)
    if status.state is not JobState.SUCCEEDED:
        status = replace(status, remark=f"its answer names the files, and says {status.provider_state!r}")
    return Accepted(provider.job_id_of(body) or _named_by(links[0]), Done(status, payload, links))


def _named_by(link: Link) -> str:
    """The name of a job that its provider gives none: its file's own."""
    address = link.url.strip().partition("?")[0]
    name = address.rpartition("/")[2].partition(".")[0]
    if _OWN_NAME.fullmatch(name) and not address.lower().startswith("data:"):
        return name
    return hashlib.sha256(address.encode("utf-8", "replace")).hexdigest()[:32]


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

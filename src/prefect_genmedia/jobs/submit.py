"""Buying: POST until it is accepted, refused or unknown; and what to do about unknown."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

from prefect_genmedia.errors import (
    ApiError,
    BudgetExceededError,
    GenMediaError,
    QueueFullError,
    ResponseFormatError,
    SubmitOutcomeUnknown,
    TransportError,
)
from prefect_genmedia.jobs.witnesses import Finding, look
from prefect_genmedia.jobs.work import Work
from prefect_genmedia.ledger import JobRow, LedgerState
from prefect_genmedia.operation import Operation
from prefect_genmedia.settings import Settings
from prefect_genmedia.wire.http import encode_body
from prefect_genmedia.wire.redaction import quotable
from prefect_genmedia.wire.retry import Verdict, busy_pause, judge_submit

LABEL_URL = "https://callback.invalid/genmedia"


async def submit(work: Work, row: JobRow) -> None:
    """Send the job. The row says INTENT whenever a POST may be on its way, and only then.

    Raises the provider's refusal; returns with the row SUBMITTED, UNKNOWN or taken by someone else.
    """
    assert work.body is not None and work.want is not None
    body = await asyncio.to_thread(work.body)
    _call_back(work, body, row)
    refusals = 0
    while True:
        await _keep_minimum_balance(work, row)
        error, job_id = await _post(work, row, body)
        if job_id is not None:
            await work.must(row, work.ledger.submitted, row.id, job_id, f"accepted as {job_id}")
            now = await work.row(row.id)
            if now.job_id != job_id:
                work.run.log.error("%s: accepted as %s, and already bought as %s.", row.operation, job_id, now.job_id)
            await work.show(now, "queued", 0.0)
            return
        assert error is not None
        verdict = judge_submit(error)
        error.operation, error.provider = work.operation.name, work.account.provider.name
        if verdict is Verdict.UNKNOWN:
            await work.must(row, work.ledger.unknown, row.id, error.message)
            work.run.log.warning("%s: no usable answer to the submit (%s).", row.operation, error.message)
            return
        await work.must(row, work.ledger.not_accepted, row.id, error.message)
        work.sent = False
        if verdict is Verdict.REFUSED:
            raise error
        pause = busy_pause(refusals, getattr(error, "retry_after", None), random.random())
        if isinstance(error, QueueFullError):
            work.slots.refused()
            work.give_slot()
            if work.slots.taken:
                pause = 0.0  # the next of ours that ends makes room
        if time.monotonic() + pause > work.deadline:
            raise error
        refusals += 1
        work.run.log.info("%s: not taken yet (%s); again in %.1f s.", row.operation, error.message, pause)
        await asyncio.sleep(pause)
        await work.take_slot()
        if not await asyncio.to_thread(work.ledger.intend, row, work.owner, work.want):
            return


async def _post(work: Work, row: JobRow, body: dict[str, Any]) -> tuple[GenMediaError | None, str | None]:
    path = work.operation.submit_route(row.request).path
    work.sent = True
    try:
        answer = await work.pool.post(work.account, path, encode_body(body), work.settings.submit_timeout_seconds)
        job_id = work.account.provider.accepted(answer.body)
    except GenMediaError as error:
        error.args = (quotable(error.message, work.account.api_key),)
        return error, None
    except BaseException:
        # Cancelled or timed out from outside while the request was on its way.
        await work.must(row, work.ledger.unknown, row.id, "stopped while the submit was on its way")
        raise
    if job_id is None:
        return SubmitOutcomeUnknown("the answer names no job id"), None
    return None, job_id


def callback_base(operation: Operation[Any, Any], place: tuple[str, ...], settings: Settings) -> str | None:
    """Where callbacks are asked for: the receiver, or a label that leads nowhere but tells the job apart later."""
    if not place:
        return None
    if settings.callback_url:
        return settings.callback_url.rstrip("/")
    return LABEL_URL if operation.witness is not None and settings.submit_label else None


def has_callback(place: tuple[str, ...], body: dict[str, Any]) -> bool:
    """Has the caller set a callback address of their own?"""
    value: Any = body
    for name in place:
        value = value.get(name) if isinstance(value, dict) else None
    return value is not None


def _call_back(work: Work, body: dict[str, Any], row: JobRow) -> None:
    """Put our callback address into the submit, where the row says that it carries one."""
    place = work.operation.callback_place(row.request)
    base = callback_base(work.operation, place, work.settings)
    if not row.labelled or base is None:
        return
    holder = body
    for name in place[:-1]:
        holder = holder.setdefault(name, {})
    holder[place[-1]] = f"{base}/{work.account.provider.name}/{work.ledger.token(row.id)}"


async def _keep_minimum_balance(work: Work, row: JobRow) -> None:
    """The budget's last gate: what the account itself has left. Raises BudgetExceededError; nothing is sent."""
    budget = work.terms.budget
    if budget is None or budget.minimum_balance is None or budget.unit != work.operation.unit:
        return
    provider = work.account.provider
    refusal: GenMediaError
    try:
        balance = provider.balance((await work.pool.fetch(work.account, provider.balance_path, {})).body)
    except GenMediaError as failure:
        refusal = failure
    else:
        left = balance - (row.expected_cost or 0.0)
        if left >= budget.minimum_balance:
            return
        refusal = BudgetExceededError(
            f"the account would have {left:g} {budget.unit} left; {budget.minimum_balance:g} are to stay",
            provider=provider.name,
            operation=work.operation.name,
        )
    await work.must(row, work.ledger.not_accepted, row.id, refusal.message)
    raise refusal


async def reconcile(work: Work, row: JobRow) -> str:
    """Find out what became of a lost submit; the id of the row to go on with.

    Raises SubmitOutcomeUnknown when no witness can tell and the policy says not to go on.
    """
    started = time.monotonic()
    while True:
        row = await work.row(row.id)
        if row.owner != work.owner or row.state != LedgerState.UNKNOWN:
            return row.id
        finding = await _look(work, row, time.monotonic() - started)
        if finding.job_id is not None:
            work.run.log.info("%s: the lost submit is found: %s.", row.operation, finding.note)
            await work.must(row, work.ledger.submitted, row.id, finding.job_id, finding.note)
            return row.id
        if finding.not_accepted:
            work.run.log.info("%s: the submit was not accepted: %s.", row.operation, finding.note)
            await work.must(row, work.ledger.not_accepted, row.id, finding.note)
            return row.id
        now = time.monotonic()
        if finding.more_may_come and now - started < _patience(work) and now < work.deadline:
            await asyncio.sleep(min(max(work.settings.poll_seconds, 0.2), 2.0))
        elif work.terms.on_unknown == "wait" and now < work.deadline:
            await asyncio.sleep(min(work.settings.poll_max_seconds, work.deadline - now))
        else:
            break
    if work.terms.on_unknown == "resubmit" and work.want is not None and not work.resubmitted:
        work.resubmitted = True
        claim = await asyncio.to_thread(work.ledger.supersede, row.id, work.want, work.owner)
        if claim.mine:
            work.sent = False
            work.run.log.warning(
                "%s: job %s stays unknown (%s); bought again as %s, as the policy says.",
                row.operation,
                row.id,
                finding.note,
                claim.row.id,
            )
            return claim.row.id
    raise work.unknown(row, finding.note)


async def _look(work: Work, row: JobRow, waited: float) -> Finding:
    try:
        return await look(work.operation, work.account, work.settings, work.ledger, work.pool, row, waited)
    except (ApiError, TransportError, ResponseFormatError) as error:
        return Finding(note=f"the witnesses could not be asked: {error.message}", more_may_come=True)


def _patience(work: Work) -> float:
    seconds = work.settings.reconcile_seconds * 1.5
    if work.settings.callback_url and work.settings.witness_callback:
        seconds = max(seconds, work.settings.callback_wait_seconds)
    return seconds

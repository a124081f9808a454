"""One paid job from claim to files: `run` gives its files, buying at most once; `resume` never buys."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import sys
from collections.abc import AsyncIterator
from typing import Any

from prefect_genmedia.errors import ConfigurationError, GenMediaError
from prefect_genmedia.jobs.life import bring_in, deliver
from prefect_genmedia.jobs.submit import callback_base, has_callback
from prefect_genmedia.jobs.values import (
    JobRef,
    JobResult,
    Progress,
    Run,
    RunState,
    Terms,
    ref_of,
    script_run,
    script_state,
)
from prefect_genmedia.jobs.work import Work
from prefect_genmedia.ledger import UNFINISHED, JobRow, Ledger, Want, open_ledger
from prefect_genmedia.media import MediaStore
from prefect_genmedia.media.pictures import load_pictures
from prefect_genmedia.operation import Account, JobState, Operation, Request, RequestT, ResultT, fingerprint, job_key
from prefect_genmedia.settings import read_settings
from prefect_genmedia.wire.http import http_pool
from prefect_genmedia.wire.redaction import without_signatures

__all__ = [
    "JobRef",
    "JobResult",
    "JobState",
    "Progress",
    "Run",
    "RunState",
    "Terms",
    "bought_job",
    "identity",
    "import_job",
    "orphans",
    "ref_of",
    "resume",
    "run",
    "scope_of",
    "script_run",
    "script_state",
]


async def run(
    operation: Operation[RequestT, ResultT],
    request: RequestT,
    account: Account,
    *,
    run: Run | None = None,
    terms: Terms | None = None,
) -> JobResult[ResultT]:
    """Give the files of this request: from the ledger where they are bought already, else bought once.

    Raises the errors of prefect_genmedia.errors; each carries the JobRef once something may be bought.
    """
    who, on = run or script_run(), terms or Terms()
    if on.budget is not None:
        on.budget.require_unit(operation.unit)
    async with _opened(operation, account, who, on) as work:
        if run is None:
            _deliver_at_exit(work.ledger, who.name)
        pictures = await load_pictures(request, work.pool, operation.name)
        digests = {key: picture.sha256 for key, picture in pictures.items()}
        canonical = request.canonical(digests)
        place = operation.callback_place(canonical)
        ours = callback_base(operation, place, work.settings) is not None
        labelled = ours and not has_callback(place, request.body(digests))
        work.want = _want(operation, request, canonical, account, who, on, labelled)
        work.body = lambda: request.body({key: picture.base64 for key, picture in pictures.items()})
        return await deliver(work, work.want)


async def resume(
    operation: Operation[Any, ResultT], row: JobRow, account: Account, *, run: Run, terms: Terms | None = None
) -> JobResult[ResultT]:
    """Bring a bought job's files in. Never submits. Raises like `run`."""
    async with _opened(operation, account, run, terms or Terms()) as work:
        return await bring_in(work, row)


def bought_job(name: str) -> JobRow:
    """The one row whose id starts with `name`, or whose provider id it is. Blocking. Raises ConfigurationError."""
    found = _ledger().find(name)
    if len(found) == 1:
        return found[0]
    if not found:
        raise ConfigurationError(f"no job starts with {name!r}", advice="See: genmedia jobs list")
    starts = ", ".join(row.id[:12] for row in found)
    raise ConfigurationError(f"{len(found)} jobs start with {name!r}: {starts}")


def orphans(quiet_since: float) -> list[JobRow]:
    """Unfinished rows that no live call works on and that nothing has happened to since. Blocking. Oldest first."""
    ledger = _ledger()
    rows = ledger.rows(list(UNFINISHED), limit=10_000)
    return [row for row in reversed(rows) if row.updated_at <= quiet_since and not ledger.alive(row)]


def import_job(operation: Operation[Any, Any], job_id: str, account: Account) -> JobRef | None:
    """Enter a job that was bought outside of the pack; None when the ledger has it already. Blocking.

    `resume` then brings its files in.
    """
    row = _ledger().imported(operation.name, account.base_url, account.fingerprint, job_id, script_run().name)
    return None if row is None else ref_of(row)


def _ledger() -> Ledger:
    settings = read_settings()
    return open_ledger(settings.ledger_url, settings.lease_seconds)


@contextlib.asynccontextmanager
async def _opened(operation: Operation[Any, Any], account: Account, run: Run, terms: Terms) -> AsyncIterator[Work]:
    """Everything a job needs, checked before money is spent. Raises ConfigurationError, LedgerError."""
    settings = read_settings()
    ledger = await asyncio.to_thread(open_ledger, settings.ledger_url, settings.lease_seconds)
    store = MediaStore(settings.media_store)
    await asyncio.to_thread(store.check)
    async with http_pool() as pool:
        yield Work(operation, account, run, terms, settings, ledger, store, pool)


def identity(
    operation: Operation[Any, Any], canonical: dict[str, Any], account: Account, scope: str, copy: int
) -> tuple[str, str]:
    """The request's hash and the job's key."""
    bought = {name: value for name, value in canonical.items() if name not in operation.reading}
    request_hash = fingerprint(operation.name, bought, account.fingerprint)
    return request_hash, job_key(request_hash, scope, copy)


def scope_of(run: Run, request_key: str | None) -> str:
    """Who shares a job: the runs that give the same request_key, or this run with its retries."""
    return f"key:{request_key}" if request_key is not None else run.name


def _want(
    operation: Operation[Any, Any],
    request: Request,
    canonical: dict[str, Any],
    account: Account,
    run: Run,
    terms: Terms,
    labelled: bool,
) -> Want:
    scope = scope_of(run, terms.request_key)
    request_hash, key = identity(operation, canonical, account, scope, terms.copy)
    return Want(
        key=key,
        request_hash=request_hash,
        scope=scope,
        copy=terms.copy,
        operation=operation.name,
        base_url=account.base_url,
        account=account.fingerprint,
        title=without_signatures(request.title)[:255],
        request=without_signatures(canonical),
        expected_cost=operation.cost(request),
        unit=operation.unit,
        labelled=labelled,
        run=run.name,
        task_run=run.task_run,
        attempts=terms.attempts,
        tags=run.tags,
        budget=terms.budget,
    )


_delivered_at_exit: set[str] = set()


def _deliver_at_exit(ledger: Ledger, run: str) -> None:
    """A script that ends in order has got its files; one that is killed or fails has not."""
    if run in _delivered_at_exit:
        return
    _delivered_at_exit.add(run)

    def say_delivered() -> None:
        if getattr(sys, "last_value", None) is None:
            with contextlib.suppress(GenMediaError):
                ledger.delivered(run)

    atexit.register(say_delivered)

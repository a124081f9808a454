"""The two ways in: `run` gives a request's files, buying at most once; `resume` never buys."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from prefect_genmedia.errors import NOTHING_BOUGHT, ConfigurationError
from prefect_genmedia.jobs.call import Call
from prefect_genmedia.jobs.figures import by_own_figures
from prefect_genmedia.jobs.life import bring_in, deliver
from prefect_genmedia.jobs.purchase import Purchase, own_prices, purchase
from prefect_genmedia.jobs.turns.uploads import on_the_way
from prefect_genmedia.jobs.values import JobResult, Run, Terms, script_run
from prefect_genmedia.media import MediaStore
from prefect_genmedia.media.pictures import LoadedPicture, load_pictures, pictures_in
from prefect_genmedia.operation import Account, Operation, RequestT, ResultT
from prefect_genmedia.settings import Settings, read_settings
from prefect_genmedia.wire.http import http_pool

if TYPE_CHECKING:
    from prefect_genmedia.ledger import JobRow, Ledger

STORE_FACT = "media_store"  # the ledger's word for the identity of the store that its files are in


async def run(
    operation: Operation[RequestT, ResultT],
    request: RequestT,
    account: Account,
    *,
    run: Run | None = None,
    terms: Terms | None = None,
) -> JobResult[ResultT]:
    """Give the files of this request: from the ledger where they are bought already, else bought once.

    Outside of a flow run there is no run to belong to: an equal request is the same job, today and tomorrow, and the
    log says so; `copy` or `request_key` makes another. Raises the errors of prefect_genmedia.errors; each carries the
    JobRef once something may be bought.
    """
    async with _opened(operation, account, run or script_run(), terms or Terms()) as call:

        def wanted(pictures: dict[int, LoadedPicture]) -> Purchase:
            prices = own_prices(call.terms, call.settings)
            asked = purchase(operation, request, pictures, account, call.run, call.terms, call.settings, prices)
            return by_own_figures(call, asked, prices)

        # A link that drips must hold up nobody else.
        from_disk = [picture.web_address is None for _, picture, _ in pictures_in(request)]
        async with on_the_way().reading if from_disk and all(from_disk) else contextlib.nullcontext():
            asked = await asyncio.to_thread(wanted, await load_pictures(request, call.pool, operation.name))
            asked.keep(call.settings.upload_memory_mb * 1e6)
        try:
            return await deliver(call, asked)
        finally:
            asked.let_go()


async def resume(
    operation: Operation[Any, ResultT], row: JobRow, account: Account, *, run: Run, terms: Terms | None = None
) -> JobResult[ResultT]:
    """Bring a bought job's files in, also those whose bytes have changed. Never submits. Raises like `run`."""
    async with _opened(operation, account, run, terms or Terms(), thorough=True) as call:
        return await bring_in(call, row)


@contextlib.asynccontextmanager
async def _opened(
    operation: Operation[Any, Any], account: Account, run: Run, terms: Terms, *, thorough: bool = False
) -> AsyncIterator[Call]:
    """Everything a job needs, checked before money is spent. Raises ConfigurationError, LedgerError."""
    settings = read_settings()
    ledger, store = await asyncio.to_thread(_ready, settings, thorough=thorough)
    seconds = operation.deadline_seconds if terms.deadline_seconds is None else terms.deadline_seconds
    async with http_pool() as pool:
        yield Call(
            operation,
            account,
            run,
            terms,
            settings,
            ledger,
            store,
            pool,
            owner=uuid.uuid4().hex,
            work_seconds=seconds,
            turn_seconds=terms.turn_seconds,
            deadline=time.monotonic() + seconds,
        )


def _ready(settings: Settings, *, thorough: bool) -> tuple[Ledger, MediaStore]:
    ledger = ledger_of(settings)
    return ledger, open_store(settings, ledger, thorough=thorough)


def ledger_of(settings: Settings) -> Ledger:
    """The ledger that the settings name. Blocking."""
    from prefect_genmedia.ledger import open_ledger  # and SQLAlchemy with it: where a job is bought

    return open_ledger(settings.ledger_url, settings.lease_seconds, settings.submit_timeout_seconds)


def open_store(settings: Settings, ledger: Ledger, *, thorough: bool = False) -> MediaStore:
    """The media store, surely the one that this ledger's files are in. Blocking. Raises ConfigurationError."""
    try:
        store = MediaStore(settings.media_store, thorough=thorough)
        known = ledger.find_fact(STORE_FACT)
        found = store.prepare(known)
        if known is None and (first := ledger.fact(STORE_FACT, found)) != found:
            store.prepare(first)  # another machine was first, with a store of its own: says so
        store.check()
        return store
    except ConfigurationError as failure:
        failure.money = NOTHING_BOUGHT
        raise


def remember_store(settings: Settings) -> None:
    """The media store was changed on purpose: this one is the ledger's from now on. Blocking."""
    ledger_of(settings).set_fact(STORE_FACT, MediaStore(settings.media_store).prepare(None, new=True))

"""Who waits for callbacks hears of them, and reads no row until then; also where nobody can be heard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event

from prefect_genmedia.errors import LedgerError
from prefect_genmedia.jobs.looking.wakeups import Wakeups
from prefect_genmedia.ledger import Database, JobRow, Ledger
from prefect_genmedia.ledger import LedgerState as S
from tests.ledger.actors import bring_to, row_of, want
from tests.ledger.wire import Wire
from tests.patience import PATIENCE, a_until, until
from tests.postgres import Server


def waiting_rows(ledger: Ledger, count: int) -> list[JobRow]:
    return [row_of(ledger, bring_to(ledger, S.SUBMITTED, want(f"picture {n}"))) for n in range(count)]


def reads_of_hints(ledger: Ledger) -> list[int]:
    """Grows with each read: how many rows it asked for."""
    reads: list[int] = []

    @event.listens_for(ledger.database.engine, "before_cursor_execute")
    def _note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "hint_at IS NOT NULL" in statement:
            reads.append(len(parameters))

    return reads


async def test_who_waits_reads_no_row_until_a_callback_comes(ledger: Ledger, another: Callable[[], Ledger]) -> None:
    wakeups, rows, other = Wakeups(ledger), waiting_rows(ledger, 5), another()
    reads = reads_of_hints(ledger)
    waiting = [asyncio.create_task(wakeups.until_hinted(row, PATIENCE)) for row in rows]
    await a_until(lambda: sum(reads) >= 5, "each is read once")
    before = 0
    while len(reads) > before:  # SQLite's first look, and PostgreSQL's until it has heard itself
        before = len(reads)
        await asyncio.sleep(1.0)
    await asyncio.sleep(1.0)
    assert len(reads) <= before + 1  # all are read now and then
    before = len(reads)
    assert await asyncio.to_thread(other.hint, rows[3].id, "job-1")
    assert await waiting[3]
    assert (5 if ledger.database.sqlite else 1) in reads[before:]  # PostgreSQL says which
    assert rows[3].hint_at is not None
    assert not any(task.done() for task in waiting if task is not waiting[3])
    for row in rows:
        await asyncio.to_thread(other.hint, row.id, "job-1")
    assert all(await asyncio.gather(*waiting))


async def test_a_callback_that_came_just_before_is_not_missed(ledger: Ledger, another: Callable[[], Ledger]) -> None:
    wakeups, (row, late), other = Wakeups(ledger), waiting_rows(ledger, 2), another()
    first = asyncio.create_task(wakeups.until_hinted(row, PATIENCE))
    await asyncio.sleep(1.0)  # it listens by now
    await asyncio.to_thread(other.hint, late.id, "job-1")
    await asyncio.sleep(0.6)
    assert await asyncio.wait_for(wakeups.until_hinted(late, PATIENCE), 10)  # and not when all are read again
    first.cancel()


async def test_who_waits_in_several_loops_is_woken_in_its_own(ledger: Ledger, another: Callable[[], Ledger]) -> None:
    wakeups, rows, other = Wakeups(ledger), waiting_rows(ledger, 3), another()
    loops = [asyncio.to_thread(lambda row=row: asyncio.run(wakeups.until_hinted(row, PATIENCE))) for row in rows]
    waiting = asyncio.gather(*loops)
    await asyncio.sleep(0)
    for row in rows:
        await asyncio.to_thread(other.hint, row.id, "job-1")
    assert await waiting == [True] * 3


async def test_nobody_listens_when_nobody_waits(ledger: Ledger) -> None:
    wakeups, (row,) = Wakeups(ledger), waiting_rows(ledger, 1)
    assert not await wakeups.until_hinted(row, 0.01)
    await a_until(lambda: wakeups._listener is None, "the end of the listener")


@pytest.mark.postgres
async def test_a_listener_whose_connection_was_ended_listens_again(postgres: Server, postgres_url: str) -> None:
    """What came while it was deaf is read."""
    ledger = Ledger(Database(postgres_url), 60)
    wakeups, rows = Wakeups(ledger), waiting_rows(ledger, 2)
    waiting = [asyncio.create_task(wakeups.until_hinted(row, PATIENCE)) for row in rows]
    listens = f"datname = '{ledger.database.url.database}' AND query LIKE 'LISTEN%'"
    await a_until(lambda: postgres.do(f"SELECT pid FROM pg_stat_activity WHERE {listens}"), "a listener")
    postgres.do(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {listens}")
    for row, task in zip(rows, waiting, strict=True):
        assert await asyncio.to_thread(ledger.hint, row.id, "job-1")
        assert await task


@pytest.mark.postgres
async def test_behind_a_pooler_that_hears_nothing_all_are_read(postgres_url: str) -> None:
    with Wire(postgres_url) as wire:
        wire.swallows_notices = True
        ledger = Ledger(Database(wire.url), 60)
        wakeups, (row,) = Wakeups(ledger), waiting_rows(ledger, 1)
        reads = reads_of_hints(ledger)
        waiting = asyncio.create_task(wakeups.until_hinted(row, PATIENCE))
        await a_until(lambda: len(reads) > 5, "all are read again and again")
        assert await asyncio.to_thread(ledger.hint, row.id, "job-1")
        assert await waiting


@pytest.mark.postgres
def test_a_server_that_is_away_is_an_error_of_ours(postgres_url: str) -> None:
    with Wire(postgres_url) as wire:
        database = Database(wire.url)
        with pytest.raises(LedgerError, match="does not answer"), database.listening() as heard:
            wire.close()
            until(lambda: heard() == "never")
        with pytest.raises(LedgerError, match="does not answer"), database.listening():
            pytest.fail("nobody is there")

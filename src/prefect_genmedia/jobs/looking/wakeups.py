"""Callbacks wake the jobs that wait for them: one reader of the ledger, however many wait."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from prefect_genmedia.errors import LedgerError

if TYPE_CHECKING:
    from prefect_genmedia.ledger import Database, JobRow, Ledger

READ_SECONDS = 0.25  # half of it is how late a callback is noticed; one read finds all that have come


@dataclass(eq=False)
class _Waiter:
    row_id: str
    hint_at: float | None
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class Wakeups:
    """The jobs of one event loop that wait for their callback."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: set[_Waiter] = set()
        self._reader: asyncio.Task[None] | None = None

    async def until_hinted(self, row: JobRow, seconds: float) -> bool:
        """Wait until a new hint stands in the ledger, which `row` then knows. False after so many seconds without."""
        waiter = _Waiter(row.id, row.hint_at)
        self._waiting.add(waiter)
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read())
        try:
            async with asyncio.timeout(seconds):
                await waiter.woken.wait()
        except TimeoutError:
            return False
        finally:
            self._waiting.discard(waiter)
        row.hint_at = waiter.hint_at
        return True

    async def _read(self) -> None:
        while self._waiting:
            await asyncio.sleep(READ_SECONDS)
            waiting = list(self._waiting)
            try:
                hints = await asyncio.to_thread(self._ledger.hints, [waiter.row_id for waiter in waiting])
            except LedgerError:
                continue  # away; each job still looks by itself in the end
            for waiter in waiting:
                if (hint_at := hints.get(waiter.row_id)) not in (None, waiter.hint_at):
                    waiter.hint_at = hint_at
                    waiter.woken.set()


_wakeups: MutableMapping[asyncio.AbstractEventLoop, dict[Database, Wakeups]] = WeakKeyDictionary()


def wakeups(ledger: Ledger) -> Wakeups:
    """The running event loop's."""
    mine = _wakeups.setdefault(asyncio.get_running_loop(), {})
    return mine.setdefault(ledger.database, Wakeups(ledger))

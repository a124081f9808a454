"""Callbacks wake the jobs that wait for them: one thread a process listens, however many wait."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prefect_genmedia.errors import LedgerError

if TYPE_CHECKING:
    from prefect_genmedia.ledger import Database, JobRow, Ledger

READ_ALL_SECONDS = 15.0  # whatever was heard
AWAY_SECONDS = 1.0  # between tries to listen to a ledger that is away


@dataclass(eq=False)
class _Waiter:
    row_id: str
    hint_at: float | None
    loop: asyncio.AbstractEventLoop
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    is_new: bool = True
    """Not read since it waits: its callback may have come before that."""


class Wakeups:
    """The jobs of one process that wait for their callback."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._waiting: set[_Waiter] = set()
        self._listener: threading.Thread | None = None
        self._read_all_at = 0.0
        self.arrive = False
        """Do callbacks reach us? One has woken somebody, and none was missed since."""

    async def until_hinted(self, row: JobRow, seconds: float) -> bool:
        """Wait until a new hint stands in the ledger, which `row` then knows. False after so many seconds without."""
        waiter = _Waiter(row.id, row.hint_at, asyncio.get_running_loop())
        try:
            with self._lock, contextlib.suppress(RuntimeError):  # no more threads: it looks by itself in the end
                self._waiting.add(waiter)
                if self._listener is None or not self._listener.is_alive():
                    self._listener = threading.Thread(target=self._listen, name="genmedia-callbacks", daemon=True)
                    self._listener.start()
            async with asyncio.timeout(seconds):
                await waiter.woken.wait()
        except TimeoutError:
            return False
        finally:
            with self._lock:
                self._waiting.discard(waiter)
        row.hint_at = waiter.hint_at
        return True

    def _listen(self) -> None:
        while self._someone_waits():
            try:
                with self._ledger.database.listening() as heard:
                    while self._waiting:
                        self._wake(heard())
            except LedgerError:
                time.sleep(AWAY_SECONDS)  # each job still looks by itself in the end

    def _someone_waits(self) -> bool:
        with self._lock:
            if not self._waiting:
                self._listener = None
            return bool(self._waiting)

    def _wake(self, named: frozenset[str] | None) -> None:
        """Those of the named rows, or of all, whose hint is a new one."""
        now = time.monotonic()
        if named is None or now > self._read_all_at + READ_ALL_SECONDS:
            named, self._read_all_at = None, now
        with self._lock:
            looked_for = [each for each in self._waiting if named is None or each.is_new or each.row_id in named]
        if not looked_for:
            return
        hints = self._ledger.hints([each.row_id for each in looked_for])
        for waiter in looked_for:
            waiter.is_new = False
            if (hint_at := hints.get(waiter.row_id)) not in (None, waiter.hint_at):
                waiter.hint_at, self.arrive = hint_at, True
                with contextlib.suppress(RuntimeError):  # its loop has ended
                    waiter.loop.call_soon_threadsafe(waiter.woken.set)


_wakeups: dict[Database, Wakeups] = {}


def wakeups(ledger: Ledger) -> Wakeups:
    """This process's, for this ledger."""
    return _wakeups.setdefault(ledger.database, Wakeups(ledger))

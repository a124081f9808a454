"""What we claim stays ours while we work: one write of a process renews the leases of all its calls."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, MutableMapping
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from prefect_genmedia.errors import LedgerError
from prefect_genmedia.jobs.call import READ_PATIENCE_SECONDS, Call, to_its_end

if TYPE_CHECKING:
    from prefect_genmedia.ledger import Database, Ledger


class Leases:
    """The calls of one event loop that may hold rows of one ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._owners: set[str] = set()
        self._keeper: asyncio.Task[None] | None = None

    def hold(self, owner: str) -> None:
        self._owners.add(owner)
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.create_task(self._renew())

    def let_go(self, owner: str) -> bool:
        """This call holds nothing any more; was it held until now? The last one ends the renewing."""
        held = owner in self._owners
        self._owners.discard(owner)
        if not self._owners and self._keeper is not None:
            self._keeper.cancel()
            self._keeper = None  # it ends later: who holds something in the meantime needs another
        return held

    async def _renew(self) -> None:
        while True:
            # Three times a lease: one that fails, or two, lose nothing.
            await asyncio.sleep(self._ledger.lease_seconds / 3)
            with contextlib.suppress(LedgerError):
                await asyncio.to_thread(self._ledger.renew, *self._owners)


_leases: MutableMapping[asyncio.AbstractEventLoop, dict[Database, Leases]] = WeakKeyDictionary()


def leases(ledger: Ledger) -> Leases:
    """The running event loop's."""
    mine = _leases.setdefault(asyncio.get_running_loop(), {})
    return mine.setdefault(ledger.database, Leases(ledger))


@contextlib.asynccontextmanager
async def lease(call: Call) -> AsyncIterator[None]:
    """Keep what this call claims its own; leave it to whoever comes next when we stop, however we stop."""
    mine = leases(call.ledger)
    mine.hold(call.owner)
    try:
        yield
    finally:
        if mine.let_go(call.owner):
            with contextlib.suppress(LedgerError):
                await to_its_end(call.ask_ledger(READ_PATIENCE_SECONDS, call.ledger.release, call.owner))

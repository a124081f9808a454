"""How much memory the pictures that are sent along may take, of all jobs of a process.

One half is for pictures that were read and are not sent yet: what does not fit is let go, and read again when it is its
job's turn. The other is for what is on its way: who sends waits for room there, and then always goes on.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

TIMES = 3  # a picture, its base64, and the body with it


class Kept:
    """Bytes that are held until a job is sent, over all event loops."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = 0

    def take(self, size: int, most: float) -> bool:
        """Is there room? Then it is taken."""
        with self._lock:
            fits = self._taken + size <= most / 2
            self._taken += size * fits
            return fits

    def give_back(self, size: int) -> None:
        with self._lock:
            self._taken -= size


class _OnTheWay:
    """Bytes that one event loop's jobs are sending."""

    def __init__(self) -> None:
        self._taken = 0
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def room(self, size: int, most: float) -> AsyncIterator[None]:
        while self._taken and self._taken + size * TIMES > most / 2:  # one that is too large for all goes alone
            await self._freed.wait()
        self._taken += size * TIMES
        try:
            yield
        finally:
            self._taken -= size * TIMES
            self._freed.set()
            self._freed = asyncio.Event()


KEPT = Kept()
_loops: MutableMapping[asyncio.AbstractEventLoop, _OnTheWay] = WeakKeyDictionary()


def on_the_way() -> _OnTheWay:
    """The running event loop's."""
    return _loops.setdefault(asyncio.get_running_loop(), _OnTheWay())

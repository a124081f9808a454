"""How much memory the pictures that are sent along may take, of all jobs of a process.

One half is for pictures that were read and are not sent yet: what does not fit is let go, and read again when it is its
job's turn. The other is for what is on its way: who sends waits for room there, and then always goes on.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

TIMES = 3  # a picture, its base64, and the body with it
MOST_READ = 16  # requests whose files are read at once: these are not counted yet


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

    def add(self, size: int) -> None:
        """What is held whether there is room or not."""
        with self._lock:
            self._taken += size

    def forget(self) -> None:
        self._lock, self._taken = threading.Lock(), 0

    def give_back(self, size: int) -> None:
        self.add(-size)


class _OnTheWay:
    """What one event loop's jobs read and send."""

    def __init__(self) -> None:
        self.reading = asyncio.Semaphore(MOST_READ)
        self._taken = 0
        self._freed = asyncio.Event()
        self._door = asyncio.Lock()  # who comes first goes first: a large one is not passed by small ones for ever

    @asynccontextmanager
    async def room(self, size: int, most: float) -> AsyncIterator[None]:
        if not size:
            yield
            return
        async with self._door:
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
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=KEPT.forget)  # its parent's jobs are not its own
_loops: MutableMapping[asyncio.AbstractEventLoop, _OnTheWay] = WeakKeyDictionary()


def on_the_way() -> _OnTheWay:
    """The running event loop's."""
    return _loops.setdefault(asyncio.get_running_loop(), _OnTheWay())

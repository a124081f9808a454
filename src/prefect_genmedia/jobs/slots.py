"""How many jobs of one account are in progress in this process, and how many its provider seems to take.

A provider that says "queue full" is not asked again by every waiting job in turn: the next is sent
when one of ours has ended.
"""

from __future__ import annotations

import asyncio
import math
import random
import threading
import time

from prefect_genmedia.errors import QueueFullError

PROBE_SECONDS = 60.0  # after this long without a refusal, one more is tried: a job takes about as long


class Slots:
    """One account's queue at one product. Shared by all event loops of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.taken = 0
        self.waiting = 0
        self.most = math.inf
        self._learnt_at = 0.0

    def _try(self) -> bool:
        with self._lock:
            if time.monotonic() - self._learnt_at > PROBE_SECONDS and self.most != math.inf:
                self.most += 1
                self._learnt_at = time.monotonic()
            if self.taken >= self.most:
                return False
            self.taken += 1
            return True

    async def take(self, deadline: float) -> None:
        """Wait for a place. Raises QueueFullError at the deadline (of time.monotonic)."""
        self.waiting += 1
        try:
            while not self._try():
                if time.monotonic() > deadline:
                    raise QueueFullError("our deadline passed while the provider's queue was full; nothing was sent")
                # The more wait, the less often each looks.
                await asyncio.sleep((0.05 + 0.002 * self.waiting) * (0.5 + random.random()))
        finally:
            self.waiting -= 1

    def give_back(self) -> None:
        with self._lock:
            self.taken -= 1

    def refused(self) -> None:
        """The provider took no more than what was in progress besides the refused job."""
        with self._lock:
            self.most = max(1, self.taken - 1)
            self._learnt_at = time.monotonic()


_slots: dict[tuple[str, str], Slots] = {}


def slots_of(account: str, operation: str) -> Slots:
    """The queue that this operation's jobs wait in: one an account and product."""
    return _slots.setdefault((account, operation.partition(".")[0]), Slots())


class Place:
    """One call's place in the queue: taken once, given back once."""

    def __init__(self, slots: Slots, deadline: float) -> None:
        self._slots = slots
        self._deadline = deadline
        self._taken = False

    async def take(self) -> None:
        """Wait until the provider's queue has a place for one more of our jobs. Raises QueueFullError."""
        if not self._taken:
            await self._slots.take(self._deadline)
            self._taken = True

    def give_back(self) -> None:
        """Our job is no longer in progress at the provider."""
        if self._taken:
            self._taken = False
            self._slots.give_back()

    def refused(self) -> bool:
        """The provider's queue was full for us. True when others of ours are in it, so that one of them will end."""
        self._slots.refused()
        self.give_back()
        return self._slots.taken > 0

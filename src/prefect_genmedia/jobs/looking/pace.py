"""When to look next at a job that is with its provider. `Pace` knows no IO and no clock: every time is given.

The first look comes shortly before jobs of its kind are usually done, the next ones at a small share of the job's own
time, growing: the end is noticed soon, and few questions are asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from prefect_genmedia.errors import LedgerError
from prefect_genmedia.jobs.call import Call

if TYPE_CHECKING:
    from prefect_genmedia.ledger import JobRow

KIND = ("mode", "model", "model_name")  # fields of a request that tell how long it takes
KEPT = 20  # jobs: what a kind took lately, not ever
ENOUGH = 3  # jobs before they count as a rule
EARLY = 0.2  # quantile: most jobs are still running then, so that a kind that became faster is noticed
BEFORE = 0.985  # of it
NEAR = 0.01  # of the time so far: the pause when the end is near
SLOWEST = 5  # times the typical time: what the ledger says beyond was noticed late
FASTER = 0.9  # so that the next looks are earlier until one is in vain
MUCH_FASTER = 0.85  # while nearly all first looks find the job done, and so all may have ended long before
LAST = 6  # first looks
SAME = 1.05  # times what is expected: a first look that came later was fixed by what was expected before
GROWTH = 1.4  # of that pause, with each look in vain
AT_MOST = 0.1  # of the time so far: the end is never noticed later than this by the pause alone
UNSURE = 0.6  # of what is left by an early estimate, which is rarely right
UNSURE_GROWTH = 1.5  # of the time so far: the longest pause on the word of a few percent
SURE_PERCENT = 40.0
ROUNDED = 1.0  # seconds: an estimate is told in whole ones; a percentage that agrees with it is finer
FAR = 10  # times what a percentage says: such an estimate is in other units, or made up
LONGEST_LEFT = 30 * 86400.0


class Pace:
    """What jobs of one kind took lately, in seconds from their acceptance. Shared by all threads of a process."""

    def __init__(self, typical_seconds: float, lately: Iterable[float] = ()) -> None:
        self._typical = typical_seconds
        # Of a job that was brought in hours later, nobody knows when it ended.
        self._lately = deque((each for each in lately if each <= typical_seconds * SLOWEST), maxlen=KEPT)
        self._found_at_once: deque[bool] = deque(maxlen=LAST)
        self._lock = threading.Lock()

    def learn(self, seconds: float, *, at_first_look: bool) -> None:
        """A job was found done so many seconds after it was accepted; at the first look it may long have been."""
        if at_first_look:
            self._looked_first(seconds, found=True)
        with self._lock:
            faster = MUCH_FASTER if self._is_late() else FASTER
            self._lately.append(seconds * faster if at_first_look else seconds)

    def is_due(self, elapsed: float, looks: int) -> bool:
        """Could a job of this kind have ended by now, though it has not? Before that, a look is not in vain.

        To be told of each look that found a job at work.
        """
        expected = self.expected()
        is_due = expected is None or elapsed >= expected * BEFORE
        if is_due and looks == 0:
            self._looked_first(elapsed, found=False)
        return is_due

    def _looked_first(self, elapsed: float, *, found: bool) -> None:
        """What first looks find tells how good our expectation is; of jobs sent together, only until it changes."""
        expected = self.expected()
        if expected is None or elapsed <= expected * SAME:
            with self._lock:
                self._found_at_once.append(found)

    def _is_late(self) -> bool:
        return sum(self._found_at_once) >= LAST - 1

    def expected(self) -> float | None:
        """Before when a job of this kind is hardly ever done; None where too few are known."""
        with self._lock:
            known, share = sorted(self._lately), 0.0 if self._is_late() else EARLY
        return quantile(known, share) * BEFORE if len(known) >= ENOUGH else None

    def pause(self, elapsed: float, looks: int, left: float | None, percent: float | None) -> float:
        """Seconds until the next look, `elapsed` seconds after acceptance.

        `looks` were in vain since the end seemed near; `left` and `percent` are the provider's own words.
        """
        expected = self.expected()
        if left is not None and not 0.0 <= left <= LONGEST_LEFT:
            left = None  # NaN, or no time at all
        if percent is not None and 1.0 <= percent < 100.0:
            reckoned = elapsed * (100.0 - percent) / percent
            if left is None or (percent >= SURE_PERCENT and (abs(reckoned - left) <= ROUNDED or left > FAR * reckoned)):
                left = reckoned
        if looks == 0 and expected is not None and elapsed < expected:
            return expected - elapsed
        near = min(elapsed * NEAR * GROWTH ** min(looks, 20), elapsed * AT_MOST)
        if left is not None:
            sure = percent is None or percent >= SURE_PERCENT
            # What is reckoned from the first few percent may be wrong by any factor: no long pause.
            guess = left * BEFORE if sure else min(left * UNSURE, elapsed * UNSURE_GROWTH)
            # An estimate that stands still at "soon" does not make us ask without end.
            return max(guess, near / 4)
        if expected is None and elapsed < self._typical / 4:
            return elapsed  # nothing is known: each look doubles the time
        return near if expected is not None else elapsed * AT_MOST


_paces: dict[tuple[str, ...], Pace] = {}


async def pace_of(call: Call, row: JobRow) -> Pace:
    """What the jobs of this row's kind took lately: of its operation and account, its mode and model."""
    kind = {name: row.request.get(name) for name in KIND}
    key = (call.ledger.database.name, row.operation, row.account, *map(str, kind.values()))
    if key not in _paces:
        lately: list[float] = []
        with contextlib.suppress(LedgerError):  # only pace
            lately = await asyncio.to_thread(call.ledger.took, row.operation, row.account, kind, KEPT)
        _paces.setdefault(key, Pace(call.operation.typical_seconds, lately))
    return _paces[key]


def quantile(known: Sequence[float], share: float) -> float:
    """Of sorted values; the lower of two neighbours."""
    return known[int(share * (len(known) - 1))]

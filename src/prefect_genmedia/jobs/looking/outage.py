"""A provider that cannot be reached: one warning in the run's log, one line when it answers again, and an end.

Known once for each run and account, however many of its jobs ask: they are all refused by the same outage.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prefect_genmedia.errors import GenMediaError, ServerError, TransportError
from prefect_genmedia.jobs.values import ref_of

if TYPE_CHECKING:
    from prefect_genmedia.jobs.call import Call
    from prefect_genmedia.ledger import JobRow

SOON_SECONDS = 30.0  # it is said before it has lasted twice as long, also where each question hangs for half a minute
STALE_SECONDS = 300.0  # nobody has asked for so long: what goes wrong now is another outage


@dataclass
class _Outage:
    since: float
    last: float
    told: bool = False


_outages: dict[tuple[str, str, bool], _Outage] = {}
_lock = threading.Lock()  # a run's tasks may be in several threads


def is_silence(error: GenMediaError) -> bool:
    """Is it no answer of the provider's own, as far as anyone can tell?"""
    return isinstance(error, TransportError) or (isinstance(error, ServerError) and error.http_status is not None)


def silent(
    call: Call, row: JobRow, error: GenMediaError, asked_at: float, pause: float = 0.0, *, of_files: bool = False
) -> float:
    """A question of `asked_at`, by time.monotonic(), met silence, and is to be asked again after `pause` seconds.

    The pause, so that it is asked once more just before the settings bear it no longer. When they do not, the error is
    marked as `lasting`: nobody tries it again.
    """
    now, bears = time.monotonic(), call.settings.outage_seconds
    with _lock:
        key = _key(call, of_files)
        outage = _outages.get(key)
        if outage is None or asked_at - outage.last > STALE_SECONDS:
            outage = _outages[key] = _Outage(asked_at, now)
        outage.last = now
        end = outage.since + bears
        pause = min(pause, max(0.0, end - now))
        tell = not outage.told and now + pause - outage.since >= min(SOON_SECONDS, bears / 2)
        outage.told |= tell
    if tell:
        clock = datetime.fromtimestamp(time.time() + max(0.0, min(end, call.deadline) - now), UTC)
        bought = "nothing was bought for it yet" if row.job_id is None else "it is bought, and nothing is lost"
        call.run.log.warning(
            "%s for %.0f s (%s). Job %s waits for it, and so does what else this run asks there: %s. It is asked "
            "again until %s at the latest (GENMEDIA_OUTAGE_SECONDS); then the run fails, and running it again buys "
            "nothing twice.",
            f"A file of {call.provider} has not come" if of_files else f"{call.provider} has not answered",
            now - outage.since, error.message, ref_of(row), bought, f"{clock:%H:%M:%S} UTC",
        )  # fmt: skip
    error.lasting = now >= end
    return pause


def answered(call: Call, *, of_files: bool = False) -> None:
    """The provider has said something, or given a file."""
    with _lock:
        outage = _outages.pop(_key(call, of_files), None)
    if outage is not None and outage.told:
        lasted = time.monotonic() - outage.since
        back = f"Files of {call.provider} come" if of_files else f"{call.provider} answers"
        call.run.log.info("%s again, after %.0f s: the run goes on.", back, lasted)


def _key(call: Call, of_files: bool) -> tuple[str, str, bool]:
    return call.run.name, call.account.fingerprint, of_files

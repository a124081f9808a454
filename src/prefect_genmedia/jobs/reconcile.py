"""What became of a submit whose answer was lost: the witnesses are asked until one can tell, or patience ends."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from prefect_genmedia.errors import ApiError, ResponseFormatError, TransportError
from prefect_genmedia.jobs.call import Call
from prefect_genmedia.jobs.looking.outage import is_silence, silent
from prefect_genmedia.jobs.witnesses import Finding, look
from prefect_genmedia.ledger import LedgerState

if TYPE_CHECKING:
    from prefect_genmedia.ledger import JobRow

LATER_SECONDS = 15.0  # between two looks of one who waits for a truth that is late


async def reconcile(call: Call, row: JobRow) -> tuple[JobRow, str]:
    """Look until the row is no longer UNKNOWN (or no longer ours), or nothing more can be learnt now.

    The row as it then is, and what was found last. Nothing is bought here.
    """
    started = time.monotonic()
    while True:
        row = await call.read_row(row.id)
        if row.owner != call.owner or row.state != LedgerState.UNKNOWN:
            return row, ""
        waited = time.monotonic() - started
        finding = await _look(call, row, waited)
        if finding.job_id is not None:
            call.run.log.info("%s: the lost submit is found: %s.", row.operation, finding.note)
            await call.record_fact(row, call.ledger.submitted, row.id, finding.job_id, finding.note)
        elif finding.not_accepted:
            call.run.log.info("%s: the submit was not accepted: %s.", row.operation, finding.note)
            await call.record_fact(row, call.ledger.not_accepted, row.id, finding.note, row.sends)
        elif call.is_over():
            return row, finding.note
        elif finding.more_may_come and waited < _patience(call):  # the last look is one that has waited for long enough
            await asyncio.sleep(min(max(call.settings.poll_seconds, 0.2), 2.0))
        elif call.terms.on_unknown == "wait":
            left = max(0.0, call.deadline - time.monotonic())
            await asyncio.sleep(min(call.settings.poll_max_seconds, LATER_SECONDS, left))
        else:
            return row, finding.note


async def _look(call: Call, row: JobRow, waited: float) -> Finding:
    asked_at = time.monotonic()
    try:
        return await look(call.operation, call.account, call.settings, call.ledger, call.pool, row, waited)
    except (ApiError, TransportError, ResponseFormatError) as error:
        if is_silence(error):
            silent(call, row, error, asked_at)
        return Finding(note=f"the witnesses could not be asked: {error.message}", more_may_come=True)


def _patience(call: Call) -> float:
    # The list has this long to show the job; some more for looks that failed, and for one after that time.
    seconds = call.settings.reconcile_seconds * 1.5 + min(2.0, call.settings.reconcile_seconds)
    if call.settings.callback_url and call.settings.witness_callback:
        seconds = max(seconds, call.settings.callback_wait_seconds)
    return seconds

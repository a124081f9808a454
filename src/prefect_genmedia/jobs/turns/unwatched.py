"""Jobs that nobody waits for any more hold places in the provider's queue: who waits for a place looks after them."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

from prefect_genmedia import providers
from prefect_genmedia.errors import GenMediaError
from prefect_genmedia.jobs.call import Call
from prefect_genmedia.jobs.wait import fetch, record_success
from prefect_genmedia.ledger import Queue
from prefect_genmedia.operation import JobState

MOST_LOOKS = 5  # at a time


async def look_after(call: Call, queue: Queue) -> None:
    """Ask the provider for the oldest of them, and write down which have ended. Their files are whoever's asks next."""
    for row in (await asyncio.to_thread(call.ledger.unwatched, queue))[:MOST_LOOKS]:
        operation = providers.find_operation(row.operation)
        if operation is None or row.base_url != call.account.base_url:
            continue
        its = replace(call, operation=operation)
        with contextlib.suppress(GenMediaError):  # it stays as it is, and counts for a while
            status, payload = await fetch(its, row)
            if status.state is JobState.SUCCEEDED:
                await record_success(its, row, status, payload)
            elif status.state is JobState.FAILED and not status.is_vague:
                await its.record_fact(row, its.ledger.failed, row.id, status, row.job_id)

"""What became of a submit whose answer was lost? One look at each witness; waiting is done by jobs.py.

A match is only ever one by the token in the job's callback address, and exactly one; never by prompt.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from prefect_genmedia.errors import ConfigurationError, NotFoundError, ResponseFormatError
from prefect_genmedia.ledger import JobRow, Ledger
from prefect_genmedia.operation import Account, Operation, Witness
from prefect_genmedia.settings import Settings
from prefect_genmedia.wire.http import Pool, http_pool

PAGE = 100
MOST_PAGES = 10
AT_ONCE = 8


@dataclass(frozen=True)
class Finding:
    """What the witnesses say now."""

    note: str
    job_id: str | None = None
    not_accepted: bool = False
    more_may_come: bool = False


async def look(
    operation: Operation[Any, Any],
    account: Account,
    settings: Settings,
    ledger: Ledger,
    pool: Pool,
    row: JobRow,
    waited: float,
) -> Finding:
    """Ask every witness once. Raises ApiError, TransportError or ResponseFormatError when one does not answer."""
    if not row.labelled:
        return Finding("it was sent without a callback address of ours, so nothing can tell it apart")
    awaiting_callback = bool(settings.callback_url and settings.witness_callback)
    if settings.witness_callback and row.hint is not None:
        taken = await asyncio.to_thread(ledger.known_job_ids, account.fingerprint, [row.hint])
        if not taken and await _confirmed(operation, account, pool, row, row.hint):
            return Finding(f"named by its callback as {row.hint}", job_id=row.hint)
        return Finding("its callback named a job that the provider does not confirm", more_may_come=True)
    if operation.witness is None or not settings.witness_job_list:
        why = "this provider has no list of jobs to look it up in"
        return Finding(f"{why}, and no callback came" if awaiting_callback else why, more_may_come=awaiting_callback)
    matches, whole = await _in_job_list(operation, operation.witness, account, ledger, pool, row)
    if len(matches) == 1:
        return Finding(f"found in the provider's list as {matches[0]}", job_id=matches[0])
    if matches:
        return Finding(f"{len(matches)} jobs in the provider's list carry its token")
    if not whole:
        return Finding("the provider's list cannot be read whole", more_may_come=True)
    if waited < settings.reconcile_seconds:
        return Finding("it is not in the provider's list yet", more_may_come=True)
    if settings.witness_frozen_quota and await _nothing_unexplained(operation.witness, account, ledger, pool):
        return Finding("in no list of the provider, and no quota is frozen for it", not_accepted=True)
    return Finding("it is not in the provider's list", more_may_come=awaiting_callback)


async def _confirmed(operation: Operation[Any, Any], account: Account, pool: Pool, row: JobRow, job_id: str) -> bool:
    """Does the provider know this job, and, where it repeats the callback address, is that ours?"""
    route = operation.fetch_route(row.request)
    try:
        answer = await pool.fetch(account, route.path, {route.job_id: job_id}, method=route.method)
    except NotFoundError:
        return False
    address = account.provider.callback_url_of(answer.body)
    return address is None or row.id in address


async def _in_job_list(
    operation: Operation[Any, Any],
    witness: Witness,
    account: Account,
    ledger: Ledger,
    pool: Pool,
    row: JobRow,
) -> tuple[list[str], bool]:
    """Jobs of the list that carry the row's token, and whether the list was read as far back as needed."""
    lists = [await _candidates(witness, status, account, ledger, pool, row) for status in witness.statuses]
    candidates = list(dict.fromkeys(job_id for found, _ in lists for job_id in found))
    gate = asyncio.Semaphore(AT_ONCE)
    token = ledger.token(row.id)

    async def carries_token(job_id: str) -> bool | None:
        async with gate:
            params = {operation.fetch.job_id: job_id}
            try:
                answer = await pool.fetch(account, operation.fetch.path, params, method=operation.fetch.method)
                return token in (account.provider.callback_url_of(answer.body) or "")
            except NotFoundError:
                return False
            except ResponseFormatError:
                return None  # it may be ours: no proof of absence

    marked = await asyncio.gather(*(carries_token(job_id) for job_id in candidates))
    matches = [job_id for job_id, ours in zip(candidates, marked, strict=True) if ours]
    return matches, all(whole for _, whole in lists) and None not in marked


async def _candidates(
    witness: Witness, status: str, account: Account, ledger: Ledger, pool: Pool, row: JobRow
) -> tuple[list[str], bool]:
    """Jobs of one status that belong to no row, newest first, back to a job of ours that is older than the row."""
    found: list[str] = []
    for page in range(1, MOST_PAGES + 1):
        query = {"page": str(page), "limit": str(PAGE), "status": status, "order": "desc"}
        answer = await pool.fetch(account, witness.list_path, query)
        listed = witness.job_ids(answer.body)
        known = await asyncio.to_thread(ledger.known_job_ids, account.fingerprint, listed)
        found += [job_id for job_id in listed if job_id not in known]
        if len(listed) < PAGE:
            return found, True
        if any(submitted is not None and submitted < row.created_at - 120 for submitted in known.values()):
            return found, True
    return found, False


async def _nothing_unexplained(witness: Witness, account: Account, ledger: Ledger, pool: Pool) -> bool:
    """Is all of the account's frozen quota explained by our own running jobs?"""
    frozen = witness.frozen((await pool.fetch(account, witness.account_path, {})).body)
    ours = await asyncio.to_thread(ledger.frozen_by_us, account.fingerprint)
    return frozen is not None and ours is not None and frozen <= ours + 1e-6


async def listed_jobs(operation: Operation[Any, Any], account: Account, most: int) -> list[str]:
    """The newest finished jobs of the provider's own list. Raises ConfigurationError where there is none."""
    witness = operation.witness
    if witness is None:
        raise ConfigurationError(f"{operation.provider.name} has no list of jobs; name them by id")
    found: list[str] = []
    async with http_pool() as pool:
        for page in range(1, MOST_PAGES + 1):
            query = {"page": str(page), "limit": str(PAGE), "status": "SUCCESS", "order": "desc"}
            listed = witness.job_ids((await pool.fetch(account, witness.list_path, query)).body)
            found += listed
            if len(found) >= most or len(listed) < PAGE:
                break
    return found[:most]

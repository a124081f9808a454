"""What became of a submit whose answer was lost? One look at each witness; waiting is done in reconcile.py.

A match is only ever one by the token in the job's callback address, and exactly one; never by prompt.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prefect_genmedia.errors import ConfigurationError, NotFoundError, ResponseFormatError
from prefect_genmedia.ledger import Accepted
from prefect_genmedia.operation import Account, Operation, Witness
from prefect_genmedia.providers.facts import expected_cost
from prefect_genmedia.settings import Settings
from prefect_genmedia.wire.http import Pool, http_pool

if TYPE_CHECKING:
    from prefect_genmedia.ledger import JobRow, Ledger

PAGE = 100  # jobs; what the vendor's page allows
MOST_PAGES = 10  # of each status: a thousand jobs ago nothing of a lost submit is to be found
AT_ONCE = 8  # fetches beside each other: the account's other jobs are polled meanwhile
OLDER_SECONDS = 120.0  # a provider's list may not be in strict order


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
    if operation.at_once is not None:
        return Finding("its files were to come with the answer, and nobody can be asked for them later")
    # Named by its callback, or by the very answer that refused it.
    if row.hint is not None and settings.witness_callback:
        taken = await asyncio.to_thread(ledger.known_job_ids, account.fingerprint, [row.hint])
        if not taken and await _confirmed(operation, account, pool, row, row.hint):
            return Finding(f"the provider knows it as {row.hint}", job_id=row.hint)
        return Finding(f"it was named {row.hint}, which the provider does not confirm", more_may_come=True)
    if not row.labelled:
        return Finding("it was sent without a callback address of ours, so nothing can tell it apart")
    awaiting_callback = bool(settings.callback_url and settings.witness_callback)
    if operation.witness is None or not settings.witness_job_list:
        why = "this provider has no list of jobs to look it up in"
        return Finding(f"{why}, and no callback came" if awaiting_callback else why, more_may_come=awaiting_callback)
    listed = await _read_list(operation, operation.witness, account, ledger, pool, row)
    matches = listed.matches
    if len(matches) == 1:
        return Finding(f"found in the provider's list as {matches[0]}", job_id=matches[0])
    if matches:
        return Finding(f"{len(matches)} jobs in the provider's list carry its token")
    if not listed.whole:
        return Finding("the provider's list cannot be read whole", more_may_come=True)
    if waited < settings.reconcile_seconds:
        return Finding("it is not in the provider's list yet", more_may_come=True)
    if await asyncio.to_thread(ledger.may_yet_arrive, row):
        return Finding("the worker that sent it may only be asleep", more_may_come=True)
    doubt = await _doubt(operation.witness, account, settings, ledger, pool, row, listed)
    if doubt is None:
        return Finding("the list shows what was bought after it, and no quota is frozen for it", not_accepted=True)
    return Finding(f"it is not in the provider's list, but {doubt}", more_may_come=awaiting_callback)


async def _confirmed(operation: Operation[Any, Any], account: Account, pool: Pool, row: JobRow, job_id: str) -> bool:
    """Does the provider know this job, and, where it repeats the callback address, is that ours?"""
    route = operation.fetch_route(row.request)
    try:
        answer = await pool.fetch(account, route.path, {route.job_id: job_id}, method=route.method)
    except NotFoundError:
        return False
    address = account.provider.callback_url_of(answer.body)
    return address is None or row.id in address


@dataclass(frozen=True)
class Listed:
    """What the provider's list shows."""

    matches: list[str]
    """Jobs that carry the row's token."""
    ours: dict[str, Accepted]
    """Jobs of other rows of ours, and when they were accepted."""
    running: set[str]
    """Jobs that the list gives as queued or running."""
    whole: bool
    """Was it read as far back as needed?"""


async def _read_list(
    operation: Operation[Any, Any], witness: Witness, account: Account, ledger: Ledger, pool: Pool, row: JobRow
) -> Listed:
    strangers: list[str] = []
    ours: dict[str, Accepted] = {}
    running: set[str] = set()
    whole = True
    for status in witness.statuses:
        seen, known, complete = await _page_through(witness, status, account, ledger, pool, row)
        strangers += [job_id for job_id in seen if job_id not in known]
        ours |= known
        running |= set(seen) if status in witness.running else set()
        whole = whole and complete
    gate = asyncio.Semaphore(AT_ONCE)
    route = operation.fetch_route(row.request)
    token = ledger.token(row.id)

    async def carries_token(job_id: str) -> bool | None:
        async with gate:
            try:
                answer = await pool.fetch(account, route.path, {route.job_id: job_id}, method=route.method)
                return token in (account.provider.callback_url_of(answer.body) or "")
            except NotFoundError:
                return None  # the list knows it and the fetch does not: one of them lags
            except ResponseFormatError:
                return None  # it may be ours: no proof of absence

    candidates = list(dict.fromkeys(strangers))
    marked = await asyncio.gather(*(carries_token(job_id) for job_id in candidates))
    matches = [job_id for job_id, carries in zip(candidates, marked, strict=True) if carries]
    return Listed(matches, ours, running, whole and None not in marked)


async def _page_through(
    witness: Witness, status: str, account: Account, ledger: Ledger, pool: Pool, row: JobRow
) -> tuple[list[str], dict[str, Accepted], bool]:
    """Jobs of one status, newest first, back to a job of ours that is older than the row; those of our other rows."""
    seen: list[str] = []
    ours: dict[str, Accepted] = {}
    for page in range(1, MOST_PAGES + 1):
        query = {"page": str(page), "limit": str(PAGE), "status": status, "order": "desc"}
        answer = await pool.fetch(account, witness.list_path, query)
        listed = witness.job_ids(answer.body)
        known = await asyncio.to_thread(ledger.known_job_ids, account.fingerprint, listed)
        seen += listed
        ours |= known
        if len(listed) < PAGE:
            return seen, ours, True
        if any(job.before is not None and job.before < row.created_at - OLDER_SECONDS for job in known.values()):
            return seen, ours, True
    return seen, ours, False


async def _doubt(
    witness: Witness, account: Account, settings: Settings, ledger: Ledger, pool: Pool, row: JobRow, listed: Listed
) -> str | None:
    """Why its absence from the list proves nothing; None when it does prove that the job was not accepted.

    Absence counts only with a positive control: a list that lags, or hides jobs, looks just the same.
    """
    if not settings.witness_frozen_quota:
        return "the account's frozen quota may not be asked"
    lost_at = row.lost_at if row.lost_at is not None else row.updated_at
    if not any(job.after is not None and job.after > lost_at for job in listed.ours.values()):
        return "the list shows no job that was bought after it: it may lag"
    from prefect_genmedia.providers.catalogue import OPERATIONS  # all products: only where one was lost

    operations = [name for name, each in OPERATIONS.items() if each.witness is witness]
    running = await asyncio.to_thread(ledger.running, account.fingerprint, operations)
    if hidden := running.keys() - listed.ours.keys():
        return f"the list does not show our running job {sorted(hidden)[0]} either"
    frozen = witness.frozen((await pool.fetch(account, witness.account_path, {})).body)
    # By the vendor's figures alone: a user's own price, or an assumption, may be too high and so hide a lost job's.
    ours = (job for job_id, job in running.items() if job_id in listed.running)
    costs = [expected_cost(OPERATIONS[name], request, ()) for name, request in ours]
    if frozen is None or frozen < 0 or any(cost is None for cost in costs):
        return "nobody can tell what the frozen quota is for"
    if frozen > sum(cost or 0.0 for cost in costs) + 1e-6:
        return "more quota is frozen than our running jobs explain"
    return None


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

"""Jobs that are in the ledger already: found, corrected by a person, imported. Nothing here buys. All of it blocks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from prefect_genmedia.errors import ConfigurationError, NotFoundError
from prefect_genmedia.jobs.buying import ledger_of
from prefect_genmedia.jobs.values import JobRef, media_file_of, ref_of, script_run
from prefect_genmedia.ledger import LedgerState
from prefect_genmedia.media import MediaStore
from prefect_genmedia.operation import Account, Operation
from prefect_genmedia.settings import read_settings
from prefect_genmedia.wire.http import http_pool

if TYPE_CHECKING:
    from prefect_genmedia.ledger import JobRow

S = LedgerState


def bought_job(name: str) -> JobRow:
    """The one row whose id starts with `name`, or whose provider id it is. Raises ConfigurationError."""
    if not name.strip():
        raise ConfigurationError("a job is named by the start of its id", advice="See: genmedia jobs list")
    from prefect_genmedia.ledger import ledger_to_read  # and SQLAlchemy with it

    settings = read_settings()
    found = ledger_to_read(settings.ledger_url, settings.lease_seconds).find(name.strip())
    if len(found) == 1:
        return found[0]
    if not found:
        raise ConfigurationError(f"no job starts with {name!r}", advice="See: genmedia jobs list")
    starts = ", ".join(row.id[:12] for row in found)
    raise ConfigurationError(f"{len(found)} jobs start with {name!r}: {starts}")


def orphans(quiet_seconds: float, most: int | None = None, after: JobRow | None = None) -> list[JobRow]:
    """Unfinished rows that no live call works on and that nothing has happened to for so long.

    Those that were left alone longest come first; `most` and `after` take them in parts.
    """
    return ledger_of(read_settings()).left_alone(quiet_seconds, most, after)


async def name_job(operation: Operation[Any, Any], row: JobRow, job_id: str, account: Account) -> None:
    """A person says which job of the provider this is; the provider is asked first. `resume` then brings it in.

    A wrong id that was given before is corrected. Raises ConfigurationError when the provider does not know it,
    when another row has it, or when the job's files are here already; ApiError, TransportError when it cannot be asked.
    """
    job_id = job_id.strip()
    if not job_id:
        raise ConfigurationError("the provider's id of the job is empty")
    if row.state == S.STORED:
        raise ConfigurationError(f"job {row.id[:12]} is {row.state}: its files are here")
    ledger = await asyncio.to_thread(ledger_of, read_settings())
    has = [each for each in await asyncio.to_thread(ledger.find, job_id) if each.job_id == job_id and each.id != row.id]
    if has:
        raise ConfigurationError(f"{job_id} is job {has[0].id[:12]} already", advice="Each job has one row.")
    await _ask_for(operation, row, job_id, account)
    await asyncio.to_thread(ledger.named, row.id, job_id, "found by hand")


async def _ask_for(operation: Operation[Any, Any], row: JobRow, job_id: str, account: Account) -> None:
    route = operation.fetch_route(row.request)
    try:
        async with http_pool() as pool:
            answer = await pool.fetch(account, route.path, {route.job_id: job_id}, method=route.method)
    except NotFoundError as unknown:
        raise ConfigurationError(
            f"{account.provider.name} does not know a job {job_id!r}: {unknown.message}",
            advice="Nothing was changed. Is the id whole, and is this the account that bought it?",
        ) from None
    about = account.provider.job_id_of(answer.body)
    if about is not None and about != job_id:
        raise ConfigurationError(f"asked for job {job_id}, {account.provider.name} answered with job {about}")


def lacks_files(key: str) -> bool:
    """Is this job bought, and are some of its files not (or no longer) here? Raises LedgerError, ConfigurationError."""
    settings = read_settings()
    ledger = ledger_of(settings)
    row = ledger.newest([key])
    if row is None or row.state not in (S.SUCCEEDED, S.STORED):
        return False
    if row.state == S.SUCCEEDED:
        return True
    store = MediaStore(settings.media_store)
    return not all(store.has(media_file_of(file)) for file in ledger.media(row.id))


def not_bought(row: JobRow) -> None:
    """A person says that the provider never took this job. Raises ConfigurationError unless it is UNKNOWN."""
    if row.state != S.UNKNOWN:
        raise ConfigurationError(f"job {row.id[:12]} is {row.state}, not UNKNOWN: there is nothing to settle")
    said = "the provider never took it, found by hand"
    ledger_of(read_settings()).not_accepted(row.id, said, row.sends, by_hand=True)


def accept_as_is(row: JobRow) -> None:
    """A person is content with the files that have come: the job counts as STORED. Raises ConfigurationError."""
    if not ledger_of(read_settings()).accepted_as_is(row.id):
        raise ConfigurationError(
            f"job {row.id[:12]} is {row.state}, and there is nothing to accept",
            advice="Only a job of which some files have come can be closed like this.",
        )


def import_job(operation: Operation[Any, Any], job_id: str, account: Account) -> tuple[JobRef, bool]:
    """Enter a job that was bought outside of the pack; its JobRef, and whether it is new to the ledger.

    `resume` then brings its files in, also where the ledger had it before.
    """
    if operation.at_once is not None:
        operation.fetch_route({})
    run = script_run().name
    fingerprint = account.fingerprint
    ledger = ledger_of(read_settings())
    row, new = ledger.imported(operation.name, operation.unit, account.base_url, fingerprint, job_id, run)
    return ref_of(row), new

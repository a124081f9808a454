"""`genmedia jobs`: what the person with a failed nightly run types."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import groupby
from typing import Any

from prefect_genmedia.cli.jobs.listing import colour, cost_of, local_time
from prefect_genmedia.cli.terminal import patiently, require_prefect, say, say_json
from prefect_genmedia.errors import ConfigurationError, GenMediaError
from prefect_genmedia.jobs import (
    JobResult,
    Progress,
    accept_as_is,
    bought_job,
    import_job,
    name_job,
    not_bought,
    ref_of,
    resume,
    script_run,
)
from prefect_genmedia.jobs.history.telling import sentences
from prefect_genmedia.jobs.witnesses import listed_jobs
from prefect_genmedia.ledger import JobRow, Ledger, LedgerState, ledger_to_read
from prefect_genmedia.operation import Account, Operation
from prefect_genmedia.quoting import one_line
from prefect_genmedia.settings import read_settings


def _ledger() -> Ledger:
    settings = read_settings()
    return ledger_to_read(settings.ledger_url, settings.lease_seconds)


def show_job(name: str) -> None:
    ledger = _ledger()
    row = bought_job(name)
    facts = {
        "Operation": row.operation,
        "What": row.title,
        "Provider's id": row.job_id or "not known",
        "At": row.base_url,
        "Cost": cost_of(row) or "not told",
        "Run": row.run,
        "Attempt": str(row.attempt),
    }
    reason = f" ({one_line(row.reason)})" if row.reason else ""
    say((f"{'Job':>14}", "dim"), f"  {row.id}")
    say((f"{'State':>14}", "dim"), "  ", (row.state, colour(row)), reason)
    for label, fact in facts.items():
        say((f"{label:>14}", "dim"), f"  {one_line(fact)}")
    for remark in row.remarks or ():
        say((f"{'Remark':>14}", "dim"), f"  {one_line(remark)}")
    say(("\nWhat happened", "bold"))
    lines = ledger.history(row.id)
    for (state, note), same in groupby(lines, lambda line: (line.state, one_line(line.note))):
        times = [line.at for line in same]
        more = f" ({len(times)} times, until {local_time(times[-1])})" if len(times) > 1 else ""
        say(f"{local_time(times[0])}  {state:<13} {note}{more}")
    if not lines and row.sends:
        say("moved out of the ledger by genmedia ledger prune")
    if files := ledger.media(row.id):
        say(("\nFiles", "bold"))
        for file in files:
            size = f"{file.width}x{file.height}" if file.width else ""
            say(f"{one_line(file.role):<13} {size:<11} {file.bytes:>9} bytes  {file.uri}")
            for remark in file.remarks or ():
                say(f"{'':<13} {one_line(remark)}")
    say(("\nRequest", "bold"))
    say_json(row.request)
    say(("\nNow", "bold"))
    for label, sentence in zip(("It", "Money", "Type"), sentences(row), strict=True):
        say((f"{label:>14}", "dim"), f"  {one_line(sentence)}")


def resume_job(name: str, block: str | None) -> None:
    row = bought_job(name)
    if row.job_id is None and row.state in (LedgerState.INTENT, LedgerState.NOT_ACCEPTED):
        raise ConfigurationError(f"job {row.id[:12]} was not bought ({row.state})", advice="Run its flow again.")

    async def bring_in() -> JobResult[Any]:
        operation, account = await _account_of(row, block)
        return await resume(operation, row, account, run=replace(script_run(), on_progress=_shown()))

    with patiently(f"Waiting for job {row.id[:12]} of {row.base_url}"):
        result = asyncio.run(bring_in())
    _print_files(result)


def _shown() -> Callable[[Progress], None]:
    """Says where a job stands, once for each state."""
    told: set[str] = set()

    def show(progress: Progress) -> None:
        if progress.state not in told:
            told.add(progress.state)
            say(f"{progress.job}: {progress.state}")

    return show


async def _account_of(row: JobRow, block: str | None) -> tuple[Operation[Any, Any], Account]:
    """The operation of a job, and the account that bought it. Raises ConfigurationError."""
    from prefect_genmedia.tasks.jobs import find_credentials, operation_of

    await require_prefect()
    credentials = await find_credentials(ref_of(row), None if block is None else [block])
    return operation_of(row.operation), credentials.get_client()


def _print_files(result: JobResult[Any]) -> None:
    for file in result.media:
        say(f"{one_line(file.role):<13} {file.uri}")
    for remark in result.remarks:
        say(f"{'remark':<13} {one_line(remark)}")


def import_jobs(operation_name: str, job_ids: list[str], from_list: int, block: str) -> None:
    """Enter jobs bought elsewhere and bring their files in."""
    from prefect_genmedia.tasks.jobs import operation_of

    if not job_ids and not from_list:
        raise ConfigurationError("say which jobs", advice="Give their ids, or --from-list 50.")
    operation = operation_of(operation_name)
    asyncio.run(_import(operation, job_ids, from_list, block))


async def _import(operation: Operation[Any, Any], job_ids: list[str], from_list: int, block: str) -> None:
    from prefect_genmedia.blocks import NovitaCredentials, TTAPICredentials

    await require_prefect()
    kind: Any = TTAPICredentials if operation.provider.name == "ttapi" else NovitaCredentials
    try:
        account = (await kind.aload(block)).get_client()
    except ValueError:
        raise ConfigurationError(
            f"there is no {kind.get_block_type_name()} block called {block!r}",
            advice=f"Save one: genmedia setup --{operation.provider.name} {block}",
        ) from None
    if from_list:
        job_ids = [*job_ids, *await listed_jobs(operation, account, from_list)]
    brought = 0
    for job_id in dict.fromkeys(job_ids):
        job, new = await asyncio.to_thread(import_job, operation, job_id, account)
        if not new:
            say(f"{one_line(job_id)}: the ledger has it already")
        try:
            result = await resume(operation, bought_job(job.id), account, run=script_run())
        except GenMediaError as failure:
            say(f"{one_line(job_id)}: {one_line(failure)}")
            continue
        brought += new
        say(f"{one_line(job_id)}: {len(result.media)} files")
        _print_files(result)
    say(f"{brought} jobs imported. Nothing was paid.")


def adopt_orphans(quiet_seconds: float) -> None:
    """Run the sweep now."""
    from prefect_genmedia.flows import adopt_orphans as sweep

    asyncio.run(require_prefect())
    with patiently("Looking for paid jobs that no run works on, and waiting for them"):
        report = asyncio.run(sweep(quiet_seconds=quiet_seconds))
    for orphan in report.orphans:
        words = f"{one_line(orphan.title)}  {one_line(orphan.says)}"
        say(f"{orphan.job.id[:12]}  {orphan.outcome:<13} {words}")
    say(f"Orphans: {report.summary}")


def adopt_job(name: str, job_id: str | None, not_accepted: bool, block: str | None) -> None:
    """Write down what a person has found out about a job. The provider is asked before an id is believed."""
    if (job_id is None) == (not not_accepted):
        raise ConfigurationError("say what you found", advice="Either --job-id ID or --not-accepted.")
    row = bought_job(name)
    if job_id is None:
        not_bought(row)
        say(f"Job {row.id[:12]} was not bought. The next run that asks for it buys it.")
        return
    operation, account = asyncio.run(_account_of(row, block))
    asyncio.run(name_job(operation, row, job_id, account))
    say(f"Job {row.id[:12]} is {one_line(job_id)}. Bring it in: genmedia jobs resume {row.id[:12]}")


def accept_job(name: str) -> None:
    """Close a job with the files that have come."""
    row = bought_job(name)
    accept_as_is(row)
    say(f"Job {row.id[:12]} is STORED with the files that have come.")

"""Bought jobs, whoever bought them: bring their files in. Never buys."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from prefect import task
from prefect.client.orchestration import get_client

from prefect_genmedia.blocks import NovitaCredentials, TTAPICredentials
from prefect_genmedia.errors import ConfigurationError, GenMediaError
from prefect_genmedia.jobs import JobRef, JobResult, Terms, bought_job
from prefect_genmedia.jobs import resume as bring_in
from prefect_genmedia.operation import Operation
from prefect_genmedia.providers import OPERATIONS, find_operation
from prefect_genmedia.tasks.paying.paid import this_run, worth_retrying

__all__ = ["find_credentials", "operation_of", "resume"]


def operation_of(name: str) -> Operation[Any, Any]:
    """The operation of this name. Raises ConfigurationError."""
    operation = find_operation(name)
    if operation is None:
        raise ConfigurationError(
            f"this version has no operation {name!r}", advice=f"It has {', '.join(sorted(OPERATIONS))}."
        )
    return operation


async def find_credentials(job: JobRef, names: Sequence[str] | None = None) -> TTAPICredentials | NovitaCredentials:
    """The saved block of the account that bought a job: among `names`, or among all. Raises ConfigurationError."""
    provider = operation_of(job.operation).provider.name
    block: Any = TTAPICredentials if provider == "ttapi" else NovitaCredentials
    if names is None:
        async with get_client() as client:
            documents = await client.read_block_documents_by_type(block.get_block_type_slug())
        names = [document.name for document in documents if document.name]
    for name in names:
        try:
            credentials: TTAPICredentials | NovitaCredentials = await block.aload(name)
        except (ValueError, GenMediaError):
            continue
        if job.account in credentials.get_client().fingerprints:
            return credentials
    raise ConfigurationError(
        f"none of the saved {block.get_block_type_name()} blocks ({', '.join(names) or 'there is none'}) is the "
        f"account at {job.base_url} that bought job {job}",
        advice=f"Save that key as a block: genmedia setup --{provider} NAME",
    )


@task(
    name="jobs.resume",
    task_run_name="resume {job.operation} {job.id}",
    retries=3,
    retry_delay_seconds=[2, 10, 30],
    retry_condition_fn=worth_retrying,
    persist_result=False,
)
async def resume(
    job: JobRef, credentials: TTAPICredentials | NovitaCredentials, *, deadline_seconds: float | None = None
) -> JobResult[Any]:
    """Wait for a bought job and bring its files in. Costs nothing. Raises GenMediaError with the JobRef."""
    operation = operation_of(job.operation)
    row = await asyncio.to_thread(bought_job, job.id)
    terms = Terms(deadline_seconds=deadline_seconds)
    with this_run(operation.name) as here:
        return await bring_in(operation, row, credentials.get_client(), run=here, terms=terms)

"""Recovery: bring in what is paid and was never fetched. Neither flow ever buys."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal

import prefect.runtime.flow_run
from prefect import flow, get_run_logger
from prefect.artifacts import acreate_table_artifact
from pydantic import BaseModel

from prefect_genmedia import quoting
from prefect_genmedia.errors import GenMediaError, JobExpiredError, JobFailedError, SubmitOutcomeUnknown
from prefect_genmedia.flows.runs.parameters import Count, Name, Seconds
from prefect_genmedia.jobs import JobRef, JobResult, bought_job, orphans, ref_of
from prefect_genmedia.ledger import is_dead
from prefect_genmedia.tasks import jobs
from prefect_genmedia.tasks.paying.paid import state_of

if TYPE_CHECKING:
    from prefect_genmedia.ledger import JobRow

Outcome = Literal["recovered", "expired", "failed", "never bought", "unknown", "not yet", "no credentials"]


class Orphan(BaseModel):
    """One job without an owner, and what became of it."""

    job: JobRef
    title: str
    outcome: Outcome
    says: str
    files: list[str] = []


class OrphanReport(BaseModel):
    """What a sweep found."""

    orphans: list[Orphan]

    def count(self, outcome: Outcome) -> int:
        return sum(orphan.outcome == outcome for orphan in self.orphans)

    @property
    def summary(self) -> str:
        kinds: tuple[Outcome, ...] = (
            "recovered", "expired", "failed", "never bought", "unknown", "not yet", "no credentials",
        )  # fmt: skip
        counts = [f"{kind} {self.count(kind)}" for kind in kinds if self.count(kind)]
        return f"found {len(self.orphans)}" + (": " + ", ".join(counts) if counts else "")


def _run_name() -> str:
    return f"resume {quoting.title(str(prefect.runtime.flow_run.parameters.get('job', '')))}"


@flow(name="resume_job", flow_run_name=_run_name)
async def resume_job(job: Name, credentials: Name | None = None) -> JobResult[Any]:
    """Wait for one bought job and bring its files in. Never buys.

    Args:
        job: The start of the job's id in the ledger, or the provider's own id.
        credentials: The name of the saved credentials block that bought it. Found by itself by default.
    """
    ref = ref_of(await asyncio.to_thread(bought_job, job))
    found = await jobs.find_credentials(ref, None if credentials is None else [credentials])
    return await jobs.resume(ref, found)


@flow(name="adopt_orphans", flow_run_name="sweep for paid jobs that no run works on")
async def adopt_orphans(
    quiet_seconds: Seconds = 600, deadline_seconds: Seconds = 120, most: Count = 500
) -> OrphanReport:
    """Find jobs that are paid, finished or not, and that no live run works on; bring their files in. Never buys.

    Args:
        quiet_seconds: Leave jobs alone in which something happened this recently.
        deadline_seconds: How long to wait for each; one that still runs is left for the next sweep.
        most: At most this many, those first that were left alone longest.
    """
    abandoned: list[JobRow] = []
    last: JobRow | None = None
    while len(abandoned) < most and (rows := await asyncio.to_thread(orphans, quiet_seconds, most, last)):
        abandoned += [row for row in rows if await state_of(row.run) != "live" or is_dead(row.process)]
        last = rows[-1]
    found = await asyncio.gather(*(_recover(ref_of(row), row.title, deadline_seconds) for row in abandoned[:most]))
    report = OrphanReport(orphans=list(found))
    table = [
        {"job": each.job.id[:12], "operation": each.job.operation, "what": quoting.title(each.title),
         "outcome": each.outcome, "says": each.says} for each in found
    ]  # fmt: skip
    await acreate_table_artifact(table or [{"job": "none"}], key="genmedia-orphans", description=report.summary)
    get_run_logger().info("Orphans: %s.", report.summary)
    return report


async def _recover(job: JobRef, title: str, deadline_seconds: float) -> Orphan:
    def orphan(outcome: Outcome, says: object, files: list[str] | None = None) -> Orphan:
        return Orphan(job=job, title=title, outcome=outcome, says=quoting.one_line(says), files=files or [])

    try:
        credentials = await jobs.find_credentials(job)
    except GenMediaError as failure:
        return orphan("no credentials", failure)
    try:
        result = await jobs.resume(job, credentials, deadline_seconds=deadline_seconds)
    except SubmitOutcomeUnknown as failure:
        return orphan("unknown", failure)
    except JobExpiredError as failure:
        return orphan("expired", failure)
    except JobFailedError as failure:
        return orphan("never bought" if failure.refunded is None and job.job_id is None else "failed", failure)
    except GenMediaError as failure:
        return orphan("not yet", failure)
    files = [file.uri for file in result.media]
    return orphan("recovered", f"{len(files)} files", files)

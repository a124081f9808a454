"""Where nobody decides in time: a run of its own, scheduled for the deadline, resumes the review without anybody."""

from __future__ import annotations

import asyncio
from datetime import datetime
from uuid import UUID

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterIdempotencyKey
from prefect.client.schemas.responses import SetStateStatus
from prefect.exceptions import ObjectNotFound
from prefect.states import Scheduled

from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.flows.runs.parameters import Name

NOBODY = "nobody, by the deadline"
"""Who decided, where nobody did."""
DEPLOYMENT = "review_deadline/review-deadline"
_LOOKS = 300
_PAUSE_SECONDS = 2.0


@flow(name="review_deadline", flow_run_name="deadline of review {run}")
async def review_deadline(run: Name) -> str:
    """Resume a review that nobody has decided on, so that it does what was asked for that case. Costs nothing.

    Each review with a deadline schedules a run of this, and calls it off when somebody decides. (Prefect fails a
    suspended run whose own timeout is over, and no code of the run is asked.)

    Args:
        run: The review's flow run id.
    """
    async with get_client() as client:
        for _ in range(_LOOKS):  # with a very short deadline it may not be suspended yet
            state = (await client.read_flow_run(UUID(run))).state
            if state is None or state.is_final() or state.name == "Resuming":
                break
            if state.is_paused():
                answer = await client.resume_flow_run(UUID(run), run_input={"by": NOBODY})
                if answer.status == SetStateStatus.ACCEPT:
                    return "nobody had decided"
            await asyncio.sleep(_PAUSE_SECONDS)
    return "somebody has decided"


async def schedule(run: str, at: datetime) -> None:
    """Have a review's deadline kept; once, however often it is asked. Raises ConfigurationError."""
    async with get_client() as client:
        try:
            deployment = await client.read_deployment_by_name(DEPLOYMENT)
        except ObjectNotFound:
            raise ConfigurationError(
                f"there is no deployment {DEPLOYMENT}, which keeps a review's deadline",
                advice="Deploy it: prefect deploy --prefect-file deployments/prefect.yaml --name review-deadline; or "
                "set no deadline.",
            ) from None
        await client.create_flow_run_from_deployment(
            deployment.id,
            parameters={"run": run},
            state=Scheduled(scheduled_time=at),
            idempotency_key=_key(run),
        )


async def call_off(run: str) -> None:
    """Somebody has decided: the deadline's run is not needed, unless it runs already."""
    wanted = FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=[_key(run)]))
    async with get_client() as client:
        for found in await client.read_flow_runs(flow_run_filter=wanted):
            if found.state is not None and found.state.is_scheduled():
                await client.delete_flow_run(found.id)


def _key(run: str) -> str:
    return f"genmedia-review-deadline:{run}"

"""One free look at a job, by the provider's id of it; also at jobs that this pack has not bought."""

from __future__ import annotations

from typing import Any, Generic

from pydantic import BaseModel, ConfigDict

from prefect_genmedia.errors import ResponseFormatError
from prefect_genmedia.operation import Account, JobState, ResultT, Route
from prefect_genmedia.wire.http import http_pool
from prefect_genmedia.wire.redaction import quotable, without_signatures


class Reading(BaseModel, Generic[ResultT]):
    """Where a job stands. `result` is there once it has succeeded, links without their signatures."""

    model_config = ConfigDict(frozen=True)

    job_id: str
    state: JobState
    provider_state: str
    """The provider's own word."""
    percent: float | None = None
    message: str = ""
    quota: float | None = None
    result: ResultT | None = None


async def read_job(account: Account, route: Route, job_id: str, result: type[ResultT]) -> Reading[ResultT]:
    """Fetch a job once. Raises NotFoundError and other ApiErrors, TransportError, ResponseFormatError."""
    async with http_pool() as pool:
        body: dict[str, Any] = (await pool.fetch(account, route.path, {route.job_id: job_id}, method=route.method)).body
    status = account.provider.status(body)
    answer = None
    if status.state is JobState.SUCCEEDED:
        try:
            answer = result.model_validate(without_signatures(account.provider.payload(body)))
        except ValueError:
            raise ResponseFormatError(
                "the finished job's answer lacks what it should hold", provider=account.provider.name
            ) from None
    return Reading[ResultT](
        job_id=job_id,
        state=status.state,
        provider_state=status.provider_state,
        percent=status.percent,
        message=quotable(status.message, account.api_key),
        quota=status.quota,
        result=answer,
    )

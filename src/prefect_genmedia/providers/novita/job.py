"""Any asynchronous job of Novita's v3 API: for endpoints that have no operation of their own.

Source: novita.ai/docs/api-reference/model-apis-task-result: every asynchronous endpoint answers {"task_id"}, and all
their jobs are fetched in one place.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from prefect_genmedia.operation import Link, Operation, Route
from prefect_genmedia.providers.generic import READING, ApiPath, GenericRequest, JobIdName, links_at, routes
from prefect_genmedia.providers.novita.envelope import NOVITA
from prefect_genmedia.providers.novita.results import CALLBACK, FETCH, NovitaResult, all_links


class JobRequest(GenericRequest):
    """Any asynchronous job of Novita's v3 API, submitted by POST."""

    fetch_path: ApiPath = FETCH.path
    """Where the job is fetched."""
    fetch_method: Literal["GET", "POST"] = FETCH.method
    """How the job is fetched."""
    job_id_name: JobIdName = Field(default=FETCH.job_id)
    """The name of the job id in a fetch."""

    @field_validator("json_body", mode="after")
    @classmethod
    def _callback_has_a_place(cls, body: dict[str, Any]) -> dict[str, Any]:
        extra = body.get("extra", {})
        if not isinstance(extra, dict) or not isinstance(extra.get("webhook", {}), dict):
            raise ValueError("body.extra and body.extra.webhook are objects in Novita's API")
        return body


def links(result: NovitaResult, request: dict[str, Any]) -> list[Link]:
    """The files at `results`, or every picture, video and sound that task-result names."""
    return links_at(result, request) if request.get("results") else all_links(result, request)


def _routes(canonical: dict[str, Any]) -> tuple[Route, Route]:
    # A job that was bought elsewhere has no request here; all of Novita's jobs are fetched in one place.
    return routes(canonical) if canonical else (Route("POST", "/"), FETCH)


JOB = Operation(
    name="novita.job",
    provider=NOVITA,
    submit=Route("POST", "/"),
    fetch=FETCH,
    request=JobRequest,
    result=NovitaResult,
    links=links,
    source="https://novita.ai/docs/api-reference/model-apis-task-result",
    routes=_routes,
    callback=CALLBACK,
    reading=READING,
    unit="USD",
    deadline_seconds=3600,
    lifecycle="as the endpoint that the request names",
)

"""Any asynchronous job of TTAPI: for products that have no operation of their own.

Source: docs.ttapi.io/grids/en/development/response: every product answers a submit with a job id.
"""

from __future__ import annotations

from typing import Literal

from prefect_genmedia.operation import Operation, Route
from prefect_genmedia.providers.generic import (
    READING,
    ApiPath,
    GenericRequest,
    GenericResult,
    JobIdName,
    links_at,
    routes,
)
from prefect_genmedia.providers.ttapi.envelope import TTAPI


class JobRequest(GenericRequest):
    """Any asynchronous job of TTAPI, submitted by POST."""

    fetch_path: ApiPath
    """Where the job is fetched, such as /suno/v2/fetch."""
    fetch_method: Literal["GET", "POST"] = "GET"
    """How the job is fetched."""
    job_id_name: JobIdName = "jobId"
    """The name of the job id in a fetch: jobId, or job_id for some products."""
    callback_field: JobIdName | None = None
    """The field of the body that takes a callback address: hookUrl or hook_url, where the product has one. With it,
    and with `genmedia receiver`, a submit whose reply is lost can be settled."""


JOB = Operation(
    name="ttapi.job",
    provider=TTAPI,
    submit=Route("POST", "/"),
    fetch=Route("GET", "/", job_id="jobId"),
    request=JobRequest,
    result=GenericResult,
    links=links_at,
    source="https://docs.ttapi.io/grids/en/development/response",
    routes=routes,
    callback_field="callback_field",
    reading=(*READING, "callback_field"),
    deadline_seconds=3600,
    lifecycle="as the endpoint that the request names",
)

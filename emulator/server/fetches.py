"""One read of one job, and what can go wrong with it."""

from __future__ import annotations

import asyncio
import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from prefect_genmedia.emulator.server import dressing
from prefect_genmedia.emulator.server.answers import told
from prefect_genmedia.emulator.server.dressing import Answer
from prefect_genmedia.emulator.server.orders import Job
from prefect_genmedia.emulator.server.provider import Body, Provider
from prefect_genmedia.emulator.server.replies import (
    Cut,
    garbage,
    gateway_404,
    page,
    replaced,
    retry_after,
    server_error,
    without,
)
from prefect_genmedia.emulator.server.state import State, base_url_of, state_of


async def fetch(request: Request, provider: Provider, job: Job) -> Response:
    state = state_of(request)
    job.fetches += 1
    if status := forgotten(job, job.fetches) or _unknown(state, job):
        return JSONResponse(provider.failure(status, "Job not found", "fetch"), status)
    if spoilt := await _on_the_way(state, provider, job):
        return spoilt
    if state.faults.take("fetch_other_job", job.order.operation, job.id):
        job = state.jobs.stranger(job)
        provider.hang(state, job)
    if job.finished_at is not None and job.told_at is None:
        job.told_at = time.time()
    body = _spoilt(state, provider, job, told(state, provider, job, base_url_of(request), request.url.path, "fetch"))
    answer = Answer("fetch", job.order.operation, job.id, body, (job,), provider.status_field)
    return dressing.reply(state.faults, answer)


def forgotten(job: Job, reads: int) -> int | None:
    """The status of "no such job", if the provider has forgotten it by this read."""
    fault = job.faults.get("job_forgotten")
    if fault is None or reads <= int(fault.parameters["after_fetches"]):
        return None
    return int(fault.parameters["status"])


def _unknown(state: State, job: Job) -> int | None:
    """The same, if the provider does not know it for a while."""
    until = job.unknown_until
    if until is None:
        fault = state.faults.take("fetch_404", job.order.operation, job.id)
        if fault is None:
            return None
        until = state.now() + float(fault.parameters["seconds"])
        job.unknown_until, job.unknown_status = until, int(fault.parameters["status"])
    return job.unknown_status if state.now() < until else None


async def _on_the_way(state: State, provider: Provider, job: Job) -> Response | None:
    """What comes in place of an answer."""
    operation, take = job.order.operation, state.faults.take
    if fault := take("fetch_slow", operation, job.id):
        await asyncio.sleep(float(fault.parameters["seconds"]))
    if fault := take("fetch_drop", operation, job.id):
        return Cut(fault.parameters["how"])
    if fault := take("fetch_5xx", operation, job.id):
        return server_error(fault, provider.failure(int(fault.parameters["status"]), "System error", "fetch"))
    if fault := take("fetch_429", operation, job.id):
        return JSONResponse(provider.failure(429, "Too many requests", "fetch"), 429, retry_after(fault, state.now()))
    if fault := take("fetch_gateway_404", operation, job.id):
        return gateway_404(fault)
    if fault := take("fetch_html", operation, job.id):
        return page(fault)
    return garbage() if take("fetch_garbage", operation, job.id) else None


def _spoilt(state: State, provider: Provider, job: Job, body: Body) -> Body:
    """The answer, with something missing or unheard of."""
    operation, take = job.order.operation, state.faults.take
    if fault := take("fetch_missing_fields", operation, job.id):
        body = without(body, list(fault.parameters["fields"] or provider.spare))
    if take("fetch_data_null", operation, job.id):
        body = {**body, **dict.fromkeys(provider.nullable)}
    if fault := take("fetch_unknown_status", operation, job.id):
        body = replaced(body, provider.status_field, fault.parameters["word"] or provider.odd_status)
    return body

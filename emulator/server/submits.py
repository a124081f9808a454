"""A paid POST: taken or refused, and what can go wrong with its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from prefect_genmedia.emulator.faults import Fault
from prefect_genmedia.emulator.server import dressing
from prefect_genmedia.emulator.server.answers import inside
from prefect_genmedia.emulator.server.dressing import Answer
from prefect_genmedia.emulator.server.links import uuid_of
from prefect_genmedia.emulator.server.orders import Job, Order, fingerprint
from prefect_genmedia.emulator.server.provider import Body, Provider, read_json
from prefect_genmedia.emulator.server.replies import Cut, garbage, page, retry_after, server_error, without
from prefect_genmedia.emulator.server.state import State, state_of

REFUSALS = {429: "Too many requests", 499: "Insufficient queues"}


async def submit(
    request: Request,
    provider: Provider,
    operation: str,
    place: Callable[[Body, str], Awaitable[Order]],
    answer: Callable[[Request, Job], Awaitable[Body]],
) -> Response:
    """Take an order, or refuse it. `place(body, fingerprint)` checks it; no await follows its checks.

    `answer` is what one that was taken is answered with, and may wait for it.
    """
    state = state_of(request)
    state.witness.submits[operation] += 1
    body = await read_json(request, provider)
    subject = fingerprint(body)
    if fault := state.faults.take("submit_refuse", operation, subject):
        status = int(fault.parameters["status"])
        refused = provider.failure(status, REFUSALS.get(status, "Refused"), "submit")
        return JSONResponse(refused, status, retry_after(fault, state.now()))
    if fault := state.faults.take("submit_html", operation, subject):
        return page(fault)
    if fault := state.faults.take("submit_refusal_names_job", operation, subject, lambda of: not of["accepted"]):
        return _naming(fault, provider, uuid_of(f"no job of {subject}"))
    order = await place(body, subject)
    job = state.jobs.accept(order)
    if state.faults.take("submit_accept_twice", operation, subject):
        state.jobs.accept(order)
    return await _answer(state, provider, job, subject, await answer(request, job))


async def _answer(state: State, provider: Provider, job: Job, subject: str, accepted: Body) -> Response:
    operation, take = job.order.operation, state.faults.take
    if fault := take("submit_slow_reply", operation, subject):
        await asyncio.sleep(float(fault.parameters["seconds"]))
    if fault := take("submit_lose_reply", operation, subject):
        return Cut(fault.parameters["how"])
    if fault := take("submit_5xx_after", operation, subject):
        return server_error(fault, provider.failure(int(fault.parameters["status"]), "System error", "submit"))
    if fault := take("submit_refusal_names_job", operation, subject, lambda of: bool(of["accepted"])):
        return _naming(fault, provider, inside(accepted, provider.id_fields[0]) or job.id)
    if take("submit_garbage", operation, subject):
        return garbage()
    if take("submit_missing_id", operation, subject):
        return JSONResponse(without(accepted, list(provider.id_fields)))
    if take("submit_data_null", operation, subject):
        return JSONResponse({**accepted, provider.nulled: None})
    return dressing.reply(state.faults, Answer("submit", operation, subject, accepted, (job,), provider.status_field))


def _naming(fault: Fault, provider: Provider, name: str) -> Response:
    """A refusal that names a job, where an answer names it."""
    status = int(fault.parameters["status"])
    refusal = provider.failure(status, "System error", "submit")
    for field in provider.id_fields:
        outer, _, inner = field.rpartition(".")
        refusal = {**refusal, outer: {**(refusal[outer] or {}), inner: name}} if outer else {**refusal, inner: name}
    return JSONResponse(refusal, status)

"""What all products have in common: how a submit and a fetch go, and what can go wrong there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from prefect_genmedia.emulator.server.orders import Job, Order, fingerprint
from prefect_genmedia.emulator.server.replies import (
    Cut,
    Refusal,
    garbage,
    page,
    replaced,
    retry_after,
    server_error,
    without,
)
from prefect_genmedia.emulator.server.state import State, state_of

Body = dict[str, Any]
REFUSALS = {429: "Too many requests", 499: "Insufficient queues"}


@dataclass(frozen=True)
class Provider:
    """How one product of a vendor speaks."""

    name: str
    hooks: tuple[str, ...]  # where a request names its callback; a dot leads into an object
    failure: Callable[[int, str, str], Body]  # (HTTP status, message, "submit" | "fetch") -> error body
    accepted: Callable[[Job], Body]
    answer: Callable[[State, Job, str], Body]  # (state, job, base URL) -> what a fetch and a callback say
    spare: tuple[str, ...]  # answer fields that a reader can do without
    nullable: tuple[str, ...]  # answer fields that `fetch_data_null` makes null
    id_fields: tuple[str, ...]  # where an accepted submit says the job's id
    nulled: str  # what `submit_data_null` makes null
    status_field: str
    odd_status: str
    hang: Callable[[State, Job], None]  # put a finished job's files where its links point
    envelope: Callable[[Body], Body]  # an answer as a callback carries it
    callback_attempts: int
    acknowledged: range  # the receiver's statuses that end the attempts


def hook_of(body: Body, provider: Provider) -> Any:
    """The callback that a request names, whatever it is; None if it names none."""
    for name in provider.hooks:
        value: Any = body
        for step in name.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if value not in (None, ""):
            return value
    return None


async def read_json(request: Request, provider: Provider) -> Body:
    raw = await request.body()
    try:
        body = json.loads(raw, parse_constant=_not_json)
        if b"\\u" in raw:  # the escape of half a character: nothing could be done with such a text
            json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Refusal(400, provider.failure(400, "the body is not JSON", "submit")) from None
    if not isinstance(body, dict):
        raise Refusal(400, provider.failure(400, "the body is not a JSON object", "submit"))
    return body


def _not_json(word: str) -> None:
    raise ValueError(word)  # NaN, Infinity: Python would take them


async def submit(
    request: Request,
    provider: Provider,
    operation: str,
    account: str,
    place: Callable[[Body, str], Awaitable[Order]],
) -> Response:
    """Take an order, or refuse it. `place(body, fingerprint)` checks it; no await follows its checks."""
    state = state_of(request)
    body = await read_json(request, provider)
    subject = fingerprint(body)
    if fault := state.faults.take("submit_refuse", operation, subject):
        status = int(fault.parameters["status"])
        refused = provider.failure(status, REFUSALS.get(status, "Refused"), "submit")
        return JSONResponse(refused, status, retry_after(fault, state.now()))
    if fault := state.faults.take("submit_html", operation, subject):
        return page(fault)
    order = await place(body, subject)
    job = state.jobs.accept(order)
    if state.faults.take("submit_accept_twice", operation, subject):
        state.jobs.accept(order)
    return await _answer_submit(state, provider, job, subject)


async def _answer_submit(state: State, provider: Provider, job: Job, subject: str) -> Response:
    operation = job.order.operation
    if fault := state.faults.take("submit_slow_reply", operation, subject):
        await asyncio.sleep(float(fault.parameters["seconds"]))
    if fault := state.faults.take("submit_lose_reply", operation, subject):
        return Cut(fault.parameters["how"])
    if fault := state.faults.take("submit_5xx_after", operation, subject):
        return server_error(fault, provider.failure(int(fault.parameters["status"]), "System error", "submit"))
    accepted = provider.accepted(job)
    for kind in ("submit_garbage", "submit_missing_id", "submit_data_null"):
        if state.faults.take(kind, operation, subject):
            return _unusable(kind, provider, accepted)
    return JSONResponse(accepted)


def _unusable(kind: str, provider: Provider, accepted: Body) -> Response:
    if kind == "submit_garbage":
        return garbage()
    if kind == "submit_missing_id":
        return JSONResponse(without(accepted, list(provider.id_fields)))
    return JSONResponse({**accepted, provider.nulled: None})


async def fetch(request: Request, provider: Provider, job: Job, base_url: str) -> Response:
    """One read of one job."""
    state = state_of(request)
    job.fetches += 1
    operation, take = job.order.operation, state.faults.take
    if status := forgotten(job, job.fetches):
        return JSONResponse(provider.failure(status, "Job not found", "fetch"), status)
    if fault := take("fetch_slow", operation, job.id):
        await asyncio.sleep(float(fault.parameters["seconds"]))
    if fault := take("fetch_drop", operation, job.id):
        return Cut(fault.parameters["how"])
    if fault := take("fetch_5xx", operation, job.id):
        return server_error(fault, provider.failure(int(fault.parameters["status"]), "System error", "fetch"))
    if fault := take("fetch_429", operation, job.id):
        return JSONResponse(provider.failure(429, "Too many requests", "fetch"), 429, retry_after(fault, state.now()))
    if fault := take("fetch_html", operation, job.id):
        return page(fault)
    if take("fetch_garbage", operation, job.id):
        return garbage()
    answer = provider.answer(state, job, base_url)
    if fault := take("fetch_missing_fields", operation, job.id):
        answer = without(answer, list(fault.parameters["fields"] or provider.spare))
    if take("fetch_data_null", operation, job.id):
        for name in provider.nullable:
            answer = {**answer, name: None}
    if fault := take("fetch_unknown_status", operation, job.id):
        answer = replaced(answer, provider.status_field, fault.parameters["word"] or provider.odd_status)
    return JSONResponse(answer)


def forgotten(job: Job, reads: int) -> int | None:
    """The status of "no such job", if the provider has forgotten it by this read."""
    fault = job.faults.get("job_forgotten")
    if fault is None or reads <= int(fault.parameters["after_fetches"]):
        return None
    return int(fault.parameters["status"])

"""What no provider has: counters, faults on order, settings, release, reset. Under /__emulator__/."""

from __future__ import annotations

import dataclasses
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from prefect_genmedia.emulator import planted as jobs_planted
from prefect_genmedia.emulator.server.replies import Refusal
from prefect_genmedia.emulator.server.state import state_of


async def jobs(request: Request) -> Response:
    """Every job, with counts."""
    return JSONResponse(state_of(request).jobs.describe())


async def requests(request: Request) -> Response:
    """Every request, counted."""
    return JSONResponse(state_of(request).witness.describe())


async def submits(request: Request) -> Response:
    """Submits that came in and jobs that were billed, by operation."""
    return JSONResponse(state_of(request).submits())


async def callbacks(request: Request) -> Response:
    """Callbacks, counted."""
    return JSONResponse(state_of(request).callbacks.describe())


async def faults(request: Request) -> Response:
    """GET what is armed, POST more, DELETE all."""
    state = state_of(request)
    if request.method == "POST":
        body = await _object(request)
        if not isinstance(body.get("faults"), list):
            raise _wrong('the body names no faults, such as {"faults": [{"kind": "job_fails", "times": 1}]}')
        try:
            state.faults.arm(body["faults"], int(body.get("seed", 0)))
        except (AttributeError, OverflowError, TypeError, ValueError) as error:
            raise _wrong(str(error)) from None
    if request.method == "DELETE":
        state.faults.clear()
    return JSONResponse(state.faults.describe())


async def settings(request: Request) -> Response:
    """GET them, or POST those to change."""
    state = state_of(request)
    if request.method == "POST":
        try:
            state.configure(await _object(request))
        except ValueError as error:
            raise _wrong(str(error)) from None
    shown = dataclasses.asdict(state.settings)
    shown["api_key"] = None if state.settings.api_key is None else "***"
    return JSONResponse(shown)


async def planted(request: Request) -> Response:
    """POST {"kind": "flowmusic.lyrics" or "novita.audio", "api_key": ...}: a job that no known path can submit."""
    body = await _object(request)
    kind, api_key = str(body.pop("kind", "")), str(body.pop("api_key", "any"))
    try:
        job = state_of(request).jobs.accept(jobs_planted.order(request, kind, api_key, body))
    except ValueError as error:
        raise _wrong(str(error)) from None
    return JSONResponse({"job_id": job.id})


async def release(request: Request) -> Response:
    """Lets held jobs end: all, or the one named by job_id."""
    body = await _object(request)
    return JSONResponse({"released": state_of(request).jobs.release(body.get("job_id"))})


async def reset(request: Request) -> Response:
    """As new."""
    state_of(request).reset()
    return JSONResponse({"reset": True})


async def _object(request: Request) -> dict[str, Any]:
    if not await request.body():
        return {}
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        raise _wrong("the body is not JSON") from None
    if not isinstance(body, dict):
        raise _wrong("the body is not a JSON object")
    return body


def _wrong(message: str) -> Refusal:
    return Refusal(400, {"error": message})


ROUTES = [
    Route("/__emulator__/jobs", jobs, methods=["GET"]),
    Route("/__emulator__/requests", requests, methods=["GET"]),
    Route("/__emulator__/submits", submits, methods=["GET"]),
    Route("/__emulator__/callbacks", callbacks, methods=["GET"]),
    Route("/__emulator__/faults", faults, methods=["GET", "POST", "DELETE"]),
    Route("/__emulator__/settings", settings, methods=["GET", "POST"]),
    Route("/__emulator__/planted", planted, methods=["POST"]),
    Route("/__emulator__/release", release, methods=["POST"]),
    Route("/__emulator__/reset", reset, methods=["POST"]),
]

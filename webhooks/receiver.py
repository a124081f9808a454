"""The receiver of provider callbacks: an ASGI app for any ASGI server.

A callback is a hint, never a fact: it names a job, whoever waits for that job asks the provider.
So a forged or a repeated one can at most cause one free read, and those are refused by their token.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

# Not when the first callback comes: it takes seconds, and nobody would be answered meanwhile.
from prefect.events import emit_event as emit_prefect_event
from prefect.settings import PREFECT_API_URL
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from prefect_genmedia.errors import ApiError, GenMediaError, ResponseFormatError
from prefect_genmedia.ledger import JobRow, Ledger, open_ledger
from prefect_genmedia.operation import JobState, JobStatus, Provider
from prefect_genmedia.providers.novita.envelope import NOVITA
from prefect_genmedia.providers.ttapi.envelope import TTAPI
from prefect_genmedia.quoting import one_line
from prefect_genmedia.settings import read_settings
from prefect_genmedia.wire.answers import read_json

MAX_BYTES = 1024 * 1024
LONGEST_ID = 255  # characters of a job id; real ones have a few dozen
log = logging.getLogger("prefect_genmedia.receiver")
Emit = Callable[[JobRow, JobStatus, str], None]


def emit_event(row: JobRow, status: JobStatus, job_id: str) -> None:
    """Tell Prefect: `genmedia.job.succeeded` or `genmedia.job.failed`, one for each finished job.

    Where no server is set, nobody: Prefect would start one for each process that asks, and no automation lives there.
    """
    if not PREFECT_API_URL.value():
        return
    emit_prefect_event(
        event=f"genmedia.job.{status.state}",
        resource={
            "prefect.resource.id": f"genmedia.job.{row.id}",
            "prefect.resource.name": f"{row.operation}: {row.title}",
            "genmedia.operation": row.operation,
        },
        payload={
            "job": row.id,
            "operation": row.operation,
            "job_id": job_id,
            "message": one_line(status.message),
        },
    )


class Receiver:
    """Counts what comes in; writes hints into the ledger."""

    def __init__(self, emit: Emit) -> None:
        self.emit = emit
        self.counts: Counter[str] = Counter()

    async def callback(self, request: Request) -> Response:
        outcome = await self._take(request)
        self.counts[outcome] += 1
        if outcome != "accepted":
            log.info("A callback was %s.", outcome)
        # Providers repeat what is not answered with 2xx: only what may yet be right is worth repeating.
        status = {"oversized": 413, "malformed": 400, "forged": 404, "ledger away": 503}.get(outcome, 200)
        return JSONResponse({"outcome": outcome}, status_code=status)

    async def _take(self, request: Request) -> str:
        provider = {"ttapi": TTAPI, "novita": NOVITA}.get(request.path_params["provider"])
        if provider is None:
            return "forged"
        try:
            ledger, row_id = await asyncio.to_thread(_named, request.path_params["token"])
            if row_id is None:
                return "forged"
            body = await _body(request)
            if isinstance(body, str):
                return body
            return await self._hint(ledger, row_id, provider, body)
        except GenMediaError as error:
            log.warning("The ledger cannot take a callback: %s", error.message)
            return "ledger away"

    async def _hint(self, ledger: Ledger, row_id: str, provider: Provider, body: dict[str, Any]) -> str:
        body = _unwrapped(body)
        try:
            job_id, status = _job_id(provider, body), provider.status(body)
        except ApiError:  # a refusal, which says nothing of a job
            return "malformed"
        if job_id is None or status.state not in (JobState.SUCCEEDED, JobState.FAILED):
            return "malformed" if job_id is None else "early"
        ended_well = status.state is JobState.SUCCEEDED
        row, is_news = await asyncio.to_thread(_noted, ledger, row_id, job_id, ended_well)
        if row is None:
            return "forged"
        if not is_news:
            return "late or repeated"
        await self._tell(row, status, job_id)
        return "accepted"

    async def _tell(self, row: JobRow, status: JobStatus, job_id: str) -> None:
        """Tell whoever listens, in a thread: Prefect may be slow to take it, or away."""
        try:
            await asyncio.to_thread(self.emit, row, status, job_id)
        except Exception as failure:  # whatever the listener does, the callback is in the ledger: it was taken
            log.warning("Nobody could be told that job %s has ended: %s", row.id, type(failure).__name__)

    async def stats(self, request: Request) -> Response:
        return JSONResponse(dict(self.counts))


def _named(token: str) -> tuple[Ledger, str | None]:
    """The ledger, and which of its rows the token names."""
    settings = read_settings()
    ledger = open_ledger(settings.ledger_url, settings.lease_seconds)
    return ledger, ledger.row_of_token(token)


def _noted(ledger: Ledger, row_id: str, job_id: str, ended_well: bool) -> tuple[JobRow | None, bool]:
    """The row, and whether what is said of it is news."""
    row = ledger.get(row_id)
    return row, row is not None and ledger.hint(row_id, job_id, ended_well)


async def _body(request: Request) -> dict[str, Any] | str:
    """The callback's JSON object, or the word for what is wrong with it."""
    content = bytearray()
    try:
        async for chunk in request.stream():
            content += chunk
            if len(content) > MAX_BYTES:
                return "oversized"
        body = read_json(bytes(content))
    except (ResponseFormatError, ClientDisconnect):
        return "malformed"
    return body if isinstance(body, dict) else "malformed"


def _unwrapped(body: dict[str, Any]) -> dict[str, Any]:
    """Novita wraps the task's result into an event; TTAPI sends what a fetch answers."""
    payload = body.get("payload")
    return payload if body.get("event_type") == "ASYNC_TASK_RESULT" and isinstance(payload, dict) else body


def _job_id(provider: Provider, body: dict[str, Any]) -> str | None:
    found = provider.job_id_of(body)
    return found if found is not None and len(found) <= LONGEST_ID else None


def create_receiver(emit: Emit = emit_event) -> Starlette:
    """The app: POST /callbacks/<provider>/<token>, and its counts at GET /callbacks. Raises ConfigurationError."""
    read_settings()
    receiver = Receiver(emit)
    return Starlette(
        routes=[
            Route("/callbacks/{provider}/{token}", receiver.callback, methods=["POST"]),
            Route("/callbacks", receiver.stats, methods=["GET"]),
        ]
    )

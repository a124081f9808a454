"""The free reads: each kept for the recording, and what they tell by themselves."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from prefect_genmedia.cli.live import assumptions as a
from prefect_genmedia.cli.live.assumptions import Assumption, Findings
from prefect_genmedia.errors import (
    ApiError,
    AuthenticationError,
    GenMediaError,
    NotDeliveredError,
    NotFoundError,
    RateLimitedError,
    ResponseFormatError,
    TransportError,
)
from prefect_genmedia.operation import Account, Route
from prefect_genmedia.providers import OPERATIONS
from prefect_genmedia.providers.ttapi.fields import WITNESS
from prefect_genmedia.quoting import one_line
from prefect_genmedia.wire.http import Pool

LEAST_ERROR = 500


class CannotTell(Exception):
    """What was seen speaks neither for an assumption nor against it."""


class Reader:
    """Asks the provider, for nothing, and keeps what it says."""

    def __init__(self, account: Account, pool: Pool) -> None:
        self.account = account
        self.kept: list[dict[str, Any]] = []
        self._pool = pool

    async def read(
        self, what: str, path: str, params: dict[str, str], *, method: str = "GET", operation: str | None = None
    ) -> dict[str, Any]:
        """The JSON of an answer. Raises ApiError, TransportError, ResponseFormatError."""
        kept: dict[str, Any] = {"what": what, "operation": operation, "path": path}
        self.kept.append(kept)
        try:
            answer = await self._pool.fetch(self.account, path, params, method=method)
        except GenMediaError as failure:
            kept |= {"status": getattr(failure, "http_status", None), "error": type(failure).__name__}
            raise
        kept |= {"status": answer.status, "body": answer.body}
        return answer.body

    async def balance(self) -> float:
        """What the account has left, in the provider's unit."""
        provider = self.account.provider
        return provider.balance(await self.read("balance", provider.balance_path, {}))

    async def frozen(self) -> float | None:
        """The quota of running jobs; None where the page does not tell."""
        return WITNESS.frozen(await self.read("account", WITNESS.account_path, {}))


def is_no_answer(failure: GenMediaError) -> bool:
    """Does it say nothing about the assumption? The provider was away, or busy."""
    if isinstance(failure, TransportError | RateLimitedError):
        return True
    return (getattr(failure, "http_status", None) or 0) >= LEAST_ERROR


async def ask(findings: Findings, assumption: Assumption, question: Callable[[], Awaitable[str]]) -> None:
    """Try one assumption: `question` says what was seen, or raises what speaks against it.

    Raises AuthenticationError and NotDeliveredError: then nothing at all can be tried.
    """
    try:
        findings.held(assumption, await question())
    except (AuthenticationError, NotDeliveredError):
        raise
    except CannotTell as why:
        findings.left(assumption, str(why))
    except (ApiError, TransportError, ResponseFormatError) as failure:
        said = one_line(failure.message)
        if is_no_answer(failure):
            findings.left(assumption, said)
        else:
            findings.failed(assumption, said)


async def free_reads(reader: Reader, findings: Findings) -> None:
    """Everything that costs nothing. Raises AuthenticationError, NotDeliveredError."""
    questions = _of_ttapi(reader) if reader.account.provider.name == "ttapi" else _of_novita(reader)
    for assumption, question in questions:
        await ask(findings, assumption, question)


Questions = list[tuple[Assumption, Callable[[], Awaitable[str]]]]


def _of_ttapi(reader: Reader) -> Questions:
    async def account() -> str:
        left, frozen = await reader.balance(), await reader.frozen()
        if frozen is None:
            raise ResponseFormatError("it does not say what is frozen")
        return f"{left:g} left, {frozen:g} frozen"

    async def listed() -> str:
        found = 0
        for status in WITNESS.statuses:
            query = {"page": "1", "limit": "10", "status": status, "order": "desc"}
            found += len(WITNESS.job_ids(await reader.read("list", WITNESS.list_path, query)))
        return f"{found} jobs on the first pages"

    async def words() -> str:
        await reader.read("word check", "/midjourney/v1/promptCheck", {"prompt": "a kite"}, method="POST")
        return ""

    async def service() -> str:
        modes = (await reader.read("service", "/midjourney/status", {})).get("data")
        if not isinstance(modes, dict):
            raise ResponseFormatError("it names no speeds")
        return ", ".join(sorted(modes))

    async def unknown() -> str:
        return await _unknown(reader, OPERATIONS["midjourney.imagine"].fetch_route({}))

    async def paths() -> str:
        # A positive control: what a path that surely is not there answers.
        nowhere = await _words(
            reader, replace(OPERATIONS["midjourney.imagine"].fetch_route({}), path="/midjourney/v1/no-such-page")
        )
        if nowhere == await _words(reader, OPERATIONS["midjourney.imagine"].fetch_route({})):
            raise CannotTell("a path that is not there answers as for a job that is not known")
        routes = {
            each.fetch.path: each.fetch
            for each in OPERATIONS.values()
            if each.provider.name == "ttapi" and each.fetch is not None and each.fetch.path != "/"
        }
        missing = [path for path, route in routes.items() if await _words(reader, route) == nowhere]
        if missing:
            raise ResponseFormatError(f"not there: {', '.join(missing)}")
        return f"{len(routes)} paths"

    return [
        (a.ACCOUNT, account),
        (a.LIST, listed),
        (a.UNKNOWN, unknown),
        (a.PATHS, paths),
        (a.WORDS, words),
        (a.SERVICE, service),
    ]


def _of_novita(reader: Reader) -> Questions:
    async def balance() -> str:
        return f"{await reader.balance():g} USD left"

    async def models() -> str:
        found = (await reader.read("models", "/v3/model", {"pagination.limit": "1", "pagination.cursor": "c_0"})).get(
            "models"
        )
        if not isinstance(found, list) or not found:
            raise ResponseFormatError("it names no models")
        return ""

    async def unknown() -> str:
        return await _unknown(reader, OPERATIONS["novita.txt2img"].fetch_route({}))

    return [(a.BALANCE, balance), (a.MODELS, models), (a.UNKNOWN, unknown)]


async def _unknown(reader: Reader, route: Route) -> str:
    """Ask for a job that there is not."""
    try:
        body = await reader.read("unknown", route.path, {route.job_id: str(uuid.uuid4())}, method=route.method)
        status = reader.account.provider.status(body)  # a refusal may come in a 200
    except NotFoundError as refusal:
        return one_line(refusal.message)
    raise ResponseFormatError(f"it is said to be {status.provider_state or status.state}")


async def _words(reader: Reader, route: Route) -> str:
    """How a path answers for a job that there is not. Raises TransportError and the like."""
    try:
        return await _unknown(reader, route)
    except (ApiError, ResponseFormatError) as failure:
        if is_no_answer(failure):
            raise
        return one_line(failure.message)

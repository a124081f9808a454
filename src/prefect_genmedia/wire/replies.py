"""What comes back from a provider: read whole within its bounds, and judged by its status."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx

from prefect_genmedia.errors import (
    ApiError,
    ConfigurationError,
    GenMediaError,
    ResponseFormatError,
    SubmitOutcomeUnknown,
)
from prefect_genmedia.operation import Account
from prefect_genmedia.wire.answers import MAX_ANSWER_BYTES, read_json
from prefect_genmedia.wire.redaction import quotable
from prefect_genmedia.wire.retry import parse_retry_after
from prefect_genmedia.wire.unpacking import Unpacker, UnpackingError

MOVED = (301, 307, 308)  # the same request is to be sent elsewhere: it was not taken here
LARGE_ANSWER = 256 * 1024  # bytes; reading what is larger would hold up the event loop


@dataclass(frozen=True)
class Answer:
    """A 2xx answer of a provider: its parsed JSON."""

    status: int
    body: dict[str, Any]
    date: str | None = None
    """When it was given, by the other side's clock: its Date header."""


@dataclass(frozen=True)
class Reply:
    """What came back, whatever its status. `unreadable` says why there is no body."""

    status: int
    headers: httpx.Headers
    body: Any = None
    unreadable: str = ""

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


async def received(response: httpx.Response) -> Reply:
    """All of an answer, unpacked within its bounds and read. Raises httpx.HTTPError when the connection breaks.

    A JSON object says itself where it ends: one that has come whole counts, however its transfer ended.
    """
    content, unreadable = bytearray(), ""
    broke: httpx.HTTPError | None = None
    try:
        unpacker = Unpacker(response.headers.get("content-encoding", ""))
        async for chunk in response.aiter_raw():
            for piece in unpacker.feed(chunk):
                content += piece
                if len(content) > MAX_ANSWER_BYTES:
                    raise UnpackingError(f"it is larger than {MAX_ANSWER_BYTES // 1024**2} MiB")
        for piece in unpacker.end():
            content += piece
    except UnpackingError as failure:
        unreadable = str(failure)
    except httpx.HTTPError as failure:
        broke = failure
    finally:
        await response.aclose()
    body = None
    try:
        text = bytes(content)
        body = await asyncio.to_thread(read_json, text) if len(text) > LARGE_ANSWER else read_json(text)
    except ResponseFormatError as failure:
        unreadable = unreadable or failure.message
    if isinstance(body, dict) or not (broke or unreadable):
        return Reply(response.status_code, response.headers, body)
    if broke is not None:
        raise broke
    return Reply(response.status_code, response.headers, unreadable=unreadable)


def refusal_of(account: Account, reply: Reply, *, submitted: bool = False) -> ApiError | None:
    """The error of an answer that is no success; None for a 2xx. Raises ConfigurationError for a redirect.

    A submit that is `submitted` and led elsewhere, as by a 303, may have been taken: only an address that has moved
    is surely none, unless its answer names a job.
    """
    provider = account.provider
    is_moved = 300 <= reply.status < 400 and "location" in reply.headers
    if is_moved and not (submitted and (reply.status not in MOVED or _named_anywhere(reply.body))):
        raise ConfigurationError(
            f"{account.base_url} answers with a redirect; set base_url to the address it leads to",
            provider=provider.name,
        )
    if reply.is_success:
        return None
    retry_after = parse_retry_after(reply.headers.get("retry-after"), reply.headers.get("date"))
    error = provider.error(reply.status, reply.body, retry_after)
    error.args = (quotable(error.message, account.api_key),)
    return error


def unless_it_names_a_job(account: Account, reply: Reply, refusal: ApiError) -> GenMediaError:
    """Of two signs that disagree the costlier counts: what is refused and yet has a job id may be billed."""
    try:
        job_id = account.provider.accepted(reply.body) if isinstance(reply.body, dict) else None
    except ApiError:
        job_id = None
    job_id = job_id or _named_anywhere(reply.body)
    if job_id is None:
        return refusal
    said = f"HTTP {reply.status} ({refusal.message}), and yet it names the job {job_id}"
    return SubmitOutcomeUnknown(said, job_id=job_id)


def _named_anywhere(body: Any, levels: int = 4) -> str | None:
    """A job id at any place of an answer."""
    if isinstance(body, list):
        body = dict(enumerate(body))
    if not isinstance(body, dict) or levels == 0:
        return None
    for name, value in body.items():
        plain = str(name).replace("_", "").lower()
        if plain in ("jobid", "taskid") and isinstance(value, str | int) and not isinstance(value, bool) and value:
            return str(value)
        if found := _named_anywhere(value, levels - 1):
            return found
    return None


def answer_of(account: Account, reply: Reply) -> Answer:
    if isinstance(reply.body, dict):
        return Answer(reply.status, reply.body, reply.headers.get("date"))
    kind = reply.headers.get("content-type", "no content type").split(";")[0]
    raise ResponseFormatError(
        f"{account.base_url} answered with {kind} where JSON was due ({reply.unreadable or 'no object'})",
        provider=account.provider.name,
        http_status=reply.status,
    )

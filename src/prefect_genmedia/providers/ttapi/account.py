"""TTAPI's free reads: the account, its job list, Midjourney's service status and word check.

Sources: docs.mjapiapp.com/reference/account (older, by the vendor); the status and the word check are known from
third parties only. Nothing here was checked against the live service.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field

from prefect_genmedia.errors import ContentRejectedError, ResponseFormatError
from prefect_genmedia.operation import Account, Request
from prefect_genmedia.providers.answer import Text, Url
from prefect_genmedia.providers.ttapi.envelope import error
from prefect_genmedia.providers.ttapi.fields import WITNESS, Number, TTAPIAnswer
from prefect_genmedia.wire.http import http_pool

AnswerT = TypeVar("AnswerT", bound=TTAPIAnswer)


class AccountInfo(TTAPIAnswer):
    """What the account has."""

    email: Text = None
    balance: Number = None
    """Quota left; 100 quota are 1 USD."""
    freeze_balance: Number = None
    """Quota of running jobs."""
    max_queue: int | None = None
    """How many jobs may be in progress at once."""
    created_at: Text = None


class JobListQuery(Request):
    """Which jobs to list."""

    page: Annotated[int, Field(ge=1)] = 1
    """Page, from 1."""
    limit: Annotated[int, Field(ge=1, le=100)] = 10
    """Jobs a page, 1 to 100."""
    status: Literal["PENDING_QUEUE", "ON_QUEUE", "SUCCESS", "FAILED"] = "SUCCESS"
    """Jobs in this state only; there is no way to ask for all."""
    order: Literal["asc", "desc"] = "desc"
    """Oldest first, or newest first."""


class ListedJob(TTAPIAnswer):
    """One job of the list."""

    job_id: Text = None
    model: Text = None
    """The speed: relax, fast or turbo."""
    action: Text = None
    quota: Number = None
    status: int | str | None = None
    """2: succeeded, in the vendor's example; the other numbers are not documented."""
    progress: Text = None
    prompt: Text = None
    cdn_image: Url = None
    discord_image: Url = None


class ModeStatus(TTAPIAnswer):
    """How one speed runs at present."""

    status: int | None = None
    """200: it runs."""
    running_message: Text = None
    average_execute: Number = None
    """Seconds that a job takes on average."""


class PromptVerdict(TTAPIAnswer):
    """May this prompt be drawn?"""

    allowed: bool
    message: str
    """What the service says; the banned words, where there are any."""


async def account_info(account: Account) -> AccountInfo:
    """The account's quota and queue. Free. Raises ApiError, TransportError, ResponseFormatError."""
    return _typed(AccountInfo, await _read(account, WITNESS.account_path, {}))


async def list_jobs(account: Account, query: JobListQuery) -> list[ListedJob]:
    """One page of the account's jobs. Free. Raises ApiError, TransportError, ResponseFormatError."""
    wanted = {name: str(value) for name, value in query.model_dump().items()}
    rows = await _read(account, WITNESS.list_path, wanted)
    return [_typed(ListedJob, row) for row in (rows if isinstance(rows, list) else [])]


async def service_status(account: Account) -> dict[str, ModeStatus]:
    """How each speed runs at present. Free. Raises ApiError, TransportError, ResponseFormatError."""
    modes = await _read(account, "/midjourney/status", {})
    return {mode: _typed(ModeStatus, status) for mode, status in (modes if isinstance(modes, dict) else {}).items()}


async def check_words(account: Account, prompt: str) -> PromptVerdict:
    """Does Midjourney's word list allow this prompt? Free. Raises ApiError, TransportError, ResponseFormatError."""
    try:
        said = await _read(account, "/midjourney/v1/promptCheck", {"prompt": prompt}, method="POST")
    except ContentRejectedError as banned:
        return PromptVerdict(allowed=False, message=banned.message)
    return PromptVerdict(allowed=True, message=str(said or ""))


async def _read(account: Account, path: str, params: dict[str, str], *, method: str = "GET") -> Any:
    """The `data` of an answer."""
    async with http_pool() as pool:
        body = (await pool.fetch(account, path, params, method=method)).body
    if body.get("status") == "FAILED":
        raise error(400, body, None)
    return body.get("data")


def _typed(kind: type[AnswerT], value: Any) -> AnswerT:
    try:
        return kind.model_validate(value)
    except ValueError:
        raise ResponseFormatError(f"the answer is no {kind.__name__}", provider="ttapi") from None

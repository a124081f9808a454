"""How TTAPI speaks: the TT-API-KEY header, the status/message/data envelope, its HTTP codes and words.

Sources: docs.ttapi.io, "Authentication", "Response format", "Quick start".
"""

from __future__ import annotations

import re
from typing import Any

from prefect_genmedia.errors import (
    ApiError,
    AuthenticationError,
    ContentRejectedError,
    InsufficientCreditsError,
    InvalidRequestError,
    NotFoundError,
    OperationRetiredError,
    QueueFullError,
    RateLimitedError,
    ResponseFormatError,
    ServerError,
)
from prefect_genmedia.operation import JobState, JobStatus, Provider
from prefect_genmedia.providers.words import all_ids, job_id, job_id_in, number, percent, quota, state_of

_BY_STATUS: dict[int, tuple[type[ApiError], str]] = {
    400: (InvalidRequestError, ""),
    401: (AuthenticationError, "Save the right key: genmedia setup --ttapi NAME. Is the account's e-mail activated?"),
    402: (InsufficientCreditsError, "Top up the TTAPI account, then run again."),
    403: (
        AuthenticationError,
        "The TTAPI account is blocked: ask TTAPI, or save another's key: genmedia setup --ttapi NAME.",
    ),
    429: (RateLimitedError, "TTAPI asks for fewer requests."),
    499: (QueueFullError, "As many jobs as the account may have are in progress."),
}
_REJECTED = re.compile(r"banned|moderat|image denied|sensitive|violation", re.IGNORECASE)
# More than 30 illegal prompts a day are not refunded; so a banned prompt's refund is not known.
_UNKNOWN = re.compile(r"not (be )?found|not exist|n't exist|no such|unknown|cannot find", re.IGNORECASE)
_UNKNOWN_JOB = re.compile(rf"(job|task).*({_UNKNOWN.pattern})", re.IGNORECASE)
# Older answers hold the id alone: {"data": "b8bd3ff0-..."}.
_BARE_ID = re.compile(r"(?=.*[0-9])[0-9A-Za-z_-]{8,64}")
_REFUSED = ("FAILED", "FAIL", "FAILURE")
_BUSY = re.compile(r"too many requests|rate limit|too frequent|try again|busy", re.IGNORECASE)
_NOT_SURELY_REFUNDED = re.compile(r"banned prompt", re.IGNORECASE)


def _auth(api_key: str) -> dict[str, str]:
    return {"TT-API-KEY": api_key}


def _message(body: Any) -> str:
    return str(body.get("message") or "") if isinstance(body, dict) else ""


def error(status: int, body: Any, retry_after: float | None) -> ApiError:
    """The error of a non-2xx answer, or of a refusal in a 2xx one."""
    message = _message(body)
    kind, advice = _BY_STATUS.get(status, (ServerError if status >= 500 else ApiError, ""))
    if status == 404:
        # An unknown job comes in TTAPI's envelope and words; whatever else is a wrong path, or a gateway's page.
        known = _is_refusal(body) and _UNKNOWN.search(message)
        kind = NotFoundError if known else OperationRetiredError
        advice = "" if known else "Is base_url TTAPI's address?"
    elif status == 400 and _REJECTED.search(message):
        kind = ContentRejectedError
    elif status == 400 and _UNKNOWN_JOB.search(message):
        kind = NotFoundError
    return kind(
        message or f"TTAPI answers HTTP {status}",
        provider="ttapi",
        http_status=status,
        retry_after=retry_after,
        advice=advice,
    )


def _is_refusal(body: Any) -> bool:
    return isinstance(body, dict) and str(body.get("status")).upper() in _REFUSED


def _accepted(body: dict[str, Any]) -> str | None:
    data = body.get("data")
    first = data[0] if isinstance(data, list) and data else data
    # A refusal that names a job is none: of two signs that disagree the costlier counts.
    if found := job_id_in((first, body), ("jobId", "taskId")):
        return found
    if _is_refusal(body):
        raise error(400, body, None)
    return job_id(data) if isinstance(data, str) and _BARE_ID.fullmatch(data) else None


def _job_id_of(body: dict[str, Any]) -> str | None:
    data = body.get("data")
    if isinstance(data, dict) and data.keys() >= {"mode", "imageUrl"} and (found := all_ids((body,), "jobId")):
        return found  # Flux's page has another id in `data` than the job's own
    return all_ids((body, data), "jobId")


def _status(body: dict[str, Any]) -> JobStatus:
    data = payload(body)
    word = str(body.get("status") or data.get("status") or "")
    state, message = state_of(word), _message(body)
    if _is_refusal(body) and not body.get("data") and _UNKNOWN_JOB.search(message):
        raise error(404, body, None)
    if state is None:
        # A word nobody told us of: keep polling, say it once.
        state, message = JobState.RUNNING, f"TTAPI gives the unknown status {word[:64]!r}; waiting on"
    if state in (JobState.QUEUED, JobState.RUNNING) and message.lower() == "success":
        message = ""
    is_vague = state is JobState.FAILED and not data
    if is_vague and _BUSY.search(message):
        raise error(429, body, None)
    cost, remark = quota(data.get("quota"))
    return JobStatus(
        state=state,
        is_vague=is_vague,
        provider_state=word[:64],
        percent=percent(data.get("progress")),
        message=message,
        quota=cost,
        refunded=None if is_vague or _NOT_SURELY_REFUNDED.search(message) else True,
        remark=remark,
    )


def payload(body: dict[str, Any]) -> dict[str, Any]:
    """`data`, which may be null or absent, with the job id in it, wherever and however it was written."""
    data = body.get("data")
    data = dict(data) if isinstance(data, dict) else {}
    if found := job_id_in((data, body), ("jobId",)):
        data.setdefault("jobId", found)
    return data


def _callback_url(body: dict[str, Any]) -> str | None:
    data = body.get("data")
    if not isinstance(data, dict) or not data.keys() & {"hookUrl", "hook_url"}:
        raise ResponseFormatError("the job does not say its callback address", provider="ttapi")
    address = data.get("hookUrl") or data.get("hook_url")
    return str(address) if address else None


def _balance(body: dict[str, Any]) -> float:
    data = body.get("data")
    left = number(data.get("balance")) if isinstance(data, dict) else None
    if left is None:
        raise ResponseFormatError("the account page names no balance", provider="ttapi")
    return left


TTAPI = Provider(
    name="ttapi",
    auth=_auth,
    error=error,
    accepted=_accepted,
    status=_status,
    job_id_of=_job_id_of,
    payload=payload,
    callback_url_of=_callback_url,
    refuses_full_queues=True,
    balance_path="/midjourney/v1/info",
    balance=_balance,
    # The vendor's domains for acceleration.
    same_place={"https://api.ttapi.org": "https://api.ttapi.io", "https://hold.ttapi.org": "https://hold.ttapi.io"},
)

"""How TTAPI speaks: the TT-API-KEY header, the status/message/data envelope, its HTTP codes and words.

Sources: docs.ttapi.io, "Authentication", "Response format", "Quick start".
"""

from __future__ import annotations

import math
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

_STATES = {
    "PENDING_QUEUE": JobState.QUEUED,
    "ON_QUEUE": JobState.RUNNING,
    "SUCCESS": JobState.SUCCEEDED,
    "FAILED": JobState.FAILED,
}
_BY_STATUS: dict[int, tuple[type[ApiError], str]] = {
    400: (InvalidRequestError, ""),
    401: (AuthenticationError, "Check api_key in the TTAPICredentials block; is the e-mail activated?"),
    402: (InsufficientCreditsError, "Top up the TTAPI account, then run again."),
    403: (AuthenticationError, "The TTAPI account is blocked."),
    429: (RateLimitedError, "TTAPI asks for fewer requests."),
    499: (QueueFullError, "As many jobs as the account may have are in progress."),
}
_REJECTED = re.compile(r"banned|moderat|image denied|sensitive|violation", re.IGNORECASE)
# More than 30 illegal prompts a day are not refunded; so a banned prompt's refund is not known.
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
        # An unknown job and an unknown path look alike; only the first comes with TTAPI's envelope.
        kind = NotFoundError if isinstance(body, dict) else OperationRetiredError
        advice = "" if kind is NotFoundError else "Is base_url TTAPI's address?"
    elif status == 400 and _REJECTED.search(message):
        kind = ContentRejectedError
    elif status == 400 and re.search(r"job.*(not (found|exist)|unknown)", message, re.IGNORECASE):
        kind = NotFoundError
    return kind(
        message or f"TTAPI answers HTTP {status}",
        provider="ttapi",
        http_status=status,
        retry_after=retry_after,
        advice=advice,
    )


def _accepted(body: dict[str, Any]) -> str | None:
    data = body.get("data")
    if body.get("status") == "FAILED":
        raise error(400, body, None)
    for holder in (data if isinstance(data, dict) else {}, body):
        for name in ("jobId", "job_id"):
            if holder.get(name):
                return str(holder[name])
    return None


def number(value: Any) -> float | None:
    """`value` as a number: 2, "2", "4.00" and "100%" are all sent."""
    try:
        read = float(str(value).strip().rstrip("%"))
    except ValueError:
        return None
    return read if math.isfinite(read) else None


def _status(body: dict[str, Any]) -> JobStatus:
    data = payload(body)
    word = str(body.get("status") or "")
    state = _STATES.get(word)
    message = _message(body)
    if state is None:
        # A word nobody told us of: keep polling, say it once.
        state, message = JobState.RUNNING, f"TTAPI gives the unknown status {word!r}; waiting on"
    if state in (JobState.QUEUED, JobState.RUNNING) and message in ("success", "SUCCESS"):
        message = ""
    return JobStatus(
        state=state,
        provider_state=word[:64],
        percent=number(data.get("progress")),
        message=message,
        quota=number(data.get("quota")),
        refunded=None if _NOT_SURELY_REFUNDED.search(message) else True,
    )


def payload(body: dict[str, Any]) -> dict[str, Any]:
    """`data`, which may be null or absent, with the job id in it, wherever and however it was written."""
    data = body.get("data")
    data = dict(data) if isinstance(data, dict) else {}
    job_id = data.get("job_id") or body.get("jobId") or body.get("job_id")
    if job_id:
        data.setdefault("jobId", job_id)
    return data


def job_id_of(body: dict[str, Any]) -> str | None:
    """Which job a fetch's answer is about."""
    job_id = payload(body).get("jobId")
    return str(job_id) if job_id else None


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
    payload=payload,
    job_id_of=job_id_of,
    callback_url_of=_callback_url,
    balance_path="/midjourney/v1/info",
    balance=_balance,
)

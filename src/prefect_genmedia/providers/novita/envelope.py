"""How Novita AI's v3 API speaks: bearer key, {"task_id"} answers, task-result, its error reasons.

Sources: novita.ai/docs, "Task result", "Error codes", "Webhook". Other servers of this API speak alike.
"""

from __future__ import annotations

from typing import Any

from prefect_genmedia.errors import (
    ApiError,
    AuthenticationError,
    ContentRejectedError,
    InsufficientCreditsError,
    InvalidRequestError,
    NotFoundError,
    OperationRetiredError,
    RateLimitedError,
    ResponseFormatError,
    ServerError,
)
from prefect_genmedia.operation import JobState, JobStatus, Provider

_STATES = {
    "TASK_STATUS_QUEUED": JobState.QUEUED,
    "TASK_STATUS_PROCESSING": JobState.RUNNING,
    "TASK_STATUS_SUCCEED": JobState.SUCCEEDED,
    "TASK_STATUS_FAILED": JobState.FAILED,
    # The vendor's own web page treats this one as queued.
    "TASK_STATUS_UNKNOWN": JobState.QUEUED,
}
_KEY = "Check api_key in the NovitaCredentials block."
_BY_REASON: dict[str, tuple[type[ApiError], str]] = {
    "MISSING_API_KEY": (AuthenticationError, _KEY),
    "INVALID_API_KEY": (AuthenticationError, _KEY),
    "BILLING_AUTH_FAILED": (AuthenticationError, _KEY),
    "FEATURE_NOT_ALLOWED": (AuthenticationError, "The account may not use this feature."),
    "API_NOT_ALLOWED": (AuthenticationError, "The account may not use this API."),
    "NEED_REAL_NAME_VERIFY": (AuthenticationError, "The account needs a verified name."),
    "BILLING_BALANCE_NOT_ENOUGH": (InsufficientCreditsError, "Top up the Novita account, then run again."),
    "ILLEGAL_PROMPT": (ContentRejectedError, "Change the prompt."),
    "ILLEGAL_IMAGE_CONTENT": (ContentRejectedError, "Use another picture."),
    "API_NOT_FOUND": (
        OperationRetiredError,
        "The provider has withdrawn it, or base_url is not its address.",
    ),
    "TASK_NOT_FOUND": (NotFoundError, ""),
    "RATE_LIMIT_EXCEEDED": (RateLimitedError, "Novita asks for fewer pictures a minute."),
}
_BY_STATUS: dict[int, tuple[type[ApiError], str]] = {
    400: (InvalidRequestError, ""),
    401: (AuthenticationError, _KEY),
    402: (InsufficientCreditsError, "Top up the Novita account, then run again."),
    403: (AuthenticationError, _KEY),
    404: (OperationRetiredError, "The provider has withdrawn it, or base_url is not its address."),
    410: (OperationRetiredError, "The provider has withdrawn it."),
    429: (RateLimitedError, "Novita asks for fewer pictures a minute."),
}


def _auth(api_key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {api_key}"}


def error(status: int, body: Any, retry_after: float | None) -> ApiError:
    """The error of a non-2xx answer, or of a refusal in a 2xx one."""
    body = body if isinstance(body, dict) else {}
    reason = str(body.get("reason") or "")
    fallback = (ServerError if status >= 500 else ApiError, "")
    kind, advice = _BY_REASON.get(reason) or _BY_STATUS.get(status, fallback)
    metadata = body.get("metadata")
    details = metadata.get("details") if isinstance(metadata, dict) else None
    message = str(body.get("message") or body.get("msg") or reason or f"Novita answers HTTP {status}")
    if details:
        message = f"{message} ({details})"
    return kind(
        message[:2000],
        provider="novita",
        http_status=status,
        code=reason or None,
        retry_after=retry_after,
        advice=advice,
    )


def _accepted(body: dict[str, Any]) -> str | None:
    # {"task_id"} today; {"code", "msg", "data": {"task_id"}} in the vendor's older examples.
    data = body.get("data")
    task_id = body.get("task_id") or (data.get("task_id") if isinstance(data, dict) else None)
    code = _number(body.get("code")) or 0
    if not task_id and (body.get("reason") or 400 <= code < 500):
        raise error(400, body, None)
    return str(task_id) if task_id else None


def _status(body: dict[str, Any]) -> JobStatus:
    task = body.get("task")
    task = task if isinstance(task, dict) else {}
    word = str(task.get("status") or "")
    state = _STATES.get(word)
    message = str(task.get("reason") or "")
    if state is None:
        state, message = JobState.RUNNING, f"Novita gives the unknown status {word!r}; waiting on"
    percent, eta = _number(task.get("progress_percent")), _number(task.get("eta"))
    return JobStatus(
        state=state,
        provider_state=word[:64],
        percent=percent,
        eta_seconds=eta if eta else None,
        message=message,
    )


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _payload(body: dict[str, Any]) -> dict[str, Any]:
    return body


def job_id_of(body: dict[str, Any]) -> str | None:
    """Which job a fetch's answer is about."""
    task = body.get("task")
    task_id = task.get("task_id") if isinstance(task, dict) else None
    return str(task_id) if task_id else None


def _callback_url(body: dict[str, Any]) -> str | None:
    """The vendor's example of a callback repeats the address in `extra`; whether a fetch does is not told."""
    extra = body.get("extra")
    webhook = extra.get("webhook") if isinstance(extra, dict) else None
    address = webhook.get("url") if isinstance(webhook, dict) else None
    return str(address) if address else None


def _balance(body: dict[str, Any]) -> float:
    """USD; the page counts in 0.0001 USD."""
    left = _number(body.get("availableBalance"))
    if left is None:
        raise ResponseFormatError("the balance page names no available balance", provider="novita")
    return left / 10_000


NOVITA = Provider(
    name="novita",
    auth=_auth,
    error=error,
    accepted=_accepted,
    status=_status,
    payload=_payload,
    job_id_of=job_id_of,
    callback_url_of=_callback_url,
    balance_path="/openapi/v1/billing/balance/detail",
    balance=_balance,
)

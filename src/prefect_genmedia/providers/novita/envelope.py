"""How Novita AI's v3 API speaks: bearer key, {"task_id"} answers, task-result, its error reasons.

Sources: novita.ai/docs, "Task result", "Error codes", "Webhook". Other servers of this API speak alike.
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
    RateLimitedError,
    ResponseFormatError,
    ServerError,
)
from prefect_genmedia.operation import JobState, JobStatus, Provider
from prefect_genmedia.providers.words import all_ids, eta, job_id_in, number, percent, state_of

# Novita's reasons are such words; a gateway's are sentences.
_REASON = re.compile(r"[A-Z][A-Z0-9_]+")
_KEY = "Save the right key: genmedia setup --novita NAME; then run again."
_BY_REASON: dict[str, tuple[type[ApiError], str]] = {
    "MISSING_API_KEY": (AuthenticationError, _KEY),
    "INVALID_API_KEY": (AuthenticationError, _KEY),
    "BILLING_AUTH_FAILED": (AuthenticationError, _KEY),
    "FEATURE_NOT_ALLOWED": (
        AuthenticationError,
        "The account may not use this feature: ask Novita, or save another's key: genmedia setup --novita NAME.",
    ),
    "API_NOT_ALLOWED": (
        AuthenticationError,
        "The account may not use this API: ask Novita, or save another's key: genmedia setup --novita NAME.",
    ),
    "NEED_REAL_NAME_VERIFY": (
        AuthenticationError,
        "The account needs a verified name: give it to Novita, then run again.",
    ),
    "BILLING_BALANCE_NOT_ENOUGH": (InsufficientCreditsError, "Top up the Novita account, then run again."),
    "ILLEGAL_PROMPT": (ContentRejectedError, "Change the prompt, then run again."),
    "ILLEGAL_IMAGE_CONTENT": (ContentRejectedError, "Use another picture, then run again."),
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
    # A 5xx is the server's failure, whatever reason it gives: the job may have been taken before.
    kind, advice = fallback if status >= 500 else _BY_REASON.get(reason) or _BY_STATUS.get(status, fallback)
    metadata = body.get("metadata")
    details = metadata.get("details") if isinstance(metadata, dict) else None
    message = str(body.get("message") or body.get("msg") or reason or f"Novita answers HTTP {status}")
    if details:
        message = f"{message} ({details})"
    return kind(
        message[:2000],
        provider="novita",
        http_status=status,
        code=reason if _REASON.fullmatch(reason) else None,
        retry_after=retry_after,
        advice=advice,
    )


def _refuses(body: dict[str, Any]) -> bool:
    return bool(body.get("reason")) or 400 <= (number(body.get("code")) or 0) < 500


def _accepted(body: dict[str, Any]) -> str | None:
    # {"task_id"} today; {"code", "msg", "data": {"task_id"}} in the vendor's older examples.
    if found := job_id_in((body, body.get("data"), body.get("task")), ("task_id",)):
        return found
    code = number(body.get("code")) or 0
    if code < 500 and (str(body.get("reason") or "") in _BY_REASON or code >= 400):
        raise error(400, body, None)
    return None


def _job_id_of(body: dict[str, Any]) -> str | None:
    body = _payload(body)
    return all_ids((body.get("task"), body), "task_id")


def _status(body: dict[str, Any]) -> JobStatus:
    task = _payload(body).get("task")
    task = task if isinstance(task, dict) else {}
    if not task and _refuses(body):
        raise error(int(number(body.get("code")) or 400), body, None)
    if not task:
        raise ResponseFormatError("the answer says nothing of a task", provider="novita")
    word = str(task.get("status") or "")
    state, message = state_of(word), str(task.get("reason") or "")
    if state is None:
        state, message = JobState.RUNNING, f"Novita gives the unknown status {word[:64]!r}; waiting on"
    return JobStatus(
        state=state,
        provider_state=word[:64],
        percent=percent(task.get("progress_percent")),
        eta_seconds=eta(task.get("eta")),
        message=message,
    )


def _payload(body: dict[str, Any]) -> dict[str, Any]:
    """{"task", "images", …} today; within {"code", "msg", "data"} in the vendor's older examples."""
    data = body.get("data")
    return data if "task" not in body and isinstance(data, dict) and isinstance(data.get("task"), dict) else body


def _callback_url(body: dict[str, Any]) -> str | None:
    """The vendor's example of a callback repeats the address in `extra`; whether a fetch does is not told."""
    extra = body.get("extra")
    webhook = extra.get("webhook") if isinstance(extra, dict) else None
    address = webhook.get("url") if isinstance(webhook, dict) else None
    return str(address) if address else None


def _balance(body: dict[str, Any]) -> float:
    """USD; the page counts in 0.0001 USD."""
    left = number(body.get("availableBalance"))
    if left is None:
        raise ResponseFormatError("the balance page names no available balance", provider="novita")
    return left / 10_000


NOVITA = Provider(
    name="novita",
    auth=_auth,
    error=error,
    accepted=_accepted,
    status=_status,
    job_id_of=_job_id_of,
    payload=_payload,
    callback_url_of=_callback_url,
    refuses_full_queues=False,
    balance_path="/openapi/v1/billing/balance/detail",
    balance=_balance,
)

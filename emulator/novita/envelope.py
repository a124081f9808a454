"""Novita AI: what its functions share, how a task is read, the models, the account."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from prefect_genmedia.emulator.drawing.recordings import Drawn
from prefect_genmedia.emulator.requests import inputs
from prefect_genmedia.emulator.requests.rules import Invalid
from prefect_genmedia.emulator.server import provider, submits
from prefect_genmedia.emulator.server.gallery import File, Gallery
from prefect_genmedia.emulator.server.links import novita_path, signed
from prefect_genmedia.emulator.server.orders import Job, Order, account_of
from prefect_genmedia.emulator.server.provider import Body, Provider
from prefect_genmedia.emulator.server.replies import Refusal
from prefect_genmedia.emulator.server.state import State, base_url_of, state_of

WORDS = {
    "queued": "TASK_STATUS_QUEUED",
    "running": "TASK_STATUS_PROCESSING",
    "succeeded": "TASK_STATUS_SUCCEED",
    "failed": "TASK_STATUS_FAILED",
}
NSFW_PRICE = 15  # 0.0015 USD for each picture checked: documented
DENIED = "denied-by-emulator"  # accepted, then the task fails
NSFW = "nsfw-by-emulator"  # the detection finds something
FAILED = "failed to exec task"


@dataclass(frozen=True)
class Commission:
    """What a request asks for, once it is found in order."""

    action: str
    task_type: str
    prompt: str
    kind: str  # of recordings.TYPES
    draw: Callable[[Gallery, Job, str], Drawn]
    price: float  # 0.0001 USD for each file
    extra: Body
    info: Body  # request_info, without the seeds
    media: str = "images"  # or videos, audios
    number: int = 1
    seed: int | None = None
    pictures: tuple[bytes, ...] = ()
    link: str | None = None  # a picture that is to be read first
    details: dict[str, Any] = field(default_factory=dict)  # what else is drawn from


def failure(status: int, message: str, stage: str = "submit") -> Body:
    reason = {
        400: "INVALID_REQUEST_BODY",
        401: "INVALID_API_KEY",
        403: "INVALID_API_KEY",
        404: "TASK_NOT_FOUND",
        429: "RATE_LIMIT_EXCEEDED",
        499: "RATE_LIMIT_EXCEEDED",
    }.get(status, "CREATE_TASK_FAILED" if stage == "submit" else "GET_RESULT_FAILED")
    return problem(status, reason, message)


def problem(status: int, reason: str, message: str) -> Body:
    return {"code": status, "reason": reason, "message": message, "metadata": {}}


def refuse(status: int, reason: str, message: str) -> Refusal:
    return Refusal(status, problem(status, reason, message))


def accepted(job: Job) -> Body:
    return {"task_id": job.id}


def answer(state: State, job: Job, base_url: str) -> Body:
    """What task-result says, and what a webhook carries as its payload."""
    details, done = job.order.details, job.state == "succeeded"
    seed, skew, running = job.seed(), state.skew(), job.state == "running"
    seeds = {"seeds": [seed + place for place in range(details["number"])]} if "seeds" in details["info"] else {}
    extra: Body = {
        "seed": str(seed),
        "enable_nsfw_detection": details["nsfw"],
        "debug_info": {
            "request_info": json.dumps({**details["info"], **seeds}),
            "submit_time_ms": _milliseconds(job.created_at, skew),
            "execute_time_ms": _milliseconds(job.started_at, skew),
            "complete_time_ms": _milliseconds(job.finished_at, skew),
        },
    }
    if job.order.hook_url:
        extra["webhook"] = {"url": job.order.hook_url}
    files = [_file(state, job, place, base_url) for place in range(details["number"])] if done else []
    # In the vendor's examples a task that has succeeded shows 0 with pictures, and 100 with videos.
    end = 100 if done and details["media"] == "videos" else 0
    return {
        "extra": extra,
        "task": {
            "task_id": job.id,
            "task_type": details["task_type"],
            "status": WORDS[job.state],
            "reason": job.message,
            "eta": max(0, round(job.seconds * (100 - job.progress()) / 100)) if running else 0,
            "progress_percent": job.progress() if running else end,
        },
        **{media: files if media == details["media"] else [] for media in ("images", "videos", "audios")},
    }


def _file(state: State, job: Job, place: int, base_url: str) -> Body:
    details, settings = job.order.details, state.settings
    path, one = _path(job, place), details["media"].removesuffix("s")
    # Signed anew for every answer; a bucket of the customer's own has no signature and no end.
    own = details["storage"] is not None
    link = path if own else signed(path, settings.seed, state.now(), settings.link_seconds)
    found = NSFW in job.order.prompt.lower()
    more: Body = {}
    if one == "image":
        more["nsfw_detection_result"] = {"valid": True, "confidence": 99 if found else 0} if details["nsfw"] else None
    elif one == "audio":
        more["audio_metadata"] = {"text": job.order.prompt, "start_time": 0, "end_time": details["seconds"]}
    return {
        f"{one}_url": base_url + link,
        f"{one}_url_ttl": "0" if own else str(settings.link_seconds),
        f"{one}_type": details["kind"],
        **more,
    }


def _path(job: Job, place: int) -> str:
    details = job.order.details
    return novita_path(job.id, place, details["kind"], details["storage"])


def hang(state: State, job: Job) -> None:
    """A finished task's files can be downloaded from now on."""
    for place in range(job.order.details["number"]):
        state.gallery.hang(_path(job, place), File(job.id, str(place), job.order.details["kind"]))


def _milliseconds(seconds: float | None, skew: float) -> str:
    return "0" if seconds is None else str(round((seconds + skew) * 1000))


NOVITA = Provider(
    name="novita",
    hooks=("extra.webhook.url", "callback"),
    failure=failure,
    accepted=accepted,
    answer=answer,
    spare=("videos", "audios", "task.eta", "task.progress_percent", "task.reason", "extra.debug_info"),
    lists=("images", "videos", "audios"),
    nullable=("images", "videos", "audios", "extra"),
    id_fields=("task_id",),
    nulled="task_id",
    status_field="task.status",
    odd_status="TASK_STATUS_PAUSED",
    hang=hang,
    envelope=lambda body: {"event_type": "ASYNC_TASK_RESULT", "payload": body},
    callback_attempts=5,
    acknowledged=range(200, 300),
)


def authenticate(request: Request) -> str:
    settings = state_of(request).settings
    key = request.headers.get("authorization", "").strip()
    scheme, _, rest = key.partition(" ")
    if scheme.lower() == "bearer":  # the official JS SDK sends the bare key
        key = rest.strip()
    newer = settings.novita_auth_status == 401
    if not key:
        raise refuse(401 if newer else 400, "MISSING_API_KEY", "the API key is missing")
    if settings.api_key is not None and key != settings.api_key:
        raise refuse(settings.novita_auth_status, "INVALID_API_KEY", "the API key is invalid")
    return account_of(key)


def operation_of(name: str) -> str:
    """kling-v1.6-i2v: novita.kling_v16_i2v."""
    return "novita." + name.replace(".", "").replace("-", "_")


async def named(request: Request, job: Job) -> Body:
    return NOVITA.accepted(job)


def accepting(name: str, plan: Callable[[Body, bool], Commission]) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint of a paid function. `plan(body, strict)` runs in a thread, or raises Invalid."""
    operation = operation_of(name)

    async def endpoint(request: Request) -> Response:
        account, state = authenticate(request), state_of(request)
        if name in re.split(r"[,\s]+", state.settings.novita_retired):
            raise refuse(404, "API_NOT_FOUND", "api not found")

        async def place(body: Body, sha256: str) -> Order:
            if "extra" in body and "-" in name and not state.settings.flat_hooks:
                raise refuse(400, "INVALID_REQUEST_BODY", "extra: is not a field")
            try:
                wanted = await to_thread.run_sync(plan, body, state.settings.strict)
                linked = await inputs.link(request, "image", wanted.link) if wanted.link else None
            except Invalid as invalid:
                raise refuse(400, invalid.reason, invalid.message) from None
            return order(request, body, wanted, operation, sha256, account, linked)

        return await submits.submit(request, NOVITA, operation, place, named)

    return endpoint


def order(
    request: Request,
    body: Body,
    wanted: Commission,
    operation: str,
    sha256: str,
    account: str,
    linked: inputs.Given | None = None,
) -> Order:
    """The checks that every paid function shares, and the order."""
    state, extra, pictures = state_of(request), wanted.extra, wanted.media == "images"
    nsfw = bool(extra.get("enable_nsfw_detection"))
    quota = wanted.number * (wanted.price + (NSFW_PRICE if nsfw else 0))
    test_mode = (extra.get("webhook") or {}).get("test_mode") or {}
    mock = bool(test_mode.get("enabled"))
    if not mock:
        if state.jobs.account("novita", account).balance < quota:
            raise refuse(400, "BILLING_BALANCE_NOT_ENOUGH", "the balance is not enough")
        if pictures and not state.image_pace(f"{account} {operation}", wanted.number):
            raise refuse(429, "RATE_LIMIT_EXCEEDED", "too many images per minute")
    kept = [state.gallery.keep(content) for content in wanted.pictures]
    details: dict[str, Any] = {
        **wanted.details,
        "seed": wanted.seed,
        "task_type": wanted.task_type,
        "media": wanted.media,
        "kind": wanted.kind,
        "number": wanted.number,
        "nsfw": nsfw,
        "storage": (extra.get("custom_storage") or {}).get("aws_s3") or None,
        "inputs": [*kept, linked.sha256] if linked and linked.sha256 else kept,
        "info": wanted.info,
    }
    outcome = {"TASK_STATUS_SUCCEED": "succeeded", "TASK_STATUS_FAILED": "failed"}
    hook = provider.hook_of(body, NOVITA)
    return Order(
        provider="novita",
        product="novita",
        operation=operation,
        action=wanted.action,
        account=account,
        prompt=wanted.prompt,
        quota=0 if mock else quota,
        request_sha256=sha256,
        hook_url=hook if isinstance(hook, str) else None,
        base_url=base_url_of(request),
        details=details,
        draw=wanted.draw,
        billed=not mock,
        outcome=outcome[test_mode["return_task_status"]] if mock else None,
        failure=FAILED if DENIED in wanted.prompt.lower() or (linked and linked.failure) else "",
    )

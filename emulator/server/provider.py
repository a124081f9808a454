"""How one product of a vendor speaks, and how a request to it is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from prefect_genmedia.emulator.server.orders import Job
from prefect_genmedia.emulator.server.replies import Refusal
from prefect_genmedia.emulator.server.state import State

Body = dict[str, Any]


@dataclass(frozen=True)
class Provider:
    """How one product of a vendor speaks."""

    name: str
    hooks: tuple[str, ...]  # where a request names its callback; a dot leads into an object
    failure: Callable[[int, str, str], Body]  # (HTTP status, message, "submit" | "fetch") -> error body
    accepted: Callable[[Job], Body]
    answer: Callable[[State, Job, str], Body]  # (state, job, base URL) -> what a fetch and a callback say
    spare: tuple[str, ...]  # answer fields that a reader can do without
    lists: tuple[str, ...]  # answer fields that list what was bought, file by file
    nullable: tuple[str, ...]  # answer fields that `fetch_data_null` makes null
    id_fields: tuple[str, ...]  # where an accepted submit says the job's id
    nulled: str  # what `submit_data_null` makes null
    status_field: str
    odd_status: str
    hang: Callable[[State, Job], None]  # put a finished job's files where its links point
    envelope: Callable[[Body], Body]  # an answer as a callback carries it
    callback_attempts: int
    acknowledged: range  # the receiver's statuses that end the attempts


def hook_of(body: Body, provider: Provider) -> Any:
    """The callback that a request names, whatever it is; None if it names none."""
    for name in provider.hooks:
        value: Any = body
        for step in name.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if value not in (None, ""):
            return value
    return None


async def read_json(request: Request, provider: Provider) -> Body:
    raw = await request.body()
    try:
        body = json.loads(raw, parse_constant=_not_json)
        if b"\\u" in raw:  # the escape of half a character: nothing could be done with such a text
            json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Refusal(400, provider.failure(400, "the body is not JSON", "submit")) from None
    if not isinstance(body, dict):
        raise Refusal(400, provider.failure(400, "the body is not a JSON object", "submit"))
    return body


def _not_json(word: str) -> None:
    raise ValueError(word)  # NaN, Infinity: Python would take them

"""What can go wrong on order: which fault, for which operation, how often, seeded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Kind(NamedTuple):
    does: str
    parameters: dict[str, Any]  # its own, with their defaults


# "Accepted": a job is made and billed, whatever the client gets to hear.
KINDS: dict[str, Kind] = {
    # The submit POST.
    "submit_lose_reply": Kind("accepted, then the connection is cut (how: close or reset)", {"how": "close"}),
    "submit_5xx_after": Kind("accepted, then a 5xx (body: json, html or empty)", {"status": 502, "body": "json"}),
    "submit_refuse": Kind(
        "not accepted; retry_after: a number, date (so many seconds ahead), absurd, or null for none",
        {"status": 429, "retry_after": None, "seconds": 2},
    ),
    "submit_html": Kind("not accepted; a gateway's page", {"status": 200}),
    "submit_accept_twice": Kind("two jobs for one POST; the answer names the first", {}),
    "submit_slow_reply": Kind("accepted at once, answered late", {"seconds": 1.0}),
    "submit_garbage": Kind("accepted; 200 and no JSON", {}),
    "submit_missing_id": Kind("accepted; 200 without a job id", {}),
    "submit_data_null": Kind("accepted; 200 with data (Novita: task_id) null", {}),
    # Reading one job.
    "fetch_drop": Kind("the connection is cut (how: close or reset)", {"how": "close"}),
    "fetch_5xx": Kind("a 5xx (body: json, html or empty)", {"status": 503, "body": "json"}),
    "fetch_429": Kind("429; retry_after as for submit_refuse", {"retry_after": None, "seconds": 2}),
    "fetch_html": Kind("a gateway's page", {"status": 200}),
    "fetch_garbage": Kind("200 and no JSON", {}),
    "fetch_missing_fields": Kind(
        "fields are left out (dotted names; null: all that a reader can do without)", {"fields": None}
    ),
    "fetch_data_null": Kind("data (Novita: images, videos, audios, extra) is null", {}),
    "fetch_unknown_status": Kind("a status word that nobody has seen", {"word": None}),
    "fetch_slow": Kind("answered late", {"seconds": 1.0}),
    # The job; decided when it is accepted.
    "job_fails": Kind("fails half-way", {"message": None, "refund": True}),
    "job_fails_late": Kind("fails after 99 %", {"message": None, "refund": True}),
    "job_stuck": Kind("stays at 99 % for ever", {}),
    "job_forgotten": Kind("billed, then unknown after so many fetches", {"after_fetches": 0, "status": 404}),
    # Result files.
    "download_expired": Kind("403 with S3's XML", {}),
    "download_truncated": Kind(
        "half the file; length: whole or chunked (the cut shows), none (it does not)", {"length": "whole"}
    ),
    "download_wrong_type": Kind(
        "an image type: really that type; any other: only the label lies", {"content_type": "text/html"}
    ),
    "download_wrong_size": Kind("the picture in another size", {"factor": 0.5}),
    "download_html": Kind("a page in place of the picture", {"status": 200}),
    "download_redirect": Kind("to the same file under another host name", {"status": 302}),
    "download_404": Kind("not found", {}),
    "download_slow": Kind("half, a pause, the rest", {"seconds": 1.0}),
    # Callbacks; decided when the job is accepted.
    "callback_lost": Kind("never sent", {}),
    "callback_duplicate": Kind("sent several times", {"copies": 2}),
    "callback_early": Kind("a success body at once, and the true one later", {}),
    "callback_forged": Kind("the true one, and one to a URL with another token", {}),
    "callback_malformed": Kind("half a JSON body", {}),
    "callback_oversized": Kind("with so much padding", {"bytes": 5_000_000}),
    "callback_late": Kind("sent late", {"seconds": 1.0}),
    # The whole server, as long as armed.
    "clock_skew": Kind("the provider's clock is wrong: Date, links, times in answers", {"seconds": 3600.0}),
    "queue_halved": Kind("max_jobs halves, after `skip` submits", {}),
}
_COMMON: dict[str, Any] = {
    "operation": None,
    "times": None,
    "probability": 1.0,
    "skip": 0,
    "per_job": False,
}
_CHOICES = {
    "how": ("close", "reset"),
    "body": ("json", "html", "empty"),
    "length": ("whole", "chunked", "none"),
}


@dataclass
class Fault:
    kind: str
    operation: str | None  # None: every operation
    times: int | None  # None: for ever
    probability: float
    skip: int  # so many chances pass by first
    per_job: bool  # times and skip count for each job (for a submit: for each distinct request)
    parameters: dict[str, Any]
    seed: str
    fired: int = 0
    chances: dict[str, int] = field(default_factory=dict)
    fired_for: dict[str, int] = field(default_factory=dict)

    def fires(self, operation: str, subject: str) -> bool:
        if self.operation not in (None, operation):
            return False
        who = subject if self.per_job else ""
        chance = self.chances[who] = self.chances.get(who, 0) + 1
        if chance <= self.skip or (self.times is not None and self.fired_for.get(who, 0) >= self.times):
            return False
        # Drawn from the subject and its count, not from a shared stream: the order in which parallel
        # clients arrive changes nothing.
        nth = self.chances[f"draw {subject}"] = self.chances.get(f"draw {subject}", 0) + 1
        if share(f"{self.seed}:{subject}:{nth}") >= self.probability:
            return False
        self.fired_for[who] = self.fired_for.get(who, 0) + 1
        self.fired += 1
        return True

    def describe(self) -> dict[str, Any]:
        common = {name: getattr(self, name) for name in _COMMON}
        return {"kind": self.kind, **common, **self.parameters, "fired": self.fired}


class Faults:
    def __init__(self) -> None:
        self.armed: list[Fault] = []

    def arm(self, specs: Iterable[Mapping[str, Any]], seed: int = 0) -> None:
        """All or none: ValueError names the first that cannot be read."""
        self.armed += [_read(spec, seed, len(self.armed) + n) for n, spec in enumerate(specs)]

    def clear(self) -> None:
        self.armed = []

    def take(self, kind: str, operation: str, subject: str) -> Fault | None:
        """The fault of this kind that strikes now, if one does."""
        return next((f for f in self.armed if f.kind == kind and f.fires(operation, subject)), None)

    def standing(self, kind: str) -> list[Fault]:
        """Faults of the whole server: in force as long as they are armed."""
        return [fault for fault in self.armed if fault.kind == kind]

    def describe(self) -> dict[str, Any]:
        return {"faults": [fault.describe() for fault in self.armed]}


def share(text: str) -> float:
    """A number in [0, 1) that the text alone decides."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big") / 2**56


def _read(spec: Mapping[str, Any], seed: int, place: int) -> Fault:
    kind = spec.get("kind")
    if kind not in KINDS:
        raise ValueError(f"no fault is called {kind!r}; there are: {', '.join(KINDS)}")
    parameters = KINDS[kind].parameters
    for name in spec:
        if name != "kind" and name not in _COMMON and name not in parameters:
            known = ", ".join([*_COMMON, *parameters])
            raise ValueError(f"{kind} has no parameter {name!r}; it has: {known}")
    common = {name: spec.get(name, default) for name, default in _COMMON.items()}
    own = {name: spec.get(name, default) for name, default in parameters.items()}
    for name, value in {**common, **own}.items():
        _check(name, value, {**_COMMON, **parameters}[name])
    return Fault(kind=kind, **common, parameters=own, seed=f"{seed}:{place}:{kind}")


def _check(name: str, value: Any, default: Any) -> None:
    """A mistake is told when the fault is armed, not when it strikes."""
    if name in _CHOICES and value not in _CHOICES[name]:
        raise ValueError(f"{name} must be one of {', '.join(_CHOICES[name])}")
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15
    if isinstance(default, bool):
        fits = isinstance(value, bool)
    elif isinstance(default, (int, float)):
        fits = number
    elif name == "times":
        fits = value is None or (number and value >= 0)
    elif isinstance(default, str) or name == "operation":
        fits = isinstance(value, str) or value is default
    else:
        fits = True
    if name == "status":
        fits = number and 200 <= value < 600
    if not fits:
        raise ValueError(f"{name} cannot be {value!r}")

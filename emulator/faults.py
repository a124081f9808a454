"""What can go wrong on order: which fault, for which operation, how often, seeded."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from prefect_genmedia.emulator.fault_kinds import CHOICES, COMMON, KINDS

Parameters = Mapping[str, Any]


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
        common = {name: getattr(self, name) for name in COMMON}
        return {"kind": self.kind, **common, **self.parameters, "fired": self.fired}


class Faults:
    def __init__(self) -> None:
        self.armed: list[Fault] = []

    def arm(self, specs: Iterable[Mapping[str, Any]], seed: int = 0) -> None:
        """All or none: ValueError names the first that cannot be read."""
        self.armed += [_read(spec, seed, len(self.armed) + n) for n, spec in enumerate(specs)]

    def clear(self) -> None:
        self.armed = []

    def take(
        self, kind: str, operation: str, subject: str, fits: Callable[[Parameters], bool] | None = None
    ) -> Fault | None:
        """The fault of this kind that strikes now, if one does. What does not fit is no chance, and is not counted."""
        armed = (f for f in self.armed if f.kind == kind and (fits is None or fits(f.parameters)))
        return next((fault for fault in armed if fault.fires(operation, subject)), None)

    def standing(self, kind: str) -> list[Fault]:
        """Faults of the whole server: in force as long as they are armed."""
        return [fault for fault in self.armed if fault.kind == kind]

    def skew(self) -> float:
        """By how many seconds the provider's clock is wrong."""
        return sum(float(fault.parameters["seconds"]) for fault in self.standing("clock_skew"))

    def clock(self) -> float:
        """The provider's time: spans of it can pass at once, when its clock is put wrong."""
        return time.time() + self.skew()

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
        if name != "kind" and name not in COMMON and name not in parameters:
            known = ", ".join([*COMMON, *parameters])
            raise ValueError(f"{kind} has no parameter {name!r}; it has: {known}")
    common = {name: spec.get(name, default) for name, default in COMMON.items()}
    own = {name: spec.get(name, default) for name, default in parameters.items()}
    for name, value in {**common, **own}.items():
        _check(name, value, {**COMMON, **parameters}[name])
    return Fault(kind=kind, **common, parameters=own, seed=f"{seed}:{place}:{kind}")


def _check(name: str, value: Any, default: Any) -> None:
    """A mistake is told when the fault is armed, not when it strikes."""
    if name in CHOICES and value not in CHOICES[name]:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, CHOICES[name]))}")
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15
    if isinstance(default, bool):
        fits = isinstance(value, bool)
    elif isinstance(default, (int, float)):
        fits = number
    elif name in ("times", "bytes"):
        fits = value is None or (number and value >= 0)
    elif isinstance(default, list):
        fits = isinstance(value, list) and all(isinstance(item, int) for item in value)
    elif isinstance(default, str) or name in ("operation", "label"):
        fits = isinstance(value, str) or value is default
    else:
        fits = True
    if name == "fields":
        fits = value is None or (isinstance(value, list) and all(isinstance(item, str) for item in value))
    if name == "status":
        fits = isinstance(value, int) and 200 <= value < 600
    if not fits:
        raise ValueError(f"{name} cannot be {value!r}")

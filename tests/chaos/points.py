"""Where a run is killed, in which weather, with which witnesses, and how it is run again. All from a seed."""

from __future__ import annotations

import random
import signal
from dataclasses import dataclass
from typing import Any

WAYS = ("flow.retries", "same request_key", "no key", "Prefect's retry by a worker")
BOTH, LIST, NONE = "callbacks and job list", "job list only", "none"
WITNESSES = (BOTH, LIST, NONE)

# What strikes at a point: the worker is killed; stands still for longer than its lease, while another takes over;
# or ends as a script's author, a user or a container wants it to.
KILL, PAUSE = "SIGKILL", "SIGSTOP, SIGCONT"
ENDS = {
    "sys.exit(1)": signal.SIGUSR2,
    "SIGTERM": signal.SIGTERM,
    "SIGTERM, handled": signal.SIGTERM,
    "Ctrl-C": signal.SIGINT,
}
GRACE_SECONDS = 5.0  # between such a signal and SIGKILL, as a container's runtime does

IMAGINE, IMG2IMG = "midjourney.imagine", "novita.img2img"

# What happens besides the kill. The worker has to live with it before it dies, and after.
CALM = "calm"
WEATHERS: dict[str, tuple[dict[str, Any], ...]] = {
    CALM: (),
    "imagine's reply lost": ({"kind": "submit_lose_reply", "operation": IMAGINE, "times": 1},),
    "img2img's reply lost": ({"kind": "submit_lose_reply", "operation": IMG2IMG, "times": 1},),
    "imagine answers 502": ({"kind": "submit_5xx_after", "operation": IMAGINE, "times": 1, "body": "html"},),
    "img2img answers garbage": ({"kind": "submit_garbage", "operation": IMG2IMG, "times": 1},),
    "imagine refused": ({"kind": "submit_refuse", "operation": IMAGINE, "times": 1, "retry_after": 0},),
    "img2img refused": ({"kind": "submit_refuse", "operation": IMG2IMG, "times": 1, "retry_after": 0},),
    "imagine fails": ({"kind": "job_fails", "operation": IMAGINE, "times": 1},),
    "slow replies": ({"kind": "submit_slow_reply", "seconds": 0.3},),
    "fetches broken": ({"kind": "fetch_drop", "times": 2}, {"kind": "fetch_5xx", "times": 1, "skip": 1}),
    "files truncated": ({"kind": "download_truncated", "times": 2}, {"kind": "download_expired", "times": 1}),
    "odd callbacks": ({"kind": "callback_duplicate"}, {"kind": "callback_forged"}, {"kind": "callback_early"}),
}
HARMLESS = (CALM, "imagine refused", "slow replies", "fetches broken", "files truncated", "odd callbacks")


@dataclass(frozen=True)
class Point:
    """One place to die: at a commit of the ledger, or on the wire."""

    where: str  # "commit" or "wire"
    name: str  # the transaction's or the request's; "any" request
    nth: int
    phase: str
    weather: str = CALM
    crossed: bool = False  # so near the money that it is tried with every witness

    def __str__(self) -> str:
        weather = "" if self.weather == CALM else f", {self.weather}"
        return f"{self.phase} {self.where} {self.name}#{self.nth}{weather}"

    @property
    def refusals(self) -> int:
        return 1 if "refused" in self.weather else 0


@dataclass(frozen=True)
class Case:
    number: int
    point: Point
    way: str
    witness: str
    noticed: bool  # does Prefect know that the first run died, when the next one starts?
    job_seconds: float
    harm: str = KILL

    def __str__(self) -> str:
        return f"{self.number}: {self.harm} {self.point}; again by {self.way}; witness: {self.witness}"

    @property
    def signal(self) -> signal.Signals | None:
        """What strikes the worker; None for an exception inside of it."""
        if self.way == "flow.retries":
            return None
        return {KILL: signal.SIGKILL, PAUSE: signal.SIGSTOP, **ENDS}[self.harm]

    def witnessed(self, operation: str) -> bool:
        """Could anybody but the worker tell whether this job was accepted?"""
        return self.witness == BOTH or (self.witness == LIST and operation == IMAGINE)


STILL_RUNS_SECONDS = (
    6.0  # a job that takes so long still runs at its first look, with callbacks after 3 s: then progress is seen
)
COMMIT_PHASES = ("inside", "before", "after")
WIRE_PHASES = ("request lost", "request late", "request half", "reply lost", "reply half", "reply whole")
# Every transaction of a calm life: imagine's is the first of its name, img2img's the second.
LIFE = {
    "setup": 1, "store": 1, "secret": 1, "progress": 1, "claim": 2, "INTENT": 2, "SUBMITTED": 2, "SUCCEEDED": 2,
    "STORED": 2,
}  # fmt: skip


def points(seed: int, random_ones: int) -> list[Point]:
    found = []
    for name, times in LIFE.items():
        crossed = name in ("INTENT", "SUBMITTED")
        for nth in range(1, times + 1):
            found += [Point("commit", name, nth, phase, crossed=crossed) for phase in COMMIT_PHASES]
    # Setting up the ledger is one transaction of the migration's own, which no session commits.
    found.remove(Point("commit", "setup", 1, "after"))
    for weather, name, nth in (
        ("imagine's reply lost", "UNKNOWN", 1),
        ("img2img's reply lost", "UNKNOWN", 1),
        ("imagine answers 502", "UNKNOWN", 1),
        ("img2img answers garbage", "UNKNOWN", 1),
        ("imagine refused", "NOT_ACCEPTED", 1),
        ("img2img refused", "NOT_ACCEPTED", 1),
        ("imagine refused", "INTENT", 2),
        ("imagine fails", "FAILED", 1),
        ("imagine fails", "claim", 2),
        ("imagine fails", "INTENT", 2),
    ):
        crossed = name == "UNKNOWN"
        found += [Point("commit", name, nth, phase, weather, crossed) for phase in COMMIT_PHASES]
    for name in ("submit imagine", "submit img2img"):
        found += [Point("wire", name, 1, phase, crossed=True) for phase in WIRE_PHASES]
    for name, nth in (("fetch imagine", 1), ("fetch img2img", 1), ("file of imagine", 1), ("file of imagine", 4)):
        found += [Point("wire", name, nth, phase) for phase in ("request lost", "reply lost", "reply half")]
    found += [Point("wire", "file of img2img", 1, phase) for phase in ("request lost", "reply lost", "reply half")]
    chance = random.Random(f"points:{seed}")
    for _ in range(random_ones):
        # A calm life has at least ten requests: two submits, two fetches, six files.
        found.append(Point("wire", "any", chance.randint(1, 10), chance.choice(WIRE_PHASES), chance.choice(HARMLESS)))
    return found


def short(seed: int) -> list[Case]:
    """One case for each way, near the money; with the witnesses by turns."""
    chance = random.Random(f"short:{seed}")
    near = [case for case in cases(seed, 0) if case.point.crossed]
    return [
        chance.choice([case for case in near if (case.way, case.witness) == (way, WITNESSES[turn % len(WITNESSES)])])
        for turn, way in enumerate(WAYS)
    ]


def cases(seed: int, random_ones: int) -> list[Case]:
    """Every point run again in every way; with every witness near the money, else with one that the seed picks."""
    chance = random.Random(f"cases:{seed}")
    found: list[Case] = []
    for place, point in enumerate(points(seed, random_ones)):
        for turn, way in enumerate(WAYS):
            # By turns: in one half of the points Novita has a witness, in the other none.
            by_turns = (BOTH, LIST, BOTH, NONE)[(place + turn) % 4]
            for witness in WITNESSES if point.crossed else (by_turns,):
                seconds = STILL_RUNS_SECONDS if point.name == "progress" else chance.choice((0.02, 0.05, 0.3))
                found.append(Case(len(found), point, way, witness, chance.random() < 0.5, seconds))
    return found


SUBMITS = ("submit imagine", "submit img2img")
OTHERS = ("same request_key", "Prefect's retry by a worker", "no key")


def pauses(seed: int) -> list[Case]:
    """A worker stands still before and after every commit, and while a request or its reply is on its way."""
    at = [
        Point("commit", name, nth, phase)
        for name, times in LIFE.items()
        if name != "setup"  # nothing is wanted yet
        for nth in range(1, times + 1)
        for phase in COMMIT_PHASES
    ]
    at += [Point("wire", name, 1, phase) for name in SUBMITS for phase in WIRE_PHASES]
    at += [
        Point("wire", name, 1, phase)
        for name in ("fetch imagine", "file of imagine")
        for phase in ("request late", "reply lost")
    ]
    return _by_turns(f"pauses:{seed}", at, (PAUSE,))


def ends(seed: int) -> list[Case]:
    """A worker ends in every way but a crash, near the money."""
    at = [Point("commit", "claim", 1, phase) for phase in ("before", "after")]
    at += [
        Point("commit", name, nth, phase)
        for name in ("INTENT", "SUBMITTED")
        for nth in (1, 2)
        for phase in ("before", "after")
    ]
    at += [Point("commit", "STORED", 1, "after"), Point("wire", "fetch imagine", 1, "reply lost")]
    at += [
        Point("wire", name, 1, phase)
        for name in SUBMITS
        for phase in ("request lost", "request late", "reply lost", "reply whole")
    ]
    return _by_turns(f"ends:{seed}", at, tuple(ENDS))


def _by_turns(seed: str, at: list[Point], harms: tuple[str, ...]) -> list[Case]:
    chance = random.Random(seed)
    found: list[Case] = []
    for place, point in enumerate(at):
        for turn, harm in enumerate(harms):
            # Who wakes up in a run that shares no key with the other goes on, and buys what that run still lacks.
            ways = OTHERS[:2] if harm == PAUSE else OTHERS
            way = ways[(place + turn) % len(ways)]
            witness = WITNESSES[(place + turn // 2) % len(WITNESSES)]
            noticed = way == "no key" or chance.random() < 0.5
            seconds = chance.choice((0.02, 0.05, 0.3))
            if point.name == "progress":
                seconds = STILL_RUNS_SECONDS
            found.append(Case(len(found), point, way, witness, noticed, seconds, harm))
    return found


def one_of(found: list[Case], harm: str, seed: int) -> Case:
    """One case near the money that is struck in this way."""
    near = [case for case in found if case.point.name in ("claim", "INTENT", "SUBMITTED", *SUBMITS)]
    return random.Random(f"short:{seed}").choice([case for case in near if case.harm == harm])

"""The ledger's words, for those who ask it: without SQLAlchemy, which takes longer to load than all of the core."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from prefect_genmedia.budget import Budget

if TYPE_CHECKING:
    from prefect_genmedia.ledger.models import JobRow


PROBE_SECONDS = 60.0  # after so long without a refusal one more is tried: a job takes about as long
LINE_SECONDS = 2.0  # for so long a run waits that was told that there is no place: who waits asks several times


class LedgerState(StrEnum):
    """The life of a paid job, from claim to file."""

    INTENT = "INTENT"  # the POST is about to be sent, or on its way
    NOT_ACCEPTED = "NOT_ACCEPTED"  # surely not bought: not sent yet, or refused; may be sent
    UNKNOWN = "UNKNOWN"  # may be bought; to be reconciled, never sent again by itself
    SUBMITTED = "SUBMITTED"  # bought; the provider's job id is known
    SUCCEEDED = "SUCCEEDED"  # the provider is done; the files are not here yet
    STORED = "STORED"  # the verified files are in the media store
    FAILED = "FAILED"  # the provider says that it failed
    EXPIRED = "EXPIRED"  # the provider no longer knows it


# What a call may take over and go on with.
OPEN = (
    LedgerState.NOT_ACCEPTED,
    LedgerState.INTENT,
    LedgerState.UNKNOWN,
    LedgerState.SUBMITTED,
    LedgerState.SUCCEEDED,
)
# Paid or perhaps paid, and not brought home yet.
UNFINISHED = (
    LedgerState.INTENT,
    LedgerState.UNKNOWN,
    LedgerState.SUBMITTED,
    LedgerState.SUCCEEDED,
)


@dataclass(frozen=True)
class Want:
    """What a caller asks for, before it is known whether it has to be bought."""

    key: str
    request_hash: str
    scope: str
    copy: int
    operation: str
    base_url: str
    account: str
    title: str
    request: dict[str, Any]
    expected_cost: float | None
    run: str
    unit: str = "quota"
    queue: str = ""
    """Which of the account's queues the job stands in."""
    labelled: bool = False
    attempts: int = 1
    """How often it may be bought in all when the provider says that it failed."""
    on_expired: Literal["fail", "resubmit"] = "fail"
    """What to do when the provider has forgotten the job that was bought."""
    tags: tuple[str, ...] = ()
    budget: Budget | None = None
    priority: int = 0
    """Who is sent first where the provider's queue is full: the higher."""
    task_run: str | None = None
    former: tuple[Former, ...] = ()

    @property
    def keys(self) -> list[str]:
        """Its own key, and those of before."""
        return [self.key, *(former.key for former in self.former)]


@dataclass(frozen=True)
class Former:
    """The same job, had it been asked for before its account was given its name."""

    key: str
    request_hash: str


@dataclass(frozen=True)
class Claim:
    """A job's row, and whether the caller now owns it."""

    row: JobRow
    mine: bool


@dataclass(frozen=True)
class Queue:
    """One queue of one account."""

    account: str
    name: str
    longest: float
    """Seconds after which a job that nobody watches, as its worker died or gave up, counts as in progress no more."""
    most: int | None = None
    """How many it takes, where the provider or the user says so."""
    more_wait: bool = False
    """Does the same run wait in this process with more jobs?"""

    @property
    def fact(self) -> str:
        return f"queue:{self.account}:{self.name}"[:64]

    @property
    def line(self) -> str:
        """How the names of the facts begin that say who waits for it."""
        return f"line:{hashlib.sha256(self.fact.encode()).hexdigest()[:16]}:"


class Full(Exception):
    """The queue takes `most`, and so many are in progress; nothing was written down."""

    def __init__(self, most: int, queue: Queue, *, shared: bool) -> None:
        super().__init__(most, queue)
        self.most = most
        self.queue = queue
        self.shared = shared
        """Do other runs have a part of it, or wait for one?"""


class Accepted(NamedTuple):
    """When the provider accepted a job of ours: between these two, each None where it is not known."""

    after: float | None
    """Its POST was meant to be sent."""
    before: float | None
    """Its id was known: by the answer to the POST, or found much later."""


class Past(NamedTuple):
    """What a job of ours was, cost and took."""

    request: dict[str, Any]
    quota: float | None
    """What the provider says it charged, in its own unit."""
    seconds: float | None
    """From its acceptance to its end."""


class Spent(NamedTuple):
    """What a job counts in a report."""

    id: str
    created_at: float
    operation: str
    account: str
    state: str
    reason: str
    unit: str
    quota: float | None
    expected_cost: float | None
    refunded: bool | None
    submitted_at: float | None
    finished_at: float | None
    tags: tuple[str, ...] = ()


class Asked(NamedTuple):
    """One file that people are asked about."""

    position: int
    picture: int
    """What it is shown as: the sizes of one picture share a number, and are decided together."""
    sha256: str
    file: dict[str, Any]
    """Its facts, as it was when it was shown."""
    source: str | None = None
    """The sha256 of the picture that it is a size of, where nothing else was done to it: decided as well."""


class Verdict(NamedTuple):
    """What somebody said of one file."""

    decision: Literal["approved", "rejected", "changes"]
    who: str
    why: str = ""
    rating: int | None = None
    """1 to 5 stars."""

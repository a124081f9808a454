"""The words of a paid job: its reference, its result, the terms it is bought on, and who asks."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Generic, Literal

from pydantic import BaseModel, ConfigDict, field_validator

from prefect_genmedia import providers
from prefect_genmedia.budget import Budget
from prefect_genmedia.checking import check_name, check_number
from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.ledger import is_dead, this_process
from prefect_genmedia.media import MediaFile
from prefect_genmedia.media.files import Remarks
from prefect_genmedia.operation import Result, ResultT
from prefect_genmedia.providers.facts import Price
from prefect_genmedia.quoting import one_line

if TYPE_CHECKING:
    from prefect_genmedia.ledger import JobRow, MediaRow

log = logging.getLogger("prefect_genmedia")


class JobRef(BaseModel):
    """Names one paid job; enough to come back to it from anywhere the ledger can be read."""

    model_config = ConfigDict(frozen=True)

    id: str
    operation: str
    job_id: str | None = None
    base_url: str
    account: str

    def __str__(self) -> str:
        return f"{self.id[:12]} ({one_line(self.job_id or 'no provider id yet')})"


class JobResult(BaseModel, Generic[ResultT]):
    """What a paid job gave: the verified files and the provider's typed answer, links without signatures."""

    model_config = ConfigDict(frozen=True, validate_default=True)

    job: JobRef
    media: list[MediaFile]
    result: ResultT
    quota: float | None = None
    """What the provider says it charged, in its own unit."""
    remarks: Remarks = ()
    """What is odd about what came, and held nothing back: fewer files than bought, a file of another size."""

    def __iter__(self) -> Generator[tuple[str, Any], None, None]:
        # Prefect links a result and its parts, as `dict(result)` has them, and nothing deeper: each file is a part, so
        # that whatever takes `result.media[0]` has an arrow from this job.
        yield from super().__iter__()
        yield from ((f"media.{number}", file) for number, file in enumerate(self.media))

    def at(self, position: int) -> MediaFile | None:
        """The file with this place in the answer; None when it has not come."""
        return next((file for file in self.media if file.position == position), None)

    def _repr_html_(self) -> str:
        """In a notebook: the job, what it cost, and its files, small."""
        said = [f"{self.job.operation} {self.job}", *([] if self.quota is None else [f"cost {self.quota:g}"])]
        files = "".join(file._repr_html_() for file in self.media)
        return f"<p>{escape(', '.join([*said, *self.remarks]))}</p>{files}"

    @field_validator("result", mode="before")
    @classmethod
    def _typed(cls, value: Any, info: Any) -> Any:
        # Read back from JSON, the operation's name tells which type the answer has.
        if isinstance(value, dict):
            job = info.data.get("job")  # missing when it could not be read itself
            operation = providers.find_operation(job.operation) if job else None
            return (operation.result if operation else Result).model_validate(value)
        return value


@dataclass(frozen=True)
class Progress:
    """Where a job stands, for whoever shows it."""

    job: JobRef
    state: Literal["queued", "running", "downloading", "done"]
    percent: float | None = None
    eta_seconds: float | None = None


SCRIPT = "script:"  # what the run of a plain script is called by, before its process
QUEUE_DEADLINE_SECONDS = 6 * 3600.0  # a thousand jobs of a minute, ten at once, take two
LARGEST_COPY = 2**31 - 1  # what the ledger's column takes


@dataclass(frozen=True)
class Terms:
    """On what terms a job is bought. Raises ConfigurationError for a term that makes no sense."""

    copy: int = 0
    """Another copy of the same request is another job."""
    request_key: str | None = None
    """The caller's own identity of this job, such as a SKU and a date: shared by all runs that give it."""
    attempts: int = 1
    """How often it may be bought in all when the provider says that it failed."""
    on_unknown: Literal["fail", "wait", "resubmit"] = "fail"
    """What to do when nobody can tell whether a submit was accepted."""
    deadline_seconds: float | None = None
    """How long this call waits for the job's work and its files; the operation's own patience by default."""
    queue_deadline_seconds: float | None = None
    """How long it waits besides for the job's turn: before it is sent, and in the provider's own queue, where it is
    bought already. By default as long as `deadline_seconds`, or six hours where that is not given."""
    priority: int = 0
    """Who is sent first where the provider's queue is full: the higher; flows of equal priority take turns."""
    budget: Budget | None = None
    """What may be spent."""
    prices: Sequence[Price] | None = None
    """Prices of the caller's own, before the pack's; None: those that GENMEDIA_PRICES names."""
    on_expired: Literal["fail", "resubmit"] = "fail"
    """What to do when the provider has forgotten the job that was bought; resubmit buys it once more."""
    strict: bool = False
    """Refuse a file that is not quite what the answer said, and a job of which a file is missing."""

    @property
    def turn_seconds(self) -> float:
        given = self.deadline_seconds if self.queue_deadline_seconds is None else self.queue_deadline_seconds
        return QUEUE_DEADLINE_SECONDS if given is None else given

    def __post_init__(self) -> None:
        check_number("copy", self.copy, 0, LARGEST_COPY, whole=True)
        check_number("attempts", self.attempts, 1, 100, whole=True)
        check_number("priority", self.priority, -1000, 1000, whole=True)
        if self.request_key is not None:
            check_name("request_key", self.request_key, longest=1000)  # an empty one would be shared by all runs
        if self.deadline_seconds is not None:
            check_number("deadline_seconds", self.deadline_seconds, 0, 366 * 86400)
        if self.queue_deadline_seconds is not None:
            check_number("queue_deadline_seconds", self.queue_deadline_seconds, 0, 366 * 86400)
        if self.on_unknown not in ("fail", "wait", "resubmit"):
            raise ConfigurationError("on_unknown must be fail, wait or resubmit")
        if self.on_expired not in ("fail", "resubmit"):
            raise ConfigurationError("on_expired must be fail or resubmit")
        if self.budget is not None and not isinstance(self.budget, Budget):
            raise ConfigurationError(
                "budget must be a prefect_genmedia.budget.Budget",
                advice="A Budget block gives it: budget=block.limits().",
            )
        if not isinstance(self.strict, bool):
            raise ConfigurationError("strict must be true or false")


RunState = Literal["live", "finished", "ended", "unknown"]


async def script_state(name: str) -> RunState:
    """A plain script's run: live with its process, then ended (what it was given is in the ledger)."""
    if not name.startswith(SCRIPT):
        return "unknown"
    return "live" if is_dead(name.removeprefix(SCRIPT)) is False else "ended"


@dataclass(frozen=True)
class Run:
    """Who asks: the run whose retries share jobs, and how to learn what became of other runs."""

    name: str
    """`flow:<root flow run id>` or `script:<process>`."""
    task_run: str | None = None
    state_of: Callable[[str], Awaitable[RunState]] = script_state
    on_progress: Callable[[Progress], None] | None = None
    """Told where each job stands; it must return at once."""
    log: logging.Logger | logging.LoggerAdapter[Any] = field(default=log)
    tags: tuple[str, ...] = ()

    @property
    def is_script(self) -> bool:
        """Asked outside of a flow run: there is no run whose end would say that the files have been delivered."""
        return self.name.startswith(SCRIPT)

    def scope(self, request_key: str | None) -> str:
        """Who shares a job: all who give the same request_key; else this run with its retries; else all scripts."""
        if request_key is not None:
            return f"key:{request_key}"
        return "script" if self.is_script else self.name


def script_run() -> Run:
    """The run of a plain script: lives as long as its process."""
    return Run(f"{SCRIPT}{this_process()}")


def ref_of(row: JobRow) -> JobRef:
    return JobRef(id=row.id, operation=row.operation, job_id=row.job_id, base_url=row.base_url, account=row.account)


def media_file_of(row: MediaRow) -> MediaFile:
    return MediaFile(
        uri=row.uri,
        sha256=row.sha256,
        media_type=row.media_type,
        bytes=row.bytes,
        width=row.width,
        height=row.height,
        role=row.role,
        position=row.position,
        remarks=tuple(row.remarks or ()),
    )

"""What the tests of the ledger ask for, how they bring a row to a state, and who races for it."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import make_url, select, update

from prefect_genmedia.budget import Budget
from prefect_genmedia.errors import BudgetExceededError, GenMediaError, LedgerError
from prefect_genmedia.ledger import (
    Database,
    JobRow,
    Ledger,
    Want,
    ledger_to_read,
    open_database,
    open_ledger,
    this_process,
)
from prefect_genmedia.ledger import LedgerState as S
from prefect_genmedia.ledger.life import LEAST_LOOKS
from prefect_genmedia.ledger.models import TagRow
from prefect_genmedia.operation import JobState, JobStatus, fingerprint, job_key
from tests.patience import PATIENCE

T = TypeVar("T")

_NAME, _BOOT, _SPACE, *_ = this_process().split("|")
ELSEWHERE = f"another-container|{_BOOT}|{_SPACE}|4711|1"
"""A process that cannot be looked at from here, though it may run on the same machine."""
RUNNING = JobStatus(JobState.RUNNING, "ON_QUEUE", percent=40.0, eta_seconds=12.0)
DONE = JobStatus(JobState.SUCCEEDED, "SUCCESS", percent=100.0, quota=3.5)
REFUNDED = JobStatus(JobState.FAILED, "FAILED", message="the model is overloaded", refunded=True)
FILE = {
    "role": "image",
    "uri": "file:///media/1.png",
    "sha256": "a" * 64,
    "media_type": "image/png",
    "bytes": 1234,
    "width": 512,
    "height": 768,
}


def want(
    what: str = "a lighthouse",
    *,
    run: str = "flow:1",
    scope: str | None = None,
    copy: int = 0,
    account: str = "account-1",
    **fields: Any,
) -> Want:
    """What a run asks for. Equal `what` and account: the same request. Equal scope and copy as well: the same job."""
    request = {"prompt": what}
    request_hash = fingerprint("midjourney.imagine", request, account)
    scope = scope or run
    return Want(
        key=job_key(request_hash, scope, copy),
        request_hash=request_hash,
        scope=scope,
        copy=copy,
        operation="midjourney.imagine",
        base_url="https://api.example",
        account=account,
        title=what,
        request=request,
        run=run,
        **{"expected_cost": 4.0, **fields},
    )


def bring_to(ledger: Ledger, state: S, wanted: Want | None = None, owner: str = "call-1", job_id: str = "job-1") -> str:
    """The id of a new row in this state, on the way that a job takes there."""
    wanted = wanted or want()
    row = ledger.claim(wanted, owner).row
    row_id = row.id
    sent: list[Callable[[], object]] = [lambda: ledger.intend(row, owner, wanted)]
    accepted = [*sent, lambda: ledger.submitted(row_id, job_id, "accepted")]
    done = [*accepted, lambda: ledger.succeeded(row_id, DONE, {"seed": 7}, [])]
    steps = {
        S.INTENT: sent,
        S.UNKNOWN: [*sent, lambda: ledger.unknown(row_id, "no answer", 1)],
        S.NOT_ACCEPTED: [*sent, lambda: ledger.not_accepted(row_id, "refused", 1)],
        S.SUBMITTED: accepted,
        S.FAILED: [*accepted, lambda: ledger.failed(row_id, REFUNDED)],
        S.EXPIRED: [*accepted, lambda: forget(ledger, row_id)],
        S.SUCCEEDED: done,
        S.STORED: [*done, lambda: ledger.stored(row_id, {0: FILE})],
    }
    assert all(step() for step in steps[state])
    return row_id


def forget(ledger: Ledger, row_id: str) -> bool:
    """The provider does not know the job, look for look, until that is held for true."""
    return [ledger.missing(row_id, "forgotten", 0.0) for _ in range(LEAST_LOOKS)][-1]


def buy(ledger: Ledger, wanted: Want, owner: str = "call-1") -> JobRow:
    """Claim it and write down that it is sent. Raises BudgetExceededError."""
    claim = ledger.claim(wanted, owner)
    assert claim.mine
    intended = ledger.intend(claim.row, owner, wanted)
    assert intended is not None
    return intended


def row_of(ledger: Ledger, row_id: str) -> JobRow:
    row = ledger.get(row_id)
    assert row is not None
    return row


def columns(row: JobRow) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in JobRow.__table__.columns}


def everything(ledger: Ledger, row_id: str) -> dict[str, Any]:
    """All that the ledger holds of a job: what must be equal before and after nothing happened."""
    with ledger.database.read() as session:
        tags = list(session.scalars(select(TagRow.tag).where(TagRow.job == row_id).order_by(TagRow.tag)))
    files = [{name: getattr(file, name) for name in FILE} for file in ledger.media(row_id)]
    return {**columns(row_of(ledger, row_id)), "files": files, "tags": tags, "history": history(ledger, row_id)}


def history(ledger: Ledger, row_id: str) -> list[tuple[str, str]]:
    return [(event.state, event.note) for event in ledger.history(row_id)]


def states(ledger: Ledger, row_id: str) -> list[str]:
    return [state for state, _ in history(ledger, row_id)]


def rewrite(ledger: Ledger, row_id: str, **values: Any) -> None:
    """Write into a row what this machine's clock, network or owner would not give."""
    with ledger.database.write() as session:
        session.execute(update(JobRow).where(JobRow.id == row_id).values(**values))


def lease_now(ledger: Ledger) -> float:
    """What leases are measured by, now."""
    clock = ledger.lease_clock()
    if isinstance(clock, float):
        return clock
    with ledger.database.read() as session:
        return float(session.scalars(select(clock)).one())


def ended_process() -> str:
    """The name of a process of this machine that has ended."""
    child = subprocess.Popen(["true"])
    child.wait()
    return f"{this_process().rsplit('|', 2)[0]}|{child.pid}|1"


# -- races ------------------------------------------------------------------------------------------


def race(*calls: Callable[[], T]) -> list[T]:
    """What each call gives, when a thread each makes them at the same moment."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        start.wait(PATIENCE)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [running.result(PATIENCE) for running in [pool.submit(run, call) for call in calls]]


FORK = multiprocessing.get_context("forkserver")  # children of a process that has no threads and no connections
FORK.set_forkserver_preload(["prefect_genmedia.ledger", "psycopg"])


@dataclass
class Part:
    """What one of several processes is given: its place, what all share, and the way to speak while it works."""

    place: int
    barrier: Any
    pipe: Any

    def together(self) -> None:
        """Go on when all have come here."""
        self.barrier.wait(PATIENCE)

    def say(self, value: Any) -> None:
        self.pipe.send((True, value))


class Processes:
    """The same function in several processes. With `meeting`, the test is one more at the barrier."""

    def __init__(self, count: int, function: Callable[..., Any], *args: Any, meeting: bool = False) -> None:
        self._barrier = FORK.Barrier(count + meeting)
        self._pipes = []
        self._processes = []
        for place in range(count):
            ours, theirs = FORK.Pipe(duplex=False)
            part = Part(place, self._barrier, theirs)
            process = FORK.Process(target=_play, args=(part, function, args), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def said(self) -> list[Any]:
        """What each says next: by `say`, or at last what the function gives. Their errors are raised here."""
        return [self._next(pipe) for pipe in self._pipes]

    def _next(self, pipe: Any) -> Any:
        assert pipe.poll(PATIENCE), "a process says nothing"
        well, value = pipe.recv()
        if not well:
            raise value
        return value

    def meet(self) -> None:
        """Let them go on from where they wait for the test."""
        self._barrier.wait(PATIENCE)

    def kill(self) -> None:
        """As a crash, an out-of-memory kill or a power cut: no handler runs."""
        for process in self._processes:
            process.kill()
            process.join(PATIENCE)


def _play(part: Part, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    try:
        part.say(function(part, *args))
    except Exception as error:
        part.pipe.send((False, error))


def _open(url: str) -> Ledger:
    return Ledger(Database(url), lease_seconds=60)


# -- what other processes do --------------------------------------------------------------------------


def hold(part: Part, url: str, wanted: Want, state: S) -> None:
    """Own a row in this state until killed."""
    part.say(bring_to(_open(url), state, wanted))
    threading.Event().wait()


def claim_each(part: Part, url: str, wants: list[Want]) -> list[tuple[bool, str]]:
    """Claim one after the other, each at the same moment as the other processes."""
    ledger, claims = _open(url), []
    for wanted in wants:
        part.together()
        claims.append(ledger.claim(wanted, f"call-{part.place}"))
    part.together()  # nobody's process ends before all have claimed
    return [(claim.mine, claim.row.id) for claim in claims]


def contested_steps(ledger: Ledger, row_id: str, wanted: Want, place: int) -> list[Callable[[], bool]]:
    """A whole life: sent, refused, sent again, bought, stored, lost, named, failed. Each step can be made only once."""

    def intend() -> bool:
        return ledger.intend(row_of(ledger, row_id), "call-1", wanted) is not None

    return [
        intend,
        lambda: ledger.not_accepted(row_id, "refused", 1),
        intend,
        lambda: ledger.submitted(row_id, "job-1", "accepted"),
        lambda: place == 0 and ledger.succeeded(row_id, DONE, {}, []),  # these may be said again
        lambda: ledger.stored(row_id, {0: FILE}),
        lambda: ledger.reopen(row_id, "call-1"),
        lambda: place == 0 and ledger.named(row_id, "job-2", "found by hand"),
        lambda: ledger.failed(row_id, REFUNDED),
        lambda: ledger.found_again(row_id, "call-1"),
    ]


LIFE = [
    "INTENT",
    "NOT_ACCEPTED",
    "INTENT",
    "SUBMITTED",
    "SUCCEEDED",
    "STORED",
    "SUCCEEDED",
    "SUBMITTED",
    "FAILED",
    "SUBMITTED",
]


def live_each(part: Part, url: str, jobs: list[tuple[str, Want]]) -> list[list[bool]]:
    """Try every step of each job's life at the same moment as the other processes."""
    ledger, tried = _open(url), []
    for row_id, wanted in jobs:
        steps = []
        for step in contested_steps(ledger, row_id, wanted, part.place):
            part.together()
            steps.append(step())
        tried.append(steps)
    return tried


def intend_each(part: Part, url: str, jobs: list[tuple[str, Want]]) -> list[bool]:
    """Send each job at the same moment as the other processes."""
    ledger, sent = _open(url), []
    for row_id, wanted in jobs:
        row = row_of(ledger, row_id)
        part.together()
        sent.append(ledger.intend(row, "call-1", wanted) is not None)
        part.together()
    return sent


def adopt_each(part: Part, url: str, whats: list[str]) -> list[bool]:
    """Find what was left behind, then adopt it at the same moment as the other processes."""
    ledger, adopted = _open(url), []
    for what in whats:
        wanted = want(what, run=f"flow:process-{part.place}")
        (left,) = ledger.undelivered(wanted)
        part.together()
        adopted.append(ledger.adopt(left, wanted))
        part.together()
    return adopted


def open_each(part: Part, url: str) -> str | None:
    """Set up and open at the same moment as the other processes; the schema that is found then."""
    database = Database(url)
    part.together()
    database.migrate()
    database.require_current()
    return database.schema()


def buy_each(part: Part, url: str, budget: Budget, count: int) -> int:
    """Buy as much as the budget lets through, at the same moments as the other processes."""
    ledger, bought = _open(url), 0
    for n in range(count):
        wanted = want(f"picture {n} of {part.place}", run=f"flow:{part.place}", budget=budget)
        part.together()
        try:
            bought += buy(ledger, wanted, f"call-{part.place}").state == S.INTENT
        except BudgetExceededError:
            continue
    return bought


def _told(url: str) -> str:
    """The error that opening gives, by its name and its words; said before SQLite's own patience of half a minute."""
    started = time.monotonic()
    try:
        open_database(url)
    except GenMediaError as error:
        assert time.monotonic() - started < 15, "told only after a long wait"
        return f"{type(error).__name__}: {error}"
    return "nothing"


def open_without_rights(_part: Part, url: str, is_root: bool) -> str:
    make_url(url).get_dialect()  # loaded now: another user may not be able to read this environment
    if is_root:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    return _told(url)


def read_without_rights(_part: Part, url: str, is_root: bool) -> int:
    make_url(url).get_dialect()
    if is_root:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    return len(ledger_to_read(url, 60).rows())


def open_without_a_driver(_part: Part, url: str) -> str:
    sys.modules["psycopg"] = None  # type: ignore[assignment]  # as where it is not installed
    return _told(url)


def lock(part: Part, url: str, how: str) -> None:
    """Hold an SQLite file until the test comes."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
        connection.execute(how)
        connection.execute("CREATE TABLE IF NOT EXISTS held (by TEXT)")
        part.say("locked")
        part.together()
        connection.execute("ROLLBACK")


def write_in_a_fork(_part: Part, url: str) -> bool:
    """Parent and child, each through what it has opened itself."""
    ledger = open_ledger(url, 60)
    ledger.claim(want("before"), "call-1")
    child = os.fork()
    try:
        mine = open_ledger(url, 60)
        for n in range(10):
            mine.claim(want(f"picture {n} of {'parent' if child else 'child'}"), "call-1")
    except BaseException:
        if child == 0:
            os._exit(1)
        raise
    if child == 0:
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return status == 0 and mine is not None and ledger.claim(want("after"), "call-1").mine


def buy_ten(part: Part, url: str, media: str, emulator_url: str, picture: str) -> list[str]:
    """The provider's job ids of the same ten pictures that the other process wants."""
    from prefect_genmedia.jobs import Terms, run
    from prefect_genmedia.operation import Account
    from prefect_genmedia.providers.novita.envelope import NOVITA
    from prefect_genmedia.providers.novita.images import IMG2IMG, Img2ImgRequest

    os.environ |= {"GENMEDIA_LEDGER_URL": url, "GENMEDIA_MEDIA_STORE": media}
    os.environ |= {"GENMEDIA_POLL_SECONDS": "0.02", "GENMEDIA_LEASE_SECONDS": "60"}
    account = Account(NOVITA, emulator_url, "a-key")

    async def one(n: int) -> str:
        request = Img2ImgRequest(model_name="m", prompt=f"picture {n}", image=picture, width=128, height=128)
        result = await run(IMG2IMG, request, account, terms=Terms(request_key=f"sku-{n}", deadline_seconds=PATIENCE))
        return str(result.job.job_id)

    async def ten() -> list[str]:
        return await asyncio.gather(*(one(n) for n in range(10)))

    part.together()
    return asyncio.run(ten())


def sign_each(part: Part, url: str, row_ids: list[str]) -> list[str]:
    """The rows' tokens, the first at the same moment as the other processes."""
    ledger = _open(url)
    part.together()
    return [ledger.token(row_id) for row_id in row_ids]


def say_each(part: Part, url: str, names: list[str]) -> list[str]:
    """What each fact is held for, once every process has said its own at the same moment."""
    ledger, held = _open(url), []
    for name in names:
        part.together()
        held.append(ledger.fact(name, f"{name} of {part.place}"))
    return held


def fill_the_disk(_part: Part, url: str) -> tuple[str, int, int]:
    """Claim until there is no room, then again when there is: what was said, how many were kept, and how many then."""
    ledger, kept, said = _open(url), 0, ""
    size = max(file.stat().st_size for file in Path(url.removeprefix("sqlite:///")).parent.iterdir())
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50_000, most))
    while not said:
        try:
            kept += ledger.claim(want(f"picture {kept}"), "call-1").mine
        except LedgerError as error:
            said = str(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    return said, kept, kept + ledger.claim(want(f"picture {kept}"), "call-1").mine

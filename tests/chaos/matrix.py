"""The kill matrix: a worker with a real flow is killed at a point, the flow is run again, the emulator is asked."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from prefect_genmedia.emulator import Emulator
from tests.chaos.points import BOTH, IMAGINE, IMG2IMG, LIST, NONE, WAYS, WEATHERS, WITNESSES, Case, Point
from tests.chaos.rig import Stable, Worker, in_lanes
from tests.chaos.roles.flows import NO_PREFECT
from tests.chaos.wire import Strike, Wire
from tests.patience import PATIENCE, until

TRIES = 5  # how often a run is started that Prefect's own server could not take
CALM_CASE = Case(0, Point("commit", "", 0, ""), "no key", LIST, noticed=False, job_seconds=1.0)
KIND = {IMAGINE: "submit imagine", IMG2IMG: "submit img2img"}


@dataclass(frozen=True)
class Verdict:
    """What became of one case. The counts of what was paid are the emulator's."""

    case: Case
    struck: bool
    delivered: bool
    unknown: bool
    unsettled: list[str]  # operations whose row says UNKNOWN
    paid: dict[str, int]
    silent: list[str]  # operations whose outcome was unknown and that were sent again all the same
    lost: str  # why nothing was delivered and nothing reported; or what was paid, witnessed and still not delivered
    seconds: float
    said: str

    @property
    def paid_twice(self) -> int:
        return sum(count - 1 for count in self.paid.values() if count > 1)

    @property
    def wrong(self) -> str:
        faults = []
        if not self.struck:
            faults.append("the point was not reached")
        if self.paid_twice:
            faults.append(f"paid {self.paid}")
        if self.silent:
            faults.append(f"sent again in silence: {self.silent}")
        if self.lost:
            faults.append(f"lost: {self.lost}")
        return "; ".join(faults)

    def __str__(self) -> str:
        return f"{self.case}\n    {self.wrong}\n    {self.said[-1500:]}"


class Lane:
    """One emulator, the wire before it, and the blocks that lead there: for one case after the other."""

    def __init__(self, number: int, stable: Stable, folder: Path) -> None:
        self.name = f"lane-{number}"
        self.stable, self.folder = stable, folder
        self.emulator = Emulator(queue_seconds=0.01)
        self.emulator.start()
        self.wire = Wire(self.emulator.url)

    def close(self) -> None:
        self.wire.close()
        self.emulator.stop()

    def run(self, case: Case) -> Verdict:
        started = time.monotonic()
        folder = self.folder / f"case-{case.number}"
        folder.mkdir(parents=True)
        env = self.env(folder)
        self.emulator.reset()
        self.emulator.configure(job_seconds=case.job_seconds)
        self.emulator.add_faults(*WEATHERS[case.point.weather], seed=case.number)
        receiver = None
        if case.witness == BOTH:
            receiver = self.stable.start("receiver", env)
            env["GENMEDIA_CALLBACK_URL"] = (
                f"http://127.0.0.1:{until(receiver.report, 'the receiver')['port']}/callbacks"
            )
        if case.witness == NONE:
            env["GENMEDIA_WITNESS_JOB_LIST"] = "false"
        try:
            struck, last = self._play(case, folder, env)
            verdict = self.judge(case, folder, struck, last, time.monotonic() - started)
            if verdict.unknown and case.number % 3 == 0:
                verdict = self._still_unknown(case, folder, env, verdict)
        finally:
            if receiver is not None:
                receiver.kill()
        if not verdict.wrong:
            shutil.rmtree(folder)
        return verdict

    def env(self, folder: Path) -> dict[str, str]:
        """The settings of a worker with a ledger and a store of its own, and little patience."""
        return {
            "GENMEDIA_LEDGER_URL": f"sqlite:///{folder / 'ledger.db'}",
            "GENMEDIA_MEDIA_STORE": str(folder / "media"),
            "GENMEDIA_POLL_SECONDS": "0.02",
            "GENMEDIA_RECONCILE_SECONDS": "1",
            "GENMEDIA_CALLBACK_WAIT_SECONDS": "10",
            "GENMEDIA_LEASE_SECONDS": "3",
            "GENMEDIA_CANCEL_GRACE_SECONDS": "0.5",
        }

    def _still_unknown(self, case: Case, folder: Path, env: dict[str, str], verdict: Verdict) -> Verdict:
        """Run it once more: what nobody can tell is said again, and nothing is sent."""
        before = [self.wire.seen[kind] for kind in KIND.values()]
        worker = self._flow_run(env, how="script", parameters=self.parameters(case))
        again = self.judge(case, folder, verdict.struck, worker, verdict.seconds)
        if not again.unknown or before != [self.wire.seen[kind] for kind in KIND.values()]:
            return replace(again, lost=f"once more, and it was not UNKNOWN again, or was sent: {again.lost}")
        return again

    def _play(self, case: Case, folder: Path, env: dict[str, str]) -> tuple[bool, Worker]:
        """Kill a worker, run the flow again. Did the point strike? And the last worker."""
        point, in_process = case.point, case.way == "flow.retries"
        order: dict[str, Any] = {"parameters": self.parameters(case), "flow_run_file": str(folder / "flow-run")}
        workers: list[Worker] = []

        def blow() -> None:
            worker = until(lambda: workers, "the worker")[-1]
            if in_process:
                worker.signal(signal.SIGUSR1)
            else:
                worker.kill()

        wired = point.where == "wire"
        strike = Strike(point.name, point.nth, point.phase, blow, hangs_up=in_process) if wired else None
        self.wire.reset(strike)
        tripwire = None if wired else [point.name, point.nth, point.phase]
        by_prefect = case.way == "Prefect's retry by a worker"
        scheduled = by_prefect or (case.noticed and not in_process)
        how = "flow.retries" if in_process else "scheduled" if scheduled else "script"
        victim = self._flow_run(env, workers.append, how=how, tripwire=tripwire, **order)
        if in_process:
            return strike.done.wait(PATIENCE) if strike is not None else bool(victim.report().get("struck")), victim
        # A request that arrives all the same arrives before anybody looks for it.
        struck = victim.code == -signal.SIGKILL and (strike is None or strike.done.wait(PATIENCE))
        again = "awaiting retry" if by_prefect else "script"
        worker = self._flow_run(env, how=again, say_crashed=scheduled, **order)
        return struck, worker

    def _flow_run(self, env: dict[str, str], told: Callable[[Worker], None] | None = None, **order: Any) -> Worker:
        """A worker that has ended; started anew when an overloaded Prefect server could not even begin the run."""
        for _ in range(TRIES):
            worker = self.stable.start("flow_run", env, **order)
            if told is not None:
                told(worker)
            if worker.wait() != NO_PREFECT:
                break
        return worker

    def undisturbed(self, folder: Path) -> list[str]:
        """The names of all transactions of a calm life."""
        self.emulator.configure(job_seconds=1.0)
        worker = self.stable.start("flow_run", self.env(folder), how="script", parameters=self.parameters(CALM_CASE))
        assert worker.wait() == 0, worker.log.read_text()
        commits: list[str] = worker.report()["commits"]
        return commits

    def parameters(self, case: Case) -> dict[str, Any]:
        return {
            "prompts": [f"a fox in snow, number {case.number}"],
            "pick": 1,
            "refinement": {"longest_side": 128},
            "renditions": [{"name": "square", "width": 64, "height": 64}],
            "collection": "chaos",
            "ttapi_credentials": self.name,
            "novita_credentials": self.name,
            "request_key": f"chaos-{case.number}" if case.way == "same request_key" else None,
            "attempts": 2 if "fails" in case.point.weather else 1,
        }

    def judge(self, case: Case, folder: Path, struck: bool, last: Worker, seconds: float) -> Verdict:
        jobs = [job for job in self.emulator.jobs()["jobs"] if job["billed"] and not job["refunded"]]
        paid = dict(Counter(job["operation"] for job in jobs))
        report = last.report()
        rows = _rows(folder / "ledger.db")
        delivered = report.get("state") == "Completed" and _all_there(folder, rows)
        unsettled = [row["operation"] for row in rows if row["state"] == "UNKNOWN"]
        unknown = not delivered and bool(unsettled) and "may be billed" in report.get("error", "")
        silent = [name for name in unsettled if self.wire.seen[KIND[name]] > 1 + case.point.refusals]
        lost = ""
        if not delivered and not unknown:
            lost = f"the run ended {report.get('state')}: {report.get('error')}"
        elif unknown and (known := [name for name in unsettled if paid.get(name) and case.witnessed(name)]):
            lost = f"{known} paid, witnessed and not found"
        said = json.dumps(report) + "\n" + last.log.read_text()[-1500:]
        return Verdict(case, struck, delivered, unknown, unsettled, paid, silent, lost, seconds, said)


def _rows(ledger: Path) -> list[dict[str, Any]]:
    """The latest attempt of every job; none where the ledger was never set up."""
    if not ledger.exists():
        return []
    with contextlib.closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'genmedia_job'").fetchall():
            return []
        query = "SELECT id, operation, state, job_id FROM genmedia_job WHERE successor IS NULL"
        rows = [dict(row) for row in connection.execute(query)]
        for row in rows:
            query = "SELECT uri, sha256 FROM genmedia_media WHERE job = ?"
            row["media"] = [dict(file) for file in connection.execute(query, (row["id"],))]
    return rows


def _all_there(folder: Path, rows: list[dict[str, Any]]) -> bool:
    """Both jobs stored, their files whole, and the picture published."""
    files = [file for row in rows for file in row["media"]]
    whole = all(
        hashlib.sha256(Path(unquote(file["uri"].removeprefix("file://"))).read_bytes()).hexdigest() == file["sha256"]
        for file in files
    )
    published = list((folder / "media" / "published" / "chaos").glob("*.jpg"))
    done = sorted(row["operation"] for row in rows if row["state"] == "STORED") == [IMAGINE, IMG2IMG]
    return done and whole and len(files) == 6 and len(published) == 1


@contextlib.contextmanager
def open_lanes(stables: Sequence[Stable], folder: Path, number: int) -> Iterator[list[Lane]]:
    """So many lanes, shared out over the stables and the Prefect servers behind them."""
    lanes = [Lane(each, stables[each % len(stables)], folder) for each in range(number)]
    try:
        for place, stable in enumerate(stables):
            saved = stable.start(
                "save_blocks", {}, blocks={ln.name: ln.wire.url for ln in lanes[place :: len(stables)]}
            )
            assert saved.wait() == 0, saved.log.read_text()
        yield lanes
    finally:
        for lane in lanes:
            lane.close()


def play(cases: list[Case], stables: Sequence[Stable], folder: Path, number: int) -> list[Verdict]:
    """Every case, so many at a time."""
    with open_lanes(stables, folder, number) as lanes:
        return in_lanes([lambda lane, case=case: lanes[lane].run(case) for case in cases], number)


def table(verdicts: Iterable[Verdict]) -> str:
    """One line for each way to run again and each witness."""
    verdicts = list(verdicts)
    lines = [
        "| Run again by | Witness | Points | Delivered | Reported UNKNOWN | Paid twice | Lost |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]

    def line(way: str, witness: str, those: list[Verdict]) -> str:
        counts = (
            len(those),
            sum(each.delivered for each in those),
            sum(each.unknown for each in those),
            sum(each.paid_twice for each in those),
            sum(bool(each.lost) for each in those),
        )
        return f"| {way} | {witness} | " + " | ".join(map(str, counts)) + " |"

    for way in WAYS:
        for witness in WITNESSES:
            those = [each for each in verdicts if each.case.way == way and each.case.witness == witness]
            if those:
                lines.append(line(way, witness, those))
    lines.append(line("**all**", "", verdicts))
    return "\n".join(lines)

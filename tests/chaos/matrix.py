"""The kill matrix: a worker with a real flow is killed at a point, the flow is run again, the emulator is asked."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from prefect_genmedia.emulator import Emulator
from tests.chaos.points import (
    BOTH,
    IMAGINE,
    IMG2IMG,
    LIST,
    NONE,
    PAUSE,
    STILL_RUNS_SECONDS,
    WEATHERS,
    Case,
    Point,
)
from tests.chaos.rig import Stable, Worker, in_lanes
from tests.chaos.roles.flows import NO_PREFECT
from tests.chaos.verdicts import Verdict, all_there, rows_of
from tests.chaos.wire import Strike, Wire
from tests.patience import PATIENCE, until

LEASE_SECONDS = 3
HELD_UP_SECONDS = 4.0
TRIES = 5  # how often a run is started that Prefect's own server could not take
CALM_CASE = Case(0, Point("commit", "", 0, ""), "no key", LIST, noticed=False, job_seconds=STILL_RUNS_SECONDS)
KIND = {IMAGINE: "submit imagine", IMG2IMG: "submit img2img"}


class Pause:
    """While a worker stands still, so does what it has on the wire."""

    def __init__(self) -> None:
        self.over = threading.Event()

    def stand_still(self) -> None:
        assert self.over.wait(PATIENCE)


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
        folder = self.folder / f"case-{case.harm.partition(',')[0]}-{case.number}"
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
            "GENMEDIA_LEASE_SECONDS": str(LEASE_SECONDS),
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
        """Strike a worker, run the flow again. Did the point strike? And the worker whose word counts."""
        point, in_process = case.point, case.way == "flow.retries"
        order: dict[str, Any] = {"parameters": self.parameters(case), "flow_run_file": str(folder / "flow-run")}
        victims: list[Worker] = []
        pause = Pause()

        def blow() -> None:
            victim = until(lambda: victims, "the worker")[-1]
            if case.signal is None:
                victim.signal(signal.SIGUSR1)
            elif case.harm == PAUSE:
                victim.signal(case.signal)
                pause.stand_still()
            else:
                victim.end(case.signal)

        wired = point.where == "wire"
        strike = Strike(point.name, point.nth, point.phase, blow, hangs_up=in_process) if wired else None
        self.wire.reset(strike)
        tripwire = None if wired else [point.name, point.nth, point.phase]
        by_prefect = case.way == "Prefect's retry by a worker"
        scheduled = by_prefect or (case.noticed and not in_process)
        how = "flow.retries" if in_process else "scheduled" if scheduled else "script"
        first = {**order, "how": how, "tripwire": tripwire, "signal": case.signal, "ends": case.harm}
        again = {**order, "how": "awaiting retry" if by_prefect else "script", "say_crashed": scheduled}
        if case.harm == PAUSE:
            return self._overtake(env, point, pause, victims, first, again)
        victim = self._flow_run(env, victims.append, strike, **first)
        if strike is not None:
            # A request that arrives all the same arrives before anybody looks for it.
            struck = strike.taken and strike.done.wait(PATIENCE)
        else:
            struck = victim.code not in (0, NO_PREFECT) or bool(victim.report().get("struck"))
        return struck, victim if in_process else self._flow_run(env, **again)

    def _overtake(
        self,
        env: dict[str, str],
        point: Point,
        pause: Pause,
        victims: list[Worker],
        first: dict[str, Any],
        again: dict[str, Any],
    ) -> tuple[bool, Worker]:
        """A worker stands still for longer than its lease, another does its work meanwhile; then the first wakes."""
        for _ in range(TRIES):
            victims.append(self.stable.start("flow_run", env, **first))
            until(lambda: victims[-1].stopped() or victims[-1].ended.is_set(), "the worker standing still")
            if victims[-1].code != NO_PREFECT:
                break
        victim = victims[-1]
        if not victim.stopped():
            return False, victim
        time.sleep(LEASE_SECONDS + 0.1)
        second = self.stable.start("flow_run", env, **again)
        # Inside of a transaction it holds SQLite's lock: then nobody can overtake it, only wait.
        second.ended.wait(HELD_UP_SECONDS if point.phase in ("inside", "before") else PATIENCE)
        pause.over.set()
        victim.signal(signal.SIGCONT)
        if second.wait() == NO_PREFECT:
            second = self._flow_run(env, **again)
        victim.wait()
        woken_delivers = victim.report().get("state") == "Completed" != second.report().get("state")
        return True, victim if woken_delivers else second

    def _flow_run(
        self,
        env: dict[str, str],
        told: Callable[[Worker], None] | None = None,
        strike: Strike | None = None,
        **order: Any,
    ) -> Worker:
        """A worker that has ended; started anew when an overloaded Prefect server could not even begin the run."""
        for _ in range(TRIES):
            worker = self.stable.start("flow_run", env, **order)
            if told is not None:
                told(worker)
            if worker.wait() != NO_PREFECT or (strike is not None and strike.taken):
                break
        return worker

    def undisturbed(self, folder: Path) -> list[str]:
        """The names of all transactions of a calm life."""
        self.emulator.configure(job_seconds=STILL_RUNS_SECONDS)
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
            "advanced": {
                "ttapi_credentials": self.name,
                "novita_credentials": self.name,
                "request_key": f"chaos-{case.number}" if case.way == "same request_key" else None,
                "attempts": 2 if "fails" in case.point.weather else 1,
            },
        }

    def judge(self, case: Case, folder: Path, struck: bool, last: Worker, seconds: float) -> Verdict:
        jobs = [job for job in self.emulator.jobs()["jobs"] if job["billed"] and not job["refunded"]]
        paid = dict(Counter(job["operation"] for job in jobs))
        report = last.report()
        rows = rows_of(folder / "ledger.db")
        delivered = report.get("state") == "Completed" and all_there(folder, rows)
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

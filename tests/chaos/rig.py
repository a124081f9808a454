"""What the chaos suite stands on: a real Prefect server, a stable of workers, and lanes with an emulator each."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import prefect_genmedia.deployments
from tests.chaos.points import GRACE_SECONDS
from tests.patience import PATIENCE
from tests.prefect_server import PrefectServer

T = TypeVar("T")
REPOSITORY = Path(__file__).parents[2]
DEPLOYMENTS = Path(prefect_genmedia.deployments.__file__).parent / "prefect.yaml"


# -- workers ----------------------------------------------------------------------------------------


@dataclass
class Worker:
    """One forked process and how it ended."""

    log: Path
    report_file: Path
    started: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    pid: int = 0
    code: int | None = None

    def signal(self, number: int) -> None:
        """Send a signal, once it has started and unless it has ended."""
        assert self.started.wait(PATIENCE)
        if not self.ended.is_set():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def end(self, number: int) -> None:
        """As a container's runtime: a signal, and SIGKILL when it lives on. Returns when it is gone.

        A SIGTERM can go unheard: Prefect makes an exception of it, and one in a callback asyncio only logs.
        """
        self.signal(number)
        if not self.ended.wait(GRACE_SECONDS):
            self.kill()

    def kill(self) -> None:
        """As a crash, an out-of-memory kill or a power cut; returns when it is gone."""
        self.signal(signal.SIGKILL)
        assert self.ended.wait(PATIENCE)

    def stopped(self) -> bool:
        """Does it stand still, by a SIGSTOP?"""
        if not self.started.is_set() or self.ended.is_set():
            return False
        with contextlib.suppress(OSError):
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
        return False

    def wait(self, seconds: float = PATIENCE) -> int:
        """Its exit code. One that does not end is killed, and its log says so."""
        if not self.ended.wait(seconds):
            with self.log.open("a") as log:
                log.write(f"\nThe test killed it: it had not ended after {seconds:g} s.\n")
            self.kill()
        assert self.code is not None
        return self.code

    def report(self) -> dict[str, Any]:
        """What it said once it was done; {} when it never was."""
        found: dict[str, Any] = json.loads(self.report_file.read_text()) if self.report_file.exists() else {}
        return found


class Stable:
    """Starts workers in a hundredth of a second each; see worker.py."""

    def __init__(self, folder: Path, env: dict[str, str], *words: str, within: Sequence[str] = ()) -> None:
        """`within`: a command that runs the stable as its own last words."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._log = (folder / "stable.log").open("wb")
        self.process = subprocess.Popen(
            [*within, sys.executable, "-m", "tests.chaos.worker", *words],
            cwd=REPOSITORY,
            env={**os.environ, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        self._workers: dict[int, Worker] = {}
        self._lock = threading.Lock()
        self._ready = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def wait(self) -> None:
        """Until everything is imported."""
        assert self._ready.wait(PATIENCE), Path(self._log.name).read_text()

    def start(self, role: str, env: dict[str, str], **order: Any) -> Worker:
        with self._lock:
            number = len(self._workers)
            log, report = self.folder / f"{number}.log", self.folder / f"{number}.json"
            worker = self._workers[number] = Worker(log, report)
            line = {"order": number, "role": role, "env": env, "log": str(log), "report": str(report), **order}
            assert self.process.stdin is not None
            self.process.stdin.write(json.dumps(line).encode() + b"\n")
            self.process.stdin.flush()
        return worker

    def last_report(self) -> dict[str, Any]:
        """What the last worker of all that said something said."""
        said = [worker.report() for worker in self._workers.values()]
        return next((each for each in reversed(said) if each), {})

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said = json.loads(line)
            if "ready" in said:
                self._ready.set()
                continue
            worker = self._workers[said["order"]]
            if "pid" in said:
                worker.pid = self.pid_here(said["pid"])
                worker.started.set()
            else:
                worker.code = said["rc"]
                worker.ended.set()

    def pid_here(self, said: int) -> int:
        """The pid by which the test knows a worker that the stable knows by this one."""
        return said

    def close(self) -> None:
        """Ends every worker that still runs."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self._log.close()


@contextlib.contextmanager
def stable_on_prefect(folder: Path) -> Iterator[tuple[PrefectServer, Stable]]:
    """A server and workers that know it; both start at the same time."""
    server = PrefectServer(folder / "prefect")
    server.start()
    stable = Stable(folder / "workers", server.env)
    try:
        server.wait()
        stable.wait()
        yield server, stable
    finally:
        stable.close()
        server.close()


def in_lanes(work: list[Callable[[int], T]], lanes: int) -> list[T]:
    """Every piece of work, so many at a time; each is told its lane. The first error stops everything."""
    todo: queue.SimpleQueue[tuple[int, Callable[[int], T]]] = queue.SimpleQueue()
    for place, piece in enumerate(work):
        todo.put((place, piece))
    done: dict[int, T] = {}
    errors: list[BaseException] = []

    def run(lane: int) -> None:
        while not errors:
            try:
                place, piece = todo.get_nowait()
            except queue.Empty:
                return
            try:
                done[place] = piece(lane)
            except BaseException as error:
                errors.append(error)

    threads = [threading.Thread(target=run, args=(lane,), daemon=True) for lane in range(lanes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [done[place] for place in range(len(work))]

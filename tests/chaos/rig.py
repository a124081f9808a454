"""What the chaos suite stands on: a real Prefect server, a stable of workers, and lanes with an emulator each."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import certifi
import httpx

import prefect_genmedia.deployments
from tests.chaos.points import GRACE_SECONDS
from tests.patience import PATIENCE, until

T = TypeVar("T")
REPOSITORY = Path(__file__).parents[2]
DEPLOYMENTS = Path(prefect_genmedia.deployments.__file__).parent / "prefect.yaml"


def held_port() -> socket.socket:
    """A port that nobody else is given: bound, and not listened to, so that only its server answers there."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held


# -- Prefect ----------------------------------------------------------------------------------------


class PrefectServer:
    """A real Prefect server in a process of its own, on a database of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._held = held_port()
        self.port = int(self._held.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}/api"
        # Everything here is on loopback without TLS: one certificate is read faster than two hundred.
        bundle = Path(certifi.where()).read_text()
        end = "-----END CERTIFICATE-----"
        (folder / "one.pem").write_text(bundle[bundle.index("-----BEGIN") : bundle.index(end) + len(end)] + "\n")
        self.env = {
            "PREFECT_HOME": str(folder),
            "PREFECT_API_URL": self.url,
            "PREFECT_API_SSL_CERT_FILE": str(folder / "one.pem"),
            "SSL_CERT_FILE": str(folder / "one.pem"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_UI_ENABLED": "false",
            "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
            "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
            "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
            "DO_NOT_TRACK": "1",
            "NO_PROXY": "127.0.0.1,localhost",
        }
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "uvicorn", "--factory", "prefect.server.api.server:create_app"]
        options = ["--host", "127.0.0.1", "--port", str(self.port), "--log-level", "error", "--lifespan", "on"]
        env = {**os.environ, **self.env}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([*command, *options], env=env, stdout=log, stderr=log)

    def wait(self) -> None:
        """Until it answers."""
        until(self._healthy, f"the Prefect server's answer; what it says is in {self._log}", every=0.1)

    def _healthy(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()[-2000:]
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/health", trust_env=False, verify=False).status_code == 200
        return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE)

    def close(self) -> None:
        self.stop()
        self._held.close()

    def cpu_seconds(self) -> float:
        """What it has used so far."""
        assert self._process is not None
        figures = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(figures[11]) + int(figures[12])) / os.sysconf("SC_CLK_TCK")

    def api(self, method: str, path: str, body: Any = None) -> Any:
        def ask() -> httpx.Response | None:
            answer = httpx.request(method, f"{self.url}{path}", json=body, trust_env=False, timeout=PATIENCE)
            # Its SQLite is locked for a moment, as just after its start: Prefect's own client asks again too.
            return None if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE else answer

        answer = until(ask, f"an answer to {method} {path}", every=0.2)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def make_pool(self) -> None:
        """The work pool that our deployments name."""
        if not self.api("POST", "/work_pools/filter", {"work_pools": {"name": {"any_": ["genmedia"]}}}):
            self.api("POST", "/work_pools/", {"name": "genmedia", "type": "process"})

    def prefect(self, folder: Path, *arguments: str, env: dict[str, str] | None = None) -> None:
        """Prefect's command, as somebody types it in this folder."""
        command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
        environ = {**os.environ, **self.env, **(env or {})}
        done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=2 * PATIENCE)
        assert done.returncode == 0, done.stdout + done.stderr


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

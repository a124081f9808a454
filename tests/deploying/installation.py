"""A team's installation: compose.yaml's parts as processes, with what leads to them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chaos.prefect.test_prefect_worker import descendants
from tests.deploying.composed import PROGRAMS, Composed, said_by_dockerfile
from tests.patience import PATIENCE, until
from tests.s3 import S3

NEEDS = [
    pytest.mark.slow,
    pytest.mark.postgres,
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="needs redis-server on the PATH"),
    pytest.mark.skipif(importlib.util.find_spec("prefect_redis") is None, reason="needs the extra [redis]"),
]
DEPLOYMENT = "/deployments/name/content_calendar/calendar"
ENDS = ("COMPLETED", "FAILED", "CRASHED")
SIZE = {"name": "square", "width": 64, "height": 64}
AUTH = "team:a-password"
KEPT = ("PATH", "PYTHONPATH", "HOME", "LANG", "SSL_CERT_FILE", "NO_PROXY")


@dataclass
class Part:
    """A container, as a process with a home of its own; `within` goes before what is to run where it runs."""

    process: subprocess.Popen[bytes]
    log: Path
    env: dict[str, str] = field(repr=False)
    within: Sequence[str] = ()

    def healthy(self) -> bool:
        """By the image's own health check."""
        program, *arguments = said_by_dockerfile("HEALTHCHECK")
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        command = [*self.within, *PROGRAMS[program], *arguments]
        return not subprocess.run(command, env=self.env, capture_output=True).returncode

    def stop(self) -> None:
        """As `docker stop`."""
        below = descendants(self.process.pid)
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        finally:
            for pid in (self.process.pid, *below):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            self.process.wait(PATIENCE)


@dataclass
class Installation:
    """The parts that run, and what leads to them."""

    folder: Path
    composed: Composed
    ports: dict[str, int]
    parts: dict[str, Part] = field(default_factory=dict)

    @contextmanager
    def up_to_workers(self) -> Iterator[None]:
        """All that compose.yaml starts but the workers."""
        with ExitStack() as stack:
            stack.enter_context(redis(self.folder, self.ports["6379"]))
            self.run("bucket")
            self.run("database")
            stack.enter_context(self.up("server"))
            self.wait()
            stack.enter_context(self.up("services"))
            self.run("setup")
            stack.enter_context(self.up("receiver"))
            yield

    @contextmanager
    def up(
        self, service: str, name: str | None = None, *arguments: str, within: Sequence[str] = (), **more: str
    ) -> Iterator[Part]:
        """A service that stays."""
        name = name or service
        env = self._env(service, name, **more)
        log = self.folder / f"{name}.log"
        with log.open("wb") as out:
            # With SIGINT as a container has it: a shell leaves it ignored in what it runs in the background.
            begin = [*within, "env", "--default-signal=INT", f"--chdir={self.folder / name}"]
            command = [*begin, *self.composed.command(service), *arguments]
            process = subprocess.Popen(command, env=env, stdout=out, stderr=out)
        part = self.parts[name] = Part(process, log, env, within)
        try:
            yield part
        finally:
            part.stop()

    def wait(self) -> None:
        """Until all are healthy that compose.yaml has a health check for."""
        for name, part in self.parts.items():
            if "HEALTH_URL" in part.env:
                until(part.healthy, f"health of {name}", every=1)

    def run(self, service: str) -> None:
        """A service that ends."""
        env = self._env(service, service)
        command = self.composed.command(service)
        done = subprocess.run(command, cwd=self.folder / service, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def _env(self, service: str, name: str, **more: str) -> dict[str, str]:
        home = self.folder / name
        home.mkdir()
        kept = {each: os.environ[each] for each in KEPT if each in os.environ}
        of_image = {"PREFECT_HOME": str(home), "TMPDIR": str(home), "DO_NOT_TRACK": "1"}
        return {**kept, **of_image, **self.composed.environment(service), **more}

    def api(self, method: str, path: str, body: Any = None) -> Any:
        url = f"http://127.0.0.1:{self.ports['4200']}/api{path}"
        auth = tuple(AUTH.split(":"))
        answer = httpx.request(method, url, json=body, auth=auth, trust_env=False, timeout=PATIENCE)  # type: ignore[arg-type]
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def callbacks(self) -> dict[str, int]:
        """What the receiver has counted."""
        counts: dict[str, int] = httpx.get(f"http://127.0.0.1:{self.ports['8585']}/callbacks", trust_env=False).json()
        return counts

    def calendar(self, rows: Sequence[Mapping[str, str]]) -> str:
        """One run of the deployment, to its end; its id."""
        run = self.begin(rows)
        self.completed(run)
        return run

    def begin(self, rows: Sequence[Mapping[str, str]], **advanced: str) -> str:
        """One run of the deployment; its id."""
        deployment = self.api("GET", DEPLOYMENT)["id"]
        wanted = {"source": None, "rows": rows, "calendar": "spring", "renditions": [SIZE]}
        body = {"parameters": {**wanted, "advanced": advanced or "usual"}}
        run: str = self.api("POST", f"/deployments/{deployment}/create_flow_run", body)["id"]
        return run

    def completed(self, run: str) -> None:
        """Wait for its end, and that it is a good one."""
        until(lambda: self.state(run) in ENDS, "the end of the calendar", every=1)
        assert self.state(run) == "COMPLETED", (self.api("GET", f"/flow_runs/{run}")["state"], self._workers())

    def state(self, run: str) -> str:
        return str(self.api("GET", f"/flow_runs/{run}")["state"]["type"])

    def _workers(self) -> str:
        return "\n".join(part.log.read_text()[-3000:] for name, part in self.parts.items() if "worker" in name)

    def worker_of(self, run: str) -> str:
        """Who took this run, by its log."""
        return next(name for name, part in self.parts.items() if "worker" in name and run in part.log.read_text())


@contextmanager
def redis(folder: Path, port: int) -> Iterator[None]:
    command = ["redis-server", "--appendonly", "yes", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        server.terminate()
        server.wait(PATIENCE)


def published(store: S3) -> list[str]:
    return [str(file) for file in store.fs().glob("genmedia/published/spring/*.jpg")]

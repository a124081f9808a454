"""compose.yaml's parts as processes: the same commands and variables, on PostgreSQL, Redis, an S3 server."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.engine import make_url

from prefect_genmedia.emulator import Emulator
from tests.chaos.prefect.test_prefect_worker import descendants
from tests.deploying.composed import PROGRAMS, Composed, said_by_dockerfile
from tests.patience import PATIENCE, until
from tests.postgres import Server, name_of
from tests.prefect_server import held_port
from tests.s3 import S3

ROWS = [{"prompt": f"a tram in the rain, number {number}"} for number in range(12)]
SIZE = {"name": "square", "width": 64, "height": 64}
AUTH = "team:a-password"
KEPT = ("PATH", "PYTHONPATH", "HOME", "LANG", "SSL_CERT_FILE", "NO_PROXY")


@dataclass
class Part:
    """A container, as a process with a home of its own."""

    process: subprocess.Popen[bytes]
    log: Path
    env: dict[str, str] = field(repr=False)

    def healthy(self) -> bool:
        """By the image's own health check."""
        program, *arguments = said_by_dockerfile("HEALTHCHECK")
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        return not subprocess.run([*PROGRAMS[program], *arguments], env=self.env, capture_output=True).returncode

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
    def up(self, service: str, name: str | None = None, **more: str) -> Iterator[Part]:
        """A service that stays."""
        name = name or service
        env = self._env(service, name, **more)
        log = self.folder / f"{name}.log"
        with log.open("wb") as out:
            # With SIGINT as a container has it: a shell leaves it ignored in what it runs in the background.
            command = ["env", "--default-signal=INT", *self.composed.command(service)]
            process = subprocess.Popen(command, cwd=self.folder / name, env=env, stdout=out, stderr=out)
        part = self.parts[name] = Part(process, log, env)
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

    def calendar(self) -> str:
        """One run of the deployment, to its end; its id."""
        deployment = self.api("GET", "/deployments/name/content_calendar/calendar")["id"]
        wanted = {
            "source": None,
            "rows": ROWS,
            "calendar": "spring",
            "renditions": [SIZE],
            "novita_credentials": "novita",
        }
        body = {"parameters": wanted}
        run: str = self.api("POST", f"/deployments/{deployment}/create_flow_run", body)["id"]
        states = ("COMPLETED", "FAILED", "CRASHED")
        state = until(lambda: (now := self._state(run))["type"] in states and now, "the end of the calendar", every=1)
        assert state["type"] == "COMPLETED", (state, self._workers())
        return run

    def _state(self, run: str) -> dict[str, Any]:
        state: dict[str, Any] = self.api("GET", f"/flow_runs/{run}")["state"]
        return state

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


@pytest.fixture
def databases(postgres: Server) -> Iterator[dict[str, str]]:
    """Where compose.yaml has its two, two empty ones are here."""
    urls = {name: postgres.create() for name in ("prefect", "genmedia")}
    yield urls
    for url in urls.values():
        postgres.drop(url)


@pytest.fixture
def ports() -> Iterator[dict[str, int]]:
    """Of the parts, by what compose.yaml says: free ones."""
    with ExitStack() as held:
        found = {name: held.enter_context(held_port()) for name in ("4200", "8585", "6379", "worker-1", "worker-2")}
        yield {name: int(each.getsockname()[1]) for name, each in found.items()}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(job_seconds=1.0, queue_seconds=0.2) as emulator:
        yield emulator


@pytest.fixture
def installation(
    tmp_path: Path, databases: dict[str, str], ports: dict[str, int], s3_server: S3, emulator: Emulator
) -> Installation:
    env = {
        "POSTGRES_PASSWORD": "pw",
        "PREFECT_AUTH": AUTH,
        "S3_KEY": "testing",
        "S3_SECRET": "testing",
        "TTAPI_API_KEY": "ttapi-key",
        "NOVITA_API_KEY": "novita-key",
        "TTAPI_BASE_URL": emulator.url,
        "NOVITA_BASE_URL": emulator.url,
        "GENMEDIA_CALLBACK_URL": f"http://127.0.0.1:{ports['8585']}/callbacks",
    }
    moved = {
        **{f"genmedia:pw@postgres:5432/{name}": _address(url) for name, url in databases.items()},
        "http://server:4200": f"http://127.0.0.1:{ports['4200']}",
        "http://store:8333": s3_server.url,
        "redis:6379": f"127.0.0.1:{ports['6379']}",
        "127.0.0.1:4200": f"127.0.0.1:{ports['4200']}",
        "127.0.0.1:8585": f"127.0.0.1:{ports['8585']}",
        "redis": "127.0.0.1",
        "0.0.0.0": "127.0.0.1",
        **{name: str(port) for name, port in ports.items()},
    }
    return Installation(tmp_path, Composed(env, moved), ports)


def _address(url: str) -> str:
    parts = make_url(url)
    return f"{parts.username}@{parts.host}:{parts.port or 5432}/{name_of(url)}"


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.skipif(shutil.which("redis-server") is None, reason="needs redis-server on the PATH")
@pytest.mark.skipif(importlib.util.find_spec("prefect_redis") is None, reason="needs the extra [redis]")
def test_a_teams_installation_makes_a_calendar_and_pays_once(
    installation: Installation, emulator: Emulator, s3_server: S3, ports: dict[str, int]
) -> None:
    """Twelve rows through the deployment; then its worker is stopped, and the other finds all of it there."""
    with ExitStack() as stack:
        stack.enter_context(redis(installation.folder, ports["6379"]))
        installation.run("bucket")
        installation.run("database")
        stack.enter_context(installation.up("server"))
        installation.wait()
        stack.enter_context(installation.up("services"))
        installation.run("setup")
        stack.enter_context(installation.up("receiver"))
        for number in (1, 2):
            port = str(ports[f"worker-{number}"])
            health = {"PREFECT_WORKER_WEBSERVER_PORT": port, "HEALTH_URL": f"http://127.0.0.1:{port}/health"}
            stack.enter_context(installation.up("worker", f"worker-{number}", **health))
        installation.wait()

        first = installation.calendar()
        billed = sorted(job["prompt"] for job in emulator.jobs()["jobs"] if job["billed"])
        assert billed == sorted(row["prompt"] for row in ROWS)
        assert len(published(s3_server)) == len(ROWS)
        until(lambda: installation.callbacks().get("accepted", 0) >= len(ROWS), "the callbacks", every=0.5)
        told = {"filter": {"event": {"name": ["genmedia.job.succeeded"]}}, "limit": 50}
        until(lambda: installation.api("POST", "/events/filter", told)["total"] == len(ROWS), "events", every=0.5)

        taker = installation.worker_of(first)
        installation.parts[taker].stop()
        assert installation.worker_of(installation.calendar()) != taker
        assert emulator.billed() == len(ROWS)
        assert len(published(s3_server)) == len(ROWS)


def published(store: S3) -> list[str]:
    return [str(file) for file in store.fs().glob("genmedia/published/spring/*.jpg")]

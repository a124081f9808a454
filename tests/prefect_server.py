"""A real Prefect server in a process of its own, for whoever asks for one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import certifi
import httpx

from tests.patience import PATIENCE, until


def one_authority(folder: Path) -> Path:
    """A file with one certificate authority.

    Prefect's client reads all that certifi has at every turn, 20 ms each time, and everything here is on loopback
    without TLS.
    """
    file = folder / "one-authority.pem"
    bundle, end = certifi.contents(), "-----END CERTIFICATE-----\n"
    file.write_text(bundle[: bundle.index(end)] + end)
    return file


def held_port() -> socket.socket:
    """A port that nobody else is given: bound, and not listened to, so that only its server answers there."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held


_BY_THE_CLOCK = (
    "CANCELLATION_CLEANUP",
    "FOREMAN",
    "LATE_RUNS",
    "PAUSE_EXPIRATIONS",
    "REPOSSESSOR",
    "SCHEDULER",
    "TRIGGERS",
)
_MIGRATE = """
import asyncio
from prefect.server.database import provide_database_interface
asyncio.run(provide_database_interface().create_db())
"""


def empty_database() -> Path:
    """An empty database of this Prefect, made once: its migrations take longer than all else of a start."""
    made = Path(__file__).parents[1] / "build" / f"prefect-{version('prefect')}.db"
    made.parent.mkdir(exist_ok=True)
    with made.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several processes of tests begin at once
        if not made.exists():
            with tempfile.TemporaryDirectory() as home:
                env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
                subprocess.run([sys.executable, "-c", _MIGRATE], env={**env, "PREFECT_HOME": home}, check=True)
                shutil.copy(Path(home, "prefect.db"), made.with_suffix(".new"))
            made.with_suffix(".new").rename(made)
    return made


class PrefectServer:
    """A real Prefect server in a process of its own, on a database of its own.

    Only with `timely` does it do what a clock tells it to: schedules, lateness, pauses that end, automations.
    """

    def __init__(self, folder: Path, *, timely: bool = True) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "prefect.db").exists():
            shutil.copy(empty_database(), folder / "prefect.db")
        self._held = held_port()
        self.port = int(self._held.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}/api"
        authority = str(one_authority(folder))
        self.env = {
            "PREFECT_HOME": str(folder),
            "PREFECT_API_URL": self.url,
            "PREFECT_API_SSL_CERT_FILE": authority,
            "SSL_CERT_FILE": authority,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_UI_ENABLED": "false",
            "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
            "DO_NOT_TRACK": "1",
            "NO_PROXY": "127.0.0.1,localhost",
        }
        if not timely:
            self.env |= {f"PREFECT_SERVER_SERVICES_{service}_ENABLED": "false" for service in _BY_THE_CLOCK}
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

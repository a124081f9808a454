"""Schedules come due: a real server makes their runs, and a real worker does the one whose time has come."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

import prefect_genmedia.deployments
from tests.chaos.rig import PrefectServer
from tests.patience import until

FILE = Path(prefect_genmedia.deployments.__file__).parent / "prefect.yaml"


def prefect(env: dict[str, str], folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr


def api(server: PrefectServer, method: str, path: str, body: Any = None) -> Any:
    answer = httpx.request(method, f"{server.url}{path}", json=body, trust_env=False, timeout=60)
    assert answer.is_success, answer.text
    return answer.json()


def test_a_cron_gets_its_runs_and_a_worker_does_the_one_that_falls_due(tmp_path: Path) -> None:
    # With SQLAlchemy 2.1 Prefect 3.8's scheduler dies, and only the server's log says so: no run ever appears.
    server = PrefectServer(tmp_path / "prefect")
    server.start()
    try:
        server.wait()
        _schedule(server, tmp_path)
    finally:
        server.stop()


def _schedule(server: PrefectServer, folder: Path) -> None:
    env = {
        **os.environ,
        **server.env,
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "TMPDIR": str(folder),  # Prefect's worker keeps a folder there that belongs to whoever came first
        "GENMEDIA_LEDGER_URL": f"sqlite:///{folder / 'ledger.db'}",
        "GENMEDIA_MEDIA_STORE": str(folder / "media"),
    }
    prefect(env, folder, "work-pool", "create", "genmedia", "--type", "process")
    prefect(env, folder, "deploy", "--prefect-file", str(FILE), "--all")

    def made(name: str) -> list[dict[str, Any]]:
        found = {"deployments": {"name": {"any_": [name]}}, "limit": 200}
        return [run for run in api(server, "POST", "/flow_runs/filter", found) if run["auto_scheduled"]]

    nightly = until(lambda: made("nightly"), "the nightly cron's runs", 120, every=0.5)
    assert {run["expected_start_time"][10:16] for run in nightly} == {"T02:00"}

    # A cron that comes due every 20 seconds; its sixth figure is seconds. The flow buys nothing.
    (sweep,) = api(server, "POST", "/deployments/filter", {"deployments": {"name": {"any_": ["adopt-orphans"]}}})
    often = [{"schedule": {"cron": "* * * * * */20", "timezone": "UTC"}, "active": True}]
    api(server, "POST", f"/deployments/{sweep['id']}/schedules", often)

    def to_come() -> list[tuple[datetime, str]]:
        times = [(datetime.fromisoformat(run["expected_start_time"]), run["id"]) for run in made("adopt-orphans")]
        soon = datetime.now(UTC) + timedelta(seconds=60)
        return sorted(each for each in times if each[0] < soon)

    (due, run), *_ = until(to_come, "a run that is soon due", 120, every=0.5)
    time.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
    prefect(env, folder, "worker", "start", "--pool", "genmedia", "--run-once", "--install-policy", "never")
    state = api(server, "GET", f"/flow_runs/{run}")["state"]
    assert state["type"] == "COMPLETED", state

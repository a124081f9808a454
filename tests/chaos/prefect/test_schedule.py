"""Schedules come due: a real server makes their runs, and a real worker does the one whose time has come."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chaos.rig import DEPLOYMENTS, PrefectServer
from tests.patience import until


def test_a_cron_gets_its_runs(server: PrefectServer) -> None:
    # With SQLAlchemy 2.1 Prefect 3.8's scheduler dies, and only the server's log says so: no run ever appears.
    schedule = {"schedule": {"cron": "0 2 * * *", "timezone": "UTC"}, "active": True}
    flow = server.api("POST", "/flows/", {"name": "scheduled"})["id"]
    deployment = server.api("POST", "/deployments/", {"name": "cron", "flow_id": flow, "schedules": [schedule]})["id"]
    runs = until(lambda: made(server, "cron"), "the cron's runs", every=0.5)
    assert {run["expected_start_time"][10:16] for run in runs} == {"T02:00"}
    server.api("DELETE", f"/deployments/{deployment}")


@pytest.mark.slow
def test_our_crons_get_their_runs_and_a_worker_does_the_one_that_falls_due(
    server: PrefectServer, tmp_path: Path
) -> None:
    server.make_pool()
    server.prefect(tmp_path, "deploy", "--prefect-file", str(with_a_cron_that_is_often_due(tmp_path)), "--all")
    try:
        nightly = until(lambda: made(server, "nightly"), "the nightly cron's runs", every=0.5)
        assert {run["expected_start_time"][10:16] for run in nightly} == {"T02:00"}
        (due, run), *_ = until(lambda: soon_due(server), "a run that is soon due", every=0.5)
        # A worker takes what is due within 10 seconds, and starts it when its time has come.
        time.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds() - 8))
        work = {
            "TMPDIR": str(tmp_path),  # Prefect's worker keeps a folder there that belongs to whoever came first
            "GENMEDIA_LEDGER_URL": f"sqlite:///{tmp_path / 'ledger.db'}",
            "GENMEDIA_MEDIA_STORE": str(tmp_path / "media"),
        }
        start = ("worker", "start", "--pool", "genmedia", "--run-once", "--install-policy", "never")
        server.prefect(tmp_path, *start, env=work)
        done = server.api("GET", f"/flow_runs/{run}")
        assert done["state"]["type"] == "COMPLETED", done["state"]
        # It starts its own process a little early, and by its own clock: by more it would not have waited.
        assert datetime.fromisoformat(done["start_time"]) >= due - timedelta(seconds=2)
    finally:
        for deployment in server.api("POST", "/deployments/filter", {}):
            server.api("DELETE", f"/deployments/{deployment['id']}")


def with_a_cron_that_is_often_due(folder: Path) -> Path:
    """Our own deployments, but adopt-orphans, which buys nothing, every 20 seconds: the sixth figure is seconds."""
    said = yaml.safe_load(DEPLOYMENTS.read_text())
    (sweep,) = (each for each in said["deployments"] if each["name"] == "adopt-orphans")
    sweep["schedules"] = [{"cron": "* * * * * */20", "timezone": "UTC", "active": True}]
    file = folder / "prefect.yaml"
    file.write_text(yaml.safe_dump(said))
    return file


def made(server: PrefectServer, name: str) -> list[dict[str, Any]]:
    """The runs that the server has made of a schedule."""
    wanted = {"deployments": {"name": {"any_": [name]}}, "limit": 200}
    return [run for run in server.api("POST", "/flow_runs/filter", wanted) if run["auto_scheduled"]]


def soon_due(server: PrefectServer) -> list[tuple[datetime, str]]:
    runs = [(datetime.fromisoformat(run["expected_start_time"]), run["id"]) for run in made(server, "adopt-orphans")]
    return sorted(each for each in runs if each[0] < datetime.now(UTC) + timedelta(seconds=60))

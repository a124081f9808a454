"""Thousands of jobs in one flow end well with Prefect's server at its slowest: each answer takes two seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from prefect_genmedia.emulator import Emulator
from tests.chaos.rig import REPOSITORY, PrefectServer
from tests.slow_api import SlowApi

SCRIPT = REPOSITORY / "tests" / "scripts" / "many_tasks.py"
LIMIT_SECONDS = 3600.0


@pytest.mark.slow
@pytest.mark.parametrize("number", [1000, 2000])
def test_a_flow_of_thousands_ends_well(
    number: int, server: PrefectServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api = SlowApi(server.url, seconds=2.0, all_answers=True)
    env = {
        **os.environ,
        **server.env,
        "PREFECT_API_URL": api.url,
        "GENMEDIA_LEDGER_URL": f"sqlite:///{tmp_path / 'ledger.db'}",
        "GENMEDIA_MEDIA_STORE": str(tmp_path / "media"),
    }
    with Emulator(job_seconds=20.0, queue_seconds=1.0) as emulator, (tmp_path / "log").open("w") as log:
        order = json.dumps({"url": emulator.url, "prompts": [f"kite {each} of {number}" for each in range(number)]})
        used, started = server.cpu_seconds(), time.monotonic()
        done = subprocess.run(
            [sys.executable, str(SCRIPT)], input=order, env=env, stdout=subprocess.PIPE, stderr=log, text=True,
            timeout=LIMIT_SECONDS,
        )  # fmt: skip
        seconds, billed = time.monotonic() - started, emulator.billed()
    assert done.returncode == 0, (tmp_path / "log").read_text()[-3000:]
    answer = json.loads(done.stdout)
    run = {"flow_run_id": {"any_": [answer["flow_run"]]}}
    shown = server.api("POST", "/artifacts/filter", {"artifacts": run, "limit": 200})
    with capsys.disabled():
        print(
            f"\n{number} jobs: flow {answer['seconds']} s, process {seconds:.0f} s, its CPU {answer['cpu_seconds']} s, "
            f"server {1000 * (server.cpu_seconds() - used) / number:.0f} ms a job; {len(shown)} artifacts, "
            f"requests about them {dict(api.asked)}, given up {dict(api.given_up)}"
        )
    assert (answer["state"], answer["delivered"], answer["errors"], billed) == ("Completed", number, [], number)
    assert server.api("GET", f"/flow_runs/{answer['flow_run']}")["state"]["type"] == "COMPLETED"
    assert not api.given_up["artifact"]
    assert all(": done. Job" in artifact["description"] for artifact in shown)

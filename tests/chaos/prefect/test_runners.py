"""Prefect's task runners: in threads, in processes and on a Dask cluster, every wish is bought once."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from prefect_genmedia.emulator import Emulator
from tests.chaos.rig import PrefectServer
from tests.patience import PATIENCE

WISHES = 12
FLOW = Path(__file__).with_name("runner_flow.py")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    server = PrefectServer(tmp_path_factory.mktemp("prefect"))
    server.start()
    server.wait()
    yield server
    server.close()


@pytest.mark.slow
@pytest.mark.parametrize("runner", ["thread", "process", "dask"])
def test_every_wish_is_bought_once_under_every_task_runner(runner: str, server: PrefectServer, tmp_path: Path) -> None:
    if runner == "dask" and importlib.util.find_spec("prefect_dask") is None:
        pytest.skip("prefect-dask is not installed: pip install prefect-dask")
    env = {
        **os.environ,
        **server.env,
        "PREFECT_HOME": str(tmp_path / "home"),
        "GENMEDIA_LEDGER_URL": f"sqlite:///{tmp_path / 'ledger.db'}",
        "GENMEDIA_MEDIA_STORE": str(tmp_path / "media"),
    }
    with Emulator(job_seconds=0.5, max_jobs=5) as emulator:
        emulator.add_faults({"kind": "fetch_drop", "probability": 0.1}, {"kind": "download_truncated", "times": 2})
        command = [sys.executable, str(FLOW), runner, emulator.url, str(WISHES)]
        ran = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, timeout=PATIENCE * 4, check=True)
        assert ran.stdout.splitlines()[-1] == f"{WISHES} {WISHES - 1}"
        assert emulator.billed() == WISHES - 1

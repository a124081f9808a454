"""The Prefect API is gone for a minute, in the middle of paid work: nothing is billed twice, nothing is lost."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.chaos.matrix import CALM_CASE, IMAGINE, IMG2IMG, open_lanes
from tests.chaos.rig import stable_on_prefect
from tests.patience import until

MINUTE = 60.0


@pytest.mark.slow
def test_the_prefect_api_is_gone_for_a_minute(tmp_path: Path) -> None:
    """Two runs: the worker of one lives through it, that of the other is killed meanwhile."""
    with stable_on_prefect(tmp_path) as (server, stable), open_lanes([stable], tmp_path, 2) as lanes:
        folders = [tmp_path / "lives", tmp_path / "dies"]
        workers = []
        for lane, folder in zip(lanes, folders, strict=True):
            folder.mkdir()
            lane.emulator.configure(hold=True, job_seconds=0.05)
            parameters = lane.parameters(CALM_CASE)
            workers.append(stable.start("flow_run", lane.env(folder), how="script", parameters=parameters))
        for lane in lanes:
            until(lambda lane=lane: lane.wire.seen["fetch imagine"] > 1, "the first picture being waited for")
        server.stop()
        gone = time.monotonic()
        for lane in lanes:
            lane.emulator.configure(hold=False)
        workers[1].kill()
        for lane in lanes:
            lane.emulator.release()
        until(lambda: time.monotonic() > gone + MINUTE, "the minute's end")
        went_on = lanes[0].emulator.billed(IMG2IMG)
        server.start()
        server.wait()
        workers[0].wait()
        for lane, folder, worker in zip(lanes, folders, workers, strict=True):
            if worker.report().get("state") != "Completed":
                worker = stable.start("flow_run", lane.env(folder), how="script", parameters=lane.parameters(CALM_CASE))
                worker.wait()
            verdict = lane.judge(CALM_CASE, folder, True, worker, 0.0)
            assert verdict.delivered and verdict.paid == {IMAGINE: 1, IMG2IMG: 1}, str(verdict)
        # Whatever the UI's server says, paid work goes on: the second picture was bought while it was away.
        assert went_on

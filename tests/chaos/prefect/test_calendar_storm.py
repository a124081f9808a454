"""A long calendar in bad weather: three processes, a shard each, one of them killed now and then; each row paid once.

300 rows, or as many as GENMEDIA_CHAOS_CALENDAR_ROWS says: 10,000 are as safe as 300, and take as much longer.
"""

from __future__ import annotations

import csv
import os
import re
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from prefect_genmedia.emulator import Emulator
from tests.chaos.rig import REPOSITORY, PrefectServer, Stable, Worker
from tests.chaos.test_storm import SEED, WEATHER
from tests.patience import until

ROWS = int(os.environ.get("GENMEDIA_CHAOS_CALENDAR_ROWS", "300"))
SHARDS = 3
KILL_EVERY = 30.0  # seconds
MOST_KILLS = max(1, ROWS // 1000)
MOST_MEGABYTES = 1000  # of one process, however long the calendar
TASKS_OF_A_ROW = 2  # imagine and render
PRICE = 2  # quota: what the emulator takes for a fast grid


def sheet(folder: Path) -> Path:
    path = folder / "long.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["prompt", "folder"])
        rows.writerows([f"a kite over hill {number} of seed {SEED}", f"week-{number % 52}"] for number in range(ROWS))
    return path


class Shards:
    """The processes of one calendar: one that is killed or breaks off is started again, as the next night would be."""

    def __init__(self, stable: Stable, env: dict[str, str], parameters: dict[str, Any]) -> None:
        self._stable, self._env, self._parameters = stable, env, parameters
        self.starts: Counter[int] = Counter()
        self.kills = 0
        self.peak = 0
        self.told: dict[int, str] = {}
        self._running = {number: self._start(number) for number in range(1, SHARDS + 1)}
        self._next_kill = time.monotonic() + KILL_EVERY

    def _start(self, number: int) -> Worker:
        self.starts[number] += 1
        parameters = {
            **self._parameters,
            "advanced": {**self._parameters["advanced"], "shard": f"{number}/{SHARDS}"},
        }
        return self._stable.start("calendar", self._env, parameters=parameters)

    def all_ended(self) -> bool:
        if self._running and self.kills < MOST_KILLS and time.monotonic() > self._next_kill:
            self._next_kill = time.monotonic() + KILL_EVERY
            victim = list(self._running)[self.kills % len(self._running)]
            self._running[victim].kill()
            self.kills += 1
        for number, worker in list(self._running.items()):
            if worker.ended.is_set():
                self._ended(number, worker)
        return not self._running

    def _ended(self, number: int, worker: Worker) -> None:
        said = worker.report()
        self.peak = max(self.peak, said.get("megabytes", 0))
        error = said.get("error", "")
        if said.get("state") == "Completed" or (error and error == self.told.get(number)):
            # Done; or what it says stays so, as of a file that came as another kind of file.
            self.told[number] = error
            del self._running[number]
            return
        self.told[number] = error
        assert self.starts[number] < 5 + MOST_KILLS, (said, worker.log.read_text()[-3000:])
        self._running[number] = self._start(number)


@pytest.mark.slow
def test_a_long_calendar_is_delivered_and_each_row_is_paid_once(
    on_prefect: tuple[PrefectServer, Stable], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server, stable = on_prefect
    started = time.monotonic()
    env = {
        "GENMEDIA_LEDGER_URL": f"sqlite:///{tmp_path / 'ledger.db'}",
        "GENMEDIA_MEDIA_STORE": str(tmp_path / "media"),
        "GENMEDIA_POLL_SECONDS": "0.2",
    }
    with Emulator(job_seconds=0.5, queue_seconds=0.1, max_jobs=64, one_picture=True, start_balance=1e6) as emulator:
        receiver = stable.start("receiver", env)
        try:
            port = until(receiver.report, "the receiver")["port"]
            env["GENMEDIA_CALLBACK_URL"] = f"http://127.0.0.1:{port}/callbacks"
            assert stable.start("save_blocks", {}, blocks={"calendar": emulator.url}).wait() == 0
            parameters = {
                "source": str(sheet(tmp_path)),
                "pick": 1,
                "renditions": [{"name": "square", "width": 96, "height": 96}],
                "advanced": {"ttapi_credentials": "calendar"},
            }
            dry = stable.start("calendar", env, parameters={**parameters, "dry_run": True})
            assert dry.wait() == 0, dry.log.read_text()[-3000:]
            least, most = dry.report()["quota"]
            emulator.add_faults(*WEATHER, seed=SEED)
            before = server.api("POST", "/task_runs/count", {})
            shards = Shards(stable, env, parameters)
            while not shards.all_ended():
                time.sleep(0.2)
        finally:
            receiver.kill()
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as ledger:
        states = Counter(state for (state,) in ledger.execute("SELECT state FROM genmedia_job"))
    tasks = server.api("POST", "/task_runs/count", {}) - before
    files = sum(1 for _ in (tmp_path / "media" / "published" / "long").rglob("*.jpg"))
    fired = sum(fault["fired"] for fault in emulator.faults()["faults"])
    text = (
        f"{ROWS} rows in {time.monotonic() - started:.0f} s, {SHARDS} processes, {shards.kills} killed, "
        f"{sum(shards.starts.values())} runs: {files} delivered, {emulator.billed()} billed; {fired} strokes survived. "
        f"{shards.peak} MB at most in a process, {tasks} task runs, forecast {least:g} to {most:g} quota.\n"
        + "".join(f"Told of shard {number}: {said[:500]}\n" for number, said in shards.told.items() if said)
    )
    with capsys.disabled():
        print(f"\n{text}")
    (REPOSITORY / "build").mkdir(exist_ok=True)
    (REPOSITORY / "build" / "calendar-storm.md").write_text(text)
    billed = Counter(job["prompt"] for job in emulator.jobs()["jobs"] if job["billed"])
    assert len(billed) == ROWS == emulator.billed() == states["STORED"] == states.total()
    # Delivered, or told why.
    told = [
        re.search(r"(\d+) of \d+ wishes failed: row \d+: .* is not a picture", said) for said in shards.told.values()
    ]
    assert files == ROWS - sum(int(found[1]) for found in told if found)
    assert [bool(found) for found in told] == [bool(said) for said in shards.told.values()], shards.told
    assert least <= PRICE * emulator.billed() <= most
    assert shards.peak < MOST_MEGABYTES
    assert tasks <= TASKS_OF_A_ROW * ROWS * max(shards.starts.values())

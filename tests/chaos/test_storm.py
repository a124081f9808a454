"""One run of many jobs in bad weather: all delivered, each billed once, and what was survived is counted."""

from __future__ import annotations

import os
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from prefect_genmedia.emulator import Emulator
from tests.chaos.rig import REPOSITORY, Stable
from tests.patience import until

SEED = int(os.environ.get("GENMEDIA_CHAOS_SEED", "1"))
WEATHER = (
    {"kind": "submit_lose_reply", "probability": 0.05},
    {"kind": "fetch_drop", "probability": 0.05},
    {"kind": "download_truncated", "probability": 0.05},
    {"kind": "callback_lost", "probability": 0.20},
)


def storm(stable: Stable, folder: Path, number: int, seed: int) -> tuple[Emulator, dict[str, Any], dict[str, int]]:
    """What the emulator counted, what the run says, and how often the ledger holds each kind of event."""
    env = {
        "GENMEDIA_LEDGER_URL": f"sqlite:///{folder / 'ledger.db'}",
        "GENMEDIA_MEDIA_STORE": str(folder / "media"),
        "GENMEDIA_POLL_SECONDS": "0.2",
    }
    with Emulator(job_seconds=0.5, queue_seconds=0.1, max_jobs=number) as emulator:
        emulator.add_faults(*WEATHER, seed=seed)
        receiver = stable.start("receiver", env)
        try:
            port = until(receiver.report, "the receiver")["port"]
            env["GENMEDIA_CALLBACK_URL"] = f"http://127.0.0.1:{port}/callbacks"
            saved = stable.start("save_blocks", {}, blocks={"storm": emulator.url})
            assert saved.wait() == 0, saved.log.read_text()
            items = [{"prompt": f"a kite in a gale, number {each} of seed {seed}"} for each in range(number)]
            worker = stable.start("many", env, items=items, block="storm", at_once=50)
            assert worker.wait(900) == 0, worker.log.read_text()[-3000:]
        finally:
            receiver.kill()
    with closing(sqlite3.connect(folder / "ledger.db")) as ledger:
        notes = [f"{state}: {note}" for state, note in ledger.execute("SELECT state, note FROM genmedia_event")]
        states = Counter(state for (state,) in ledger.execute("SELECT state FROM genmedia_job"))
    counts = {
        "stored": states["STORED"],
        "rows": states.total(),
        "unknown": sum(note.startswith("UNKNOWN") for note in notes),
        "found in the provider's list": sum("SUBMITTED: found in the provider's list" in note for note in notes),
        "named by the callback": sum("SUBMITTED: named by its callback" in note for note in notes),
    }
    return emulator, worker.report(), counts


def words(emulator: Emulator, said: dict[str, Any], counts: dict[str, int], seconds: float) -> str:
    fired = {fault["kind"]: fault["fired"] for fault in emulator.faults()["faults"]}
    return (
        f"{counts['rows']} jobs in {seconds:.0f} s: {said['delivered']} delivered, {emulator.billed()} billed. "
        f"Survived: {fired['submit_lose_reply']} lost replies "
        f"({counts['found in the provider' + chr(39) + 's list']} found in the provider's list, "
        f"{counts['named by the callback']} named by the callback), {fired['fetch_drop']} broken fetches, "
        f"{fired['download_truncated']} truncated files, {fired['callback_lost']} lost callbacks.\n"
    )


def hold(number: int, emulator: Emulator, said: dict[str, Any], counts: dict[str, int]) -> None:
    fired = {fault["kind"]: fault["fired"] for fault in emulator.faults()["faults"]}
    assert not said["errors"]
    assert said["delivered"] == counts["stored"] == counts["rows"] == number == emulator.billed()
    assert emulator.requests()["requests"]["POST /midjourney/v1/imagine"] == number
    assert all(fired.values()), fired
    # Every lost reply is in the ledger, and how its job was found.
    lost = fired["submit_lose_reply"]
    assert counts["unknown"] == lost == counts["found in the provider's list"] + counts["named by the callback"]


@pytest.mark.slow
def test_five_hundred_jobs_in_bad_weather(stable: Stable, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    started = time.monotonic()
    told = storm(stable, tmp_path, 500, SEED)
    text = words(*told, time.monotonic() - started)
    with capsys.disabled():
        print(f"\n{text}")
    (REPOSITORY / "build").mkdir(exist_ok=True)
    (REPOSITORY / "build" / "storm.md").write_text(text)
    hold(500, *told)

"""Workers that race for the same keys on PostgreSQL: each job is bought once, and every worker has its files."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from prefect_genmedia.emulator import Emulator
from tests import PHOTOS
from tests.chaos.rig import Stable
from tests.patience import until

PHOTO = PHOTOS / "chelsea.png"


def race(stable: Stable, folder: Path, ledger: str, workers: int, keys: int) -> None:
    """All start at once; each asks for every key, in an order of its own."""
    env = {
        "GENMEDIA_LEDGER_URL": ledger,
        "GENMEDIA_MEDIA_STORE": str(folder / "media"),
        "GENMEDIA_POLL_SECONDS": "0.1",
    }
    with Emulator(job_seconds=0.3, queue_seconds=0.05) as emulator:
        block = f"race-{workers}-{keys}"
        saved = stable.start("save_blocks", {}, blocks={block: emulator.url})
        assert saved.wait() == 0, saved.log.read_text()
        items = [{"prompt": f"tile {number}", "image": str(PHOTO)} for number in range(keys)]
        asked = {item["prompt"]: f"{block}-{folder.name}-{number}" for number, item in enumerate(items)}
        racing = []
        for number in range(workers):
            random.Random(f"race:{number}").shuffle(items)
            # More at once, and Prefect's own server, on SQLite, is what everybody waits for.
            at_once = min(keys, 200 // workers)
            order = {"items": list(items), "keys": asked, "block": block, "at_once": at_once, "barrier": str(folder)}
            racing.append(stable.start("many", env, **order))
        until(lambda: len(list(folder.glob("*.ready"))) == workers, "all workers at the start")
        (folder / "go").touch()
        assert [worker.wait(900) for worker in racing] == [0] * workers, racing[0].log.read_text()[-3000:]
        reports = [worker.report() for worker in racing]
        assert [said["errors"] for said in reports] == [[]] * workers
        assert [said["delivered"] for said in reports] == [keys] * workers
        assert emulator.billed() == keys == emulator.requests()["requests"]["POST /v3/async/img2img"]
        assert len({frozenset(said["job_ids"]) for said in reports}) == 1


@pytest.mark.postgres
def test_two_workers_race_for_ten_keys(stable: Stable, tmp_path: Path, postgres_url: str) -> None:
    race(stable, tmp_path, postgres_url, workers=2, keys=10)


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.parametrize("workers", [2, 8])
def test_workers_race_for_a_hundred_keys(stable: Stable, tmp_path: Path, postgres_url: str, workers: int) -> None:
    race(stable, tmp_path, postgres_url, workers, keys=100)

"""The media store is not mounted for one run, or goes away while one works: nothing is bought, nothing forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chaos.bench import Bench, Tally
from tests.patience import PATIENCE, until

BRIEF = {"deadline_seconds": 2.0}
# As hard as it can be: the provider no longer knows the job, and one that is not known is soon forgotten.
FORGETFUL = {"GENMEDIA_EXPIRED_AFTER_SECONDS": "0.05"}


def away_for_a_run(bench: Bench, tally: Tally, prompt: str, *, empty_folder: bool) -> None:
    """Stored, then away; with an empty mount point in its place, or with nothing."""
    bench.bought(prompts=[prompt])
    bench.env = FORGETFUL
    bench.emulator.add_faults({"kind": "fetch_404", "seconds": 1e6})
    aside = bench.folder / "aside"
    bench.media.rename(aside)
    if empty_folder:
        bench.media.mkdir()
    worker = bench.worker(prompts=[prompt, f"{prompt}, another"], terms=BRIEF)
    assert worker.wait() == 0, worker.log.read_text()
    said = worker.report()["bought"]
    if bench.media.exists():
        bench.media.rename(bench.folder / f"mount point of {prompt}")
    aside.rename(bench.media)
    assert all("ConfigurationError" in each["error"] for each in said), said
    tally.add(bench.emulator, [prompt], bench.all_bought(prompts=[prompt], terms=BRIEF))
    bench.emulator.clear_faults()
    bench.env = {}


def away_in_the_middle(bench: Bench, tally: Tally, prompt: str) -> None:
    """It goes while a job runs, and is back for the next run."""
    bench.bought(prompts=[f"{prompt}, before"])
    bench.emulator.configure(hold=True)
    before = bench.emulator.billed()
    worker = bench.worker(prompts=[prompt], terms=BRIEF)
    until(lambda: bench.emulator.billed() > before, "the job accepted")
    aside = bench.folder / "aside"
    bench.media.rename(aside)
    bench.emulator.configure(hold=False)
    bench.emulator.release()
    assert worker.wait() == 0, worker.log.read_text()
    if bench.media.exists():
        bench.media.rename(bench.folder / f"written beside, {prompt}")
    aside.rename(bench.media)
    said: list[dict[str, Any]] = bench.all_bought(prompts=[prompt], terms={"deadline_seconds": PATIENCE})
    tally.add(bench.emulator, [prompt], said)


def test_the_store_is_away(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally("the store away")
    away_for_a_run(bench, tally, "a harbour", empty_folder=False)
    away_for_a_run(bench, tally, "a jetty", empty_folder=True)
    away_in_the_middle(bench, tally, "a ferry")
    tally.tell(capsys)
    tally.hold()
    assert tally.delivered == 3

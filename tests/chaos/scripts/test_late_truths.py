"""The provider's list lags, or the provider does not know a job for a while: nobody buys again, and all comes in.

Provider time passes by the emulator's clock, an hour in a moment.
"""

from __future__ import annotations

import random

import pytest

from tests.chaos.bench import Bench, Tally
from tests.patience import PATIENCE, until

STEPS = 3  # looks while the provider's time passes


def behind_the_list(bench: Bench, tally: Tally, seconds: float, seed: int) -> None:
    """The reply is lost, by the network or with its worker, and everything is listed and frozen so late."""
    chance = random.Random(f"lag:{seconds}:{seed}")
    prompt, killed = f"lag {seconds} {seed}", chance.random() < 0.5
    lost = {"kind": "submit_slow_reply", "seconds": 2 * PATIENCE} if killed else {"kind": "submit_lose_reply"}
    bench.emulator.add_faults(
        {**lost, "times": 1},
        {"kind": "list_lags", "seconds": seconds},
        {"kind": "frozen_lags", "seconds": chance.choice((1, seconds))},
    )
    before = bench.emulator.billed()
    first = bench.worker(prompts=[prompt])
    if killed:
        until(lambda: bench.emulator.billed() > before, "the job accepted")
        first.kill()
    first.wait()
    bench.bought(prompts=[f"bought later than {prompt}"])
    said = bench.all_bought(prompts=[prompt])
    for _ in range(STEPS):
        bench.emulator.add_faults({"kind": "clock_skew", "seconds": chance.uniform(0, seconds / STEPS)})
        said = bench.all_bought(prompts=[prompt])
    bench.emulator.add_faults({"kind": "clock_skew", "seconds": seconds})
    if "SubmitOutcomeUnknown" in said[0]["error"]:
        said = bench.all_bought(prompts=[prompt])
    tally.add(bench.emulator, [prompt], said)
    bench.emulator.clear_faults()


def not_known(bench: Bench, tally: Tally, seconds: float, seed: int) -> None:
    """The provider says that it knows no such job, for so long; a second attempt is allowed, and no reason for one."""
    chance = random.Random(f"404:{seconds}:{seed}")
    prompt = f"unknown for {seconds} {seed}"
    terms = {"attempts": 2, "on_expired": "resubmit", "deadline_seconds": 1.0}
    bench.emulator.add_faults({"kind": "fetch_404", "seconds": seconds})
    for _ in range(STEPS):
        bench.all_bought(prompts=[prompt], terms=terms)
        bench.emulator.add_faults({"kind": "clock_skew", "seconds": chance.uniform(0, seconds / STEPS)})
    bench.emulator.add_faults({"kind": "clock_skew", "seconds": seconds})
    said = bench.all_bought(prompts=[prompt], terms={**terms, "deadline_seconds": PATIENCE})
    tally.add(bench.emulator, [prompt], said)
    bench.emulator.clear_faults()


@pytest.mark.slow
def test_a_list_that_lags_and_a_job_not_known(bench: Bench) -> None:
    """The short form."""
    tally = Tally("late truths")
    behind_the_list(bench, tally, 60, seed=1)
    not_known(bench, tally, 3600, seed=1)
    tally.hold()
    assert tally.delivered == 2


@pytest.mark.slow
def test_a_list_that_lags_by_up_to_two_minutes(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally("a list that lags")
    for seconds in (1, 5, 20, 60, 120):
        for seed in range(3):
            behind_the_list(bench, tally, seconds, seed)
    tally.tell(capsys)
    tally.hold()
    assert tally.delivered == tally.jobs


@pytest.mark.slow
def test_a_job_not_known_for_up_to_an_hour(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally("a job not known")
    for seconds in (5, 60, 600, 3600):
        for seed in range(3):
            not_known(bench, tally, seconds, seed)
    tally.tell(capsys)
    tally.hold()
    assert tally.delivered == tally.jobs

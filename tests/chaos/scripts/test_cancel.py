"""A burst of jobs is cancelled at seeded moments: what was not sent says so, and asked again each is paid once."""

from __future__ import annotations

import random
import signal
from typing import Any

import pytest

from tests.chaos.bench import Bench, Tally
from tests.chaos.rig import Worker
from tests.chaos.wire import Strike, Wire
from tests.patience import until

MAY_BE_SENT = ("INTENT", "UNKNOWN")


def moments(seed: int, number: int, burst: int) -> list[dict[str, Any]]:
    """How a burst is stopped: by a clock, at a commit of the ledger, or with a submit on the wire."""
    chance = random.Random(f"cancel:{seed}")
    found: list[dict[str, Any]] = []
    for turn in range(number):
        nth = chance.randint(1, burst)
        if turn % 3 == 0:
            commit = [chance.choice(("claim", "INTENT", "SUBMITTED")), nth, chance.choice(("before", "after"))]
            found.append({"sibling": True, "tripwire": commit, "signal": signal.SIGUSR1})
        elif turn % 3 == 1:
            found.append({"sibling": True, "wire": (nth, chance.choice(("request late", "reply lost", "reply whole")))})
        else:
            found.append({"timeout": chance.uniform(0.05, 2.0)})
    return found


def cancelled(bench: Bench, wire: Wire, moment: dict[str, Any], prompts: list[str]) -> list[str]:
    """Stop a burst at this moment; which of its jobs count as perhaps bought, and were never sent."""
    order = dict(moment)
    workers: list[Worker] = []
    wire.reset()
    if at := order.pop("wire", None):
        nth, phase = at
        blow = lambda: until(lambda: workers, "the worker")[0].signal(signal.SIGUSR1)  # noqa: E731 - said once
        wire.reset(Strike("submit imagine", nth, phase, blow, hangs_up=phase != "reply whole"))
    workers.append(bench.worker(prompts=prompts, **order))
    assert workers[0].wait() == 0, workers[0].log.read_text()
    doubtful = [row for row in bench.rows() if row["state"] in MAY_BE_SENT and row["title"] in prompts]
    return [f"{row['title']}: {row['reason']}" for row in doubtful if row["title"] not in wire.submitted]


def cancel_and_ask_again(bench: Bench, number: int, burst: int, seed: int) -> Tally:
    tally = Tally("a burst cancelled")
    with bench.wire() as wire:
        for turn, moment in enumerate(moments(seed, number, burst)):
            # Every other time a submit that has begun is not waited for: it may break off before its first byte.
            waited_for = turn % 2 == 0
            bench.env = {"GENMEDIA_CANCEL_GRACE_SECONDS": "10" if waited_for else "0.001"}
            prompts = [f"burst {turn}, number {each}" for each in range(burst)]
            unsent = cancelled(bench, wire, moment, prompts)
            assert not (waited_for and unsent), (moment, unsent)
            tally.add(bench.emulator, prompts, bench.all_bought(prompts=prompts))
    return tally


def test_three_bursts_of_three(bench: Bench) -> None:
    """The short form."""
    cancel_and_ask_again(bench, 3, 3, seed=1).hold()


@pytest.mark.slow
def test_bursts_of_sixty(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    tally = cancel_and_ask_again(bench, 12, 60, seed=1)
    tally.tell(capsys)
    tally.hold()

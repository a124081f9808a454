"""A script ends by sys.exit, a signal or Ctrl-C, in the middle or after its files came; run again it has the same jobs.

Outside of a flow run an equal request is the same job: nothing is bought again, and nothing is lost.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.chaos.bench import Bench, Tally
from tests.chaos.points import ENDS
from tests.chaos.rig import Worker
from tests.chaos.wire import PHASES, Strike
from tests.patience import until

TERMS = {"request_key": None}
COMMITS = ("claim", "INTENT", "SUBMITTED", "SUCCEEDED", "STORED", "release")
REQUESTS = ("submit imagine", "fetch imagine", "file of imagine")


def moments(seed: int, number: int) -> list[tuple[str, dict[str, Any]]]:
    """How a script is ended, and when: by turns at a commit, with something on the wire, and with its files in hand."""
    chance = random.Random(f"ends:{seed}")
    found: list[tuple[str, dict[str, Any]]] = []
    for turn in range(number):
        harm = list(ENDS)[turn % len(ENDS)]
        commit = [chance.choice(COMMITS), chance.randint(1, 2), chance.choice(("before", "after"))]
        at_commit = {"tripwire": commit, "signal": ENDS[harm], "ends": harm}
        on_wire = {"wire": (chance.choice(REQUESTS), chance.randint(1, 2), chance.choice(PHASES)), "ends": harm}
        in_hand = {"exit_code": 1}
        found.append((harm, (at_commit, on_wire, in_hand)[turn // len(ENDS) % 3]))
    return found


def end_and_run_again(bench: Bench, wanted: list[tuple[str, dict[str, Any]]]) -> Tally:
    tally = Tally("a script ended")
    with bench.wire() as wire:
        for turn, (harm, moment) in enumerate(wanted):
            prompts = [f"script {turn}, picture {each}" for each in range(2)]
            workers: list[Worker] = []
            wire.reset()
            order = dict(moment)
            if at := order.pop("wire", None):

                def blow(workers: list[Worker] = workers, harm: str = harm) -> None:
                    until(lambda: workers, "the worker")[0].end(ENDS[harm])

                wire.reset(Strike(*at, blow))
            workers.append(bench.worker(prompts=prompts, terms=TERMS, **order))
            assert workers[0].wait() != 0, (harm, moment)
            # Whoever asks for it next: what never left us is known by a job that was bought later.
            bench.worker(prompts=prompts, terms=TERMS).wait()
            bench.bought(prompts=[f"bought later {turn}"])
            tally.add(bench.emulator, prompts, bench.all_bought(prompts=prompts, terms=TERMS))
    return tally


@pytest.mark.slow
def test_each_way_to_end_once(bench: Bench) -> None:
    """The short form: by turns at a commit and on the wire, and once with files in hand."""
    some = moments(1, 9)
    end_and_run_again(bench, [some[turn] for turn in (0, 5, 6, 3, 8)]).hold()


@pytest.mark.slow
def test_each_way_to_end_anywhere(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    tally = end_and_run_again(bench, moments(2, 60))
    tally.tell(capsys)
    tally.hold()

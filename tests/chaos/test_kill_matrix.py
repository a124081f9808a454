"""The kill matrix: workers killed with SIGKILL at exact points, flows run again, and the emulator asked what was paid.

make chaos                                  every case; the table goes to build/chaos.md
GENMEDIA_CHAOS_SEED=7 make chaos            another draw of moments, weathers and witnesses
GENMEDIA_CHAOS_ONLY=12,99 make chaos        these cases of a seed, in the words of a failure
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.matrix import open_lanes, play
from tests.chaos.points import LIFE, NONE, PAUSE, WAYS, Case, cases, ends, one_of, pauses, points, short
from tests.chaos.rig import REPOSITORY, Stable, stable_on_prefect
from tests.chaos.verdicts import Verdict, line, table

SEED = int(os.environ.get("GENMEDIA_CHAOS_SEED", "1"))
LANES = int(os.environ.get("GENMEDIA_CHAOS_LANES", os.cpu_count() or 4))
ONLY = os.environ.get("GENMEDIA_CHAOS_ONLY")
RANDOM_POINTS = 30
NOTES = """\
Points: inside, before and after every commit of the ledger; the request or the reply of a submit, a fetch or a
download on its way; random ones among all requests. Killed with SIGKILL, except for `flow.retries`: a dead process
cannot retry, so there the same point raises an exception, or a sibling task fails and cancels the work.
Witnesses: the callback receiver and Midjourney's job list; the list only, so Novita has none; neither.
Reported UNKNOWN although callbacks are received: a submit that never reached Novita, which no callback can tell.
"""


def asked_for(found: list[Case]) -> list[Case]:
    return [case for case in found if not ONLY or str(case.number) in ONLY.split(",")]


def tell(capsys: pytest.CaptureFixture[str], name: str, said: str) -> None:
    with capsys.disabled():
        print(f"\n{said}")
    if not ONLY:
        (REPOSITORY / "build").mkdir(exist_ok=True)
        (REPOSITORY / "build" / f"{name}.md").write_text(said)


def hold(verdicts: list[Verdict]) -> None:
    """The promise: nothing paid twice, nothing lost, nothing sent again in silence, every point really struck."""
    wrong = [str(verdict) for verdict in verdicts if verdict.wrong]
    assert not wrong, f"{len(wrong)} of {len(verdicts)} cases of seed {SEED}:\n" + "\n".join(wrong)
    assert all(verdict.delivered != verdict.unknown for verdict in verdicts)


@pytest.mark.slow
async def test_the_points_cover_every_transaction_of_a_calm_life(stable: Stable, tmp_path: Path) -> None:
    """A new kind of commit in the core needs a place in points.LIFE."""
    with open_lanes([stable], tmp_path, 1) as (lane,):
        commits = Counter(lane.undisturbed(tmp_path))
    assert commits.keys() | {"setup"} == LIFE.keys()
    # Progress is written as often as the provider is looked at.
    assert {name: commits[name] for name in commits if name != "progress"} == {
        name: times for name, times in LIFE.items() if name not in ("progress", "setup")
    }


async def test_killed_near_the_money_and_run_again_in_every_way(stable: Stable, tmp_path: Path) -> None:
    """The short form: one case for each way to run again."""
    verdicts = play(short(SEED), [stable], tmp_path, LANES)
    hold(verdicts)
    assert len(verdicts) == len(WAYS)


@pytest.mark.slow
async def test_paused_or_ended_near_the_money_and_run_again(stable: Stable, tmp_path: Path) -> None:
    """The short form: a worker that stands still and wakes up, and the end that Prefect has a hand in."""
    wanted = [one_of(pauses(SEED), PAUSE, SEED), one_of(ends(SEED), "SIGTERM, handled", SEED)]
    hold(play(wanted, [stable], tmp_path, LANES))


@pytest.mark.slow
@pytest.mark.parametrize("wanted", [pauses, ends])
async def test_paused_or_ended_anywhere(
    stable: Stable, tmp_path: Path, capsys: pytest.CaptureFixture[str], wanted: Callable[[int], list[Case]]
) -> None:
    found = asked_for(wanted(SEED))
    with stable_on_prefect(tmp_path / "second") as (_, second):
        verdicts = play(found, [stable, second], tmp_path, LANES)
    harms = dict.fromkeys(each.case.harm for each in verdicts)
    lines = [line(harm, [each for each in verdicts if each.case.harm == harm]) for harm in harms]
    tell(capsys, f"chaos-{wanted.__name__}", "\n".join(lines) + "\n")
    hold(verdicts)


@pytest.mark.slow
async def test_the_kill_matrix(stable: Stable, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = asked_for(cases(SEED, RANDOM_POINTS))
    started = time.monotonic()
    # One Prefect server, a single process, would be what everything waits for.
    with stable_on_prefect(tmp_path / "second") as (_, second):
        verdicts = play(wanted, [stable, second], tmp_path, LANES)
    minutes = (time.monotonic() - started) / 60
    paid_unknown = sum(each.unknown and any(each.paid.get(name) for name in each.unsettled) for each in verdicts)
    said = (
        f"`GENMEDIA_CHAOS_SEED={SEED} make chaos`: {len(verdicts)} kills at {len(points(SEED, RANDOM_POINTS))} points, "
        f"{minutes:.1f} minutes. Two jobs in each run; the counts are the emulator's.\n\n{table(verdicts)}\n\n"
        f"{NOTES}Of the jobs reported UNKNOWN, {paid_unknown} were paid, none of these had a witness.\n"
    )
    tell(capsys, "chaos", said)
    assert ONLY or len(verdicts) >= 200
    hold(verdicts)
    # Without a witness nobody can tell: such kills are there, and each of them is reported.
    assert ONLY or any(verdict.unknown and verdict.case.witness == NONE for verdict in verdicts)

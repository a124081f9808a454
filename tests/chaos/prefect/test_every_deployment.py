"""Every shipped deployment once, by a real worker: started as the command does it, and by an event."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from prefect_genmedia.emulator import Emulator
from tests import PHOTOS
from tests.chaos.prefect.test_prefect_worker import process_worker, surroundings
from tests.chaos.rig import DEPLOYMENTS, PrefectServer, stable_on_prefect
from tests.patience import until

COFFEE = str(PHOTOS / "coffee.png")
LARGER = {"renditions": [{"name": "square", "width": 512, "height": 512}]}
SQUARE = {"renditions": [{"name": "square", "width": 64, "height": 64}]}
SMALL = {"refinement": {"longest_side": 128}, **SQUARE}
T, N = {"ttapi_credentials": "worker"}, {"novita_credentials": "worker"}
TN: dict[str, Any] = {**T, **N}
STYLE = {"longest_side": 128}
# What each is asked for, beside what prefect.yaml has; review suspends, and its deadline is asked for by it alone.
ASKED: dict[str, dict[str, Any]] = {
    "illustrate/nightly": {"prompts": ["a tram"], "collection": "trams", **SMALL, "advanced": TN},
    "content_calendar/calendar": {
        "source": None,
        "rows": [{"prompt": "a kite"}],
        "calendar": "kites",
        **SMALL,
        "advanced": TN,
    },
    "restyle/restyle": {"folder": None, "photographs": [COFFEE], "style": STYLE, **SQUARE, "advanced": N},
    "clip/clip": {"still": COFFEE, "prompt": "steam rises", "advanced": N},
    "character_sheet/character-sheet": {
        "poses": ["front view"],
        "drawing": {"width": 128, "height": 192},
        "advanced": T,
    },
    "release_track/release-track": {"advanced": {"refinement": STYLE, "teaser": None, "lufs": None, **TN}},
    "variants/variants": {"renditions": SQUARE["renditions"], "advanced": TN},
    "adopt_orphans/adopt-orphans": {},
    "spend_report/spend-report": {},
    "localise/localise": {"master": COFFEE, "wordings": [{"language": "de", "text": "Kaffee"}], **LARGER},
}
LATER = {"resume_job/resume": {}, "review/review": {"folder": "published/trams"}}
NOT_BY_HAND = ("review_deadline/review-deadline",)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[PrefectServer, Emulator, Path]]:
    """All of prefect.yaml deployed, its events listened to, and a worker."""
    if not (shutil.which("ffmpeg") and shutil.which("ffprobe")):
        pytest.skip("needs ffmpeg and ffprobe on the PATH")
    with (
        stable_on_prefect(tmp_path) as (server, stable),
        Emulator(job_seconds=0.1, queue_seconds=0.02) as emulator,
    ):
        env = surroundings(tmp_path, server, stable, emulator)
        said = yaml.safe_load(DEPLOYMENTS.read_text())
        for each in said["deployments"]:
            each.pop("schedules", None)
            for trigger in each.get("triggers", ()):
                trigger["enabled"] = True
            if each["name"] == "restyle":
                each["parameters"] |= {"style": STYLE, **SQUARE, "advanced": N}
        (tmp_path / "prefect.yaml").write_text(yaml.safe_dump(said))
        server.prefect(tmp_path, "deploy", "--prefect-file", str(tmp_path / "prefect.yaml"), "--all")
        with process_worker(env, tmp_path / "worker.log"):
            yield server, emulator, tmp_path


def runs(server: PrefectServer, deployment: str) -> list[dict[str, Any]]:
    found = server.api("GET", f"/deployments/name/{deployment}")["id"]
    return list(server.api("POST", "/flow_runs/filter", {"deployments": {"id": {"any_": [found]}}}))


def ended(server: PrefectServer, deployment: str, count: int = 1) -> bool:
    """Have so many runs of it ended well? One that has not is said at once."""
    states = [run["state"] for run in runs(server, deployment)]
    bad = [state for state in states if state["type"] in ("FAILED", "CRASHED", "CANCELLED")]
    assert not bad, (deployment, bad)
    return [state["type"] for state in states].count("COMPLETED") == count


@pytest.mark.slow
def test_each_runs_by_the_command_and_by_its_event(place: tuple[PrefectServer, Emulator, Path]) -> None:
    server, emulator, folder = place

    def start(deployment: str, parameters: dict[str, Any]) -> None:
        server.prefect(folder, "deployment", "run", deployment, "--params", json.dumps(parameters))

    shipped = yaml.safe_load(DEPLOYMENTS.read_text())["deployments"]
    names = {f"{each['entrypoint'].rpartition('.')[2]}/{each['name']}" for each in shipped}
    assert names == {*ASKED, *LATER, *NOT_BY_HAND}
    for deployment, parameters in ASKED.items():
        start(deployment, parameters)
    for deployment in ASKED:
        until(lambda deployment=deployment: ended(server, deployment), f"the end of {deployment}", every=1)
    bought = emulator.billed()
    assert bought == emulator.submits()

    start("review/review", LATER["review/review"])
    paused = lambda: [run for run in runs(server, "review/review") if run["state"]["type"] == "PAUSED"]  # noqa: E731
    until(paused, "the review", every=1)

    # By events: photographs that have arrived, and a job that a callback says is done.
    inbox = folder / "inbox"
    inbox.mkdir()
    shutil.copy(PHOTOS / "chelsea.png", inbox)
    payload = json.dumps({"folder": str(inbox)})
    emit = ("events", "emit", "genmedia.photographs.arrived", "--resource-id", "uploads", "--payload")
    server.prefect(folder, *emit, payload)
    until(lambda: ended(server, "restyle/restyle", 2), "the run that the photographs started", every=1)
    assert emulator.billed() == bought + 1
    job = emulator.jobs()["jobs"][0]["id"]
    emit = ("events", "emit", "genmedia.job.succeeded", "--resource-id", f"genmedia.job.{job}", "--payload")
    server.prefect(folder, *emit, json.dumps({"job": job}))
    until(lambda: ended(server, "resume_job/resume"), "the run that the callback's event started", every=1)
    assert emulator.billed() == bought + 1

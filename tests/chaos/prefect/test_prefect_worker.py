"""A real process worker: its flow process is killed twice at the worst moments, and the worker runs the run again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.jobs.history.telling import sentences
from prefect_genmedia.ledger import open_ledger
from tests.chaos.rig import DEPLOYMENTS, PrefectServer, Stable, stable_on_prefect
from tests.patience import PATIENCE, until


def descendants(pid: int) -> list[int]:
    """All processes below this one."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    below = [child for child, parent in parents.items() if parent == pid]
    return below + [deeper for child in below for deeper in descendants(child)]


@contextmanager
def process_worker(env: dict[str, str], log_file: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "genmedia", "--install-policy", "never"]
    with log_file.open("wb") as log:
        worker = subprocess.Popen(command, cwd=log_file.parent, env=env, stdout=log, stderr=log)
    try:
        yield worker
    finally:
        for pid in [worker.pid, *descendants(worker.pid)]:
            os.kill(pid, signal.SIGKILL)
        worker.wait(PATIENCE)


@pytest.mark.slow
def test_a_workers_flow_process_is_killed_twice_and_prefect_runs_it_again(tmp_path: Path) -> None:
    with (
        stable_on_prefect(tmp_path) as (server, stable),
        Emulator(job_seconds=0.1, queue_seconds=0.02) as emulator,
    ):
        _kill_twice(tmp_path, server, stable, emulator)
        assert emulator.jobs()["counts"] == {"midjourney.imagine": 1, "novita.img2img": 1}
        assert emulator.requests()["requests"]["POST /midjourney/v1/imagine"] == 1


def _kill_twice(folder: Path, server: PrefectServer, stable: Stable, emulator: Emulator) -> None:
    saved = stable.start("save_blocks", {}, blocks={"worker": emulator.url})
    env = {
        **os.environ,
        **server.env,
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "GENMEDIA_LEDGER_URL": f"sqlite:///{folder / 'ledger.db'}",
        "GENMEDIA_MEDIA_STORE": str(folder / "media"),
    }
    server.make_pool()
    server.prefect(folder, "deploy", "--prefect-file", str(DEPLOYMENTS), "--name", "nightly")
    assert saved.wait() == 0, saved.log.read_text()
    deployment = server.api("GET", "/deployments/name/illustrate/nightly")["id"]
    parameters = {
        "prompts": ["a tram in the rain"],
        "refinement": {"longest_side": 128},
        "renditions": [{"name": "square", "width": 64, "height": 64}],
        "collection": "worker",
        "advanced": {"ttapi_credentials": "worker", "novita_credentials": "worker"},
    }
    emulator.add_faults(
        {"kind": "submit_slow_reply", "operation": "midjourney.imagine", "seconds": 2 * PATIENCE, "times": 1}
    )
    run = server.api("POST", f"/deployments/{deployment}/create_flow_run", {"parameters": parameters})["id"]

    def state() -> str:
        return str(server.api("GET", f"/flow_runs/{run}")["state"]["type"])

    log = folder / "worker.log"
    with process_worker(env, log) as worker:

        def kill_and_run_again(times: int) -> None:
            for pid in descendants(worker.pid):
                os.kill(pid, signal.SIGKILL)
            # The worker says it twice, some seconds apart; its second word would reach into the next try.
            said = "prefect.flow_runs.worker - Check whether"
            until(lambda: log.read_text().count(said) == times, "the worker's last word on its process")
            assert state() == "CRASHED"
            again = {"state": {"type": "SCHEDULED", "name": "AwaitingRetry"}, "force": True}
            server.api("POST", f"/flow_runs/{run}/set_state", again)

        until(emulator.billed, "the first purchase")
        emulator.configure(hold=True)  # the second job will run until it is released
        kill_and_run_again(1)
        until(lambda: _fetches(emulator) > 1, "the second purchase being waited for")
        emulator.configure(hold=False)
        kill_and_run_again(2)
        emulator.release()
        until(lambda: state() in ("COMPLETED", "FAILED", "CRASHED"), "the end of the run")
    assert state() == "COMPLETED", log.read_text()[-3000:]
    assert len(list((folder / "media" / "published" / "worker").glob("*.jpg"))) == 1


def _fetches(emulator: Emulator) -> int:
    return sum(job["fetches"] for job in emulator.jobs()["jobs"] if job["operation"] == "novita.img2img")


@pytest.mark.slow
def test_a_worker_suspends_a_review_and_another_process_ends_it(tmp_path: Path) -> None:
    with (
        stable_on_prefect(tmp_path) as (server, stable),
        Emulator(job_seconds=0.1, queue_seconds=0.02) as emulator,
    ):
        env = surroundings(tmp_path, server, stable, emulator)
        for name in ("nightly", "review", "review-deadline"):
            server.prefect(tmp_path, "deploy", "--prefect-file", str(DEPLOYMENTS), "--name", name)
        with process_worker(env, tmp_path / "worker.log") as worker:
            size = {"name": "square", "width": 64, "height": 64}
            made = {
                "prompts": ["a tram"],
                "refinement": None,
                "renditions": [size],
                "advanced": {"ttapi_credentials": "worker"},
            }
            _ended(server, "illustrate/nightly", {**made, "collection": "trams"}, "COMPLETED")
            run = _ended(server, "review/review", {"folder": "published/trams"}, "PAUSED")
            until(lambda: not descendants(worker.pid), "the end of the process that asked")
            server.api("POST", f"/flow_runs/{run}/resume", {"run_input": {"by": "Ana"}})
            until(lambda: _state(server, run) == "COMPLETED", "the end of the review", every=0.5)
            late = {"folder": "published/trams", "deadline_seconds": 1, "on_deadline": "reject"}
            run = _ended(server, "review/review", late, "COMPLETED")
        assert emulator.jobs()["counts"] == {"midjourney.imagine": 1}
        (copy,) = (tmp_path / "media" / "approved" / "trams").glob("*.jpg")
        assert copy.with_name(f"{copy.name}.json").read_text().count('"by": "Ana"') == 1
        (shown,) = (tmp_path / "media" / "published" / "trams").glob("*.jpg.json")
        assert '"by": "nobody, by the deadline"' in shown.read_text() and run in shown.read_text()


@pytest.mark.slow
def test_a_run_is_cancelled_from_the_ui_and_adoption_brings_what_it_bought(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its job runs as long as the test wants: only a run that stops by itself is ever cancelled."""
    with (
        stable_on_prefect(tmp_path) as (server, stable),
        Emulator(job_seconds=0.1, queue_seconds=0.02, hold=True) as emulator,
    ):
        env = surroundings(tmp_path, server, stable, emulator)
        for name in ("nightly", "adopt-orphans"):
            server.prefect(tmp_path, "deploy", "--prefect-file", str(DEPLOYMENTS), "--name", name)
        ledger = open_ledger(env["GENMEDIA_LEDGER_URL"], 60)
        with process_worker(env, tmp_path / "worker.log") as worker:
            parameters = {"prompts": ["a tram"], "refinement": None, "advanced": {"ttapi_credentials": "worker"}}
            found = server.api("GET", "/deployments/name/illustrate/nightly")["id"]
            run = server.api("POST", f"/deployments/{found}/create_flow_run", {"parameters": parameters})["id"]
            until(lambda: ledger.rows(["SUBMITTED"]), "a job that is bought and runs", every=0.2)
            asked = time.monotonic()
            cancelling = {"state": {"type": "CANCELLING", "name": "Cancelling"}}  # what the UI's button sends
            server.api("POST", f"/flow_runs/{run}/set_state", cancelling)
            until(lambda: _state(server, run) == "CANCELLED" and not descendants(worker.pid), "its end", every=0.2)
            with capsys.disabled():
                print(f"\nCancelled and gone {time.monotonic() - asked:.1f} s after the click")
            (row,) = ledger.rows()
            assert (row.state, row.job_id) == ("SUBMITTED", emulator.jobs()["jobs"][0]["id"])
            assert sentences(row)[1] == "It was bought once and is safe."
            emulator.release()
            _ended(server, "adopt_orphans/adopt-orphans", {"quiet_seconds": 0}, "COMPLETED")
        (row,) = ledger.rows()
        assert row.state == "STORED" and len(ledger.media(row.id)) == 5
        assert emulator.jobs()["counts"] == {"midjourney.imagine": 1} == {"midjourney.imagine": emulator.submits()}


def surroundings(folder: Path, server: PrefectServer, stable: Stable, emulator: Emulator) -> dict[str, str]:
    """Blocks called worker, the work pool, and the environment of a worker with a ledger of its own."""
    assert stable.start("save_blocks", {}, blocks={"worker": emulator.url}).wait() == 0
    server.make_pool()
    return {
        **os.environ,
        **server.env,
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "TMPDIR": str(folder),  # Prefect's worker keeps a folder there that belongs to whoever came first
        "GENMEDIA_LEDGER_URL": f"sqlite:///{folder / 'ledger.db'}",
        "GENMEDIA_MEDIA_STORE": str(folder / "media"),
    }


def _ended(server: PrefectServer, deployment: str, parameters: dict[str, object], state: str) -> str:
    found = server.api("GET", f"/deployments/name/{deployment}")["id"]
    run = server.api("POST", f"/deployments/{found}/create_flow_run", {"parameters": parameters})["id"]
    until(lambda: _state(server, run) in (state, "FAILED", "CRASHED"), f"the end of {deployment}", every=0.5)
    assert _state(server, run) == state, server.api("GET", f"/flow_runs/{run}")["state"]
    return str(run)


def _state(server: PrefectServer, run: str) -> str:
    return str(server.api("GET", f"/flow_runs/{run}")["state"]["type"])

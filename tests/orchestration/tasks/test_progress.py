"""Watching never touches the work: the API may be slow, away or lose an answer, and an artifact's last word is true."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import prefect.runtime.task_run
import pytest
from prefect import flow, get_run_logger, task
from prefect.settings import PREFECT_API_URL

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import GenMediaError, JobExpiredError, JobFailedError, JobTimeoutError, TransportError
from prefect_genmedia.jobs import JobRef, Progress
from prefect_genmedia.tasks import midjourney
from prefect_genmedia.tasks.paying.progress import watched
from tests.patience import PATIENCE, a_until, until
from tests.shop import DOOMED
from tests.slow_api import SlowApi

SCRIPT = Path(__file__).parents[2] / "scripts" / "many_tasks.py"
KITES = [f"a kite, number {number}" for number in range(40)]


def said(api: str, **of: str) -> list[str]:
    """What the progress artifacts say: all, or those of one run."""
    return [artifact["description"].partition(": ")[2].partition(". Job")[0] for artifact in artifacts(api, **of)]


def artifacts(api: str, **of: str) -> list[dict[str, Any]]:
    wanted: dict[str, Any] = {"type": {"any_": ["progress"]}, **{name: {"any_": [run]} for name, run in of.items()}}
    answer = httpx.post(f"{api}/artifacts/filter", json={"artifacts": wanted}, timeout=PATIENCE, verify=False)
    found: list[dict[str, Any]] = answer.json()
    return found


# -- the last word ----------------------------------------------------------------------------------

JOB = JobRef(id="1" * 32, operation="an.operation", job_id="j", base_url="http://provider", account="a")
ENDS: dict[str, BaseException | None] = {
    "failed": JobFailedError.of(JOB, "ttapi", "moderated", True, 1),
    "forgotten by the provider": JobExpiredError.of(JOB, "ttapi", "gone"),
    "not done before our deadline; it may still finish": JobTimeoutError.of(JOB, "ttapi"),
    "stopped by a TransportError": TransportError("broken", job=JOB),
    "stopped by an error": RuntimeError("a mistake"),
    "interrupted": asyncio.CancelledError(),
    "done": None,
}


@pytest.mark.slow
async def test_an_artifact_ends_with_how_the_call_ended() -> None:
    runs: dict[str, str] = {}
    api = PREFECT_API_URL.value()

    @task
    async def one(word: str) -> None:
        runs[word] = run = prefect.runtime.task_run.id
        with watched("an.operation", get_run_logger()) as show:
            show(Progress(JOB, "running", 4.0))
            await a_until(lambda: said(api, task_run_id=run) == ["running 4 %"], "the artifact", every=0.3)
            if (end := ENDS[word]) is not None:
                raise end

    @flow
    async def all_of_them() -> None:
        await asyncio.gather(*map(one, ENDS), return_exceptions=True)

    await all_of_them(return_state=True)
    for word, run in runs.items():
        await a_until(lambda word=word, run=run: said(api, task_run_id=run) == [word], word, every=0.3)


async def test_what_is_soon_over_is_not_shown() -> None:
    api = PREFECT_API_URL.value()

    @task
    async def two() -> tuple[str, list[str]]:
        run = prefect.runtime.task_run.id
        with watched("short", get_run_logger()) as show:
            show(Progress(JOB, "running", 4.0))
        with watched("long", get_run_logger()) as show:
            show(Progress(JOB, "running", 5.0))
            await a_until(lambda: said(api, task_run_id=run), "the artifact", every=0.3)
        return run

    @flow
    async def one() -> str:
        return await two()

    assert len(said(api, task_run_id=await one())) == 1


async def test_jobs_that_fail_are_cancelled_or_end_well_tell_so(emulator: Emulator, ttapi: Any) -> None:
    emulator.configure(hold=True)
    api, runs = PREFECT_API_URL.value(), []

    @flow
    async def three() -> None:
        runs.append(prefect.runtime.flow_run.id)
        prompts = DOOMED, "a hoopoe", "a badger"
        jobs = [midjourney.imagine(midjourney.ImagineRequest(prompt=each), ttapi) for each in prompts]
        fails, cancelled, succeeds = map(asyncio.ensure_future, jobs)
        await a_until(lambda: len(said(api, flow_run_id=runs[0])) == 3, "their artifacts", every=0.3)
        cancelled.cancel()
        await asyncio.wait([cancelled])
        emulator.release()
        with pytest.raises(GenMediaError):
            await fails
        await succeeds

    await three()
    ends = ["done", "failed", "interrupted"]
    await a_until(lambda: sorted(said(api, flow_run_id=runs[0])) == ends, "the ends", every=0.3)
    (done,) = (each for each in artifacts(api, flow_run_id=runs[0]) if each["data"] == 100.0)
    assert done["description"].startswith("midjourney.imagine: done. Job ") and done["task_run_id"]


# -- a slow, an absent and a forgetful API, and a process that ends ----------------------------------


class Child:
    """A flow of jobs that the provider holds, in a process of its own that reaches Prefect through the proxy."""

    def __init__(self, api: SlowApi, env: dict[str, str], emulator: Emulator, prompts: list[str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT)],
            env={**env, "PREFECT_API_URL": api.url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"url": emulator.url, "prompts": prompts}))
        self.process.stdin.close()

    def flow_ended(self) -> str:
        """Its flow has ended and given all files, whatever the process has still to say; the flow run."""
        assert self.process.stdout is not None
        answer = json.loads(self.process.stdout.readline())
        assert (answer["state"], answer["errors"]) == ("Completed", [])
        return str(answer["flow_run"])

    def ended(self) -> int:
        return self.process.wait(PATIENCE)


@pytest.fixture
def api() -> SlowApi:
    return SlowApi(PREFECT_API_URL.value())


@pytest.fixture
def start(api: SlowApi, child_env: dict[str, str], emulator: Emulator) -> Iterator[Callable[[list[str]], Child]]:
    children: list[Child] = []

    def start(prompts: list[str]) -> Child:
        children.append(Child(api, child_env, emulator, prompts))
        return children[-1]

    emulator.configure(hold=True)
    yield start
    for child in children:
        child.process.kill()
        child.process.wait()


@pytest.mark.slow
def test_a_flow_ends_though_the_api_does_not_answer(emulator: Emulator, api: SlowApi, start: Any) -> None:
    api.hold()
    child = start(KITES)
    until(lambda: api.waiting, "the first artifact")
    emulator.configure(hold=False)
    emulator.release()
    run = child.flow_ended()
    assert api.waiting == api.asked.total() == 1
    api.let_go()
    assert child.ended() == 0
    assert said(PREFECT_API_URL.value(), flow_run_id=run) == ["done"]
    assert not api.given_up and emulator.billed() == len(KITES)


@pytest.mark.slow
def test_what_is_said_through_a_slow_api_ends_well(emulator: Emulator, api: SlowApi, start: Any) -> None:
    api.seconds = 2.0
    child = start(KITES)
    until(lambda: api.asked.total() == 2, "the second write")
    emulator.configure(hold=False)
    emulator.release()
    run = child.flow_ended()
    assert child.ended() == 0
    assert set(said(PREFECT_API_URL.value(), flow_run_id=run)) == {"done"}
    assert not api.given_up and emulator.billed() == len(KITES)


@pytest.mark.slow
def test_paid_work_goes_on_without_an_api_for_progress(emulator: Emulator, api: SlowApi, start: Any) -> None:
    api.is_away = True
    child = start(KITES[:5])
    until(api.asked.total, "the first try")
    emulator.configure(hold=False)
    emulator.release()
    run = child.flow_ended()
    assert child.ended() == 0
    assert api.asked.total() == 1  # not asked again and again
    assert said(PREFECT_API_URL.value(), flow_run_id=run) == [] and emulator.billed() == 5


@pytest.mark.slow
def test_an_artifact_whose_making_was_not_confirmed_has_a_last_word(
    emulator: Emulator, api: SlowApi, start: Any
) -> None:
    api.loses_next_answer = True
    child = start([KITES[0]])
    until(lambda: not api.loses_next_answer, "the lost answer")
    emulator.configure(hold=False)
    emulator.release()
    run = child.flow_ended()
    assert child.ended() == 0
    assert said(PREFECT_API_URL.value(), flow_run_id=run) == ["done"] and api.asked == {"POST": 1, "PATCH": 1}


@pytest.mark.slow
def test_a_run_that_is_told_to_stop_does_not_stand_at_running(api: SlowApi, start: Any) -> None:
    before = said(PREFECT_API_URL.value()).count("interrupted")
    child = start([KITES[0]])
    until(lambda: api.asked["POST"] and not api.waiting, "the artifact")
    child.process.send_signal(signal.SIGTERM)
    assert child.ended() != 0
    assert said(PREFECT_API_URL.value()).count("interrupted") == before + 1

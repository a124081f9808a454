"""The keywords of a paid task, in every way a task is called: they reach the core, the run's name and its page."""

from __future__ import annotations

import asyncio

import pytest
from prefect import flow, unmapped
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, LogFilter, LogFilterTaskRunId

from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.jobs import Terms
from prefect_genmedia.tasks import midjourney
from prefect_genmedia.tasks import novita as novita_tasks
from prefect_genmedia.tasks.paying.terms import TaskTerms, terms_of

KITE = midjourney.ImagineRequest(prompt="a red kite")


async def task_runs(state, wanted: int) -> list:
    """The flow run's task runs, by name. The server records them a moment after they end."""
    async with get_client() as client:
        of_run = FlowRunFilter(id=FlowRunFilterId(any_=[state.state_details.flow_run_id]))
        for _ in range(600):
            runs = await client.read_task_runs(flow_run_filter=of_run)
            if len(runs) == wanted and all(run.state and run.state.is_final() for run in runs):
                return sorted(runs, key=lambda run: run.name)
            await asyncio.sleep(0.1)
    raise AssertionError(f"{wanted} task runs did not come")


def test_without_any_the_terms_are_the_cores_own():
    assert terms_of({}) == Terms()


def test_each_word_is_one_of_the_cores():
    assert TaskTerms.__optional_keys__ == set(Terms.__dataclass_fields__) - {"budget", "prices"}


async def test_they_are_taken_by_call_submit_map_and_with_options(emulator, ttapi):
    @flow
    async def copies():
        await midjourney.imagine(KITE, ttapi)
        await midjourney.imagine(KITE, ttapi, copy=1, on_unknown="wait", attempts=2, deadline_seconds=60)
        midjourney.imagine.submit(KITE, ttapi, copy=2).result()
        midjourney.imagine.map(unmapped(KITE), unmapped(ttapi), copy=[3, 4]).result()
        midjourney.imagine.map([KITE], unmapped(ttapi)).result()  # the first one again
        await midjourney.imagine.with_options(retries=0)(KITE, ttapi, copy=5)

    state = await copies(return_state=True)
    assert state.is_completed() and emulator.billed() == 6
    runs = await task_runs(state, 7)
    name = "imagine: a red kite"
    assert [run.name for run in runs] == [name, name, *(f"{name} (copy {copy})" for copy in range(1, 6))]
    assert [run.state_name for run in runs].count("Cached") == 1
    assert all("terms" in run.task_inputs for run in runs[2:])


async def test_the_task_runs_page_shows_them(emulator, ttapi):
    @flow
    async def one():
        await midjourney.imagine(KITE, ttapi, request_key="sku-7", attempts=2)

    (run,) = await task_runs(await one(return_state=True), 1)
    said: list[str] = []
    async with get_client() as client:
        of_run = LogFilter(task_run_id=LogFilterTaskRunId(any_=[run.id]))
        for _ in range(600):
            said = [log.message for log in await client.read_logs(of_run)]
            if "midjourney.imagine: request_key='sku-7', attempts=2" in said:
                return
            await asyncio.sleep(0.1)
    raise AssertionError(said)


async def test_a_retried_flow_finds_the_copy_again(emulator, ttapi):
    tries = []

    @flow(retries=1)
    async def stumbles():
        tries.append(await midjourney.imagine(KITE, ttapi, copy=1))
        if len(tries) == 1:
            raise RuntimeError("after the purchase")

    state = await stumbles(return_state=True)
    assert tries[0] == tries[1] and emulator.billed() == 1
    assert {run.state_name for run in await task_runs(state, 2)} == {"Cached", "Completed"}


async def test_the_policy_for_an_unknown_outcome_is_heard(emulator, novita):
    emulator.add_faults({"kind": "submit_lose_reply", "times": 1})
    request = novita_tasks.Txt2ImgRequest(model_name="m.safetensors", prompt="a kite", width=256, height=256)

    @flow
    async def one():
        return await novita_tasks.txt2img(request, novita, on_unknown="resubmit")

    assert (await one()).media and emulator.billed() == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"coppy": 2}, "there is no keyword 'coppy' for a paid task; did you mean 'copy'?"),
        ({"on_unkown": "wait"}, "did you mean 'on_unknown'?"),
        (
            {"budget": None},
            "the keywords are attempts, copy, deadline_seconds, on_expired, on_unknown, priority, "
            "queue_deadline_seconds, request_key, strict",
        ),
    ],
)
async def test_a_misspelt_one_is_named_and_costs_nothing(emulator, ttapi, words, said):
    @flow
    async def one():
        return await midjourney.imagine(KITE, ttapi, **words)

    error = await (await one(return_state=True)).aresult(raise_on_failure=False)
    assert isinstance(error, ConfigurationError) and said in str(error)
    assert emulator.billed() == 0


async def test_a_misspelt_one_is_named_even_where_the_job_without_it_is_done(emulator, ttapi):
    """Prefect's cache would answer with the first copy."""

    @flow
    async def two():
        await midjourney.imagine(KITE, ttapi)
        return await midjourney.imagine(KITE, ttapi, coppy=2)

    error = await (await two(return_state=True)).aresult(raise_on_failure=False)
    assert isinstance(error, ConfigurationError) and emulator.billed() == 1

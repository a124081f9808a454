"""The paid tasks as users call them: awaited, gathered, submitted, mapped, retried. The emulator keeps the bill."""

from __future__ import annotations

import asyncio
import json

import pytest
from prefect import flow, unmapped
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.states import State

from prefect_genmedia.errors import InvalidRequestError, JobFailedError, MediaInvalidError, SubmitOutcomeUnknown
from prefect_genmedia.tasks import imaging, midjourney
from prefect_genmedia.tasks import novita as novita_tasks
from tests.patience import PATIENCE

SMALL = {"model_name": "sd_xl_base_1.0.safetensors", "width": 256, "height": 256}


def imagine(prompt: str) -> midjourney.ImagineRequest:
    return midjourney.ImagineRequest(prompt=prompt)


async def task_runs(state: State) -> list:
    async with get_client() as client:
        wanted = FlowRunFilter(id=FlowRunFilterId(any_=[state.state_details.flow_run_id]))
        async with asyncio.timeout(PATIENCE):
            while True:  # the server records task runs a moment after they end
                runs = await client.read_task_runs(flow_run_filter=wanted)
                if runs and all(run.state and run.state.is_final() for run in runs):
                    return runs
                await asyncio.sleep(0.1)


async def test_awaited_in_an_async_flow(emulator, ttapi, novita, photos):
    @flow
    async def one_of_each():
        grid = await midjourney.imagine(imagine("a red kite"), ttapi)
        request = midjourney.ActionRequest(job_id=grid.job.job_id, action="upsample3")
        large = await midjourney.action(request, ttapi)
        redrawn = await novita_task(grid.media[1])
        return grid, large, redrawn

    async def novita_task(picture):
        request = novita_tasks.Img2ImgRequest(prompt="in oil", image=picture, strength=0.4, **SMALL)
        return await novita_tasks.img2img(request, novita)

    grid, large, redrawn = await one_of_each()
    assert [file.role for file in grid.media] == ["grid", "top left", "top right", "bottom left", "bottom right"]
    assert all(file.path.is_file() for result in (grid, large, redrawn) for file in result.media)
    assert grid.result.components[0] == "upsample1" and grid.quota == 2
    assert (redrawn.media[0].width, redrawn.media[0].height) == (256, 256)
    assert emulator.billed() == 3


async def test_gathered_tasks_run_side_by_side_and_equal_requests_are_one_job(emulator, ttapi):
    @flow
    async def four():
        wanted = [imagine("a heron"), imagine("an owl"), imagine("a heron")]
        return await asyncio.gather(*(midjourney.imagine(request, ttapi) for request in wanted))

    heron, owl, again = await four()
    assert heron.job == again.job != owl.job
    assert emulator.billed() == 2


def test_submitted_and_mapped_from_a_sync_flow(emulator, ttapi):
    @flow
    def album():
        first = midjourney.imagine.submit(imagine("a wren"), ttapi)
        more = midjourney.imagine.map([imagine("a robin"), imagine("a finch")], unmapped(ttapi))
        return [first.result(), *more.result()]

    results = album()
    assert len({result.job.id for result in results}) == 3 == emulator.billed()


async def test_a_retried_flow_shows_the_finished_task_as_cached_and_pays_nothing(emulator, ttapi):
    tries = []

    @flow(retries=1)
    async def stumbles():
        grid = await midjourney.imagine(imagine("a lynx"), ttapi)
        tries.append(grid)
        if len(tries) == 1:
            raise RuntimeError("after the purchase")
        return grid

    state = await stumbles(return_state=True)
    assert (await state.aresult()).job == tries[0].job
    assert (await state.aresult()) == tries[0]
    assert {run.state_name for run in await task_runs(state)} == {"Completed", "Cached"}
    assert emulator.billed() == 1


async def test_a_second_flow_run_buys_its_own_picture_and_a_request_key_shares_one(emulator, ttapi):
    @flow
    async def once(key=None):
        return await midjourney.imagine(imagine("a hare"), ttapi, request_key=key)

    first, second = await once(), await once()
    assert first.job != second.job and emulator.billed() == 2
    third, fourth = await once("campaign-7"), await once("campaign-7")
    assert third.job == fourth.job and emulator.billed() == 3


async def test_runs_that_share_a_request_key_share_the_job_and_no_result_file_of_prefects(emulator, ttapi):
    """Prefect does not write those whole: one run would read what another is just writing."""

    @flow
    async def once():
        state = await midjourney.imagine(imagine("a marten"), ttapi, request_key="campaign-8", return_state=True)
        return state.name, state.data.metadata.storage_key

    (first, its_file), (second, another) = await once(), await once()
    assert first == second == "Completed" and its_file != another
    assert emulator.billed() == 1


async def test_a_failed_runs_picture_is_adopted_by_a_fresh_run_without_a_key(emulator, ttapi):
    @flow
    async def breaks():
        await midjourney.imagine(imagine("a stoat"), ttapi)
        raise RuntimeError("the flow never used it")

    @flow
    async def fresh():
        return await midjourney.imagine(imagine("a stoat"), ttapi)

    await breaks(return_state=True)
    result = await fresh()
    assert result.media and emulator.billed() == 1
    await fresh()  # the first fresh run has delivered it: this one wants another
    assert emulator.billed() == 2


async def test_run_names_say_what_is_drawn(emulator, ttapi):
    @flow
    async def one():
        await midjourney.imagine(imagine("a badger in the snow"), ttapi, copy=2)

    state = await one(return_state=True)
    (run,) = await task_runs(state)
    assert run.name == "imagine: a badger in the snow (copy 2)"


async def test_what_may_pass_is_retried_by_resuming(emulator, ttapi):
    # Four tries of a download in one call; the fifth is Prefect's retry of the task.
    emulator.add_faults({"kind": "download_truncated", "times": 4})

    @flow
    async def one():
        return await midjourney.imagine.with_options(retry_delay_seconds=0)(imagine("a mole"), ttapi)

    state = await one(return_state=True)
    assert (await state.aresult()).media
    assert emulator.billed() == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "job_fails", "message": "[Internal error] Something went wrong..."}, JobFailedError),
        ({"kind": "submit_accept_twice"}, None),
    ],
)
async def test_what_will_not_pass_is_not_retried(emulator, ttapi, fault, error):
    emulator.add_faults({**fault, "times": 1})

    @flow
    async def one():
        return await midjourney.imagine(imagine("a newt"), ttapi)

    state = await one(return_state=True)
    result = await state.aresult(raise_on_failure=False)
    assert isinstance(result, error) if error else result.media
    (run,) = await task_runs(state)
    assert run.run_count == 1
    assert emulator.requests()["requests"]["POST /midjourney/v1/imagine"] == 1


async def test_an_unknown_outcome_is_not_retried_and_names_the_job(emulator, novita, photos):
    emulator.add_faults({"kind": "submit_lose_reply", "times": 1})

    @flow
    async def one():
        request = novita_request(photos / "coffee.png")
        return await novita_tasks.img2img(request, novita)

    def novita_request(path):
        return novita_tasks.Img2ImgRequest(prompt="in ink", image=path, **SMALL)

    for _ in range(2):
        state = await one(return_state=True)
        error = await state.aresult(raise_on_failure=False)
        assert isinstance(error, SubmitOutcomeUnknown) and error.job is not None
        assert "genmedia jobs adopt" in str(error)
    assert emulator.requests()["requests"]["POST /v3/async/img2img"] == 1 == emulator.billed()


async def test_bad_input_fails_at_once_and_costs_nothing(emulator, novita, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"not a picture")

    @flow
    async def one():
        return await novita_tasks.img2img(novita_tasks.Img2ImgRequest(prompt="in ink", image=broken, **SMALL), novita)

    state = await one(return_state=True)
    error = await state.aresult(raise_on_failure=False)
    assert isinstance(error, MediaInvalidError) and "image:" in str(error)
    (run,) = await task_runs(state)
    assert run.run_count == 1 and emulator.jobs()["jobs"] == []


async def test_a_refusal_is_the_providers_own_sentence(emulator, ttapi):
    @flow
    async def one():
        request = midjourney.ActionRequest(job_id="no-such-job", action="upsample1")
        return await midjourney.action(request, ttapi)

    error = await (await one(return_state=True)).aresult(raise_on_failure=False)
    assert isinstance(error, InvalidRequestError) or error.http_status in (400, 404)
    assert error.job is None and emulator.billed() == 0


async def test_renditions_and_their_manifests(emulator, photos):
    @flow
    async def cut():
        picture = await imaging.take_in(str(photos / "rocket.jpg"))
        sizes = [imaging.Rendition(name="square", width=200, height=200), imaging.Rendition(name="wide", width=320)]
        return await imaging.render(picture, sizes, folder="published/x", stem="rocket", manifest={"prompt": "launch"})

    square, wide = await cut()
    assert (square.width, square.height, wide.width) == (200, 200, 320)
    manifest = json.loads(square.path.with_name("rocket-square.jpg.json").read_text())
    assert manifest["prompt"] == "launch" and manifest["sha256"] == square.sha256


async def test_model_query_pages(emulator, novita):
    everything = await novita_tasks.models(novita_tasks.ModelQuery(limit=7), novita, most=1000)
    loras = await novita_tasks.models(novita_tasks.ModelQuery(types="lora", limit=3), novita, most=1000)
    assert len(everything) > 20 and len({model.sd_name for model in everything}) == len(everything)
    assert 0 < len(loras) < len(everything) and {model.type.name for model in loras} <= {"lora", "locon"}
    assert len(await novita_tasks.models(novita_tasks.ModelQuery(limit=7), novita, most=10)) == 10

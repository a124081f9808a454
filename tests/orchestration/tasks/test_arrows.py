"""The arrows of Prefect's timeline: from the task that made a file to the tasks that took it, and no others."""

from __future__ import annotations

import asyncio

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.runtime import flow_run

from prefect_genmedia.imaging import Rendition
from prefect_genmedia.tasks import imaging, midjourney, novelai
from tests.patience import PATIENCE

SQUARE = Rendition(name="square", width=64, height=64)


async def arrows_of(run_id: str, tasks: int) -> set[tuple[str, str]]:
    wanted = FlowRunFilter(id=FlowRunFilterId(any_=[run_id]))
    async with get_client() as client, asyncio.timeout(PATIENCE):
        # The server records task runs, and what they are called, a moment after they end.
        while True:
            runs = await client.read_task_runs(flow_run_filter=wanted)
            if len(runs) == tasks and all(run.state and run.state.is_final() for run in runs):
                break
            await asyncio.sleep(0.1)
    names = {run.id: run.name for run in runs}
    return {
        (names[given.id], run.name)
        for run in runs
        for inputs in run.task_inputs.values()
        for given in inputs
        if given.input_type == "task_run"
    }


async def test_arrows_come_from_the_task_that_made_the_file_and_from_no_other(ttapi, photos):
    @flow
    async def four_things() -> str:
        grid = await midjourney.imagine(midjourney.ImagineRequest(prompt="a heron"), ttapi)
        taken_in = await imaging.take_in(str(photos / "coffee.png"))
        drawn = await novelai.text_to_image(
            novelai.TextToImageRequest(prompt="1girl", width=64, height=64, n_samples=1), ttapi
        )
        # Not in the order in which they came: the last task that ended is none that these have to do with.
        cut = await imaging.render(grid.media[1], [SQUARE], stem="heron")
        await imaging.render(taken_in, [SQUARE], stem="coffee", manifest={"prompt": "a cup", "jobs": []})
        await imaging.render(drawn.media[0], [SQUARE], stem="girl")
        await imaging.render(cut[0], [SQUARE], stem="again")
        return str(flow_run.id)

    arrows = {
        (start.partition(":")[0], end.partition(" in")[0]) for start, end in await arrows_of(await four_things(), 7)
    }
    assert arrows == {
        ("imagine", "render: heron"),
        ("take in coffee.png", "render: coffee"),
        ("text_to_image", "render: girl"),
        ("render", "render: again"),
    }

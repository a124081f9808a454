"""Against both providers emulated on this machine: nothing is paid, no key is needed. The test is worker and people."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from drafts import review_first
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.client.schemas.objects import State
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow_async
from prefect.flow_runs import aresume_flow_run
from pydantic import SecretStr

from prefect_genmedia.blocks import TTAPICredentials
from prefect_genmedia.emulator import Emulator
from prefect_genmedia.flows import review, review_deadline
from prefect_genmedia.settings import read_settings

pytestmark = pytest.mark.usefixtures("genmedia_prefect")


async def asked_for(emulator: Emulator, collection: str, deadline_seconds: float = 86_400) -> UUID:
    """The review that the flow asks for, with the deployments that genmedia setup makes."""
    await TTAPICredentials(api_key=SecretStr("any"), base_url=emulator.url).asave("ttapi", overwrite=True)
    await (await review.ato_deployment("review")).aapply()
    await (await review_deadline.ato_deployment("review-deadline")).aapply()
    return UUID(await review_first(collection, deadline_seconds=deadline_seconds))


async def work(run: UUID, flow: Any = review) -> State[Any]:
    """What a worker does with a run: from the top, until it ends or is suspended."""
    async with get_client() as client:
        found = await client.read_flow_run(run)
    try:
        ended = await run_flow_async(flow, found, found.parameters, return_type="state")
    except Pause as left:
        ended = left.state
    assert isinstance(ended, State)
    return ended


def approved(collection: str) -> list[str]:
    return sorted(file.name for file in (Path(read_settings().media_store) / "approved" / collection).glob("*.jpg"))


def test_only_what_a_person_approves_is_published(genmedia_emulator: Emulator) -> None:
    async def a_week() -> None:
        run = await asked_for(genmedia_emulator, collection="spring")
        assert (await work(run)).name == "Suspended" and approved("spring") == []
        assert await asked_for(genmedia_emulator, collection="spring") == run  # nobody is asked twice
        refused = {"picture": "1 a-harbour-in-the-rain-warm-windows", "decision": "reject", "why": "too dark"}
        await aresume_flow_run(run, run_input={"by": "Ana", "decision": "approve", "pictures": [refused]})
        assert (await work(run)).is_completed()

    asyncio.run(a_week())
    lighthouse = "a-lighthouse-at-dawn-gentle-fog"
    assert approved("spring") == [f"{lighthouse}-square.jpg", f"{lighthouse}-wide.jpg"]
    assert genmedia_emulator.billed() == 2


def test_what_nobody_decides_on_in_time_is_not_published(genmedia_emulator: Emulator) -> None:
    async def a_week() -> None:
        run = await asked_for(genmedia_emulator, collection="autumn", deadline_seconds=0)
        await work(run)
        async with get_client() as client:
            runs = await client.read_flow_runs(flow_filter=FlowFilter(name=FlowFilterName(any_=["review_deadline"])))
        (deadline,) = [each for each in runs if each.parameters == {"run": str(run)}]
        await work(deadline.id, review_deadline)
        assert (await work(run)).is_completed()

    asyncio.run(a_week())
    assert approved("autumn") == []
    assert genmedia_emulator.billed() == 2

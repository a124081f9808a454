"""Roles on Prefect: the real flow, a flow of many paid tasks, blocks, and the callback receiver."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import traceback
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.chaos.roles.said import lay_ends, report, words

NO_PREFECT = 75  # exit code: there was no flow run, because Prefect's server was overloaded


def flow_run(order: dict[str, Any]) -> None:
    """One run of the real flow; `how` it was started, `tripwire` where it is struck and with which `signal`."""
    from tests.chaos.tripwire import Tripwire

    wire = Tripwire(*order.get("tripwire") or (), signal=order.get("signal"))
    wire.lay()
    try:
        state, flow_run_id = asyncio.run(_flow_run(order))
    except Exception:
        # Not the flow's failure, which is in its state: Prefect's server could not take or give the run.
        traceback.print_exc()
        raise SystemExit(1 if wire.struck else NO_PREFECT) from None
    error = asyncio.run(state.aresult(raise_on_failure=False))
    report(order, state=state.name, error=words(error), flow_run=flow_run_id, struck=wire.struck, commits=wire.commits)


async def _flow_run(order: dict[str, Any]) -> tuple[Any, str]:
    from prefect.client.orchestration import get_client
    from prefect.flow_engine import run_flow
    from prefect.states import AwaitingRetry, Crashed

    from prefect_genmedia.flows import illustrate

    lay_ends(order.get("ends"))
    parameters = order["parameters"]
    if order.get("say_crashed"):
        # What a worker, or an automation on missing heartbeats, says of a run whose process is gone.
        async with get_client() as client:
            dead = UUID(Path(order["flow_run_file"]).read_text())
            await client.set_flow_run_state(dead, Crashed(), force=True)
    if order["how"] == "flow.retries":
        state = await _beside(parameters)
    elif order["how"] == "script":
        state = await illustrate(**parameters, return_state=True)
    else:
        async with get_client() as client:
            if order["how"] == "scheduled":
                run = await client.create_flow_run(illustrate, parameters=parameters)
                Path(order["flow_run_file"]).write_text(str(run.id))
            else:
                run_id = UUID(Path(order["flow_run_file"]).read_text())
                await client.set_flow_run_state(run_id, AwaitingRetry(), force=True)
                run = await client.read_flow_run(run_id)
        state = await run_flow(illustrate, flow_run=run, return_type="state")
    return state, str(state.state_details.flow_run_id)


async def _beside(parameters: dict[str, Any]) -> Any:
    """The real flow's body beside a sibling that fails when it is told to (SIGUSR1): flow.retries runs both again."""
    from prefect import flow

    from prefect_genmedia.flows import illustrate

    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, told.set)

    async def sibling() -> None:
        await told.wait()
        told.clear()
        raise RuntimeError("a sibling of the paid task failed")

    @flow(name="illustrate beside a sibling", retries=1)
    async def beside() -> None:
        async with asyncio.TaskGroup() as group:
            other = group.create_task(sibling())
            await group.create_task(illustrate.fn(**illustrate.validate_parameters(parameters)))
            other.cancel()

    return await beside(return_state=True)


def many(order: dict[str, Any]) -> None:
    """One flow run with many paid tasks at once; says how many gave files that are what they were when stored."""
    from prefect import flow

    from prefect_genmedia.blocks import NovitaCredentials, TTAPICredentials
    from prefect_genmedia.jobs import JobResult
    from prefect_genmedia.tasks import midjourney, novita

    async def one(item: dict[str, Any], ttapi: TTAPICredentials, other: NovitaCredentials) -> Any:
        if "image" in item:
            request = novita.Img2ImgRequest(model_name="m", width=128, height=128, **item)
            return await novita.img2img(request, other, request_key=keys.get(item["prompt"]))
        request = midjourney.ImagineRequest(**item)
        return await midjourney.imagine(request, ttapi, request_key=keys.get(item["prompt"]))

    keys: dict[str, str] = order.get("keys") or {}

    @flow
    async def many_jobs() -> list[Any]:
        blocks = await TTAPICredentials.aload(order["block"]), await NovitaCredentials.aload(order["block"])
        gate = asyncio.Semaphore(order["at_once"])
        if barrier := order.get("barrier"):
            # Everybody is at the start before anybody runs.
            (Path(barrier) / f"{os.getpid()}.ready").touch()
            while not (Path(barrier) / "go").exists():
                await asyncio.sleep(0.01)

        async def in_turn(item: dict[str, Any]) -> Any:
            async with gate:
                return await one(item, *blocks)

        return await asyncio.gather(*map(in_turn, order["items"]), return_exceptions=True)

    results = asyncio.run(many_jobs())
    whole, errors, job_ids = 0, [], []
    for result in results:
        if not isinstance(result, JobResult):
            errors.append(f"{type(result).__name__}: {words(result)}"[:500])
            continue
        digests = [hashlib.sha256(file.path.read_bytes()).hexdigest() for file in result.media]
        whole += bool(digests) and digests == [file.sha256 for file in result.media]
        job_ids.append(result.job.job_id)
    report(order, delivered=whole, errors=errors, job_ids=job_ids)


def calendar(order: dict[str, Any]) -> None:
    """One run of a calendar, or of a shard of it; how it ended, and how much memory it took."""
    import resource

    from prefect_genmedia.flows import content_calendar

    state = asyncio.run(content_calendar(**order["parameters"], return_state=True))
    ended = asyncio.run(state.aresult(raise_on_failure=False))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    said: dict[str, Any] = {"state": state.name, "error": "", "megabytes": peak, "quota": None}
    if isinstance(ended, Exception):
        said["error"] = words(ended)
    elif order["parameters"].get("dry_run"):
        said["quota"] = [ended.quota.least, ended.quota.most]
    report(order, **said)


def save_blocks(order: dict[str, Any]) -> None:
    from prefect_genmedia.blocks import NovitaCredentials, TTAPICredentials

    async def save() -> None:
        for name, url in order["blocks"].items():
            await TTAPICredentials(api_key=f"key-{name}", base_url=url).asave(name, overwrite=True)
            await NovitaCredentials(api_key=f"key-{name}", base_url=url).asave(name, overwrite=True)

    asyncio.run(save())


def receiver(order: dict[str, Any]) -> None:
    """The callback receiver, until it is ended; reports its port."""
    import socket

    import uvicorn

    from prefect_genmedia.webhooks import create_receiver

    listener = socket.create_server(("127.0.0.1", 0))
    report(order, port=listener.getsockname()[1])
    app = create_receiver(emit=lambda row, status, job_id: None)
    uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off")).run([listener])

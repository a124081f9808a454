"""A finished job is an event on the Prefect server, so that an automation can start a deployment with it."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace

import httpx
from prefect.settings import PREFECT_API_URL

from prefect_genmedia.operation import JobState, JobStatus
from prefect_genmedia.webhooks.receiver import emit_event


async def arrived(name: str, job: str) -> dict:
    """The event, as an automation's trigger would see it."""
    wanted = {"filter": {"event": {"name": [name]}, "resource": {"id": [f"genmedia.job.{job}"]}}}
    until = time.monotonic() + 60
    async with httpx.AsyncClient(base_url=f"{PREFECT_API_URL.value()}/", trust_env=False) as client:
        while True:
            found = (await client.post("events/filter", json=wanted)).json()["events"]
            if found:
                return found[0]
            assert time.monotonic() < until, "the event never came"
            await asyncio.sleep(0.25)


async def test_a_finished_job_is_an_event_of_prefect():
    states = (JobState.SUCCEEDED, JobState.FAILED)
    said = "see https://cdn.example/a.png?X-Signature=s3cr3t"
    for state in states:
        row = SimpleNamespace(id=f"row-{state}", operation="midjourney.imagine", title="a bell")
        emit_event(row, JobStatus(state, "WORD", message=said), "job-1")
    for state in states:
        event = await arrived(f"genmedia.job.{state}", f"row-{state}")
        assert event["resource"]["genmedia.operation"] == "midjourney.imagine"
        assert event["payload"]["job"] == f"row-{state}" and event["payload"]["job_id"] == "job-1"
        assert "s3cr3t" not in str(event)

"""A finished job is an event on the Prefect server, so that an automation can start a deployment with it."""

from __future__ import annotations

from types import SimpleNamespace

import httpx
from prefect.settings import PREFECT_API_URL

from prefect_genmedia.operation import JobState, JobStatus
from prefect_genmedia.webhooks.receiver import emit_event
from tests.patience import PATIENCE, a_until


async def arrived(name: str, resource: str) -> dict:
    """The event, as an automation's trigger would see it."""
    wanted = {"filter": {"event": {"name": [name]}, "resource": {"id": [resource]}}}
    url = f"{PREFECT_API_URL.value()}/events/filter"

    def found() -> list[dict]:
        return httpx.post(url, json=wanted, trust_env=False, timeout=PATIENCE).json()["events"]

    return (await a_until(found, "the event", every=0.25))[0]


async def test_a_finished_job_is_an_event_of_prefect():
    states = (JobState.SUCCEEDED, JobState.FAILED)
    said = "see https://cdn.example/a.png?X-Signature=s3cr3t"
    for state in states:
        row = SimpleNamespace(id=f"row-{state}", operation="midjourney.imagine", title="a bell")
        emit_event(row, JobStatus(state, "WORD", message=said), "job-1")
    for state in states:
        event = await arrived(f"genmedia.job.{state}", f"genmedia.job.row-{state}")
        assert event["resource"]["genmedia.operation"] == "midjourney.imagine"
        assert event["payload"]["job"] == f"row-{state}" and event["payload"]["job_id"] == "job-1"
        assert "s3cr3t" not in str(event)

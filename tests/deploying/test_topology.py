"""compose.yaml's parts as processes: the same commands and variables, on PostgreSQL, Redis, an S3 server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from prefect_genmedia.emulator import Emulator
from tests.deploying.installation import NEEDS, Installation, published
from tests.patience import until
from tests.s3 import S3

pytestmark = NEEDS
ROWS = [{"prompt": f"a tram in the rain, number {number}"} for number in range(12)]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(job_seconds=1.0, queue_seconds=0.2) as emulator:
        yield emulator


def test_a_teams_installation_makes_a_calendar_and_pays_once(
    installation: Installation, emulator: Emulator, s3_server: S3, ports: dict[str, int]
) -> None:
    """Twelve rows through the deployment; then its worker is stopped, and the other finds all of it there."""
    with ExitStack() as stack:
        stack.enter_context(installation.up_to_workers())
        for number in (1, 2):
            port = str(ports[f"worker-{number}"])
            health = {"PREFECT_WORKER_WEBSERVER_PORT": port, "HEALTH_URL": f"http://127.0.0.1:{port}/health"}
            stack.enter_context(installation.up("worker", f"worker-{number}", **health))
        installation.wait()

        first = installation.calendar(ROWS)
        billed = sorted(job["prompt"] for job in emulator.jobs()["jobs"] if job["billed"])
        assert billed == sorted(row["prompt"] for row in ROWS)
        assert len(published(s3_server)) == len(ROWS)
        until(lambda: installation.callbacks().get("accepted", 0) >= len(ROWS), "the callbacks", every=0.5)
        told = {"filter": {"event": {"name": ["genmedia.job.succeeded"]}}, "limit": 50}
        until(lambda: installation.api("POST", "/events/filter", told)["total"] == len(ROWS), "events", every=0.5)

        taker = installation.worker_of(first)
        installation.parts[taker].stop()
        assert installation.worker_of(installation.calendar(ROWS)) != taker
        assert emulator.billed() == len(ROWS)
        assert len(published(s3_server)) == len(ROWS)

"""A real Prefect server for the whole session, an emulator for each test, and credentials blocks for it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import uvicorn
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL

from prefect_genmedia.blocks import NovitaCredentials, TTAPICredentials
from prefect_genmedia.emulator import Emulator
from prefect_genmedia.webhooks import create_receiver
from tests.orchestration.keys import NOVITA_KEY, TTAPI_KEY
from tests.patience import PATIENCE, until


def pytest_itemcollected(item: pytest.Item) -> None:
    """Three servers are enough: under xdist all these tests go to three workers."""
    item.add_marker(pytest.mark.xdist_group(f"prefect-{_thirds()[item.path.name]}"))


@cache
def _thirds() -> dict[str, int]:
    """Which third of the tests each file belongs to: the longer files are dealt out first."""
    weights, thirds = [0, 0, 0], {}
    for file in sorted(Path(__file__).parent.rglob("test_*.py"), key=lambda file: (-file.stat().st_size, file.name)):
        thirds[file.name] = third = weights.index(min(weights))
        weights[third] += file.stat().st_size
    return thirds


@pytest.fixture(autouse=True)
def ready(genmedia_prefect: None, prepared: Path) -> None:
    """Each test's ledger is there, and the worker's one Prefect server, which the examples share."""


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(job_seconds=0.1, queue_seconds=0.02) as emulator:
        yield emulator


@pytest.fixture
def ttapi(emulator: Emulator) -> TTAPICredentials:
    return TTAPICredentials(api_key=TTAPI_KEY, base_url=emulator.url)


@pytest.fixture
def novita(emulator: Emulator) -> NovitaCredentials:
    return NovitaCredentials(api_key=NOVITA_KEY, base_url=emulator.url)


@pytest.fixture
def child_env() -> dict[str, str]:
    """The environment for a process of its own: the same Prefect server, ledger and media store."""
    return {**os.environ, "PREFECT_API_URL": PREFECT_API_URL.value()}


@pytest.fixture
def receiver(isolated: Path) -> Iterator[str]:
    """The callback receiver on the test's own ledger; its address."""
    app = create_receiver(emit=lambda row, status, job_id: None)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started, "the receiver's start")
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/callbacks"
    server.should_exit = True
    thread.join(PATIENCE)


@pytest.fixture
def nothing_deployed() -> None:
    """The server as it is before the pack's first setup: other tests of this worker deploy there too."""

    async def remove() -> None:
        async with get_client() as client:
            for each in await client.read_deployments():
                await client.delete_deployment(each.id)
            with contextlib.suppress(ObjectNotFound):
                await client.delete_work_pool("genmedia")

    asyncio.run(remove())

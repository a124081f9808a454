"""An emulator, and a receiver on the test's own ledger whose events are kept in a list."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.webhooks import create_receiver
from tests.patience import PATIENCE, until


@pytest.fixture
def emulator(prepared: Path) -> Iterator[Emulator]:
    with Emulator(
        job_seconds=0.1, queue_seconds=0.02, callback_retry_seconds=0.05, callback_timeout_seconds=PATIENCE
    ) as emulator:
        yield emulator


@pytest.fixture
def events() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def receiver(events: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    app = create_receiver(emit=lambda row, status, job_id: events.append((row.id, str(status.state))))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started, "the receiver's start")
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/callbacks"
    monkeypatch.setenv("GENMEDIA_CALLBACK_URL", url)
    yield url
    server.should_exit = True
    thread.join(PATIENCE)

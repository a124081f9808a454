from __future__ import annotations

from collections.abc import Iterator

import pytest

from prefect_genmedia.emulator import Emulator
from tests.emulator.clients import Midjourney, Novita, Receiver
from tests.patience import PATIENCE


@pytest.fixture
def emulator(genmedia_emulator: Emulator) -> Emulator:
    genmedia_emulator.configure(
        job_seconds=0.03, queue_seconds=0.01, callback_retry_seconds=0.02, callback_timeout_seconds=PATIENCE
    )
    return genmedia_emulator


@pytest.fixture
def midjourney(emulator: Emulator) -> Midjourney:
    return Midjourney(emulator)


@pytest.fixture
def novita(emulator: Emulator) -> Novita:
    return Novita(emulator)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()

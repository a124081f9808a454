"""Workers without Prefect for the session, and a bench for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from prefect_genmedia.emulator import Emulator
from tests.chaos.bench import Bench
from tests.chaos.rig import Stable


@pytest.fixture(scope="session")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stable]:
    stable = Stable(tmp_path_factory.mktemp("core"), {}, "core")
    try:
        stable.wait()
        yield stable
    finally:
        stable.close()


@pytest.fixture
def bench(core: Stable, tmp_path: Path) -> Iterator[Bench]:
    with Emulator(job_seconds=0.05, queue_seconds=0.01, max_jobs=100) as emulator:
        yield Bench(emulator, core, tmp_path)

"""A real Prefect server and a stable of workers for the session; the long tests only when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from chaos_rig import Stable, stable_on_prefect


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in here:
        if "stable" in getattr(item, "fixturenames", ()):
            # One Prefect server is enough: under xdist these tests go to one worker.
            item.add_marker(pytest.mark.xdist_group("chaos"))
    if config.option.markexpr or any("::" in argument for argument in config.args):
        return
    slow = [item for item in here if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


@pytest.fixture(scope="session")
def stable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stable]:
    with stable_on_prefect(tmp_path_factory.mktemp("chaos")) as (_, stable):
        yield stable

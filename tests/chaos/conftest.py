"""A real Prefect server and a stable of workers for the session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.rig import PrefectServer, Stable, stable_on_prefect


def pytest_itemcollected(item: pytest.Item) -> None:
    """One Prefect server, and one stable without, are enough: under xdist the tests that use one go to one worker."""
    for fixture in ("on_prefect", "core"):
        if fixture in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group(fixture))


@pytest.fixture(scope="session")
def on_prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PrefectServer, Stable]]:
    with stable_on_prefect(tmp_path_factory.mktemp("chaos")) as both:
        yield both


@pytest.fixture(scope="session")
def server(on_prefect: tuple[PrefectServer, Stable]) -> PrefectServer:
    return on_prefect[0]


@pytest.fixture(scope="session")
def stable(on_prefect: tuple[PrefectServer, Stable]) -> Stable:
    return on_prefect[1]

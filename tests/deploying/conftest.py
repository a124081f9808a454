"""An installation on databases and ports of its own; which emulator it buys from, each test says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from prefect_genmedia.emulator import Emulator
from tests.deploying.composed import Composed
from tests.deploying.installation import AUTH, Installation
from tests.postgres import Server, name_of
from tests.prefect_server import held_port
from tests.s3 import S3


@pytest.fixture
def databases(postgres: Server) -> Iterator[dict[str, str]]:
    """Where compose.yaml has its two, two empty ones are here."""
    urls = {name: postgres.create() for name in ("prefect", "genmedia")}
    yield urls
    for url in urls.values():
        postgres.drop(url)


@pytest.fixture
def ports() -> Iterator[dict[str, int]]:
    """Of the parts, by what compose.yaml says: free ones."""
    with ExitStack() as held:
        found = {name: held.enter_context(held_port()) for name in ("4200", "8585", "6379", "worker-1", "worker-2")}
        yield {name: int(each.getsockname()[1]) for name, each in found.items()}


@pytest.fixture
def installation(
    tmp_path: Path, databases: dict[str, str], ports: dict[str, int], s3_server: S3, emulator: Emulator
) -> Installation:
    env = {
        "POSTGRES_PASSWORD": "pw",
        "PREFECT_AUTH": AUTH,
        "S3_KEY": "testing",
        "S3_SECRET": "testing",
        "TTAPI_API_KEY": "ttapi-key",
        "NOVITA_API_KEY": "novita-key",
        "TTAPI_BASE_URL": emulator.url,
        "NOVITA_BASE_URL": emulator.url,
        "GENMEDIA_CALLBACK_URL": f"http://127.0.0.1:{ports['8585']}/callbacks",
    }
    moved = {
        **{f"genmedia:pw@postgres:5432/{name}": _address(url) for name, url in databases.items()},
        "http://server:4200": f"http://127.0.0.1:{ports['4200']}",
        "http://store:8333": s3_server.url,
        "redis:6379": f"127.0.0.1:{ports['6379']}",
        "127.0.0.1:4200": f"127.0.0.1:{ports['4200']}",
        "127.0.0.1:8585": f"127.0.0.1:{ports['8585']}",
        "redis": "127.0.0.1",
        "0.0.0.0": "127.0.0.1",
        **{name: str(port) for name, port in ports.items()},
    }
    return Installation(tmp_path, Composed(env, moved), ports)


def _address(url: str) -> str:
    parts = make_url(url)
    return f"{parts.username}@{parts.host}:{parts.port or 5432}/{name_of(url)}"

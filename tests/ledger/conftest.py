"""The ledger under test, on SQLite and on PostgreSQL: a test that takes `url` or `ledger` runs on both."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from prefect_genmedia.ledger import Database, Ledger

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: setting up takes longer than most tests."""
    file = tmp_path_factory.mktemp("template") / "ledger.db"
    database = Database(f"sqlite:///{file}")
    database.migrate()
    database.engine.dispose()
    return file


@pytest.fixture
def sqlite_url(isolated: Path, sqlite_template: Path) -> str:
    """A ledger in a file of the test's own, set up and empty."""
    isolated.mkdir(parents=True, exist_ok=True)
    shutil.copy(sqlite_template, isolated / "ledger.db")
    return f"sqlite:///{isolated / 'ledger.db'}"


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest) -> str:
    """A ledger that is set up and empty."""
    return str(request.getfixturevalue("postgres_url" if request.param == "postgresql" else "sqlite_url"))


@pytest.fixture(params=BOTH)
def empty_url(request: pytest.FixtureRequest, isolated: Path) -> str:
    """A database that holds no ledger yet."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("empty_postgres_url"))
    return f"sqlite:///{isolated / 'ledger.db'}"


@pytest.fixture
def another(url: str) -> Iterator[Callable[[], Ledger]]:
    """Another ledger object over the same database, as another process would have it."""
    opened: list[Ledger] = []

    def another() -> Ledger:
        opened.append(Ledger(Database(url), lease_seconds=60))
        return opened[-1]

    yield another
    for ledger in opened:
        ledger.database.engine.dispose()


@pytest.fixture
def ledger(another: Callable[[], Ledger]) -> Ledger:
    return another()

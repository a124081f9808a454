"""PostgreSQL for tests: a fresh database each; without a server, one line that says what was left out.

A pytest plugin (tests/conftest.py names it). Mark with `postgres` what needs the server, take
`postgres_url` for a ledger that is set up, or `empty_postgres_url`. GENMEDIA_TEST_POSTGRES_URL says where
the server is; its user must be allowed to create databases. With GENMEDIA_REQUIRE_POSTGRES=1 these
tests fail instead of being left out.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from sqlalchemy.engine import URL, make_url

from prefect_genmedia.ledger import Database
from prefect_genmedia.ledger.models import Base

LEFT_OUT = pytest.StashKey[tuple[int, str]]()
SENT_AS = "genmedia_postgres_left_out"


def server_url() -> URL:
    given = os.environ.get("GENMEDIA_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/test")
    return make_url(given).set(drivername="postgresql")


def required() -> bool:
    return os.environ.get("GENMEDIA_REQUIRE_POSTGRES") == "1"


class Server:
    """One connection to the server, for everything that is done to databases from outside."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.connection = _connect(url.render_as_string(hide_password=False))
        self._spare: str | None = None

    def close(self) -> None:
        if self._spare is not None:
            self.drop(self._spare)
        self.connection.close()

    def do(self, statement: str) -> list[Any]:
        """The first column of what the statement gives."""
        # Literal text: every name in it is one of ours.
        cursor = self.connection.execute(statement.encode())
        return [row[0] for row in cursor] if cursor.description else []

    def create(self) -> str:
        """The URL of a new database that holds nothing."""
        url = self._new_name()
        self.do(f"CREATE DATABASE {name_of(url)} TEMPLATE template0")
        # What a power cut would lose is no concern of a test: nothing waits for the disk.
        self.do(f"ALTER DATABASE {name_of(url)} SET synchronous_commit = off")
        return url

    def drop(self, url: str) -> None:
        """Also when somebody is still connected."""
        self.do(f"DROP DATABASE {name_of(url)} WITH (FORCE)")

    def lend(self) -> str:
        """The URL of a database that holds an empty ledger and has a name that nobody knows yet."""
        if self._spare is None:
            url = self.create()
            database = Database(url)
            database.migrate()
            database.engine.dispose()
            return url
        url, spare, self._spare = self._new_name(), self._spare, None
        self.disconnect(spare)
        self.do(f"ALTER DATABASE {name_of(spare)} RENAME TO {name_of(url)}")
        return url

    def take_back(self, url: str) -> None:
        """Emptied, it serves the next test: to create and to drop one makes the server write all to disk, twice."""
        self.disconnect(url)
        try:
            with _connect(url) as connection:
                for table in reversed(Base.metadata.sorted_tables):
                    connection.execute(f"DELETE FROM {table.name}".encode())
            self._spare = url
        except Exception:  # somebody still writes, or the tables are not what they were
            self.drop(url)

    def _new_name(self) -> str:
        return self.url.set(database=f"genmedia_test_{uuid.uuid4().hex}").render_as_string(hide_password=False)

    def disconnect(self, url: str) -> int:
        """End every connection to this database, as a restart of the server would; how many there were."""
        ended = self.do(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name_of(url)}'")
        return len(ended)

    def admit(self, url: str, allowed: bool) -> None:
        """May anybody connect to this database from now on?"""
        self.do(f"ALTER DATABASE {name_of(url)} ALLOW_CONNECTIONS {str(allowed).lower()}")

    def waiting(self, url: str) -> int:
        """How many connections to this database wait for a lock."""
        where = f"datname = '{name_of(url)}' AND wait_event_type = 'Lock'"
        return int(self.do(f"SELECT count(*) FROM pg_stat_activity WHERE {where}")[0])


def _connect(url: str) -> Any:
    import psycopg

    return psycopg.connect(url, autocommit=True, connect_timeout=30)


def name_of(url: str) -> str:
    return str(make_url(url).database)


@cache
def _unreachable() -> str | None:
    """Why there is no server; None when there is one."""
    try:
        _connect(server_url().render_as_string(hide_password=False)).close()
    except ImportError:
        return "psycopg is not installed"
    except Exception as error:
        return str(error).strip().splitlines()[0]
    return None


# -- fixtures ---------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    if reason := _unreachable():
        pytest.fail(f"PostgreSQL is required and not there: {reason}", pytrace=False)
    server = Server(server_url())
    yield server
    server.close()


@pytest.fixture
def postgres_url(postgres: Server) -> Iterator[str]:
    """A database that holds an empty ledger. What changes more than its rows takes `empty_postgres_url`."""
    url = postgres.lend()
    yield url
    postgres.take_back(url)


@pytest.fixture
def empty_postgres_url(postgres: Server) -> Iterator[str]:
    """A database of the test's own that holds nothing."""
    url = postgres.create()
    yield url
    postgres.drop(url)


# -- without a server -------------------------------------------------------------------------------


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    marked = [item for item in items if item.get_closest_marker("postgres")]
    if not marked or required() or not (reason := _unreachable()):
        return
    config.hook.pytest_deselected(items=marked)
    items[:] = [item for item in items if not item.get_closest_marker("postgres")]
    _remember(config, len(marked), reason)


def _remember(config: pytest.Config, count: int, reason: str) -> None:
    # Under xdist the workers collect, and the process that started them writes the summary.
    if hasattr(config, "workeroutput"):
        config.workeroutput[SENT_AS] = (count, reason)
    else:
        config.stash[LEFT_OUT] = (count, reason)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    if left_out := getattr(node, "workeroutput", {}).get(SENT_AS):
        _remember(node.config, *left_out)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if left_out := config.stash.get(LEFT_OUT, None):
        count, reason = left_out
        terminalreporter.write_line(f"{count} tests were left out, there is no PostgreSQL: {reason}")

"""Opening the ledger's database: SQLite or PostgreSQL, always at the schema this version knows."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    NoSuchModuleError,
)
from sqlalchemy.orm import Session

from prefect_genmedia.errors import ConfigurationError, LedgerError
from prefect_genmedia.ledger.database.failures import named, plain_errors, to_json
from prefect_genmedia.ledger.database.listening import Heard, listening
from prefect_genmedia.ledger.database.sqlite import file_of, identity, not_writable, only_readable, sqlite_engine

_MIGRATIONS = Path(__file__).parents[1] / "migrations"
# A network that swallows packets must not hold a call for hours.
_PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
# A worker that is frozen in mid-transaction must not hold its locks, and so all others, until it wakes.
_LONGEST_PAUSE = "30s"
_SETUP_LOCK = 7_305_811_220  # any number that no one else locks in PostgreSQL


class Database:
    """One engine. `write` commits or raises, one writer at a time where the database wants it so."""

    def __init__(self, url: str, *, reading: bool = False) -> None:
        self.url = _parse(url)
        self._reading = reading
        self.sqlite = self.url.get_backend_name() == "sqlite"
        try:
            self.engine = sqlite_engine(self.url, reading=reading) if self.sqlite else _postgres_engine(self.url)
        except ImportError:
            raise ConfigurationError(
                "the ledger is on PostgreSQL and its driver is not installed",
                advice="pip install 'prefect-genmedia[postgres]'",
            ) from None
        # One statement needs no transaction around it: on PostgreSQL that would be two round trips more.
        self._statements = self.engine if self.sqlite else self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._writer = threading.Lock()
        self._file = file_of(self.url)
        self.secret: str | None = None  # what signs callback tokens, once it has been read

    @property
    def name(self) -> str:
        """The database's address, fit to be shown."""
        return named(self.url)

    @contextmanager
    def read(self) -> Iterator[Session]:
        self._require_file()
        with plain_errors(self.url), Session(self._statements, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def listening(self) -> Iterator[Heard]:
        """Hear which rows callbacks name, in one thread. Raises LedgerError, also later."""
        self._require_file()
        with plain_errors(self.url), listening(self._statements) as heard:
            yield heard

    @contextmanager
    def write_once(self) -> Iterator[Session]:
        """For one statement that writes."""
        with self.write() if self.sqlite else self.read() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that holds the right to write from its first statement."""
        if not self.sqlite:
            with (
                plain_errors(self.url),
                Session(self.engine, expire_on_commit=False) as session,
                session.begin(),
            ):
                yield session
            return
        self._require_file()
        with self._writer, plain_errors(self.url), Session(self.engine, expire_on_commit=False) as session:
            try:
                session.connection().exec_driver_sql("BEGIN IMMEDIATE")
                self._require_file(session.connection().info["file"])
                yield session
                session.commit()
            except BaseException:
                # A COMMIT that fails leaves the write lock with the connection: close it, and SQLite rolls back.
                session.invalidate()
                raise

    def _require_file(self, opened: tuple[int, int] | None = None) -> None:
        """Is SQLite's file still there, and the one that was opened? What is written into another one nobody reads.

        Raises LedgerError: away while it is gone, for it may be put back; for good when another file has its name,
        for SQLite mixes up what two files of one name have on their way.
        """
        if self._file is None:
            return
        found = identity(self._file)
        if found is None:
            raise LedgerError(
                f"the ledger {self._file} is gone, and this process had it open",
                advice="Put it back, or stop all that use it, restore a backup and run again.",
            )
        if opened not in (None, found):
            raise LedgerError(
                f"the ledger {self._file} was replaced by another file while this process had it open",
                advice="Stop all that use it and run again.",
                away=False,
            )

    def schema(self) -> str | None:
        """The schema version found in the database; None when it holds no ledger."""
        with plain_errors(self.url), self.engine.connect() as connection:
            return _schema(connection)

    def migrate(self) -> None:
        """Bring the schema to what this version knows. Raises ConfigurationError when it is newer than that."""
        with plain_errors(self.url), self.engine.connect() as connection:
            try:
                self._migrate(connection)
            except BaseException:
                connection.invalidate()  # a COMMIT that fails would leave SQLite's write lock with it
                raise

    def _migrate(self, connection: Connection) -> None:
        if self.sqlite:
            connection.execute(text("BEGIN IMMEDIATE"))
        else:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_SETUP_LOCK})"))
        if _is_current(_schema(connection), self.url):
            connection.rollback()
            return
        # Imported here: a fifth of a second that the everyday path never needs.
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()

    def require_current(self) -> None:
        """SQLite: migrate. PostgreSQL: raise ConfigurationError until `genmedia setup` has been run."""
        if self.sqlite and not self._reading:
            self.migrate()
        elif self.sqlite:
            # What an older version has written could only be read by that version.
            if not _is_current(self.schema(), self.url):
                raise not_writable(Path(self.url.database or ""))
        elif not _is_current(self.schema(), self.url):
            raise ConfigurationError(
                f"the ledger database {named(self.url)} is not set up for this version",
                advice="Run: genmedia setup",
            )


@lru_cache
def _revisions() -> tuple[str, ...]:
    """Every schema version this package knows, newest first: their files are named after them."""
    return tuple(sorted((file.stem[1:5] for file in (_MIGRATIONS / "versions").glob("v*.py")), reverse=True))


def _schema(connection: Connection) -> str | None:
    if not inspect(connection).has_table("genmedia_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM genmedia_version")).scalar()
    return found


def _is_current(found: str | None, url: URL) -> bool:
    known = _revisions()
    if found is not None and found not in known:
        raise ConfigurationError(
            f"the ledger {named(url)} was written by a newer version of prefect-genmedia (schema {found}; "
            f"this version knows up to {known[0]})",
            advice="Install that newer version here; nothing was changed.",
        )
    return found == known[0]


def _parse(url: str) -> URL:
    advice = "For example sqlite:////srv/genmedia/ledger.db or postgresql://user@host/database."
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
        wrong = parsed.port is not None and parsed.port > 65535
    except (ArgumentError, NoSuchModuleError, ValueError):
        # Said without the URL: what could not be read may be the password.
        raise ConfigurationError("GENMEDIA_LEDGER_URL is no database URL", advice=advice) from None
    if wrong:
        raise ConfigurationError("GENMEDIA_LEDGER_URL is no database URL", advice=advice)
    if "@" in (parsed.host or ""):
        raise ConfigurationError("the host in GENMEDIA_LEDGER_URL has an @; write @ in a password as %40")
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise ConfigurationError(f"the ledger knows SQLite and PostgreSQL, not {backend}")
    # Absolute: a process that changes its folder must not open another ledger.
    file = file_of(parsed)
    return parsed.set(drivername="sqlite", database=parsed.database if file is None else str(file.absolute()))


def _postgres_engine(url: URL) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        json_serializer=to_json,
        isolation_level="READ COMMITTED",  # what the conditional updates are written for
        pool_size=5,
        max_overflow=10,
        pool_pre_ping=True,
        connect_args=_PATIENCE,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.autocommit = True
        connection.execute(f"SET idle_in_transaction_session_timeout = '{_LONGEST_PAUSE}'")
        connection.autocommit = False

    return engine


def lacking_file(url: str) -> Path | None:
    """The SQLite file of a ledger that nothing was written to yet; None where there is one, and for PostgreSQL."""
    parsed = _parse(url)
    file = file_of(parsed)
    return None if file is None or file.exists() else file


_opening = threading.Lock()  # many tasks start at once: one of them makes the schema, the others wait


@lru_cache(maxsize=8)
def _open(url: str, pid: int, reading: bool) -> Database:
    database = Database(url, reading=reading)
    database.require_current()
    return database


def open_database(url: str, *, reading: bool = False) -> Database:
    """The database at `url`, one engine a process (a forked child opens its own). Raises ConfigurationError.

    `reading`: an SQLite file that cannot be written is opened all the same, for what only reads.
    """
    with _opening:
        return _open(url, os.getpid(), reading and only_readable(_parse(url)))

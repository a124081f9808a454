"""The ledger's file, where its database is SQLite: may it be written, is it still the same, how it is opened."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL

from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.ledger.database.failures import to_json


def identity(file: Path) -> tuple[int, int] | None:
    try:
        facts = file.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def file_of(url: URL) -> Path | None:
    """SQLite's file; None for PostgreSQL, in memory, and for a URI of SQLite's own (file:...)."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith((":memory:", "file:")):
        return None
    return Path(url.database)


def only_readable(url: URL) -> bool:
    """Is there an SQLite file that may be read, and not written?"""
    file = file_of(url)
    return file is not None and file.is_file() and os.access(file, os.R_OK) and not os.access(file, os.W_OK)


def not_writable(file: Path) -> ConfigurationError:
    """Where a ledger is there already, its user must not be led to begin an empty one."""
    advice = "Set GENMEDIA_LEDGER_URL to a file that can."
    if not _is_lacking(file):
        advice = (
            "Make it writable again: its permissions, its owner, the disk it is on. Begin no new ledger in its place: "
            "what a ledger does not know is bought again."
        )
    return ConfigurationError(f"the ledger {file} cannot be written", advice=advice)


def _is_lacking(file: Path) -> bool:
    """Surely not there: what may not even be looked at may be a ledger."""
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        pass
    return False


def _can_be_written(file: Path) -> bool:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return os.access(file if file.exists() else file.parent, os.W_OK)
    except OSError:
        return False


def _to_read(file: Path) -> URL:
    # SQLite makes files beside one that it reads; where it may not, and none are there, it must be told that it needs
    # none: nobody writes.
    alone = not os.access(file.parent, os.W_OK) and not Path(f"{file}-wal").exists()
    how = {"immutable": "1"} if alone else {"mode": "ro"}
    return URL.create("sqlite", database=f"file:{quote(str(file.absolute()))}", query={**how, "uri": "true"})


def sqlite_engine(url: URL, *, reading: bool = False) -> Engine:
    in_memory = {("mode", "memory"), ("vfs", "memdb")} & set(url.query.items())
    if not url.database or ":memory:" in url.database or in_memory:
        raise ConfigurationError("the ledger must outlive the process: give SQLite a file")
    file = Path(url.database)
    if not reading and not _can_be_written(file):
        raise not_writable(file)
    engine = create_engine(
        _to_read(file) if reading else url,
        hide_parameters=True,
        json_serializer=to_json,
        connect_args={"timeout": 30, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, record: Any) -> None:
        if not reading:
            # WAL: readers do not wait for the writer. FULL: a commit survives a power cut.
            _switch_to_wal(connection)
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
        record.info["file"] = identity(file)  # by now it is there, also where it is new

    return engine


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Once a file. SQLite does not wait here for another process that is doing the same, so we do."""
    until = time.monotonic() + 30
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as failure:
            if "locked" not in str(failure) or time.monotonic() > until:
                raise
            time.sleep(0.02)

"""Hearing that callbacks have come, without reading the row of every job that waits for one.

PostgreSQL tells (https://www.postgresql.org/docs/current/sql-notify.html). SQLite says whether anybody has written
(https://www.sqlite.org/pragma.html#pragma_data_version), which costs microseconds.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import OperationalError

CHANNEL = "genmedia_callbacks"
TICK_SECONDS = 0.25
BURST_SECONDS = 0.05  # after the first of many: they are read together

Heard = Callable[[], frozenset[str] | None]
"""Waits for a quarter of a second at most. The rows that callbacks have named; None where it may be any."""


@contextmanager
def listening(engine: Engine) -> Iterator[Heard]:
    """By a connection that commits each statement by itself. Raises SQLAlchemy's errors, also where it is called."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            yield _changes(connection)
            return
        driver = connection.connection.driver_connection
        connection.detach()  # it goes on listening: not for others
        connection.exec_driver_sql(f"LISTEN {CHANNEL}")
        yield _notices(engine, driver)


def _changes(connection: Connection) -> Heard:
    last: Any = None

    def heard() -> frozenset[str] | None:
        nonlocal last
        time.sleep(TICK_SECONDS)
        before, last = last, connection.exec_driver_sql("PRAGMA data_version").scalar()
        return frozenset() if last == before else None

    return heard


def _notices(engine: Engine, connection: Any) -> Heard:
    # A pooler in front of PostgreSQL may let us listen and never hear: so long as we do not hear ourselves, it may be
    # any row.
    ourselves, hears = secrets.token_hex(8), False
    with engine.connect() as other:
        other.execute(select(func.pg_notify(CHANNEL, ourselves)))

    def heard() -> frozenset[str] | None:
        nonlocal hears
        try:
            named = _received(connection, TICK_SECONDS)
            if named:
                time.sleep(BURST_SECONDS)
                named |= _received(connection, 0.0)
        except engine.dialect.loaded_dbapi.Error as failure:
            raise OperationalError("LISTEN", {}, failure) from None
        before, hears = hears, hears or ourselves in named
        return named if before else None

    return heard


def _received(connection: Any, seconds: float) -> frozenset[str]:
    """What has come by then; no longer than until the first. Raises the driver's errors."""
    return frozenset(notice.payload for notice in connection.notifies(timeout=seconds, stop_after=1))

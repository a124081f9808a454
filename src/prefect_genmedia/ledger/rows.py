"""What every change of a row stands on: the conditional update, its line of history, and the ledger's clocks."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Float, Select, Table, extract, func, insert, select, text, update
from sqlalchemy import cast as as_type
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from prefect_genmedia.errors import LedgerError
from prefect_genmedia.ledger.database import Database
from prefect_genmedia.ledger.models import Base, EventRow, JobRow
from prefect_genmedia.ledger.owner import uptime
from prefect_genmedia.ledger.values import Want

Clock = float | ColumnElement[float]
MOST_IDS = 500  # in one statement
_LOCK = 7_305  # any number that no one else locks in PostgreSQL
# Not now(), which stands still in a transaction; nor clock_timestamp(), which goes on while one row is written.
_POSTGRES_CLOCK = as_type(extract("epoch", func.statement_timestamp()), Float)


class Rows:
    """One ledger database, seen by one process. All methods are short transactions and block.

    Every change of state is a conditional update, so of two workers at most one ever makes it.
    """

    def __init__(self, database: Database, lease_seconds: float, submit_timeout_seconds: float = 60.0) -> None:
        self.database = database
        self.lease_seconds = lease_seconds
        self.submit_timeout_seconds = submit_timeout_seconds

    def clock(self) -> Clock:
        """Seconds since 1970 by the database's clock, so that rows of two machines can be compared.

        For PostgreSQL a part of a statement: to ask for the time by itself would be a round trip more.
        """
        return time.time() if self.database.sqlite else _POSTGRES_CLOCK

    def lease_clock(self) -> Clock:
        """What leases are measured by: PostgreSQL's clock; for SQLite, whose users share a machine, its uptime.

        The uptime counts while the machine sleeps, and nobody can set it.
        """
        return uptime() if self.database.sqlite else _POSTGRES_CLOCK

    def timed(self, session: Session, query: Select[tuple[JobRow]], clock: Clock) -> list[tuple[JobRow, float]]:
        """Rows, each with what the clock says, in one round trip."""
        if not isinstance(clock, ColumnElement):
            return [(row, clock) for row in session.scalars(query)]
        return [(row, moment) for row, moment in session.execute(query.add_columns(clock))]

    def locked(self, session: Session, row_id: str, clock: Clock) -> tuple[JobRow, float]:
        """A row that nobody else changes until the commit. Raises LedgerError when there is none."""
        found = self.timed(session, select(JobRow).where(JobRow.id == row_id).with_for_update(), clock)
        if not found:
            raise LedgerError("the ledger has no such job", advice="See: genmedia jobs list", away=False)
        return found[0]

    def latest(self, session: Session, key: str) -> tuple[JobRow, float] | None:
        """The newest attempt of a key, which nobody else changes until the commit; and what the lease's clock says."""
        query = select(JobRow).where(JobRow.key == key).order_by(JobRow.attempt.desc()).limit(1).with_for_update()
        last = None
        while found := self.timed(session, query, self.lease_clock()):
            row = found[0][0]
            if row.successor is None or row is last:
                return found[0]
            last = row  # it may have got its successor while we waited for its lock: PostgreSQL then shows the old one
        return None

    def alone(self, session: Session, word: str) -> None:
        """Nobody else gets past here with the same word until the commit."""
        if not self.database.sqlite:  # which has one writer at a time anyway
            session.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK}, hashtext(:word))"), {"word": word})

    def latest_of(self, session: Session, want: Want) -> tuple[JobRow, float] | None:
        """As `latest`, also under the names that the account had before."""
        return next(filter(None, (self.latest(session, key) for key in want.keys)), None)

    def insert(self, session: Session, model: type[Base], *rows: dict[str, Any]) -> None:
        """Write rows, leaving out those that are there already."""
        dialect = sqlite if self.database.sqlite else postgresql
        session.execute(dialect.insert(table_of(model)).values(list(rows)).on_conflict_do_nothing())

    def note(self, session: Session, row_id: str, state: str, words: str) -> None:
        """A line of a job's history."""
        line = {"job": row_id, "at": self.clock(), "state": str(state), "note": words}
        session.execute(insert(table_of(EventRow)).values(**line))

    def change(
        self, session: Session, row_id: str, only_from: Iterable[str], note: str, *extra: Any, **values: Any
    ) -> bool:
        """The conditional update behind every change of state, and its line of history."""
        statement = update(table_of(JobRow)).where(JobRow.id == row_id, JobRow.state.in_(list(only_from)), *extra)
        if not changed(session, statement.values(updated_at=self.clock(), **values)):
            return False
        if "state" in values:
            self.note(session, row_id, values["state"], note)
        return True

    def move(self, row_id: str, only_from: Iterable[str], note: str, *extra: Any, **values: Any) -> bool:
        """One change in a transaction of its own."""
        with self.database.write() as session:
            return self.change(session, row_id, only_from, note, *extra, **values)


def table_of(model: type[Base]) -> Table:
    """To write past SQLAlchemy's objects: half the work for the same statement."""
    return cast("Table", model.__table__)


def changed(session: Session, statement: Any) -> bool:
    """Did this statement change one row?"""
    # Objects read earlier in this session are refreshed by hand where they are used again.
    result = session.execute(statement.execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", result).rowcount == 1


def seen(row: JobRow) -> Any:
    """The row still has the owner and the lease it was seen with: no call has taken or renewed it since."""
    owner = JobRow.owner.is_(None) if row.owner is None else JobRow.owner == row.owner
    return owner & (JobRow.lease_until == row.lease_until)

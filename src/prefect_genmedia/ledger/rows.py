"""What every change of a row stands on: the conditional update, its line of history, and the ledger's clocks.

A statement is put together once and kept: that takes several times as long as to carry it out.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Literal, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Float,
    Select,
    Table,
    TextClause,
    Update,
    and_,
    bindparam,
    extract,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy import cast as as_type
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from prefect_genmedia.errors import LedgerError
from prefect_genmedia.ledger.database import Database
from prefect_genmedia.ledger.models import Base, EventRow, JobRow
from prefect_genmedia.ledger.owner import uptime
from prefect_genmedia.ledger.values import Want

Clock = float | ColumnElement[float]
MOST_IDS = 500  # in one statement
_LOCK = 7_305  # any number that no one else locks in PostgreSQL
# Not now(), which stands still in a transaction; nor clock_timestamp(), which goes on while one row is written.
POSTGRES_CLOCK = as_type(extract("epoch", func.statement_timestamp()), Float)
SOMETHING = object()  # in a condition: whatever it is, not NULL


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
        return time.time() if self.database.sqlite else POSTGRES_CLOCK

    def lease_clock(self) -> Clock:
        """What leases are measured by: PostgreSQL's clock; for SQLite, whose users share a machine, its uptime.

        The uptime counts while the machine sleeps, and nobody can set it.
        """
        return uptime() if self.database.sqlite else POSTGRES_CLOCK

    def timed(
        self, session: Session, query: Select[tuple[JobRow]], clock: Clock, values: Mapping[str, Any] | None = None
    ) -> list[tuple[JobRow, float]]:
        """Rows, each with what the clock says, in one round trip."""
        if not isinstance(clock, ColumnElement):
            return [(row, clock) for row in session.scalars(query, values)]
        return [(row, moment) for row, moment in session.execute(query.add_columns(clock), values)]

    def locked(self, session: Session, row_id: str, clock: Clock) -> tuple[JobRow, float]:
        """A row that nobody else changes until the commit. Raises LedgerError when there is none."""
        found = self.timed(session, _LOCKED, clock, {"row_id": row_id})
        if not found:
            raise LedgerError("the ledger has no such job", advice="See: genmedia jobs list", away=False)
        return found[0]

    def latest(self, session: Session, key: str) -> tuple[JobRow, float] | None:
        """The newest attempt of a key, which nobody else changes until the commit; and what the lease's clock says."""
        last = None
        while found := self.timed(session, _LATEST, self.lease_clock(), {"key": key}):
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
        connection = session.connection()
        defaults = _defaults(table_of(model))
        fixed, bound = _apart(defaults | rows[0])
        as_sql = {"compile_kwargs": {"literal_binds": True}, "dialect": connection.dialect}
        given = {name: f":{name}" for name in bound} | {
            name: str(value.compile(**as_sql)).replace(":", r"\:") for name, value in fixed.items()
        }
        statement = _insert(table_of(model), tuple(given.items()))
        connection.execute(statement, [{name: (defaults | row)[name] for name in bound} for row in rows])

    def note(self, session: Session, row_id: str, state: str, words: str) -> None:
        """A line of a job's history."""
        line = {"job": row_id, "at": self.clock(), "state": str(state), "note": words}
        fixed, bound = _apart(line)
        session.connection().execute(_NOTE.values(**fixed) if fixed else _NOTE, bound)

    def change(
        self,
        session: Session,
        row_id: str,
        only_from: Iterable[str],
        note: str,
        where: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> bool:
        """The conditional update behind every change of state, and its line of history.

        `where` says what else the row must say: a value, None for NULL, or SOMETHING.
        """
        where = where or {}
        fixed, bound = _apart({"updated_at": self.clock(), **values})
        conditions = tuple((name, _how(value)) for name, value in where.items())
        statement = _change(tuple(only_from), conditions, tuple(bound))
        if fixed:
            statement = statement.values(**fixed)
        said = {f"is_{name}": value for name, value in where.items() if _how(value) == "equal"}
        said |= {"row_id": row_id, **{f"new_{name}": value for name, value in bound.items()}}
        # Objects read earlier in this session are refreshed by hand where they are used again.
        if session.connection().execute(statement, said).rowcount != 1:
            return False
        if "state" in values:
            self.note(session, row_id, values["state"], note)
        return True

    def move(
        self, row_id: str, only_from: Iterable[str], note: str, where: Mapping[str, Any] | None = None, **values: Any
    ) -> bool:
        """One change in a transaction of its own."""
        with self.database.write() as session:
            return self.change(session, row_id, only_from, note, where, **values)


def table_of(model: type[Base]) -> Table:
    """To write past SQLAlchemy's objects: half the work for the same statement."""
    return cast("Table", model.__table__)


def changed(session: Session, statement: Any) -> bool:
    """Did this statement change one row?"""
    # Objects read earlier in this session are refreshed by hand where they are used again.
    result = session.execute(statement.execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", result).rowcount == 1


def seen(row: JobRow) -> dict[str, Any]:
    """As a condition: the row still has the owner and the lease it was seen with. No call has taken or renewed it."""
    return {"owner": row.owner, "lease_until": row.lease_until}


BY_ID = select(JobRow).where(JobRow.id == bindparam("row_id"))
_LOCKED = BY_ID.with_for_update()
_LATEST = (
    select(JobRow).where(JobRow.key == bindparam("key")).order_by(JobRow.attempt.desc()).limit(1).with_for_update()
)
_NOTE = insert(table_of(EventRow))


def _apart(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values that the database works out itself, as its clock, and those that are given to it."""
    fixed = {name: value for name, value in values.items() if isinstance(value, ColumnElement | InstrumentedAttribute)}
    return fixed, {name: value for name, value in values.items() if name not in fixed}


def _how(value: Any) -> Literal["null", "something", "equal"]:
    return "null" if value is None else "something" if value is SOMETHING else "equal"


@lru_cache
def _defaults(table: Table) -> dict[str, Any]:
    return {
        column.name: column.default.arg for column in table.c if isinstance(column.default, ScalarElementColumnDefault)
    }


@lru_cache
def _insert(table: Table, given: tuple[tuple[str, str], ...]) -> TextClause:
    """As text: SQLAlchemy puts an insert with this clause together anew each time."""
    names, values = ", ".join(f'"{name}"' for name, _ in given), ", ".join(value for _, value in given)
    statement = text(f"INSERT INTO {table.name} ({names}) VALUES ({values}) ON CONFLICT DO NOTHING")  # noqa: S608 - ours
    bound = [name for name, value in given if value == f":{name}"]
    return statement.bindparams(*(bindparam(name, type_=table.c[name].type) for name in bound))


@lru_cache
def _change(only_from: tuple[str, ...], conditions: tuple[tuple[str, str], ...], names: tuple[str, ...]) -> Update:
    table = table_of(JobRow)
    # Written out: as parameters SQLAlchemy counts them anew each time.
    states: list[ColumnElement[str]] = [literal_column(f"'{state}'") for state in only_from]
    which = [table.c.id == bindparam("row_id"), table.c.state.in_(states)]
    for name, how in conditions:
        column = table.c[name]
        equal = column == bindparam(f"is_{name}", type_=column.type)
        which.append({"null": column.is_(None), "something": column.is_not(None), "equal": equal}[how])
    return update(table).where(and_(*which)).values(_bound(table, names))


def _bound(table: Table, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}

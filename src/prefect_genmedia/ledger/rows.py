"""What every change of a row stands on: the conditional update, its line of history, and the ledger's clocks."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, cast

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.orm import Session

from prefect_genmedia.ledger.database import Database
from prefect_genmedia.ledger.models import EventRow, JobRow
from prefect_genmedia.ledger.owner import uptime


class Rows:
    """One ledger database, seen by one process. All methods are short transactions and block.

    Every change of state is a conditional update, so of two workers at most one ever makes it.
    """

    def __init__(self, database: Database, lease_seconds: float, submit_timeout_seconds: float = 60.0) -> None:
        self.database = database
        self.lease_seconds = lease_seconds
        self.submit_timeout_seconds = submit_timeout_seconds

    def now(self, session: Session) -> float:
        """Seconds since 1970 by the database's clock, so that rows of two machines can be compared."""
        if self.database.sqlite:
            return time.time()
        return float(session.scalars(select(func.extract("epoch", func.clock_timestamp()))).one())

    def lease_now(self, session: Session) -> float:
        """What leases are measured by: PostgreSQL's clock; for SQLite, whose users share a machine, its uptime.

        The uptime counts while the machine sleeps, and nobody can set it.
        """
        return uptime() if self.database.sqlite else self.now(session)

    def change(
        self, session: Session, row_id: str, only_from: Iterable[str], note: str, *extra: Any, **values: Any
    ) -> bool:
        """The conditional update behind every change of state, and its line of history."""
        now = self.now(session)
        statement = update(JobRow).where(JobRow.id == row_id, JobRow.state.in_(list(only_from)), *extra)
        if not changed(session, statement.values(updated_at=now, **values)):
            return False
        if "state" in values:
            session.add(EventRow(job=row_id, at=now, state=str(values["state"]), note=note))
        return True

    def move(self, row_id: str, only_from: Iterable[str], note: str, *extra: Any, **values: Any) -> bool:
        """One change in a transaction of its own."""
        with self.database.write() as session:
            return self.change(session, row_id, only_from, note, *extra, **values)


def changed(session: Session, statement: Any) -> bool:
    """Did this statement change one row?"""
    # Objects read earlier in this session are refreshed by hand where they are used again.
    result = session.execute(statement.execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", result).rowcount == 1


def latest(session: Session, key: str) -> JobRow | None:
    """The newest attempt of a key."""
    query = select(JobRow).where(JobRow.key == key).order_by(JobRow.attempt.desc()).limit(1)
    return session.scalars(query.with_for_update()).first()


def seen(row: JobRow) -> Any:
    """The row still has the owner and the lease it was seen with: no call has taken or renewed it since."""
    owner = JobRow.owner.is_(None) if row.owner is None else JobRow.owner == row.owner
    return owner & (JobRow.lease_until == row.lease_until)

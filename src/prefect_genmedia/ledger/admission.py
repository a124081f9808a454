"""How many jobs of an account are in progress in one of its queues, over all workers, and how many may be."""

from __future__ import annotations

import json
import math
from functools import lru_cache

from sqlalchemy import ColumnElement, Float, Select, and_, bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from prefect_genmedia.ledger.models import FactRow, JobRow
from prefect_genmedia.ledger.owner import is_dead, ran_before_restart
from prefect_genmedia.ledger.rows import POSTGRES_CLOCK, Rows, changed
from prefect_genmedia.ledger.values import PROBE_SECONDS, Full, LedgerState, Queue

LONGEST_LEASE = 86_400.0  # seconds; settings allow none longer
LONGEST_UNWATCHED = 86_400.0  # seconds; what is older is the sweep's


class Admission(Rows):
    """Jobs that were sent and have not ended are counted from their rows, also those whose worker died."""

    def admit(self, session: Session, queue: Queue) -> None:
        """A place for one more job, which nobody else takes before the commit. Raises Full."""
        learnt = self._learnt(session, queue)
        most = min(learnt, queue.most or math.inf)
        if most == math.inf:
            return
        self.alone(session, queue.fact)
        if self._in_progress(session, queue) >= most:
            raise Full(int(most), queue)

    def refused(self, queue: Queue) -> int:
        """The provider took no more: remembered for all workers. How many of ours are in progress."""
        with self.database.write() as session:
            count = self._in_progress(session, queue)
            value = json.dumps({"most": max(1, count), "at": self._now(session)})
            self.insert(session, FactRow, {"name": queue.fact, "value": value})
            changed(session, update(FactRow).where(FactRow.name == queue.fact).values(value=value))
            return count

    def unwatched(self, queue: Queue) -> list[JobRow]:
        """Jobs that were accepted and that no live call waits for, oldest first."""
        with self.database.read() as session:
            found = select(JobRow).where(
                JobRow.account == queue.account,
                JobRow.queue == queue.name,
                JobRow.state == LedgerState.SUBMITTED,
                JobRow.job_id.is_not(None),
                JobRow.sent_at > self.clock() - LONGEST_UNWATCHED,
            )
            rows = self.timed(session, found.order_by(JobRow.sent_at), self.lease_clock())
            return [row for row, now in rows if not self.is_held(row, now)]

    def is_held(self, row: JobRow, lease_now: float) -> bool:
        """Does some call still work on this row?"""
        if row.owner is None or self.has_ended(row.process):
            return False
        left = row.lease_until - lease_now
        if left > LONGEST_LEASE:
            # Not by the clock that counts now: it was set back, or the row is an older version's.
            return is_dead(row.process) is False
        return left > 0

    def has_ended(self, process: str) -> bool:
        """Has that process surely ended? All users of an SQLite file share a machine, and so its starts."""
        return is_dead(process) is True or (self.database.sqlite and ran_before_restart(process))

    def _in_progress(self, session: Session, queue: Queue) -> int:
        values = {"account": queue.account, "queue": queue.name, "longest": queue.longest}
        if self.database.sqlite:
            values |= {"now": self.clock(), "lease_now": self.lease_clock()}
        return session.scalars(_in_progress(self.database.sqlite), values).one()

    def _learnt(self, session: Session, queue: Queue) -> float:
        """What the last refusal taught, and one more for each while since."""
        found = session.scalars(FACT, {"name": queue.fact}).first()
        if found is None:
            return math.inf
        refusal = json.loads(found)
        return float(refusal["most"] + max(0.0, self._now(session) - refusal["at"]) // PROBE_SECONDS)

    def _now(self, session: Session) -> float:
        clock = self.clock()
        return session.scalars(select(clock)).one() if isinstance(clock, ColumnElement) else clock


FACT = select(FactRow.value).where(FactRow.name == bindparam("name"))


@lru_cache
def _in_progress(of_sqlite: bool) -> Select[tuple[int]]:
    """How many are; `now` and `lease_now` are given to it where the database has no clock of its own."""
    now, lease_now = (bindparam("now"), bindparam("lease_now")) if of_sqlite else (POSTGRES_CLOCK, POSTGRES_CLOCK)
    # One that nobody sees end: where it still goes on, the provider's refusal costs nothing.
    is_watched = and_(JobRow.owner.is_not(None), JobRow.lease_until > lease_now)
    return select(func.count()).where(
        JobRow.account == bindparam("account"),
        JobRow.queue == bindparam("queue"),
        JobRow.state.in_([LedgerState.INTENT, LedgerState.SUBMITTED]),
        or_(is_watched, JobRow.sent_at > now - bindparam("longest", type_=Float)),
    )

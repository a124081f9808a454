"""How many jobs of an account are in progress in one of its queues, over all workers, and how many may be."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from sqlalchemy import ColumnElement, Float, Select, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Session

from prefect_genmedia.ledger.models import FactRow, JobRow
from prefect_genmedia.ledger.owner import is_dead, ran_before_restart
from prefect_genmedia.ledger.rows import POSTGRES_CLOCK, Rows, changed, table_of
from prefect_genmedia.ledger.values import LINE_SECONDS, PROBE_SECONDS, Full, LedgerState, Queue, Want

LONGEST_LEASE = 86_400.0  # seconds; settings allow none longer
LONGEST_UNWATCHED = 86_400.0  # seconds; what is older is the sweep's


class Admission(Rows):
    """Jobs that were sent and have not ended are counted from their rows, also those whose worker died."""

    def admit(self, session: Session, queue: Queue, want: Want) -> None:
        """A place for one more job, which nobody else takes before the commit. Raises Full.

        Also where there is a place and another run goes first, which has lately been told that there was none.
        """
        said = {"name": queue.fact, "lines": f"{queue.line}%"}
        lines = dict(session.execute(_SAID_OF_QUEUE, said).tuples().all())
        most = min(self._learnt(session, lines.pop(queue.fact, None)), queue.most or math.inf)
        if most == math.inf:
            return
        self.alone(session, queue.fact)
        counts = self._in_progress(session, queue)
        ours = _line_of(queue, want.run, want.priority)
        stood = lines.pop(ours, None) is not None
        if sum(counts.values()) >= most or (lines and self._goes_later(session, queue, lines.values(), counts, want)):
            raise Full(int(most), queue, shared=bool(lines) or any(run != want.run for run in counts))
        if stood and not queue.more_wait:
            session.execute(_NO_LINE, {"name": ours})

    def wait_in_line(self, full: Full, run: str, priority: int) -> None:
        """This run found the queue full. For a moment those go later that have more in progress, or less priority."""
        queue = full.queue
        with self.database.write() as session:
            self.alone(session, queue.fact)
            now = self._now(session)
            lines = session.execute(_SAID_OF_QUEUE, {"name": "", "lines": f"{queue.line}%"})
            for name, value in lines.tuples().all():
                if abs(now - json.loads(value)["at"]) > LINE_SECONDS:
                    session.execute(_NO_LINE, {"name": name})
            ours = {"run": run, "priority": priority, "most": full.most, "longest": queue.longest, "at": now}
            name, line = _line_of(queue, run, priority), json.dumps(ours)
            self.insert(session, FactRow, {"name": name, "value": line})
            changed(session, update(FactRow).where(FactRow.name == name).values(value=line))

    def _goes_later(
        self, session: Session, queue: Queue, lines: Iterable[str], counts: dict[str, int], want: Want
    ) -> bool:
        """Does another run wait that could take this place, by its own count and limit, and has more right to it?"""
        now, ours = self._now(session), (-want.priority, counts.get(want.run, 0))
        for other in map(json.loads, lines):
            is_before = (-other["priority"], counts.get(other["run"], 0)) < ours
            if is_before and abs(now - other["at"]) <= LINE_SECONDS:
                # Jobs that nobody watches count longer for an operation that takes longer.
                theirs = counts
                if other["longest"] != queue.longest:
                    theirs = self._in_progress(session, replace(queue, longest=other["longest"]))
                if sum(theirs.values()) < other["most"]:
                    return True
        return False

    def refused(self, queue: Queue) -> int:
        """The provider took no more: remembered for all workers. How many of ours are in progress."""
        with self.database.write() as session:
            count = sum(self._in_progress(session, queue).values())
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

    def _in_progress(self, session: Session, queue: Queue) -> dict[str, int]:
        """How many jobs of each run."""
        values = {"account": queue.account, "queue": queue.name, "longest": queue.longest}
        if self.database.sqlite:
            values |= {"now": self.clock(), "lease_now": self.lease_clock()}
        return dict(session.execute(_in_progress(self.database.sqlite), values).tuples().all())

    def _learnt(self, session: Session, found: str | None) -> float:
        """What the last refusal taught, and one more for each while since."""
        if found is None:
            return math.inf
        refusal = json.loads(found)
        return float(refusal["most"] + max(0.0, self._now(session) - refusal["at"]) // PROBE_SECONDS)

    def _now(self, session: Session) -> float:
        clock = self.clock()
        return session.scalars(select(clock)).one() if isinstance(clock, ColumnElement) else clock


FACT = select(FactRow.value).where(FactRow.name == bindparam("name"))
_SAID_OF_QUEUE = select(FactRow.name, FactRow.value).where(
    or_(FactRow.name == bindparam("name"), FactRow.name.like(bindparam("lines")))
)
_NO_LINE = delete(table_of(FactRow)).where(FactRow.name == bindparam("name"))


def _line_of(queue: Queue, run: str, priority: int) -> str:
    return queue.line + hashlib.sha256(f"{priority}|{run}".encode("utf-8", "replace")).hexdigest()[:24]


@lru_cache
def _in_progress(of_sqlite: bool) -> Select[tuple[str, int]]:
    """How many are, of each run; `now` and `lease_now` are given to it where the database has no clock of its own."""
    now, lease_now = (bindparam("now"), bindparam("lease_now")) if of_sqlite else (POSTGRES_CLOCK, POSTGRES_CLOCK)
    # One that nobody sees end: where it still goes on, the provider's refusal costs nothing.
    is_watched = and_(JobRow.owner.is_not(None), JobRow.lease_until > lease_now)
    counted = select(JobRow.run, func.count()).group_by(JobRow.run)
    return counted.where(
        JobRow.account == bindparam("account"),
        JobRow.queue == bindparam("queue"),
        JobRow.state.in_([LedgerState.INTENT, LedgerState.SUBMITTED]),
        or_(is_watched, JobRow.sent_at > now - bindparam("longest", type_=Float)),
    )

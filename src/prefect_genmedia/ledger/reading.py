"""Reading the ledger."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select, tuple_

from prefect_genmedia.budget import Budget
from prefect_genmedia.ledger.adoption import Adoption
from prefect_genmedia.ledger.database import open_database
from prefect_genmedia.ledger.decisions import Decisions
from prefect_genmedia.ledger.models import EventRow, JobRow, MediaRow, TagRow
from prefect_genmedia.ledger.rows import BY_ID, MOST_IDS
from prefect_genmedia.ledger.spending import left_today
from prefect_genmedia.ledger.values import UNFINISHED, Accepted, LedgerState, Past, Spent

S = LedgerState
_MOST_FOUND = 20
_PAGE = 1000
_LATELY = 2000  # jobs
_NEWEST = select(JobRow).where(JobRow.key.in_(bindparam("keys", expanding=True))).order_by(JobRow.attempt.desc())
_MEDIA = select(MediaRow).where(MediaRow.job == bindparam("row_id")).order_by(MediaRow.position)


class Ledger(Adoption, Decisions):
    """Every paid job and every media file, written down before money is spent.

    Its subjects stand in files of their own: Claims, Life, Adoption, Decisions; here is what only reads.
    """

    def now(self) -> float:
        """What the ledger's own clock says: what is sent from here on has a later `sent_at`."""
        clock = self.clock()
        if not isinstance(clock, ColumnElement):
            return clock
        with self.database.read() as session:
            return float(session.scalars(select(clock)).one())

    def newest(self, keys: Collection[str]) -> JobRow | None:
        """The newest attempt of a job, by all the keys that it may have."""
        with self.database.read() as session:
            return session.scalars(_NEWEST, {"keys": list(keys)}).first()

    def get(self, row_id: str) -> JobRow | None:
        with self.database.read() as session:
            return session.scalars(BY_ID, {"row_id": row_id}).first()

    def find(self, prefix: str) -> list[JobRow]:
        """Rows whose id starts with `prefix`, or whose provider job id is exactly that."""
        with self.database.read() as session:
            found = list(session.scalars(select(JobRow).where(JobRow.job_id == prefix).limit(_MOST_FOUND)))
            start = prefix.lower()
            if re.fullmatch("[0-9a-f]{1,32}", start):
                # An id is hexadecimal, and so ends before "g" in every database's order.
                starts = (JobRow.id >= start, JobRow.id < start + "g")
                found += session.scalars(select(JobRow).where(*starts).limit(_MOST_FOUND))
            return list({row.id: row for row in found}.values())[:_MOST_FOUND]

    def rows(
        self,
        states: Sequence[str] = (),
        run: str | None = None,
        since: float = 0,
        limit: int = 1000,
        operation: str | None = None,
        account: str | None = None,
    ) -> list[JobRow]:
        """The newest rows first."""
        query = select(JobRow).where(JobRow.created_at >= since).order_by(JobRow.created_at.desc()).limit(limit)
        if run is not None:
            query = query.where(JobRow.run == run)
        if operation is not None:
            query = query.where(JobRow.operation == operation)
        if account is not None:
            query = query.where(JobRow.account == account)
        # A question for each state: together they would be sorted, all that there are, to show the first.
        queries = [query.where(JobRow.state == state) for state in dict.fromkeys(states)] or [query]
        with self.database.read() as session:
            found = [row for each in queries for row in session.scalars(each)]
        return sorted(found, key=lambda row: row.created_at, reverse=True)[:limit]

    def left_alone(self, quiet_seconds: float, most: int | None = None, after: JobRow | None = None) -> list[JobRow]:
        """Unfinished rows that no live call works on and that nothing has happened to for so long.

        Those that were left alone longest come first, so that of many each has its turn; `after` goes on from there.
        """
        page = _PAGE if most is None else most
        order = tuple_(JobRow.updated_at, JobRow.created_at, JobRow.id)
        found: list[JobRow] = []
        while True:
            quiet = JobRow.updated_at <= self.clock() - quiet_seconds
            query = select(JobRow).where(JobRow.state.in_(UNFINISHED), quiet).order_by(*order).limit(page)
            if after is not None:
                query = query.where(order > (after.updated_at, after.created_at, after.id))
            with self.database.read() as session:
                rows = self.timed(session, query, self.lease_clock())
            found += [row for row, now in rows if not self.is_held(row, now)]
            if len(rows) < page or (most is not None and len(found) >= most):
                return found[:most]
            after = rows[-1][0]

    def hints(self, row_ids: Sequence[str]) -> dict[str, float]:
        """When each of these rows was last named by a callback."""
        found: dict[str, float] = {}
        with self.database.read() as session:
            for start in range(0, len(row_ids), MOST_IDS):
                some = JobRow.id.in_(row_ids[start : start + MOST_IDS])
                read = session.execute(select(JobRow.id, JobRow.hint_at).where(some, JobRow.hint_at.is_not(None)))
                found |= {row_id: hint_at for row_id, hint_at in read if hint_at is not None}
        return found

    def took(self, operation: str, account: str, kind: Mapping[str, Any], most: int) -> list[float]:
        """Seconds from acceptance to end of the newest jobs of a kind, among the ledger's newest jobs."""
        newest = select(JobRow.id).order_by(JobRow.created_at.desc()).limit(_LATELY)
        query = select(JobRow.submitted_at, JobRow.finished_at, JobRow.request).where(
            JobRow.id.in_(newest),
            JobRow.operation == operation,
            JobRow.account == account,
            JobRow.state.in_((S.SUCCEEDED, S.STORED)),
        )
        with self.database.read() as session:
            rows = [row for row in session.execute(query.order_by(JobRow.created_at.desc())) if row.submitted_at]
        alike = [row for row in rows if all(row.request.get(name) == value for name, value in kind.items())]
        return [max(0.0, (row.finished_at or 0.0) - row.submitted_at) for row in alike[:most]][::-1]

    def past(self, operation: str, account: str | None = None, *, charged: bool = False) -> list[Past]:
        """Finished jobs of an operation among the ledger's newest jobs, the newest first; of one account, or of all.

        `charged`: only those of which the provider says what they cost.
        """
        newest = select(JobRow.id).order_by(JobRow.created_at.desc()).limit(_LATELY)
        query = select(JobRow.request, JobRow.quota, JobRow.submitted_at, JobRow.finished_at).where(
            JobRow.id.in_(newest), JobRow.operation == operation, JobRow.state.in_((S.SUCCEEDED, S.STORED))
        )
        if account is not None:
            query = query.where(JobRow.account == account)
        if charged:
            query = query.where(JobRow.quota.is_not(None))
        with self.database.read() as session:
            found = session.execute(query.order_by(JobRow.created_at.desc())).all()
        return [
            Past(row.request, row.quota, row.finished_at - row.submitted_at)
            if row.submitted_at and row.finished_at and row.finished_at >= row.submitted_at
            else Past(row.request, row.quota, None)
            for row in found
        ]

    def spent(self, since: float) -> Iterator[Spent]:
        """What each job asked for since then counts, the oldest first; read in pages, so that nobody waits for it."""
        order = tuple_(JobRow.created_at, JobRow.id)
        columns = [getattr(JobRow, name) for name in Spent._fields if name != "tags"]
        query = select(*columns).where(JobRow.created_at >= since).order_by(*order).limit(MOST_IDS)
        page: list[Spent] = []
        while True:
            with self.database.read() as session:
                after = query.where(order > (page[-1].created_at, page[-1].id)) if page else query
                page = [Spent(*row) for row in session.execute(after)]
                tags = defaultdict(list)
                ids = [each.id for each in page]
                for job, tag in session.execute(select(TagRow.job, TagRow.tag).where(TagRow.job.in_(ids))):
                    tags[job].append(tag)
            yield from (each._replace(tags=tuple(sorted(tags[each.id]))) for each in page)
            if len(page) < MOST_IDS:
                return

    def left_today(self, budget: Budget, unit: str) -> float | None:
        """How much of a budget's daily limit is left; None where it has none."""
        now = self.now()
        with self.database.read() as session:
            return left_today(session, budget, unit, now)

    def media(self, row_id: str) -> list[MediaRow]:
        """The files of a job, by their place in its answer."""
        with self.database.read() as session:
            return list(session.scalars(_MEDIA, {"row_id": row_id}))

    def media_with(self, sha256: str) -> list[MediaRow]:
        """The files of jobs that have these bytes."""
        with self.database.read() as session:
            return list(session.scalars(select(MediaRow).where(MediaRow.sha256 == sha256).order_by(MediaRow.job)))

    def called_at_provider(self, account: str, job_ids: Sequence[str]) -> list[JobRow]:
        """The account's jobs that the provider calls by one of these ids."""
        with self.database.read() as session:
            called = JobRow.job_id.in_(list(job_ids)[:MOST_IDS])
            return list(session.scalars(select(JobRow).where(called, JobRow.account == account)))

    def all_media(self) -> Iterator[MediaRow]:
        """Every file that was ever stored, job by job; read in pages, so that nobody waits for it."""
        order = tuple_(MediaRow.job, MediaRow.position)
        query = select(MediaRow).order_by(MediaRow.job, MediaRow.position).limit(_PAGE)
        page: list[MediaRow] = []
        while True:
            with self.database.read() as session:
                after = query.where(order > (page[-1].job, page[-1].position)) if page else query
                page = list(session.scalars(after))
            yield from page
            if len(page) < _PAGE:
                return

    def history(self, row_id: str) -> list[EventRow]:
        with self.database.read() as session:
            return list(session.scalars(select(EventRow).where(EventRow.job == row_id).order_by(EventRow.id)))

    def known_job_ids(self, account: str, among: Sequence[str]) -> dict[str, Accepted]:
        """Which of these provider job ids already belong to a row, and when they were accepted."""
        with self.database.read() as session:
            query = select(JobRow.job_id, JobRow.sent_at, JobRow.submitted_at)
            found = session.execute(query.where(JobRow.account == account, JobRow.job_id.in_(list(among))))
            return {job_id: Accepted(sent_at, known_at) for job_id, sent_at, known_at in found if job_id}

    def running(self, account: str, operations: Iterable[str]) -> dict[str, tuple[str, dict[str, Any]]]:
        """Our jobs that are with the provider, by its id: each job's operation and request."""
        with self.database.read() as session:
            query = select(JobRow.job_id, JobRow.operation, JobRow.request).where(
                JobRow.account == account, JobRow.state == S.SUBMITTED, JobRow.operation.in_(list(operations))
            )
            return {job_id: (name, request) for job_id, name, request in session.execute(query) if job_id}


def open_ledger(url: str, lease_seconds: float, submit_timeout_seconds: float = 60.0) -> Ledger:
    """Open the ledger at `url`. Raises ConfigurationError or LedgerError."""
    return Ledger(open_database(url), lease_seconds, submit_timeout_seconds)


def ledger_to_read(url: str, lease_seconds: float) -> Ledger:
    """As `open_ledger`, for what only reads: the ledger may then be a file that cannot be written."""
    return Ledger(open_database(url, reading=True), lease_seconds)

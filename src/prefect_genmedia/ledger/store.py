"""The ledger: every paid job is written down before it is bought.

All methods are short transactions and block; async callers run them in a thread. Every change of
state is a conditional update, so of two workers at most one ever makes it.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from prefect_genmedia.budget import Budget
from prefect_genmedia.ledger.database import Database, open_database
from prefect_genmedia.ledger.models import UNFINISHED, EventRow, FactRow, JobRow, LedgerState, MediaRow, TagRow
from prefect_genmedia.ledger.owner import is_dead, this_process
from prefect_genmedia.ledger.spending import gate, reserve
from prefect_genmedia.operation import JobStatus

S = LedgerState


@dataclass(frozen=True)
class Want:
    """What a caller asks for, before it is known whether it has to be bought."""

    key: str
    request_hash: str
    scope: str
    copy: int
    operation: str
    base_url: str
    account: str
    title: str
    request: dict[str, Any]
    expected_cost: float | None
    run: str
    unit: str = "quota"
    labelled: bool = False
    attempts: int = 1
    tags: tuple[str, ...] = ()
    budget: Budget | None = None
    task_run: str | None = None


@dataclass(frozen=True)
class Claim:
    """A job's row, and whether the caller now owns it."""

    row: JobRow
    mine: bool


class Ledger:
    """One ledger database, seen by one process."""

    def __init__(self, database: Database, lease_seconds: float) -> None:
        self.database = database
        self.lease_seconds = lease_seconds

    # -- who owns a row ---------------------------------------------------------------------------

    def alive(self, row: JobRow) -> bool:
        """Does some call still work on this row?"""
        if row.owner is None or is_dead(row.process):
            return False
        left = row.lease_until - time.time()
        # A lease longer than any we give was written by a clock that has since been set back.
        return 0 < left <= 2 * self.lease_seconds

    def claim(self, want: Want, owner: str) -> Claim:
        """Find or make the row of this key, and take it unless a live call has it or it is finished."""
        while True:
            with self.database.write() as session:
                gate(session, want.budget)
                row = _latest(session, want.key)
                if row is None:
                    if (made := self._insert(session, want, owner, attempt=1)) is not None:
                        return Claim(made, mine=True)
                    continue  # another worker was faster: look at its row
                if row.state in (S.FAILED, S.EXPIRED) and row.attempt < want.attempts:
                    if (made := self._insert(session, want, owner, row.attempt + 1, instead_of=row)) is not None:
                        return Claim(made, mine=True)
                    continue
                if row.state in (S.STORED, S.FAILED, S.EXPIRED):
                    return Claim(row, mine=False)
                if row.owner != owner and self.alive(row):
                    return Claim(row, mine=False)
                if self._take(session, row, owner, want.run, want.task_run, request=want.request):
                    session.flush()
                    session.refresh(row)
                    return Claim(row, mine=True)

    def take(self, row_id: str, owner: str) -> Claim:
        """Take an unfinished row that no live call has, to resume it."""
        with self.database.write() as session:
            row = session.get_one(JobRow, row_id, with_for_update=True)
            if row.state in UNFINISHED and not (row.owner != owner and self.alive(row)):
                mine = self._take(session, row, owner, row.run, row.task_run)
                session.flush()
                session.refresh(row)
                return Claim(row, mine)
            return Claim(row, mine=False)

    def _take(self, session: Session, row: JobRow, owner: str, run: str, task_run: str | None, **values: Any) -> bool:
        # INTENT without an answer: the POST may have gone out, nobody knows.
        state, note = row.state, "taken over"
        if state == S.INTENT and row.owner != owner:
            state, note = S.UNKNOWN, "taken over from a worker that ended while its submit was on its way"
        values |= {"state": state, "owner": owner, "run": run, "task_run": task_run}
        if state == S.UNKNOWN and row.state == S.INTENT:
            values["reason"] = "the worker ended while its submit was on its way"
        return self._change(session, row.id, (row.state,), note, _seen(row), **values, **self._lease())

    def _lease(self) -> dict[str, Any]:
        return {"process": this_process(), "lease_until": time.time() + self.lease_seconds}

    def _insert(
        self, session: Session, want: Want, owner: str, attempt: int, instead_of: JobRow | None = None
    ) -> JobRow | None:
        now = time.time()
        cost = want.expected_cost
        if want.budget is not None:
            cost = reserve(session, want.budget, unit=want.unit, cost=cost, run=want.run, tags=want.tags)
        row = JobRow(
            id=uuid.uuid4().hex,
            key=want.key,
            attempt=attempt,
            request_hash=want.request_hash,
            scope=want.scope,
            copy=want.copy,
            operation=want.operation,
            base_url=want.base_url,
            account=want.account,
            title=want.title,
            request=want.request,
            state=S.INTENT,
            expected_cost=cost,
            unit=want.unit,
            labelled=want.labelled,
            owner=owner,
            run=want.run,
            task_run=want.task_run,
            created_at=now,
            updated_at=now,
            **self._lease(),
        )
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError:
            return None
        if instead_of is not None:
            session.execute(update(JobRow).where(JobRow.id == instead_of.id).values(successor=row.id))
        session.add_all(TagRow(job=row.id, tag=tag) for tag in dict.fromkeys(want.tags))
        session.add(EventRow(job=row.id, at=now, state=S.INTENT, note="claimed" if attempt == 1 else "bought again"))
        return row

    def renew(self, owner: str) -> None:
        """Keep the lease of every row this call works on."""
        with self.database.write() as session:
            until = time.time() + self.lease_seconds
            _changed(session, update(JobRow).where(JobRow.owner == owner).values(lease_until=until))

    def release(self, owner: str, sent: bool = True) -> None:
        """This call works on nothing any more. The states stay, but for an INTENT that was never sent."""
        with self.database.write() as session:
            if not sent:
                for row_id in session.scalars(
                    select(JobRow.id).where(JobRow.owner == owner, JobRow.state == S.INTENT)
                ).all():
                    note = "nothing was sent"
                    self._change(session, row_id, (S.INTENT,), note, state=S.NOT_ACCEPTED, reason=note)
            _changed(session, update(JobRow).where(JobRow.owner == owner).values(owner=None))

    # -- the life of a job ------------------------------------------------------------------------

    def _change(
        self, session: Session, row_id: str, only_from: Iterable[str], note: str, *extra: Any, **values: Any
    ) -> bool:
        """The conditional update behind every change of state, and its line of history."""
        now = time.time()
        statement = update(JobRow).where(JobRow.id == row_id, JobRow.state.in_(list(only_from)), *extra)
        if not _changed(session, statement.values(updated_at=now, **values)):
            return False
        if "state" in values:
            session.add(EventRow(job=row_id, at=now, state=str(values["state"]), note=note))
        return True

    def _move(self, row_id: str, only_from: Iterable[str], note: str, **values: Any) -> bool:
        with self.database.write() as session:
            return self._change(session, row_id, only_from, note, **values)

    def intend(self, row: JobRow, owner: str, want: Want) -> bool:
        """A refused submit is about to be sent again: written down, and counted, before it is."""
        with self.database.write() as session:
            gate(session, want.budget)
            cost = row.expected_cost
            if want.budget is not None:
                cost = reserve(
                    session, want.budget, unit=want.unit, cost=cost, run=want.run, tags=want.tags, besides=row.id
                )
            moved = self._change(
                session,
                row.id,
                (S.NOT_ACCEPTED,),
                "to be sent again",
                JobRow.owner == owner,
                state=S.INTENT,
                expected_cost=cost,
                labelled=want.labelled,
            )
            if moved:
                has = set(session.scalars(select(TagRow.tag).where(TagRow.job == row.id)))
                session.add_all(TagRow(job=row.id, tag=tag) for tag in dict.fromkeys(want.tags) if tag not in has)
            return moved

    def not_accepted(self, row_id: str, reason: str) -> bool:
        """Surely not bought."""
        return self._move(row_id, (S.INTENT, S.UNKNOWN), reason, state=S.NOT_ACCEPTED, reason=reason)

    def unknown(self, row_id: str, reason: str) -> bool:
        """Sent, and no usable answer: may be bought."""
        return self._move(row_id, (S.INTENT, S.UNKNOWN), reason, state=S.UNKNOWN, reason=reason)

    def submitted(self, row_id: str, job_id: str, note: str) -> bool:
        """Bought: the provider's job id is known. True also of a row that someone else meanwhile took.

        False for a row that is bought already; another job id than its own is kept in its history.
        """
        with self.database.write() as session:
            moved = self._change(
                session,
                row_id,
                (S.INTENT, S.UNKNOWN, S.NOT_ACCEPTED),
                note,
                state=S.SUBMITTED,
                job_id=job_id,
                reason="",
                submitted_at=time.time(),
            )
            row = session.get(JobRow, row_id)
            if not moved and row is not None and row.job_id != job_id:
                twice = f"accepted once more, as {job_id}: paid twice?"
                session.add(EventRow(job=row_id, at=time.time(), state=row.state, note=twice))
            return moved

    def progress(self, row_id: str, owner: str, status: JobStatus) -> bool:
        """What the provider says of a running job; keeps the lease as well. False when the row was taken."""
        with self.database.write() as session:
            return self._change(
                session,
                row_id,
                (S.SUBMITTED,),
                "",
                JobRow.owner == owner,
                provider_state=status.provider_state,
                percent=status.percent,
                eta_seconds=status.eta_seconds,
                lease_until=time.time() + self.lease_seconds,
            )

    def succeeded(self, row_id: str, status: JobStatus, result: dict[str, Any]) -> bool:
        return self._move(
            row_id,
            (S.SUBMITTED, S.SUCCEEDED),
            "the provider is done",
            state=S.SUCCEEDED,
            provider_state=status.provider_state,
            percent=100.0,
            eta_seconds=0.0,
            quota=status.quota,
            result=result,
            finished_at=time.time(),
        )

    def failed(self, row_id: str, status: JobStatus) -> bool:
        return self._move(
            row_id,
            (S.SUBMITTED,),
            status.message,
            state=S.FAILED,
            provider_state=status.provider_state,
            reason=status.message,
            refunded=status.refunded,
            finished_at=time.time(),
            owner=None,
        )

    def expired(self, row_id: str, reason: str) -> bool:
        states = (S.SUBMITTED, S.SUCCEEDED)
        return self._move(row_id, states, reason, state=S.EXPIRED, reason=reason, finished_at=time.time(), owner=None)

    def stored(self, row_id: str, media: Sequence[dict[str, Any]], left_out: Sequence[str] = ()) -> bool:
        """The verified files are in the store. The files' rows and the state change together."""
        note = "; ".join([f"{len(media)} files stored", *(f"left out: {words}" for words in left_out)])
        with self.database.write() as session:
            moved = self._change(session, row_id, (S.SUCCEEDED,), note, state=S.STORED, owner=None)
            if moved:
                session.add_all(MediaRow(job=row_id, position=i, **file) for i, file in enumerate(media))
            return moved

    def reopen(self, row_id: str, owner: str) -> bool:
        """The stored files are gone from the store: the job is to be downloaded again."""
        return self._reopen(row_id, owner, (S.STORED,), "files missing", state=S.SUCCEEDED)

    def reread(self, row_id: str, owner: str, request: dict[str, Any]) -> bool:
        """The request now says otherwise how its answer is read: the job is to be fetched again."""
        note = "to be read as the request now says"
        return self._reopen(row_id, owner, (S.STORED, S.EXPIRED), note, state=S.SUBMITTED, request=request)

    def _reopen(self, row_id: str, owner: str, only_from: tuple[str, ...], note: str, **values: Any) -> bool:
        with self.database.write() as session:
            moved = self._change(session, row_id, only_from, note, owner=owner, **values, **self._lease())
            if moved:
                for file in session.scalars(select(MediaRow).where(MediaRow.job == row_id)):
                    session.delete(file)
            return moved

    def supersede(self, row_id: str, want: Want, owner: str) -> Claim:
        """By explicit policy: leave an UNKNOWN row as it is and buy anew under the same key."""
        with self.database.write() as session:
            gate(session, want.budget)
            row = session.get_one(JobRow, row_id, with_for_update=True)
            made = None
            if row.state == S.UNKNOWN and row.owner == owner and row.successor is None:
                made = self._insert(session, want, owner, row.attempt + 1, instead_of=row)
            if made is None:
                return Claim(row, mine=False)
            row.owner = None
            session.add(EventRow(job=row_id, at=time.time(), state=S.UNKNOWN, note=f"bought again as {made.id}"))
            return Claim(made, mine=True)

    def imported(self, operation: str, base_url: str, account: str, job_id: str, run: str) -> JobRow | None:
        """A job that was bought elsewhere, ready to be brought in. None when a row has it already."""
        now = time.time()
        unit = "USD" if operation.startswith("novita.") else "quota"
        key = hashlib.sha256(f"imported|{account}|{job_id}".encode()).hexdigest()
        row = JobRow(
            id=uuid.uuid4().hex, key=key, request_hash=key, scope="imported", operation=operation, base_url=base_url,
            unit=unit, account=account, title=f"imported {job_id}"[:255], request={}, state=S.SUBMITTED, job_id=job_id,
            process=this_process(), run=run, created_at=now, updated_at=now, submitted_at=now,
        )  # fmt: skip
        with self.database.write() as session:
            taken = session.scalars(select(JobRow.id).where(JobRow.account == account, JobRow.job_id == job_id))
            if taken.first() is not None:
                return None
            try:
                with session.begin_nested():
                    session.add(row)
            except IntegrityError:
                return None
            session.add(EventRow(job=row.id, at=now, state=S.SUBMITTED, note="imported"))
            return row

    # -- adopt before you buy ---------------------------------------------------------------------

    def undelivered(self, want: Want) -> list[JobRow]:
        """Rows of other scopes for the same request whose files no finished run is known to have got."""
        with self.database.read() as session:
            rows = session.scalars(
                select(JobRow)
                .where(
                    JobRow.request_hash == want.request_hash,
                    JobRow.account == want.account,
                    JobRow.key != want.key,
                    JobRow.run != want.run,
                    JobRow.successor.is_(None),
                    JobRow.delivered_at.is_(None),
                    JobRow.state.in_([*UNFINISHED, S.STORED]),
                )
                .order_by(JobRow.created_at)
            ).all()
        free = [row for row in rows if not self.alive(row)]
        return sorted(free, key=lambda row: row.copy != want.copy)

    def adopt(self, row: JobRow, want: Want) -> bool:
        """Bring another scope's undelivered row under this key. False when someone else was faster."""
        with self.database.write() as session:
            if _latest(session, want.key) is not None:
                return False
            note = f"adopted from {row.run}"
            values = {
                "key": want.key,
                "scope": want.scope,
                "copy": want.copy,
                "run": want.run,
                "attempt": 1,
                "state": row.state,
            }
            try:
                with session.begin_nested():
                    return self._change(
                        session,
                        row.id,
                        (row.state,),
                        note,
                        JobRow.key == row.key,
                        JobRow.delivered_at.is_(None),
                        _seen(row),
                        **values,
                    )
            except IntegrityError:
                return False

    def delivered(self, run: str) -> None:
        """This run has ended well: it has the files of its stored jobs."""
        with self.database.write() as session:
            _changed(
                session,
                update(JobRow)
                .where(JobRow.run == run, JobRow.state == S.STORED, JobRow.delivered_at.is_(None))
                .values(delivered_at=time.time()),
            )

    # -- callbacks --------------------------------------------------------------------------------

    def token(self, row_id: str) -> str:
        """The signed word by which a callback names a row."""
        return f"{row_id}.{self._sign(row_id)}"

    def row_of_token(self, token: str) -> str | None:
        """The row that a callback's token names; None when it was not signed here."""
        row_id, _, signature = token.partition(".")
        return row_id if hmac.compare_digest(signature.encode(), self._sign(row_id).encode()) else None

    def _sign(self, row_id: str) -> str:
        return hmac.new(self._secret().encode(), row_id.encode(), hashlib.sha256).hexdigest()[:32]

    def _secret(self) -> str:
        if self.database.secret is None:
            self.database.secret = self._read_or_make_secret()
        return self.database.secret

    def _read_or_make_secret(self) -> str:
        with self.database.write() as session:
            with contextlib.suppress(IntegrityError), session.begin_nested():
                session.add(FactRow(name="callback_secret", value=secrets.token_hex(32)))
            # Read past SQLAlchemy, which logs the rows it reads when it is told to log at DEBUG.
            cursor = session.connection().connection.cursor()
            cursor.execute("SELECT value FROM genmedia_fact WHERE name = 'callback_secret'")
            (secret,) = cursor.fetchone() or ("",)
            return str(secret)

    def hint(self, row_id: str, job_id: str) -> bool:
        """A callback says that this job has ended. Only a hint: whoever waits asks the provider.

        False, and nothing is changed, for one that comes again, too late, or names another job than ours.
        """
        with self.database.write() as session:
            ours = (JobRow.job_id == job_id) | JobRow.job_id.is_(None)
            news = JobRow.hint.is_(None) | (JobRow.hint != job_id)
            values = {"hint": job_id, "hint_at": time.time()}
            if self._change(session, row_id, UNFINISHED, "", ours, news, **values):
                return True
            # Held for refused, and yet there is a job: it is not sent again before that is settled.
            note = f"a callback names it as {job_id}"
            return self._change(
                session, row_id, (S.NOT_ACCEPTED,), note, ours, news, state=S.UNKNOWN, reason=note, **values
            )

    # -- reading ----------------------------------------------------------------------------------

    def has_none(self, key: str) -> bool:
        """Is this key still without any row?"""
        with self.database.read() as session:
            return session.scalars(select(JobRow.id).where(JobRow.key == key).limit(1)).first() is None

    def get(self, row_id: str) -> JobRow | None:
        with self.database.read() as session:
            return session.get(JobRow, row_id)

    def find(self, prefix: str) -> list[JobRow]:
        """Rows whose id starts with `prefix`, or whose provider job id is exactly that."""
        with self.database.read() as session:
            start = JobRow.id.startswith(prefix, autoescape=True)
            return list(session.scalars(select(JobRow).where(start | (JobRow.job_id == prefix)).limit(20)))

    def rows(
        self, states: Sequence[str] = (), run: str | None = None, since: float = 0, limit: int = 1000
    ) -> list[JobRow]:
        """The newest rows first."""
        query = select(JobRow).where(JobRow.created_at >= since).order_by(JobRow.created_at.desc()).limit(limit)
        if states:
            query = query.where(JobRow.state.in_(states))
        if run is not None:
            query = query.where(JobRow.run == run)
        with self.database.read() as session:
            return list(session.scalars(query))

    def media(self, row_id: str) -> list[MediaRow]:
        with self.database.read() as session:
            return list(session.scalars(select(MediaRow).where(MediaRow.job == row_id).order_by(MediaRow.position)))

    def history(self, row_id: str) -> list[EventRow]:
        with self.database.read() as session:
            return list(session.scalars(select(EventRow).where(EventRow.job == row_id).order_by(EventRow.id)))

    def known_job_ids(self, account: str, among: Sequence[str]) -> dict[str, float | None]:
        """Which of these provider job ids already belong to a row, and when they were submitted."""
        with self.database.read() as session:
            query = select(JobRow.job_id, JobRow.submitted_at)
            found = session.execute(query.where(JobRow.account == account, JobRow.job_id.in_(list(among))))
            return {job_id: submitted_at for job_id, submitted_at in found if job_id}

    def frozen_by_us(self, account: str) -> float | None:
        """What our own running jobs may have frozen of this account's quota; None when a cost is not known."""
        with self.database.read() as session:
            query = select(JobRow.expected_cost).where(JobRow.account == account, JobRow.state == S.SUBMITTED)
            costs = list(session.scalars(query))
        return None if any(cost is None for cost in costs) else sum(cost or 0.0 for cost in costs)


def _latest(session: Session, key: str) -> JobRow | None:
    query = select(JobRow).where(JobRow.key == key).order_by(JobRow.attempt.desc()).limit(1)
    return session.scalars(query.with_for_update()).first()


def _seen(row: JobRow) -> Any:
    """The row still has the owner and the lease it was seen with: no call has taken or renewed it since."""
    owner = JobRow.owner.is_(None) if row.owner is None else JobRow.owner == row.owner
    return owner & (JobRow.lease_until == row.lease_until)


def _changed(session: Session, statement: Any) -> bool:
    # Objects read earlier in this session are refreshed by hand where they are used again.
    result = session.execute(statement.execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", result).rowcount == 1


def open_ledger(url: str, lease_seconds: float) -> Ledger:
    """Open the ledger at `url`. Raises ConfigurationError or LedgerError."""
    return Ledger(open_database(url), lease_seconds)

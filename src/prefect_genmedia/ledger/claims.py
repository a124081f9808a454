"""Who works on a job: the claim on its row, the lease it is held by, and the fence before each submit."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from prefect_genmedia.budget import Budget
from prefect_genmedia.ledger.models import OPEN, EventRow, JobRow, LedgerState, TagRow
from prefect_genmedia.ledger.owner import is_dead, this_process
from prefect_genmedia.ledger.rows import Rows, changed, latest, seen
from prefect_genmedia.ledger.spending import gate, reserve

S = LedgerState
NOTHING_SENT = "nothing was sent yet"


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
    """How often it may be bought in all when the provider says that it failed."""
    on_expired: Literal["fail", "resubmit"] = "fail"
    """What to do when the provider has forgotten the job that was bought."""
    tags: tuple[str, ...] = ()
    budget: Budget | None = None
    task_run: str | None = None


@dataclass(frozen=True)
class Claim:
    """A job's row, and whether the caller now owns it."""

    row: JobRow
    mine: bool


class Claims(Rows):
    """Claims, leases, and the writing down of a submit before it is sent."""

    def is_held(self, row: JobRow, lease_now: float) -> bool:
        """Does some call still work on this row?"""
        if row.owner is None or is_dead(row.process):
            return False
        left = row.lease_until - lease_now
        # A lease longer than any we give is from before the machine's last start.
        return 0 < left <= 2 * self.lease_seconds

    def claim(self, want: Want, owner: str) -> Claim:
        """Find or make the row of this key, and take it unless a live call has it or it is finished.

        Asked again with the same owner, a claim whose reply was lost gives the row that it made.
        """
        while True:
            with self.database.write() as session:
                row = latest(session, want.key)
                if row is None or _may_be_bought_again(session, row, want):
                    if (made := self._insert(session, want, owner, instead_of=row)) is not None:
                        return Claim(made, mine=True)
                    continue  # another worker was faster: look at its row
                if row.state not in OPEN or (row.owner != owner and self.is_held(row, self.lease_now(session))):
                    return Claim(row, mine=False)
                if self._take(session, row, owner, want.run, want.task_run, request=want.request):
                    session.flush()
                    session.refresh(row)
                    return Claim(row, mine=True)

    def take(self, row_id: str, owner: str) -> Claim:
        """Take a row that no live call has and that is not finished, to resume it."""
        with self.database.write() as session:
            row = session.get_one(JobRow, row_id, with_for_update=True)
            if row.state not in OPEN or (row.owner != owner and self.is_held(row, self.lease_now(session))):
                return Claim(row, mine=False)
            mine = self._take(session, row, owner, row.run, row.task_run)
            session.flush()
            session.refresh(row)
            return Claim(row, mine)

    def _take(self, session: Session, row: JobRow, owner: str, run: str, task_run: str | None, **values: Any) -> bool:
        note, now = "taken over", self.lease_now(session)
        values |= {"state": row.state, "owner": owner, "run": run, "task_run": task_run}
        if row.state == S.INTENT and row.owner != owner:
            # The POST may have gone out, nobody knows; where its sender may yet wake up, it may still go out.
            note = "taken over from a worker that ended while its submit was on its way"
            sleeps = is_dead(row.process) is not True
            values |= {
                "state": S.UNKNOWN,
                "reason": "the worker ended while its submit was on its way",
                "lost_at": self.now(session),
                "arrives_until": now + self.submit_timeout_seconds if sleeps else None,
            }
        return self.change(session, row.id, (row.state,), note, seen(row), **values, **self.lease(now))

    def lease(self, lease_now: float) -> dict[str, Any]:
        """The values that make a row this process's for the time of one lease."""
        return {"process": this_process(), "lease_until": lease_now + self.lease_seconds}

    def _insert(self, session: Session, want: Want, owner: str, instead_of: JobRow | None) -> JobRow | None:
        now = self.now(session)
        row = JobRow(
            id=uuid.uuid4().hex,
            key=want.key,
            attempt=1 if instead_of is None else instead_of.attempt + 1,
            request_hash=want.request_hash,
            scope=want.scope,
            copy=want.copy,
            operation=want.operation,
            base_url=want.base_url,
            account=want.account,
            title=want.title,
            request=want.request,
            state=S.NOT_ACCEPTED,
            reason=NOTHING_SENT,
            expected_cost=want.expected_cost,
            unit=want.unit,
            labelled=want.labelled,
            owner=owner,
            run=want.run,
            task_run=want.task_run,
            created_at=now,
            updated_at=now,
            **self.lease(self.lease_now(session)),
        )
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError:
            return None
        if instead_of is not None:
            session.execute(update(JobRow).where(JobRow.id == instead_of.id).values(successor=row.id))
        session.add_all(TagRow(job=row.id, tag=tag) for tag in dict.fromkeys(want.tags))
        return row

    def intend(self, row: JobRow, owner: str, want: Want) -> JobRow | None:
        """A POST is about to be sent: written down, and counted by the budget, before it is. The row as it then is.

        None when the row is no longer the owner's. From the moment before this call the caller has one lease's
        time to begin the POST. Raises BudgetExceededError.
        """
        with self.database.write() as session:
            gate(session, want.budget)
            cost = row.expected_cost
            if want.budget is not None:
                cost = reserve(
                    session, want.budget, unit=want.unit, cost=cost, run=want.run, tags=want.tags, besides=row.id
                )
            moved = self.change(
                session,
                row.id,
                (S.NOT_ACCEPTED,),
                "to be sent again" if row.sends else "to be sent",
                JobRow.owner == owner,
                JobRow.sends == row.sends,
                state=S.INTENT,
                sends=row.sends + 1,
                arrives_until=None,
                expected_cost=cost,
                labelled=want.labelled,
                **self.lease(self.lease_now(session)),
            )
            if not moved:
                return None
            has = set(session.scalars(select(TagRow.tag).where(TagRow.job == row.id)))
            session.add_all(TagRow(job=row.id, tag=tag) for tag in dict.fromkeys(want.tags) if tag not in has)
            session.flush()
            return session.get_one(JobRow, row.id, populate_existing=True)

    def may_yet_arrive(self, row: JobRow) -> bool:
        """May a POST of a worker that fell asleep still reach the provider? Until then nothing proves its absence."""
        if row.arrives_until is None:
            return False
        with self.database.read() as session:
            # Written before the machine's last start, it says nothing: that worker is gone.
            left = row.arrives_until - self.lease_now(session)
            return 0 < left <= self.submit_timeout_seconds + 2 * self.lease_seconds

    def renew(self, owner: str) -> None:
        """Keep the lease of every row this call works on."""
        with self.database.write() as session:
            until = self.lease_now(session) + self.lease_seconds
            changed(session, update(JobRow).where(JobRow.owner == owner).values(lease_until=until))

    def release(self, owner: str) -> None:
        """This call works on nothing any more. The states stay."""
        with self.database.write() as session:
            changed(session, update(JobRow).where(JobRow.owner == owner).values(owner=None))

    def supersede(self, row_id: str, want: Want, owner: str) -> Claim:
        """By explicit policy: leave an UNKNOWN row as it is and buy anew under the same key."""
        with self.database.write() as session:
            row = session.get_one(JobRow, row_id, with_for_update=True)
            made = None
            if row.state == S.UNKNOWN and row.owner == owner and row.successor is None:
                made = self._insert(session, want, owner, instead_of=row)
            if made is None:
                return Claim(row, mine=False)
            row.owner = None
            note = f"bought again as {made.id}"
            session.add(EventRow(job=row_id, at=self.now(session), state=S.UNKNOWN, note=note))
            return Claim(made, mine=True)


def _may_be_bought_again(session: Session, row: JobRow, want: Want) -> bool:
    """Attempts count what the provider says failed; what it has forgotten is bought again only when that is asked."""
    if row.state == S.EXPIRED:
        return want.on_expired == "resubmit"
    if row.state != S.FAILED:
        return False
    failed = select(func.count()).where(JobRow.key == row.key, JobRow.state == S.FAILED)
    return session.scalars(failed).one() < want.attempts

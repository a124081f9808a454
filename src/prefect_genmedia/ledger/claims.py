"""Who works on a job: the claim on its row, the lease it is held by, and the fence before each submit."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from prefect_genmedia.ledger.admission import Admission
from prefect_genmedia.ledger.models import JobRow, TagRow
from prefect_genmedia.ledger.owner import this_process
from prefect_genmedia.ledger.rows import BY_ID, MOST_IDS, changed
from prefect_genmedia.ledger.spending import reserve
from prefect_genmedia.ledger.values import OPEN, Claim, LedgerState, Queue, Want

S = LedgerState
NOTHING_SENT = "nothing was sent yet"


class Claims(Admission):
    """Claims, leases, and the writing down of a submit before it is sent."""

    def claim(self, want: Want, owner: str) -> Claim:
        """Find or make the row of this key, and take it unless a live call has it or it is finished.

        Asked again with the same owner, a claim whose reply was lost gives the row that it made.
        """
        while True:
            with self.database.write() as session:
                found = self.latest(session, want.key)
                if found is None and self._renamed(session, want):
                    found = self.latest(session, want.key)
                if found is None or _may_be_bought_again(session, found[0], want):
                    made = self._insert(session, want, owner, instead_of=found and found[0])
                    if made is not None:
                        return Claim(made, mine=True)
                    continue  # another worker was faster: look at its row
                row, now = found
                if row.state not in OPEN or (row.owner != owner and self.is_held(row, now)):
                    return Claim(row, mine=False)
                return self._take(session, row, owner, want.run, want.task_run, request=want.request)

    def _renamed(self, session: Session, want: Want) -> bool:
        """Bring what was bought before the account had its name under that name, for its key may change next."""
        for former in want.former:
            if (found := self.latest(session, former.key)) is not None:
                row, names = found[0], {"key": want.key, "request_hash": want.request_hash, "account": want.account}
                try:
                    with session.begin_nested():
                        session.execute(update(JobRow).where(JobRow.key == former.key).values(**names))
                except IntegrityError:  # another worker was faster
                    return True
                self.note(session, row.id, row.state, "its account is called otherwise now")
                session.expire_all()
                return True
        return False

    def take(self, row_id: str, owner: str) -> Claim:
        """Take a row that no live call has and that is not finished, to resume it."""
        with self.database.write() as session:
            row, now = self.locked(session, row_id, self.lease_clock())
            if row.state not in OPEN or (row.owner != owner and self.is_held(row, now)):
                return Claim(row, mine=False)
            return self._take(session, row, owner, row.run, row.task_run)

    def _take(self, session: Session, row: JobRow, owner: str, run: str, task_run: str | None, **values: Any) -> Claim:
        """Make a locked row the owner's."""
        note = ""
        values |= {"owner": owner, "run": run, "task_run": task_run}
        if row.owner != owner:
            note, values["state"] = "taken over", row.state
        if row.owner != owner and row.state == S.INTENT:
            # The POST may have gone out, nobody knows; where its sender may yet wake up, it may still go out.
            note = "taken over from a worker that ended while its submit was on its way"
            longest = 0.0 if self.has_ended(row.process) else self.submit_timeout_seconds
            values |= {
                "state": S.UNKNOWN,
                "reason": "the worker ended while its submit was on its way",
                "lost_at": self.clock() + longest,
                "arrives_until": self.lease_clock() + longest if longest else None,
            }
        self.change(session, row.id, (row.state,), note, **values, **self.lease())
        session.refresh(row)
        return Claim(row, mine=True)

    def lease(self) -> dict[str, Any]:
        """The values that make a row this process's for the time of one lease."""
        return {"process": this_process(), "lease_until": self.lease_clock() + self.lease_seconds}

    def _insert(self, session: Session, want: Want, owner: str, instead_of: JobRow | None) -> JobRow | None:
        """A new row that is the owner's, nothing sent; None when another worker has just made it."""
        row_id, now = uuid.uuid4().hex, self.clock()
        row = {
            "id": row_id,
            "key": want.key,
            "attempt": 1 if instead_of is None else instead_of.attempt + 1,
            "request_hash": want.request_hash,
            "scope": want.scope,
            "copy": want.copy,
            "operation": want.operation,
            "base_url": want.base_url,
            "account": want.account,
            "queue": want.queue,
            "title": want.title,
            "request": want.request,
            "state": S.NOT_ACCEPTED,
            "reason": NOTHING_SENT,
            "expected_cost": want.expected_cost,
            "unit": want.unit,
            "labelled": want.labelled,
            "owner": owner,
            "run": want.run,
            "task_run": want.task_run,
            "created_at": now,
            "updated_at": now,
            **self.lease(),
        }
        self.insert(session, JobRow, row)
        if (made := session.scalars(BY_ID, {"row_id": row_id}).first()) is None:
            return None
        if instead_of is not None:
            instead_of.successor = row_id
        self._tag(session, row_id, want)
        return made

    def _tag(self, session: Session, row_id: str, want: Want) -> None:
        if want.tags:
            self.insert(session, TagRow, *({"job": row_id, "tag": tag} for tag in dict.fromkeys(want.tags)))

    def intend(self, row: JobRow, owner: str, want: Want, queue: Queue | None = None) -> JobRow | None:
        """A POST is about to be sent: written down, and counted by the budget, before it is. The row as it then is.

        None when the row is no longer the owner's. From the moment before this call the caller has one lease's
        time to begin the POST. Raises BudgetExceededError, and Full when `queue` has no place for it.
        """
        with self.database.write() as session:
            if queue is not None:
                self.admit(session, queue, want)
            cost = row.expected_cost
            if cost is None and want.budget is not None:
                cost = want.budget.unknown_cost
            moved = self.change(
                session,
                row.id,
                (S.NOT_ACCEPTED,),
                "to be sent again" if row.sends else "to be sent",
                {"owner": owner, "sends": row.sends},
                state=S.INTENT,
                sends=row.sends + 1,
                sent_at=self.clock(),
                arrives_until=None,
                expected_cost=cost,
                labelled=want.labelled,
                queue=want.queue,
                **self.lease(),
            )
            if not moved:
                return None
            self._tag(session, row.id, want)
            intended = session.scalars(BY_ID, {"row_id": row.id}).one()
            if want.budget is not None:
                reserve(session, want.budget, intended, want.tags)
            return intended

    def may_yet_arrive(self, row: JobRow) -> bool:
        """May a POST of a worker that fell asleep still reach the provider? Until then nothing proves its absence."""
        if row.arrives_until is None:
            return False
        clock = self.lease_clock()
        if not isinstance(clock, ColumnElement):
            # More than we ever give was written before the machine's last start: that worker is gone.
            return 0 < row.arrives_until - clock <= self.submit_timeout_seconds + 2 * self.lease_seconds
        with self.database.read() as session:
            return session.scalars(select(row.arrives_until > clock)).one()

    def renew(self, *owners: str) -> None:
        """Keep the lease of every row that these calls work on."""
        until = self.lease_clock() + self.lease_seconds
        for start in range(0, len(owners), MOST_IDS):
            ours = JobRow.owner.in_(owners[start : start + MOST_IDS])
            with self.database.write_once() as session:
                changed(session, update(JobRow).where(ours).values(lease_until=until))

    def release(self, owner: str) -> None:
        """This call works on nothing any more. The states stay."""
        with self.database.write_once() as session:
            changed(session, update(JobRow).where(JobRow.owner == owner).values(owner=None))

    def supersede(self, row_id: str, want: Want, owner: str) -> Claim:
        """By explicit policy: leave an UNKNOWN row as it is and buy anew under the same key."""
        with self.database.write() as session:
            row, _ = self.locked(session, row_id, self.lease_clock())
            made = None
            if row.state == S.UNKNOWN and row.owner == owner and row.successor is None:
                made = self._insert(session, want, owner, instead_of=row)
            if made is None:
                return Claim(row, mine=False)
            row.owner = None
            self.note(session, row_id, S.UNKNOWN, f"bought again as {made.id}")
            return Claim(made, mine=True)


def _may_be_bought_again(session: Session, row: JobRow, want: Want) -> bool:
    """Attempts count what the provider says failed; what it has forgotten is bought again only when that is asked."""
    if row.state == S.EXPIRED:
        return want.on_expired == "resubmit"
    if row.state != S.FAILED or want.attempts == 1:
        return False
    failed = select(func.count()).where(JobRow.key == row.key, JobRow.state == S.FAILED)
    return session.scalars(failed).one() < want.attempts

"""The life of a job after its submit: what is recorded of it, and what later truths may correct.

One file: which state may follow which is read as a whole.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session, aliased

from prefect_genmedia.ledger.claims import Claims
from prefect_genmedia.ledger.models import JobRow, MediaRow
from prefect_genmedia.ledger.owner import this_process
from prefect_genmedia.ledger.rows import BY_ID, SOMETHING, table_of
from prefect_genmedia.ledger.values import LedgerState
from prefect_genmedia.operation import JobStatus

S = LedgerState
LEAST_LOOKS = 4  # looks at a job that the provider does not know, spread over the time that it must be missing


class Life(Claims):
    """Every state but STORED can be reopened by a later truth: a fetch that knows the job, a callback, a person."""

    def not_accepted(self, row_id: str, reason: str, send: int | None = None, by_hand: bool = False) -> bool:
        """Surely not bought. `send` says of which submit that is known: of a later one it says nothing.

        A callback that has named a job is the costlier sign: then it stays UNKNOWN, unless a person says so.
        """
        only = {} if send is None else {"sends": send}
        unnamed = {} if by_hand else {"hint": None}
        values: dict[str, Any] = {"state": S.NOT_ACCEPTED, "reason": reason, "hint": None}
        with self.database.write() as session:
            if self.change(session, row_id, (S.INTENT, S.UNKNOWN), reason, only | unnamed, **values):
                return True
            doubt = f"{reason}; but a callback names a job"
            values = {"state": S.UNKNOWN, "reason": doubt, "lost_at": self.clock()}
            self.change(session, row_id, (S.INTENT,), doubt, only | {"hint": SOMETHING}, **values)
            return False

    def unknown(self, row_id: str, reason: str, send: int) -> bool:
        """Sent, and no usable answer: may be bought."""
        values = {"state": S.UNKNOWN, "reason": reason, "lost_at": self.clock()}
        return self.move(row_id, (S.INTENT, S.UNKNOWN), reason, {"sends": send}, **values)

    def submitted(self, row_id: str, job_id: str, note: str) -> bool:
        """Bought: the provider's job id is known. True also of a row that someone else meanwhile took.

        False for a row that is bought already; another job id than its own is kept in its history.
        """
        with self.database.write() as session:
            return self._submitted(session, row_id, job_id, note)

    def accepted(self, row_id: str, job_id: str, note: str, send: int) -> bool:
        """The submit's answer names a job: bought.

        False where that job is another row's already, as in an answer that a gateway had kept: then nobody knows
        which job was bought, if any, and the row is UNKNOWN.
        """
        with self.database.write() as session:
            self.alone(session, job_id)
            if (other := session.scalars(_ANOTHERS, {"row_id": row_id, "job_id": job_id}).first()) is not None:
                reason = f"the submit's answer names {job_id}, which is job {other[:12]} already"
                values: dict[str, Any] = {"state": S.UNKNOWN, "reason": reason, "lost_at": self.clock()}
                self.change(session, row_id, (S.INTENT, S.UNKNOWN), reason, {"sends": send}, **values)
                return False
            self._submitted(session, row_id, job_id, note)
            return True

    def _submitted(self, session: Session, row_id: str, job_id: str, note: str) -> bool:
        values: dict[str, Any] = {"state": S.SUBMITTED, "job_id": job_id, "reason": "", "submitted_at": self.clock()}
        if self.change(session, row_id, (S.INTENT, S.UNKNOWN, S.NOT_ACCEPTED), note, **values):
            return True
        row = session.scalars(BY_ID, {"row_id": row_id}).first()
        if row is not None and row.job_id != job_id:
            self.note(session, row_id, row.state, f"accepted once more, as {job_id}: paid twice?")
        return False

    def answered(
        self, row_id: str, job_id: str, status: JobStatus, result: dict[str, Any], remarks: Sequence[str]
    ) -> bool:
        """Bought and done: the submit was answered with the files. One commit, for nobody can ask for them again."""
        with self.database.write() as session:
            note = "the provider answered with the files"
            bought = self._submitted(session, row_id, job_id, note)
            return bought and self.change(
                session,
                row_id,
                (S.SUBMITTED,),
                "; ".join([note, *remarks]),
                **self._done(status, result, remarks),
                submitted_at=JobRow.sent_at,  # it was at work from then on
            )

    def named(self, row_id: str, job_id: str, note: str) -> bool:
        """A person says which job of the provider this is; a wrong id is corrected. False for a row that is STORED.

        Whoever works on it loses it: they wait for the job that it was called before.
        """
        with self.database.write() as session:
            row, _ = self.locked(session, row_id, self.lease_clock())
            if row.state == S.STORED:
                return False
            values: dict[str, Any] = {"state": S.SUBMITTED, "job_id": job_id, "reason": "", "owner": None}
            if row.job_id != job_id:
                # What another job gave is not this one's, nor is it known when this one was sent.
                session.execute(delete(MediaRow).where(MediaRow.job == row_id))
                values |= {"submitted_at": self.clock(), "sent_at": None}
                values |= {"result": None, "remarks": None, "quota": None, "refunded": None, "whole": False}
            if row.scope == IMPORTED:
                values["key"] = values["request_hash"] = _imported_key(row.account, job_id)
            return self.change(session, row_id, (row.state,), note, **values, **KNOWN_AGAIN)

    def progress(self, row_id: str, owner: str, status: JobStatus) -> bool:
        """What the provider says of a running job; keeps the lease as well. False when the row was taken."""
        with self.database.write_once() as session:
            return self.change(
                session,
                row_id,
                (S.SUBMITTED,),
                "",
                {"owner": owner},
                provider_state=status.provider_state,
                percent=status.percent,
                eta_seconds=status.eta_seconds,
                lease_until=self.lease_clock() + self.lease_seconds,
                **KNOWN_AGAIN,
            )

    # What a fetch tells is told of one job: `job_id` says of which, for a person may since have corrected it.

    def succeeded(
        self,
        row_id: str,
        status: JobStatus,
        result: dict[str, Any],
        remarks: Sequence[str],
        job_id: str | None = None,
    ) -> bool:
        """The provider is done, and this is its answer."""
        note = "; ".join(["the provider is done", *remarks])
        values = self._done(status, result, remarks)
        return self.move(row_id, (S.SUBMITTED, S.SUCCEEDED), note, _of(job_id), **values)

    def _done(self, status: JobStatus, result: dict[str, Any], remarks: Sequence[str]) -> dict[str, Any]:
        return {
            "state": S.SUCCEEDED,
            "provider_state": status.provider_state,
            "percent": 100.0,
            "eta_seconds": 0.0,
            "quota": status.quota,
            "result": result,
            "remarks": list(remarks),
            "reason": "",
            "finished_at": self.clock(),
            **KNOWN_AGAIN,
        }

    def failed(self, row_id: str, status: JobStatus, job_id: str | None = None) -> bool:
        """The provider says that it failed."""
        return self.move(
            row_id,
            (S.SUBMITTED,),
            status.message,
            _of(job_id),
            state=S.FAILED,
            provider_state=status.provider_state,
            reason=status.message,
            refunded=status.refunded,
            finished_at=self.clock(),
            owner=None,
        )

    def failed_at_once(self, row_id: str, reason: str, send: int) -> bool:
        """The submit was answered with a failure in place of the files: perhaps charged."""
        values: dict[str, Any] = {"state": S.FAILED, "reason": reason, "finished_at": self.clock(), "owner": None}
        return self.move(row_id, (S.INTENT, S.UNKNOWN), reason, {"sends": send}, **values)

    def missing(
        self,
        row_id: str,
        reason: str,
        expired_after_seconds: float,
        job_id: str | None = None,
        end: LedgerState = S.EXPIRED,
    ) -> bool:
        """The provider says that it does not know this job. True once it has said so for so long that it has its `end`:
        EXPIRED, or STORED where some of its files have come and the others never will.

        One look, or many in a short time, is a symptom: lists and reads lag. So the time counts only as far as it was
        looked at: from one look to the next it is the share that makes LEAST_LOOKS of them span the whole.
        """
        with self.database.write() as session:
            row, now = self.locked(session, row_id, self.clock())
            if row.state not in (S.SUBMITTED, S.SUCCEEDED) or job_id not in (None, row.job_id):
                return row.state == end
            if row.missing_since is None:
                row.missing_since, row.missing_looks = now, 1
                self.note(session, row_id, row.state, f"the provider does not know it at present: {reason}")
                return False
            shares = LEAST_LOOKS - 1
            counts = expired_after_seconds * min(row.missing_looks, shares) / shares
            if now - row.missing_since < counts:
                return False
            if row.missing_looks < shares:
                row.missing_since, row.missing_looks = now - counts, row.missing_looks + 1
                return False
            said = f"{row.reason}; {reason}" if end == S.STORED and row.reason else reason
            values: dict[str, Any] = {"state": end, "reason": said, "owner": None}
            if end == S.EXPIRED:
                values["finished_at"] = self.clock()
            return self.change(session, row_id, (row.state,), reason, **values)

    def stored(
        self,
        row_id: str,
        files: Mapping[int, Mapping[str, Any]],
        missing: Sequence[str] = (),
        left_out: Sequence[str] = (),
    ) -> bool:
        """Files are in the store, by their place in the answer. The files' rows and the state change together.

        While some are `missing` the job stays SUCCEEDED, and what came before stays until something new has its place.
        """
        notes = [f"{len(files)} files stored"]
        notes += [f"left out: {words}" for words in left_out] + [f"missing: {words}" for words in missing]
        note = "; ".join(notes)
        with self.database.write() as session:
            if missing:
                values: dict[str, Any] = {"state": S.SUCCEEDED, "reason": f"missing: {'; '.join(missing)}"}
            else:
                values = {"state": S.STORED, "owner": None, "reason": "", "whole": True}
            moved = self.change(session, row_id, (S.SUCCEEDED,), note, **values)
            if moved:
                before = _FILES.where(MediaRow.position.in_(list(files))) if missing else _FILES
                session.connection().execute(before, {"row_id": row_id})
                rows = [{"job": row_id, "position": position, **file} for position, file in files.items()]
                if rows:
                    self.insert(session, MediaRow, *rows)
            return moved

    def still_stored(self, row_id: str, owner: str) -> bool:
        """The files that were missed are back where they were. False for a job of which some have never come."""
        note, only = "the files are there again", {"owner": owner, "whole": True}
        return self.move(row_id, (S.SUCCEEDED,), note, only, state=S.STORED, owner=None, reason="")

    def accepted_as_is(self, row_id: str) -> bool:
        """A person is content with the files that have come. False when none has, or the job is not that far."""
        with self.database.write() as session:
            some = session.scalars(select(MediaRow.job).where(MediaRow.job == row_id).limit(1)).first() is not None
            note = "accepted as it is, by hand"
            return some and self.change(session, row_id, (S.SUCCEEDED,), note, state=S.STORED, owner=None, whole=True)

    def reopen(self, row_id: str, owner: str) -> bool:
        """Stored files are not in the store: to be downloaded again. Their rows stay until the new files are there."""
        return self._reopen(row_id, owner, (S.STORED,), "files missing", state=S.SUCCEEDED)

    def reread(self, row_id: str, owner: str, request: dict[str, Any]) -> bool:
        """The request now says otherwise how its answer is read: the job is to be fetched again.

        Its files' rows go: what stands at a place of the answer as it was read before is not what stands there now.
        """
        note = "to be read as the request now says"
        values: dict[str, Any] = {
            "state": S.SUBMITTED,
            "request": request,
            "result": None,
            "whole": False,
            **KNOWN_AGAIN,
        }
        with self.database.write() as session:
            moved = self.change(session, row_id, (S.STORED, S.EXPIRED), note, **values, **self.lease())
            if moved:
                session.execute(delete(MediaRow).where(MediaRow.job == row_id))
            return moved

    def found_again(self, row_id: str, owner: str) -> bool:
        """The provider knows a job that counted as failed or forgotten."""
        note = "the provider knows it after all"
        return self._reopen(row_id, owner, (S.FAILED, S.EXPIRED), note, state=S.SUBMITTED, reason="", **KNOWN_AGAIN)

    def _reopen(self, row_id: str, owner: str, only_from: tuple[str, ...], note: str, **values: Any) -> bool:
        return self.move(row_id, only_from, note, owner=owner, **values, **self.lease())

    def imported(
        self, operation: str, unit: str, base_url: str, account: str, job_id: str, run: str
    ) -> tuple[JobRow, bool]:
        """The row of a job that was bought elsewhere, ready to be brought in; and whether it is new."""
        key = _imported_key(account, job_id)
        with self.database.write() as session:
            if (has := _row_of(session, account, job_id)) is not None:
                return has, False
            row_id, now = uuid.uuid4().hex, self.clock()
            values: dict[str, Any] = {
                "id": row_id, "key": key, "request_hash": key, "scope": IMPORTED, "operation": operation,
                "base_url": base_url, "unit": unit, "account": account, "title": f"imported {job_id}"[:255],
                "request": {}, "state": S.SUBMITTED, "job_id": job_id, "process": this_process(), "run": run,
                "created_at": now, "updated_at": now, "submitted_at": now,
            }  # fmt: skip
            self.insert(session, JobRow, values)
            row = session.scalars(select(JobRow).where(JobRow.key == key)).one()
            if row.id == row_id:
                self.note(session, row_id, S.SUBMITTED, "imported")
            return row, row.id == row_id


IMPORTED = "imported"  # the scope of jobs that were bought elsewhere
_FILES = delete(table_of(MediaRow)).where(MediaRow.job == bindparam("row_id"))
_SELF = aliased(JobRow)
# Another row of the same account that is this job of the provider.
_ANOTHERS = (
    select(JobRow.id)
    .join(_SELF, (_SELF.account == JobRow.account) & (_SELF.id == bindparam("row_id")))
    .where(JobRow.job_id == bindparam("job_id"), JobRow.id != bindparam("row_id"))
)
KNOWN_AGAIN: dict[str, Any] = {"missing_since": None, "missing_looks": 0}


def _of(job_id: str | None) -> dict[str, Any]:
    return {} if job_id is None else {"job_id": job_id}


def _imported_key(account: str, job_id: str) -> str:
    return hashlib.sha256(f"{IMPORTED}|{account}|{job_id}".encode("utf-8", "replace")).hexdigest()


def _row_of(session: Session, account: str, job_id: str) -> JobRow | None:
    return session.scalars(select(JobRow).where(JobRow.account == account, JobRow.job_id == job_id)).first()

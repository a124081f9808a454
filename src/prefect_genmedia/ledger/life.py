"""The life of a job after its submit: what is recorded of it, and what later truths may correct."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from prefect_genmedia.ledger.claims import Claims
from prefect_genmedia.ledger.models import EventRow, JobRow, LedgerState, MediaRow
from prefect_genmedia.ledger.owner import this_process
from prefect_genmedia.operation import JobStatus

S = LedgerState
LEAST_LOOKS = 4  # looks at a job that the provider does not know, spread over the time that it must be missing


class Life(Claims):
    """Every state but STORED can be reopened by a later truth: a fetch that knows the job, a callback, a person."""

    def not_accepted(self, row_id: str, reason: str, send: int | None = None) -> bool:
        """Surely not bought. `send` says of which submit that is known: of a later one it says nothing."""
        only = () if send is None else (JobRow.sends == send,)
        return self.move(row_id, (S.INTENT, S.UNKNOWN), reason, *only, state=S.NOT_ACCEPTED, reason=reason)

    def unknown(self, row_id: str, reason: str, send: int) -> bool:
        """Sent, and no usable answer: may be bought."""
        with self.database.write() as session:
            values = {"state": S.UNKNOWN, "reason": reason, "lost_at": self.now(session)}
            return self.change(session, row_id, (S.INTENT, S.UNKNOWN), reason, JobRow.sends == send, **values)

    def submitted(self, row_id: str, job_id: str, note: str) -> bool:
        """Bought: the provider's job id is known. True also of a row that someone else meanwhile took.

        False for a row that is bought already; another job id than its own is kept in its history.
        """
        with self.database.write() as session:
            now = self.now(session)
            values = {"state": S.SUBMITTED, "job_id": job_id, "reason": "", "submitted_at": now}
            moved = self.change(session, row_id, (S.INTENT, S.UNKNOWN, S.NOT_ACCEPTED), note, **values)
            row = session.get(JobRow, row_id)
            if not moved and row is not None and row.job_id != job_id:
                twice = f"accepted once more, as {job_id}: paid twice?"
                session.add(EventRow(job=row_id, at=now, state=row.state, note=twice))
            return moved

    def named(self, row_id: str, job_id: str, note: str) -> bool:
        """A person says which job of the provider this is; a wrong id is corrected. False for a row that is STORED."""
        with self.database.write() as session:
            row = session.get_one(JobRow, row_id, with_for_update=True)
            if row.job_id != job_id:
                # What another job gave is not this one's.
                session.execute(delete(MediaRow).where(MediaRow.job == row_id))
            only_from = [state for state in S if state != S.STORED]
            values = {"state": S.SUBMITTED, "job_id": job_id, "reason": "", "submitted_at": self.now(session)}
            return self.change(session, row_id, only_from, note, **values, **_KNOWN_AGAIN, result=None)

    def progress(self, row_id: str, owner: str, status: JobStatus) -> bool:
        """What the provider says of a running job; keeps the lease as well. False when the row was taken."""
        with self.database.write() as session:
            return self.change(
                session,
                row_id,
                (S.SUBMITTED,),
                "",
                JobRow.owner == owner,
                provider_state=status.provider_state,
                percent=status.percent,
                eta_seconds=status.eta_seconds,
                lease_until=self.lease_now(session) + self.lease_seconds,
                **_KNOWN_AGAIN,
            )

    def succeeded(self, row_id: str, status: JobStatus, result: dict[str, Any], remarks: Sequence[str]) -> bool:
        """The provider is done, and this is its answer."""
        with self.database.write() as session:
            return self.change(
                session,
                row_id,
                (S.SUBMITTED, S.SUCCEEDED),
                "; ".join(["the provider is done", *remarks]),
                state=S.SUCCEEDED,
                provider_state=status.provider_state,
                percent=100.0,
                eta_seconds=0.0,
                quota=status.quota,
                result=result,
                remarks=list(remarks),
                reason="",
                finished_at=self.now(session),
                **_KNOWN_AGAIN,
            )

    def failed(self, row_id: str, status: JobStatus) -> bool:
        """The provider says that it failed."""
        with self.database.write() as session:
            return self.change(
                session,
                row_id,
                (S.SUBMITTED,),
                status.message,
                state=S.FAILED,
                provider_state=status.provider_state,
                reason=status.message,
                refunded=status.refunded,
                finished_at=self.now(session),
                owner=None,
            )

    def missing(self, row_id: str, reason: str, expired_after_seconds: float) -> bool:
        """The provider says that it does not know this job. True once it has said so for so long that it is EXPIRED.

        One look, or many in a short time, is a symptom: lists and reads lag.
        """
        with self.database.write() as session:
            row = session.get_one(JobRow, row_id, with_for_update=True)
            if row.state not in (S.SUBMITTED, S.SUCCEEDED):
                return row.state == S.EXPIRED
            now = self.now(session)
            if row.missing_since is None:
                row.missing_since, row.missing_looks = now, 1
                note = f"the provider does not know it at present: {reason}"
                session.add(EventRow(job=row_id, at=now, state=row.state, note=note))
                return False
            missing_for = now - row.missing_since
            # Looks count only when they are spread over the whole time.
            if missing_for >= expired_after_seconds * row.missing_looks / LEAST_LOOKS:
                row.missing_looks += 1
            if missing_for < expired_after_seconds or row.missing_looks < LEAST_LOOKS:
                return False
            values = {"state": S.EXPIRED, "reason": reason, "finished_at": now, "owner": None}
            return self.change(session, row_id, (row.state,), reason, **values)

    def stored(
        self,
        row_id: str,
        files: Mapping[int, Mapping[str, Any]],
        missing: Sequence[str] = (),
        left_out: Sequence[str] = (),
    ) -> bool:
        """Files are in the store, by their place in the answer. The files' rows and the state change together.

        While some are `missing` the job stays SUCCEEDED; what came before and is still there is given again.
        """
        notes = [f"{len(files)} files stored"]
        notes += [f"left out: {words}" for words in left_out] + [f"missing: {words}" for words in missing]
        note = "; ".join(notes)
        with self.database.write() as session:
            if missing:
                values: dict[str, Any] = {"state": S.SUCCEEDED, "reason": f"missing: {'; '.join(missing)}"}
            else:
                values = {"state": S.STORED, "owner": None, "reason": ""}
            moved = self.change(session, row_id, (S.SUCCEEDED,), note, **values)
            if moved:
                session.execute(delete(MediaRow).where(MediaRow.job == row_id))
                session.add_all(MediaRow(job=row_id, position=position, **file) for position, file in files.items())
            return moved

    def still_stored(self, row_id: str, owner: str) -> bool:
        """The files that were missed are back where they were."""
        return self.move(
            row_id, (S.SUCCEEDED,), "the files are there again", JobRow.owner == owner, state=S.STORED, owner=None
        )

    def accepted_as_is(self, row_id: str) -> bool:
        """A person is content with the files that have come. False when none has, or the job is not that far."""
        with self.database.write() as session:
            some = session.scalars(select(MediaRow.job).where(MediaRow.job == row_id).limit(1)).first() is not None
            note = "accepted as it is, by hand"
            return some and self.change(session, row_id, (S.SUCCEEDED,), note, state=S.STORED, owner=None)

    def reopen(self, row_id: str, owner: str) -> bool:
        """Stored files are not in the store: to be downloaded again. Their rows stay until the new files are there."""
        return self._reopen(row_id, owner, (S.STORED,), "files missing", state=S.SUCCEEDED)

    def reread(self, row_id: str, owner: str, request: dict[str, Any]) -> bool:
        """The request now says otherwise how its answer is read: the job is to be fetched again."""
        note = "to be read as the request now says"
        return self._reopen(row_id, owner, (S.STORED, S.EXPIRED), note, state=S.SUBMITTED, request=request, result=None)

    def found_again(self, row_id: str, owner: str) -> bool:
        """The provider knows a job that counted as failed or forgotten."""
        note = "the provider knows it after all"
        return self._reopen(row_id, owner, (S.FAILED, S.EXPIRED), note, state=S.SUBMITTED, reason="", **_KNOWN_AGAIN)

    def _reopen(self, row_id: str, owner: str, only_from: tuple[str, ...], note: str, **values: Any) -> bool:
        with self.database.write() as session:
            lease = self.lease(self.lease_now(session))
            return self.change(session, row_id, only_from, note, owner=owner, **values, **lease)

    def imported(
        self, operation: str, unit: str, base_url: str, account: str, job_id: str, run: str
    ) -> tuple[JobRow, bool]:
        """The row of a job that was bought elsewhere, ready to be brought in; and whether it is new."""
        key = hashlib.sha256(f"imported|{account}|{job_id}".encode()).hexdigest()
        with self.database.write() as session:
            if (has := _row_of(session, account, job_id)) is not None:
                return has, False
            now = self.now(session)
            row = JobRow(
                id=uuid.uuid4().hex, key=key, request_hash=key, scope="imported", operation=operation,
                base_url=base_url, unit=unit, account=account, title=f"imported {job_id}"[:255], request={},
                state=S.SUBMITTED, job_id=job_id, process=this_process(), run=run, created_at=now, updated_at=now,
                submitted_at=now,
            )  # fmt: skip
            try:
                with session.begin_nested():
                    session.add(row)
            except IntegrityError:  # two imports at once
                return session.scalars(select(JobRow).where(JobRow.key == key)).one(), False
            session.add(EventRow(job=row.id, at=now, state=S.SUBMITTED, note="imported"))
            return row, True


_KNOWN_AGAIN: dict[str, Any] = {"missing_since": None, "missing_looks": 0}


def _row_of(session: Session, account: str, job_id: str) -> JobRow | None:
    return session.scalars(select(JobRow).where(JobRow.account == account, JobRow.job_id == job_id)).first()

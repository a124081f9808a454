"""Adopt before you buy: jobs that were bought and never delivered; and callbacks, which name jobs as well."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from functools import lru_cache
from typing import Any

from sqlalchemy import Update, bindparam, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from prefect_genmedia.ledger.admission import FACT
from prefect_genmedia.ledger.database.listening import CHANNEL
from prefect_genmedia.ledger.life import KNOWN_AGAIN, Life
from prefect_genmedia.ledger.models import FactRow, JobRow
from prefect_genmedia.ledger.rows import POSTGRES_CLOCK, changed, seen, table_of
from prefect_genmedia.ledger.values import UNFINISHED, LedgerState, Want

S = LedgerState


class Adoption(Life):
    """What was bought for one run and goes to another; what a callback or the ledger's own facts say."""

    def undelivered(self, want: Want) -> list[JobRow]:
        """Rows of other scopes for the same request whose files no finished run is known to have got."""
        hashes = [want.request_hash, *(former.request_hash for former in want.former)]
        values = {"hashes": hashes, "keys": list(want.keys), "run": want.run}
        with self.database.read() as session:
            rows = self.timed(session, _UNDELIVERED, self.lease_clock(), values)
        return sorted((row for row, now in rows if not self.is_held(row, now)), key=lambda row: row.copy != want.copy)

    def adopt(self, row: JobRow, want: Want) -> bool:
        """Bring another scope's undelivered row under this key. False when someone else was faster."""
        with self.database.write() as session:
            if self.latest_of(session, want) is not None:
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
            unchanged = {"key": row.key, "delivered_at": None, **seen(row)}
            try:
                with session.begin_nested():
                    return self.change(session, row.id, (row.state,), note, unchanged, **values)
            except IntegrityError:
                return False

    def delivered(self, run: str) -> None:
        """This run has ended well: it has the files of its jobs, or of those that are not whole what had come."""
        has = (JobRow.state == S.STORED) | ((JobRow.state == S.SUCCEEDED) & (JobRow.reason != ""))
        given = update(JobRow).where(JobRow.run == run, has, JobRow.delivered_at.is_(None))
        with self.database.write_once() as session:
            changed(session, given.values(delivered_at=self.clock()))

    def handed_over(self, row_id: str) -> None:
        """Whoever asked has been given the files of this job: there is no run whose end would say so."""
        with self.database.write_once() as session:
            values = {"now": self.clock()} if self.database.sqlite else {}
            session.connection().execute(_handed_over(self.database.sqlite), {"row_id": row_id, **values})

    # -- callbacks

    def token(self, row_id: str) -> str:
        """The signed word by which a callback names a row."""
        return f"{row_id}.{self._sign(row_id)}"

    def row_of_token(self, token: str) -> str | None:
        """The row that a callback's token names; None when it was not signed here."""
        row_id, _, signature = token.partition(".")
        return row_id if hmac.compare_digest(signature.encode(), self._sign(row_id).encode()) else None

    def _sign(self, row_id: str) -> str:
        if self.database.secret is None:
            self.database.secret = self.fact("callback_secret", secrets.token_hex(32))
        return hmac.new(self.database.secret.encode(), row_id.encode(), hashlib.sha256).hexdigest()[:32]

    def hint(self, row_id: str, job_id: str, ended_well: bool = True) -> bool:
        """A callback says that this job has ended. Only a hint: whoever waits asks the provider.

        False, and nothing is changed, for one that comes again, too late, or names another job than ours.
        """
        with self.database.write() as session:
            row = session.scalars(select(JobRow).where(JobRow.id == row_id).with_for_update()).first()
            if row is None or not self._take_hint(session, row, job_id, ended_well):
                return False
            if not self.database.sqlite:
                session.execute(_TELL, {"row_id": row_id})
            return True

    def _take_hint(self, session: Session, row: JobRow, job_id: str, ended_well: bool) -> bool:
        if row.job_id not in (None, job_id):
            return False
        repeated = row.hint == job_id
        said: dict[str, Any] = {"hint": job_id, "hint_at": self.clock()}
        if row.state in UNFINISHED and not repeated:
            return self.change(session, row.id, (row.state,), "", **said)
        note = f"a callback names it as {job_id}"
        if row.state == S.NOT_ACCEPTED and not repeated:
            # Held for refused, and yet there is a job: it is not sent again before that is settled.
            return self.change(session, row.id, (row.state,), note, state=S.UNKNOWN, reason=note, **said)
        # Held for forgotten or failed, and it has ended well: to be looked at again.
        gone = (S.EXPIRED, S.FAILED) if ended_well else (S.EXPIRED,)
        late = not repeated or (row.hint_at or 0.0) < (row.finished_at or 0.0)
        if row.state not in gone or row.job_id is None or not late:
            return False
        return self.change(session, row.id, gone, note, state=S.SUBMITTED, reason="", **said, **KNOWN_AGAIN)

    # -- the ledger's own facts

    def fact(self, name: str, first: str) -> str:
        """A small fact of this ledger; `first` becomes it where there is none yet."""
        with self.database.write() as session:
            self.insert(session, FactRow, {"name": name, "value": first})
            # Read past SQLAlchemy, which logs the rows it reads when it is told to log at DEBUG.
            cursor = session.connection().connection.cursor()
            cursor.execute(f"SELECT value FROM genmedia_fact WHERE name = '{_plain(name)}'")  # noqa: S608 - a word of ours
            (value,) = cursor.fetchone() or ("",)
            return str(value)

    def find_fact(self, name: str) -> str | None:
        """A fact of this ledger that is no secret."""
        with self.database.read() as session:
            return session.scalars(FACT, {"name": name}).first()

    def set_fact(self, name: str, value: str) -> None:
        """Correct a fact of this ledger."""
        with self.database.write() as session:
            self.insert(session, FactRow, {"name": name, "value": value})
            changed(session, update(FactRow).where(FactRow.name == name).values(value=value))


@lru_cache
def _handed_over(of_sqlite: bool) -> Update:
    table = table_of(JobRow)
    given = update(table).where(table.c.id == bindparam("row_id"), table.c.delivered_at.is_(None))
    return given.values(delivered_at=bindparam("now") if of_sqlite else POSTGRES_CLOCK)


_TELL = select(func.pg_notify(CHANNEL, bindparam("row_id")))  # heard once this is committed
_UNDELIVERED = (
    select(JobRow)
    .where(
        JobRow.request_hash.in_(bindparam("hashes", expanding=True)),
        JobRow.key.not_in(bindparam("keys", expanding=True)),
        JobRow.run != bindparam("run"),
        JobRow.successor.is_(None),
        JobRow.delivered_at.is_(None),
        JobRow.state.in_([*UNFINISHED, S.STORED]),
    )
    .order_by(JobRow.created_at)
)


def _plain(name: str) -> str:
    if not name.isidentifier():
        raise ValueError("a fact is named by a plain word")
    return name

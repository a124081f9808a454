"""How often each step of a job asks PostgreSQL: each time is a trip over the network, and a job takes all of them."""

from __future__ import annotations

import pytest
from sqlalchemy import event, select

from prefect_genmedia.budget import Budget
from prefect_genmedia.ledger import Database, JobRow, Ledger
from prefect_genmedia.ledger import LedgerState as S
from tests.ledger.actors import DONE, FILE, RUNNING, bring_to, row_of, want
from tests.postgres import Server

LIMITED = want("limited", budget=Budget(per_run=100), tags=("spring", "birds"))


class Trips:
    """Counts the statements that a call sends, with those that begin and end a transaction."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._sent = 0
        event.listen(ledger.database.engine, "before_cursor_execute", self._statement)
        event.listen(ledger.database.engine, "commit", self._commit)

    def _statement(self, *_: object) -> None:
        self._sent += 1

    def _commit(self, _: object) -> None:
        self._sent += 2

    def of(self, method: str, *args: object) -> int:
        self._sent = 0
        getattr(self.ledger, method)(*args)
        return self._sent


@pytest.mark.postgres
def test_no_step_of_a_job_asks_more_often_than_it_has_to(postgres_url: str) -> None:
    ledger = Ledger(Database(postgres_url), 60)
    trips = Trips(ledger)
    row = ledger.claim(want("sent"), "call-1").row
    limited = ledger.claim(LIMITED, "call-1").row
    ours = {state: bring_to(ledger, state, want(state)) for state in S}
    unknown = ours[S.UNKNOWN]
    counted = {
        "claim": trips.of("claim", want("new"), "call-1"),
        "claim again": trips.of("claim", want("new"), "call-1"),
        "follow": trips.of("claim", want("new"), "call-2"),
        "intend": trips.of("intend", row, "call-1", want("sent")),
        "intend within a budget": trips.of("intend", limited, "call-1", LIMITED),
        "submitted": trips.of("submitted", row.id, "job-1", "accepted"),
        "progress": trips.of("progress", row.id, "call-1", RUNNING),
        "missing": trips.of("missing", ours[S.SUBMITTED], "HTTP 404", 60),
        "succeeded": trips.of("succeeded", row.id, DONE, {}, []),
        "stored": trips.of("stored", row.id, {0: FILE}),
        "handed over": trips.of("handed_over", row.id),
        "renew": trips.of("renew", "call-1"),
        "release": trips.of("release", "call-1"),
        "read": trips.of("get", row.id),
        "what was left": trips.of("undelivered", want("sent", run="flow:2")),
        "a callback": trips.of("hint", unknown, "job-2"),
    }
    assert row_of(ledger, row.id).state == S.STORED
    assert counted == {
        "claim": 3 + 2,  # look, insert, read
        "claim again": 3 + 2,  # look, take, read
        "follow": 1 + 2,
        "intend": 3 + 2,  # write, a line of history, read
        "intend within a budget": 6 + 2,  # and tags, the lock with the time, one sum
        "submitted": 2 + 2,
        "progress": 1,
        "missing": 3 + 2,
        "succeeded": 2 + 2,
        "stored": 4 + 2,
        "handed over": 1,
        "renew": 1,
        "release": 1,
        "read": 1,
        "what was left": 1,
        "a callback": 3 + 2,  # look, write, tell who waits
    }


@pytest.mark.postgres
def test_what_only_reads_begins_no_transaction(postgres: Server, postgres_url: str) -> None:
    """To begin and to end one are two trips more, and an old one keeps the server from cleaning up."""
    database = Database(postgres_url)
    name = database.url.database
    with database.read() as session:
        assert session.scalar(select(JobRow.id)) is None
        state = postgres.do(f"SELECT state FROM pg_stat_activity WHERE datname = '{name}'")
    assert state == ["idle"]
    database.engine.dispose()

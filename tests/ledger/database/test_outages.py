"""The database goes away, between calls and in the middle of one: LedgerError, and the next call works again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import make_url

from prefect_genmedia.budget import Budget
from prefect_genmedia.errors import LedgerError
from prefect_genmedia.ledger import Database, Ledger, open_ledger
from prefect_genmedia.ledger import LedgerState as S
from tests.ledger.actors import (
    DONE,
    FILE,
    REFUNDED,
    RUNNING,
    Processes,
    bring_to,
    everything,
    fill_the_disk,
    lock,
    race,
    row_of,
    states,
    want,
    write_in_a_fork,
)
from tests.ledger.wire import Wire
from tests.patience import PATIENCE, until
from tests.postgres import Server

Call = Callable[[Ledger, str], Any]
READING: dict[str, Call] = {
    "get": lambda ledger, row_id: ledger.get(row_id),
    "find": lambda ledger, row_id: ledger.find(row_id),
    "rows": lambda ledger, row_id: ledger.rows(),
    "known_job_ids": lambda ledger, row_id: ledger.known_job_ids("account-1", ["job-1"]),
    "running": lambda ledger, row_id: ledger.running("account-1", ["midjourney.imagine"]),
    "left_alone": lambda ledger, row_id: ledger.left_alone(0),
    "find_fact": lambda ledger, row_id: ledger.find_fact("callback_secret") or True,
    "undelivered": lambda ledger, row_id: ledger.undelivered(want(run="flow:2")),
    "schema": lambda ledger, row_id: ledger.database.schema(),
}
WRITING: dict[str, Call] = {
    "claim": lambda ledger, row_id: ledger.claim(want(), "call-1").mine,
    "claim anew": lambda ledger, row_id: ledger.claim(want("new"), "call-1").mine,
    "intend": lambda ledger, row_id: ledger.intend(row_of(ledger, row_id), "call-1", want(budget=Budget(per_day=9))),
    "take": lambda ledger, row_id: ledger.take(row_id, "call-1").mine,
    "renew": lambda ledger, row_id: ledger.renew("call-1") is None,
    "release": lambda ledger, row_id: ledger.release("call-1") is None,
    "progress": lambda ledger, row_id: ledger.progress(row_id, "call-1", RUNNING),
    "succeeded": lambda ledger, row_id: ledger.succeeded(row_id, DONE, {}, []),
    "failed": lambda ledger, row_id: ledger.failed(row_id, REFUNDED),
    "missing": lambda ledger, row_id: ledger.missing(row_id, "forgotten", 3600),
    "stored": lambda ledger, row_id: ledger.stored(row_id, {0: FILE}, missing=["tile: HTTP 404"]),
    "found_again": lambda ledger, row_id: ledger.found_again(row_id, "call-1"),
    "supersede": lambda ledger, row_id: ledger.supersede(row_id, want(), "call-1").mine,
    "hint": lambda ledger, row_id: ledger.hint(row_id, "job-1"),
    "delivered": lambda ledger, row_id: ledger.delivered("flow:1") is None,
    "handed_over": lambda ledger, row_id: ledger.handed_over(row_id) is None,
    "imported": lambda ledger, row_id: ledger.imported("midjourney.imagine", "quota", "https://x", "a", "job-9", "r"),
    "set_fact": lambda ledger, row_id: ledger.set_fact("media_store", "abc") is None,
    "fact": lambda ledger, row_id: ledger.fact("media_store", "abc"),
}
CALLS = READING | WRITING


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Another session has all tables to itself."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        connection.execute(text("LOCK TABLE genmedia_job, genmedia_fact, genmedia_version IN ACCESS EXCLUSIVE MODE"))
        yield
        connection.rollback()
    engine.dispose()


def until_waiting(postgres: Server, url: str, calls: int = 1) -> None:
    until(lambda: postgres.waiting(url) >= calls, "the calls that wait for the lock", every=0.005)


# -- PostgreSQL restarts --------------------------------------------------------------------------------


@pytest.mark.postgres
def test_after_a_restart_between_two_calls_nobody_notices(postgres: Server, postgres_url: str) -> None:
    ledger = Ledger(Database(postgres_url), 60)
    row_id = bring_to(ledger, S.SUBMITTED)
    for name, call in CALLS.items():
        race(*[partial(ledger.get, row_id)] * 3)  # several connections are in the pool
        assert postgres.disconnect(postgres_url) >= 1
        call(ledger, row_id)
        assert row_of(ledger, row_id).job_id == "job-1", name


@pytest.mark.postgres
def test_a_restart_in_mid_call_is_a_ledger_error_and_the_next_call_works(postgres: Server, postgres_url: str) -> None:
    """Every method, ended by the server while it waits."""
    ledger = Ledger(Database(postgres_url), 60)
    row_id = bring_to(ledger, S.SUBMITTED)
    before = everything(ledger, row_id)
    with ThreadPoolExecutor(len(CALLS)) as pool:
        with locked(postgres_url):
            running = {name: pool.submit(call, ledger, row_id) for name, call in CALLS.items()}
            until_waiting(postgres, postgres_url, 10)
            end_waiting(postgres, postgres_url, list(running.values()))
        for name, call in running.items():
            error = call.exception(PATIENCE)
            assert isinstance(error, LedgerError), f"{name}: {error!r}"
            assert "does not answer" in str(error), name
            assert not {"SELECT", "UPDATE", "INSERT"} & set(str(error).split()), name
    assert everything(ledger, row_id) == before
    assert len(ledger.rows()) == 1
    for call in CALLS.values():
        call(ledger, row_id)


def end_waiting(postgres: Server, url: str, calls: list[Future[Any]]) -> None:
    """End the connections that wait for a lock, not the one that holds it, until all calls have heard of it."""
    name = make_url(url).database
    waiting = f"datname = '{name}' AND wait_event_type = 'Lock'"

    def all_have_heard() -> bool:
        postgres.do(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {waiting}")
        return all(call.done() for call in calls)

    until(all_have_heard, "the end of all calls", every=0.005)


@pytest.mark.postgres
def test_a_database_that_lets_nobody_in_is_a_ledger_error_until_it_does(
    postgres: Server, empty_postgres_url: str
) -> None:
    database = Database(empty_postgres_url)
    database.migrate()
    ledger = Ledger(database, 60)
    row_id = bring_to(ledger, S.INTENT)
    postgres.admit(empty_postgres_url, False)
    postgres.disconnect(empty_postgres_url)
    for _ in range(3):
        with pytest.raises(LedgerError, match="not currently accepting connections"):
            ledger.submitted(row_id, "job-1", "accepted")
        with pytest.raises(LedgerError, match="not currently accepting connections"):
            open_ledger(empty_postgres_url, 60)
    postgres.admit(empty_postgres_url, True)
    assert ledger.submitted(row_id, "job-1", "accepted")
    assert row_of(open_ledger(empty_postgres_url, 60), row_id).job_id == "job-1"


@pytest.mark.postgres
def test_forty_threads_share_a_few_connections(postgres: Server, postgres_url: str) -> None:
    ledger = Ledger(Database(postgres_url), 60)
    claims = race(*(partial(ledger.claim, want(f"picture {n}"), f"call-{n}") for n in range(40)))
    assert all(claim.mine for claim in claims)
    assert len(ledger.rows()) == 40
    name = make_url(postgres_url).database
    assert postgres.do(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'")[0] <= 15


@pytest.mark.postgres
def test_a_restart_while_a_secret_is_read_is_a_ledger_error_too(postgres: Server, postgres_url: str) -> None:
    """It is read past SQLAlchemy, which would log it."""
    ledger = Ledger(Database(postgres_url), 60)

    assert ledger.find_fact("callback_secret") is None

    @event.listens_for(ledger.database.engine, "after_cursor_execute", once=True)
    def restart(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        assert statement.startswith("INSERT INTO genmedia_fact")
        postgres.disconnect(postgres_url)

    with pytest.raises(LedgerError, match="does not answer") as caught:
        ledger.token("0" * 32)
    assert caught.value.away
    assert ledger.row_of_token(ledger.token("0" * 32)) == "0" * 32


@pytest.mark.postgres
def test_a_worker_that_is_frozen_in_mid_transaction_does_not_hold_up_the_others_for_long(
    postgres: Server, postgres_url: str
) -> None:
    """It may hold a row, or the budget. The server ends what stands still; the worker hears of it when it wakes."""
    ledger = Ledger(Database(postgres_url), 60)
    row = ledger.claim(want(), "call-1").row
    with ledger.database.write() as session:
        assert session.execute(text("SHOW idle_in_transaction_session_timeout")).scalar() == "30s"
    with pytest.raises(LedgerError) as caught, ledger.database.write() as session:
        session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '1ms'"))
        ledger.locked(session, row.id, ledger.lease_clock())
        name = make_url(postgres_url).database
        idle = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND state = 'idle in transaction'"
        until(lambda: postgres.do(idle) == [0], "the end of the transaction that stands still")
        assert ledger.claim(want(), "call-1").mine
        session.execute(text("SELECT 1"))
    assert caught.value.away
    assert ledger.claim(want(), "call-1").mine


# -- the reply to a commit is lost -----------------------------------------------------------------------
# The worst moment: what was written is written, and the writer does not know.


@pytest.fixture
def wire(postgres_url: str) -> Iterator[Wire]:
    with Wire(postgres_url) as wire:
        yield wire


@pytest.mark.postgres
def test_a_fact_whose_commit_got_no_reply_is_written_once_when_it_is_said_again(wire: Wire, postgres_url: str) -> None:
    ledger, direct = Ledger(Database(wire.url), 60), Ledger(Database(postgres_url), 60)
    row_id = bring_to(ledger, S.INTENT)
    facts: list[Callable[[], bool]] = [
        lambda: ledger.submitted(row_id, "job-1", "accepted"),
        lambda: ledger.stored(row_id, {0: FILE}),
    ]
    for fact in facts:
        wire.break_at_commit(1, "before")
        with pytest.raises(LedgerError):
            fact()
        after = everything(direct, row_id)
        assert not fact()
        assert everything(direct, row_id) == after
        if row_of(direct, row_id).state == S.SUBMITTED:
            assert ledger.succeeded(row_id, DONE, {}, [])
    assert states(direct, row_id) == ["INTENT", "SUBMITTED", "SUCCEEDED", "STORED"]
    assert [file.uri for file in direct.media(row_id)] == [FILE["uri"]]


@pytest.mark.postgres
def test_a_call_whose_claim_got_no_reply_may_claim_again(wire: Wire, postgres_url: str) -> None:
    """It has the row that it made, and others see a live call's."""
    ledger, direct = Ledger(Database(wire.url), 60), Ledger(Database(postgres_url), 60)
    wire.break_at_commit(1, "before")
    with pytest.raises(LedgerError):
        ledger.claim(want(), "call-1")
    (row,) = direct.rows()
    assert (row.state, row.owner) == (S.NOT_ACCEPTED, "call-1")
    assert not direct.claim(want(), "call-2").mine
    again = ledger.claim(want(), "call-1")
    assert (again.mine, again.row.id, again.row.state) == (True, row.id, S.NOT_ACCEPTED)


@pytest.mark.postgres
def test_an_intent_whose_commit_got_no_reply_is_taken_back_by_whoever_sent_nothing(
    wire: Wire, postgres_url: str
) -> None:
    """Only the call itself knows. A second submit is another, and is not taken back with the first."""
    ledger, direct = Ledger(Database(wire.url), 60), Ledger(Database(postgres_url), 60)
    row = ledger.claim(want(), "call-1").row
    wire.break_at_commit(1, "before")
    with pytest.raises(LedgerError):
        ledger.intend(row, "call-1", want())
    assert row_of(direct, row.id).state == S.INTENT
    assert ledger.intend(row, "call-1", want()) is None
    assert ledger.not_accepted(row.id, "nothing was sent", row.sends + 1)
    again = ledger.intend(row_of(ledger, row.id), "call-1", want())
    assert again is not None and again.sends == 2
    assert not ledger.not_accepted(row.id, "nothing was sent", row.sends + 1)


@pytest.mark.postgres
def test_a_server_that_hangs_up_on_everybody_is_a_ledger_error(wire: Wire) -> None:
    ledger = Ledger(Database(wire.url), 60)
    row_id = bring_to(ledger, S.SUBMITTED)
    wire.close()
    for call in CALLS.values():
        with pytest.raises(LedgerError):
            call(ledger, row_id)
    wire.open()
    assert row_of(ledger, row_id).state == S.SUBMITTED


# -- SQLite is busy ----------------------------------------------------------------------------------------


def test_who_writes_waits_while_another_process_writes_and_who_reads_does_not(sqlite_url: str) -> None:
    ledger = Ledger(Database(sqlite_url), 60)
    row_id = bring_to(ledger, S.SUBMITTED)
    other = Processes(1, lock, sqlite_url, "BEGIN IMMEDIATE", meeting=True)
    assert other.said() == ["locked"]
    with ThreadPoolExecutor(len(WRITING)) as pool:
        waiting = {name: pool.submit(call, ledger, row_id) for name, call in WRITING.items()}
        with pytest.raises(TimeoutError):
            waiting["claim"].result(0.3)
        assert not any(call.done() for call in waiting.values())
        for name, call in READING.items():
            assert call(ledger, row_id) is not None, name
        other.meet()
        for name, call in waiting.items():
            call.result(PATIENCE)
            assert name


def test_a_process_that_is_killed_while_it_writes_stops_nobody(sqlite_url: str) -> None:
    ledger = Ledger(Database(sqlite_url), 60)
    other = Processes(1, lock, sqlite_url, "BEGIN IMMEDIATE", meeting=True)
    assert other.said() == ["locked"]
    with ThreadPoolExecutor(1) as pool:
        claiming = pool.submit(ledger.claim, want(), "call-1")
        with pytest.raises(TimeoutError):
            claiming.result(0.1)
        other.kill()
        assert claiming.result(PATIENCE).mine


def test_opening_waits_while_another_process_has_the_file_to_itself(isolated: Any) -> None:
    """As while that one sets the ledger up."""
    isolated.mkdir(parents=True, exist_ok=True)
    url = f"sqlite:///{isolated / 'ledger.db'}"
    other = Processes(1, lock, url, "BEGIN EXCLUSIVE", meeting=True)
    assert other.said() == ["locked"]
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(open_ledger, url, 60)
        with pytest.raises(TimeoutError):
            opening.result(0.3)
        other.meet()
        assert opening.result(PATIENCE).claim(want(), "call-1").mine


def test_a_full_disk_is_a_ledger_error_until_there_is_room(sqlite_url: str) -> None:
    ((said, kept, then),) = Processes(1, fill_the_disk, sqlite_url).said()
    assert said.startswith("the ledger sqlite:///")
    assert then == kept + 1
    assert len(Ledger(Database(sqlite_url), 60).rows()) == then


# -- more than one process, one program ------------------------------------------------------------------------


def test_a_forked_child_and_its_parent_both_go_on(url: str, ledger: Ledger) -> None:
    """A forked child must not speak on its parent's connections."""
    assert Processes(1, write_in_a_fork, url).said() == [True]
    assert len(ledger.rows()) == 22

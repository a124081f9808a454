"""The ledger's schema: older ledgers open with all they hold, newer ones are refused, many may set up at once."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, create_engine, event, inspect, select, text
from sqlalchemy.engine import Connection, make_url

from prefect_genmedia.budget import Budget
from prefect_genmedia.errors import BudgetExceededError, ConfigurationError, LedgerError
from prefect_genmedia.ledger import UNFINISHED, Database, Ledger, open_database, open_ledger, this_process
from prefect_genmedia.ledger import LedgerState as S
from prefect_genmedia.ledger import migrations as package
from prefect_genmedia.ledger.database import _SETUP_LOCK
from prefect_genmedia.ledger.models import Base
from tests.ledger.actors import FILE, Processes, buy, ended_process, everything, open_each, race, row_of, want

MIGRATIONS = Path(package.__file__).parent
NEWEST, *OLDER = [script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
SECRET = "5" * 64


@pytest.fixture
def connection(empty_url: str) -> Any:
    """To look at the database, and to build it, without the pack."""
    url = make_url(empty_url)
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    else:
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def build(connection: Connection, revision: str) -> None:
    """A ledger as the version that knew this schema left it, with a job in every state."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
    tables = MetaData()
    tables.reflect(connection)
    process, secret = ended_process(), {"name": "callback_secret", "value": SECRET}
    connection.execute(tables.tables["genmedia_fact"].insert(), secret)
    connection.execute(tables.tables["genmedia_job"].insert(), [old_job(n, s, process) for n, s in enumerate(S)])
    connection.execute(tables.tables["genmedia_media"].insert(), [{"job": "5" * 32, "position": 0, **FILE}])
    lines = [{"job": f"{n}" * 32, "at": 100.5 + n, "state": s.value, "note": f"line {n}"} for n, s in enumerate(S)]
    connection.execute(tables.tables["genmedia_event"].insert(), lines)


def old_job(n: int, state: S, process: str) -> dict[str, Any]:
    """The columns that every version of the schema has had."""
    wanted = want(f"old {n}", run="flow:old")
    kept = {
        name: getattr(wanted, name)
        for name in ("key", "request_hash", "scope", "copy", "operation", "base_url", "account", "title", "request")
    }
    return {
        **kept,
        "id": f"{n}" * 32,
        "attempt": 1,
        "state": state.value,
        "reason": f"reason {n}",
        "job_id": f"job-{n}",
        "provider_state": "ON_QUEUE",
        "percent": 12.5,
        "eta_seconds": 3.25,
        "expected_cost": 4.0,
        "quota": None,
        "refunded": True if state is S.FAILED else None,
        "result": {"seed": n, "ž": [None, 1.5]},
        "hint": "job-hint",
        "hint_at": 99.5,
        "owner": "gone",
        "process": process,
        "lease_until": 100.0,
        "run": "flow:old",
        "task_run": "task-old",
        "successor": "f" * 32,
        "delivered_at": 111.5,
        "created_at": time.time() - 10,
        "updated_at": 101.5,
        "submitted_at": 102.5,
        "finished_at": 103.5,
    }


def dump(connection: Connection) -> dict[str, Any]:
    """All tables with their columns, and all rows."""
    tables, found = MetaData(), inspect(connection)
    tables.reflect(connection)
    return {
        name: (repr(found.get_columns(name)), sorted(map(repr, connection.execute(select(table)))))
        for name, table in tables.tables.items()
    }


def rows(connection: Connection) -> dict[str, Any]:
    """The rows that hold something of the user's."""
    tables = MetaData()
    tables.reflect(connection)
    names = ("genmedia_job", "genmedia_media", "genmedia_event", "genmedia_fact", "genmedia_tag")
    there = [tables.tables[name] for name in names if name in tables.tables]
    ordered = {table.name: select(table).order_by(*table.primary_key) for table in there}
    return {name: [dict(row) for row in connection.execute(query).mappings()] for name, query in ordered.items()}


def opened(url: str) -> Ledger:
    """As after an upgrade of the pack: PostgreSQL is set up by hand, SQLite is not."""
    if url.startswith("postgresql"):
        database = Database(url)
        database.migrate()
        database.engine.dispose()
    return open_ledger(url, 60)


@pytest.mark.parametrize("revision", OLDER)
@pytest.mark.sampled(4)
def test_an_older_ledger_opens_with_all_its_rows(empty_url: str, connection: Connection, revision: str) -> None:
    build(connection, revision)
    before = rows(connection)
    assert [row["state"] for row in before["genmedia_job"]] == list(S)
    ledger = opened(empty_url)
    after = rows(connection)
    for table, kept in before.items():
        left = [{name: row[name] for name in old} for row, old in zip(after[table], kept, strict=True)]
        assert left == kept
    assert ledger.database.schema() == NEWEST
    found = {row.id: row for row in ledger.rows()}
    assert [found[row["id"]].result for row in before["genmedia_job"]] == [
        {"seed": n, "ž": [None, 1.5]} for n in range(8)
    ]
    assert {(row.unit, row.labelled) for row in found.values()} == {("quota", False)}
    assert [(file.uri, file.width) for file in ledger.media("5" * 32)] == [(FILE["uri"], 512)]
    assert [(event.at, event.note) for event in ledger.history("3" * 32)] == [(103.5, "line 3")]


@pytest.mark.parametrize("revision", OLDER)
@pytest.mark.sampled(4)
def test_what_each_version_added_stays(empty_url: str, connection: Connection, revision: str) -> None:
    """Every column that a schema had and the first had not, filled; and a tag, once there are tags."""
    build(connection, revision)
    tables = MetaData()
    tables.reflect(connection)
    if "genmedia_tag" in tables.tables:
        connection.execute(tables.tables["genmedia_tag"].insert(), {"job": "3" * 32, "tag": "žába"})
    filled = {bool: True, int: 3, float: 7.5, str: "USD", dict: ["ž", None]}
    for name, first in (("genmedia_job", old_job(0, S.INTENT, "")), ("genmedia_media", {"job", "position", *FILE})):
        added = [column for column in tables.tables[name].columns if column.name not in first]
        if added:
            values = {column.name: filled[column.type.python_type] for column in added}
            connection.execute(tables.tables[name].update(), values)
    before = rows(connection)
    opened(empty_url)
    after = rows(connection)
    for table, kept in before.items():
        left = [{name: row[name] for name in old} for row, old in zip(after[table], kept, strict=True)]
        assert left == kept


@pytest.mark.parametrize("revision", OLDER)
@pytest.mark.sampled(4)
def test_an_older_ledgers_jobs_live_on(empty_url: str, connection: Connection, revision: str) -> None:
    build(connection, revision)
    ledger = opened(empty_url)
    states = list(S)
    for state, becomes in ((S.INTENT, S.UNKNOWN), (S.SUBMITTED, S.SUBMITTED), (S.SUCCEEDED, S.SUCCEEDED)):
        n = states.index(state)
        claim = ledger.claim(want(f"old {n}", run="flow:old"), "call-1")
        assert (claim.mine, claim.row.id, claim.row.state, claim.row.job_id) == (True, f"{n}" * 32, becomes, f"job-{n}")
    assert ledger.stored(f"{states.index(S.SUCCEEDED)}" * 32, {0: FILE})
    old = ledger.token("3" * 32)
    assert ledger.row_of_token(old) == "3" * 32
    assert ledger.database.secret == SECRET
    # Six of the eight count, 4 each: not the one that was never accepted and not the refunded one.
    wanted = want("new", run="flow:old", tags=("spring",), budget=Budget(per_run=27.9, per_tag={"spring": 4}))
    with pytest.raises(BudgetExceededError, match=r"has 3\.9 of 27\.9 quota left; this job counts 4"):
        buy(ledger, wanted)
    assert ledger.intend(ledger.claim(wanted, "call-1").row, "call-1", replace(wanted, budget=Budget(per_run=28)))


def test_what_0002_knew_of_budgets_stays(empty_url: str, connection: Connection) -> None:
    """Units, tags, and whether a submit carried our address; what 0003 adds begins with nothing."""
    build(connection, "0002")
    for n, name in enumerate(("spring", "žába")):
        connection.execute(text(f"INSERT INTO genmedia_tag (job, tag) VALUES ('{str(n) * 32}', '{name}')"))
    connection.execute(text("UPDATE genmedia_job SET unit = 'USD', labelled = true WHERE job_id = 'job-3'"))
    ledger = opened(empty_url)
    old, other = row_of(ledger, "3" * 32), row_of(ledger, "4" * 32)
    assert (old.unit, old.labelled) == ("USD", True)
    assert (other.unit, other.labelled) == ("quota", False)
    assert [everything(ledger, str(n) * 32)["tags"] for n in range(3)] == [["spring"], ["žába"], []]
    assert {(row.sends, row.missing_looks) for row in ledger.rows()} == {(0, 0)}
    assert {row.state for row in ledger.rows() if row.whole} == {S.STORED}
    unsaid = ("sent_at", "lost_at", "arrives_until", "missing_since", "remarks")
    assert {getattr(row, name) for row in ledger.rows() for name in unsaid} == {None}


@pytest.mark.parametrize("revision", OLDER)
@pytest.mark.sampled(4)
def test_an_older_ledgers_jobs_are_not_taken_from_a_live_worker_of_that_version(
    empty_url: str, connection: Connection, revision: str
) -> None:
    """It counts its leases by the wall clock, and it is still at work while the pack is upgraded beside it."""
    build(connection, revision)
    connection.execute(text(f"UPDATE genmedia_job SET process = '{this_process()}', lease_until = {time.time() + 60}"))
    ledger = opened(empty_url)
    for state in UNFINISHED:
        claim = ledger.claim(want(f"old {list(S).index(state)}", run="flow:old"), "call-1")
        assert (claim.mine, claim.row.state) == (False, state)
    assert ledger.left_alone(0) == []


def test_a_novita_job_of_before_units_counts_in_dollars(empty_url: str, connection: Connection) -> None:
    build(connection, "0001")
    connection.execute(text("UPDATE genmedia_job SET operation = 'novita.img2img' WHERE job_id = 'job-3'"))
    assert row_of(opened(empty_url), "3" * 32).unit == "USD"


def test_to_set_up_again_changes_nothing(empty_url: str, connection: Connection) -> None:
    ledger = opened(empty_url)
    ledger.claim(want(), "call-1")
    ledger.token("0" * 32)
    before = dump(connection)
    for _ in range(2):
        Database(empty_url).migrate()
    assert dump(connection) == before


def test_a_newer_ledger_is_refused_and_not_touched(empty_url: str, connection: Connection) -> None:
    build(connection, NEWEST)
    connection.execute(text("UPDATE genmedia_version SET version_num = '9000'"))
    connection.execute(text("ALTER TABLE genmedia_job ADD COLUMN mood VARCHAR(16) DEFAULT 'good'"))
    before = dump(connection)
    for open_it in (partial(open_database, empty_url), Database(empty_url).migrate):
        with pytest.raises(ConfigurationError) as caught:
            open_it()
        said = str(caught.value)
        assert all(word in said for word in ("newer version", "9000", NEWEST, "nothing was changed"))
        assert dump(connection) == before


@pytest.mark.parametrize("revision", OLDER)
@pytest.mark.sampled(4)
def test_a_migration_that_fails_leaves_the_older_ledger_whole(
    empty_url: str, connection: Connection, revision: str
) -> None:
    build(connection, revision)
    # In the way of the newest: what comes before it has worked by then.
    connection.execute(text("CREATE INDEX ix_genmedia_media_sha256 ON genmedia_job (id)"))
    before = dump(connection)
    with pytest.raises(LedgerError, match="ix_genmedia_media_sha256"):
        Database(empty_url).migrate()
    assert dump(connection) == before
    connection.execute(text("DROP INDEX ix_genmedia_media_sha256"))
    assert len(opened(empty_url).rows()) == len(S)


def test_a_setup_whose_commit_fails_leaves_no_lock_behind(empty_url: str, connection: Connection) -> None:
    """As on a disk that is full at that moment; the same process can try again."""
    database = Database(empty_url)

    @event.listens_for(database.engine, "commit", once=True)
    def fail(_: Any) -> None:
        raise RuntimeError("no commit")

    with pytest.raises(RuntimeError, match="no commit"):
        database.migrate()
    if database.sqlite:
        connection.execute(text("PRAGMA busy_timeout = 0"))
        connection.execute(text("BEGIN IMMEDIATE"))  # raises when there is a lock
        connection.execute(text("ROLLBACK"))
    else:
        connection.execute(text("SET lock_timeout = '20s'"))  # the server notices a closed connection in its own time
        connection.execute(text(f"SELECT pg_advisory_lock({_SETUP_LOCK})"))
        connection.execute(text("SELECT pg_advisory_unlock_all()"))
    assert opened(empty_url).rows() == []


@pytest.mark.parametrize("revision", [None, *OLDER])
@pytest.mark.sampled(7)
def test_three_processes_that_set_up_at_once_make_one_ledger(
    empty_url: str, connection: Connection, revision: str | None
) -> None:
    if revision is not None:
        build(connection, revision)
    answers = Processes(3, open_each, empty_url).said()
    assert answers == [NEWEST] * 3
    assert differences(connection) == []
    assert len(connection.execute(text("SELECT * FROM genmedia_version")).all()) == 1
    assert len(opened(empty_url).rows()) == (0 if revision is None else len(S))


def test_threads_that_open_at_once_share_one_database(empty_url: str) -> None:
    if empty_url.startswith("postgresql"):
        Database(empty_url).migrate()
    databases = race(*[partial(open_database, empty_url)] * 8)
    assert len({id(database) for database in databases}) == 1
    assert databases[0].schema() == NEWEST


@pytest.mark.postgres
@pytest.mark.parametrize("revision", [None, *OLDER])
@pytest.mark.sampled(4)
def test_postgresql_is_not_opened_until_it_is_set_up(empty_postgres_url: str, revision: str | None) -> None:
    """A worker must not change a database that others use with an older version."""
    engine = create_engine(make_url(empty_postgres_url).set(drivername="postgresql+psycopg"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if revision is not None:
            build(connection, revision)
        before = dump(connection)
        for _ in range(2):
            with pytest.raises(ConfigurationError) as caught:
                open_ledger(empty_postgres_url, 60)
            assert "not set up for this version" in str(caught.value)
            assert str(caught.value).endswith("Nothing was bought. Run: genmedia setup.")
        assert dump(connection) == before
        Database(empty_postgres_url).migrate()
        assert open_ledger(empty_postgres_url, 60).claim(want(), "call-1").mine
    engine.dispose()


def test_tables_of_others_in_the_same_database_are_left_alone(empty_url: str, connection: Connection) -> None:
    """Prefect's own, for example, with the version of its own schema."""
    connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
    connection.execute(text("INSERT INTO alembic_version VALUES ('prefect')"))
    connection.execute(text("CREATE TABLE flow_run (id INTEGER PRIMARY KEY)"))
    before = dump(connection)
    ledger = opened(empty_url)
    assert {name: kept for name, kept in dump(connection).items() if name in before} == before
    assert everything(ledger, buy(ledger, want()).id)["state"] == S.INTENT


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"version_table": "genmedia_version", "compare_type": True})
    return list(compare_metadata(context, Base.metadata))


@pytest.mark.parametrize("revision", [None, *OLDER])
@pytest.mark.sampled(4)
def test_the_models_and_the_migrated_schema_agree(empty_url: str, connection: Connection, revision: str | None) -> None:
    if revision is not None:
        build(connection, revision)
    opened(empty_url)
    assert differences(connection) == []
    # compare_metadata does not look at primary keys and foreign keys of SQLite in full: these do.
    found = inspect(connection)
    for table in Base.metadata.sorted_tables:
        keys = found.get_pk_constraint(table.name)["constrained_columns"]
        assert keys == [column.name for column in table.primary_key]
        nullable = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
        assert nullable == {column.name: column.nullable for column in table.columns}

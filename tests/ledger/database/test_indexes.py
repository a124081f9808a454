"""No step reads the whole ledger: SQLite tells how it finds the rows of each statement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, text

from prefect_genmedia.budget import Budget
from prefect_genmedia.ledger import Database, Ledger
from prefect_genmedia.ledger import LedgerState as S
from tests.ledger.actors import DONE, FILE, RUNNING, bring_to, row_of, want

LIMITED = want("limited", tags=("spring", "cats"), budget=Budget(per_run=99, per_day=99, per_tag={"spring": 9}))


@pytest.fixture
def plans(sqlite_url: str) -> Any:
    """A ledger, and what SQLite says of each statement that a call sends, without having seen any statistics."""
    ledger = Ledger(Database(sqlite_url), 60)
    sent: list[tuple[str, Any]] = []

    def keep(_connection: Any, _cursor: Any, sql: str, values: Any, _context: Any, of_many_rows: bool) -> None:
        sent.append((sql, values[0] if of_many_rows else values))

    event.listen(ledger.database.engine, "before_cursor_execute", keep)

    def of(call: Callable[[Ledger], object]) -> list[str]:
        sent.clear()
        call(ledger)
        with ledger.database.engine.connect() as connection:
            cursor = connection.connection.cursor()
            asked = [each for each in sent if not each[0].startswith(("BEGIN", "EXPLAIN"))]
            return [line[3] for sql, values in asked for line in cursor.execute(f"EXPLAIN QUERY PLAN {sql}", values)]

    yield ledger, of
    ledger.database.engine.dispose()


STEPS: dict[str, Callable[[Ledger, str], object]] = {
    "claim": lambda ledger, _: ledger.claim(want("new"), "call-1"),
    "follow": lambda ledger, _: ledger.claim(want(S.SUBMITTED), "call-2"),
    "intend": lambda ledger, _: ledger.intend(ledger.claim(LIMITED, "call-1").row, "call-1", LIMITED),
    "submitted": lambda ledger, row_id: ledger.submitted(row_id, "job-1", "accepted"),
    "accepted": lambda ledger, row_id: ledger.accepted(row_id, "job-1", "accepted", 1),
    "progress": lambda ledger, row_id: ledger.progress(row_id, "call-1", RUNNING),
    "succeeded": lambda ledger, row_id: ledger.succeeded(row_id, DONE, {}, []),
    "stored": lambda ledger, row_id: ledger.stored(row_id, {0: FILE}),
    "missing": lambda ledger, row_id: ledger.missing(row_id, "HTTP 404", 60),
    "renew": lambda ledger, _: ledger.renew("call-1"),
    "release": lambda ledger, _: ledger.release("call-1"),
    "delivered": lambda ledger, _: ledger.delivered("flow:1"),
    "handed_over": lambda ledger, row_id: ledger.handed_over(row_id),
    "undelivered": lambda ledger, _: ledger.undelivered(want("new", run="flow:2")),
    "newest": lambda ledger, _: ledger.newest([LIMITED.key]),
    "get": lambda ledger, row_id: ledger.get(row_id),
    "find": lambda ledger, row_id: ledger.find(row_id[:5]),
    "list": lambda ledger, _: ledger.rows(limit=50),
    "list of states": lambda ledger, _: ledger.rows([S.FAILED, S.UNKNOWN], limit=50),
    "list of a run": lambda ledger, _: ledger.rows(run="flow:1"),
    "sweep": lambda ledger, _: ledger.left_alone(600, 500),
    "sweep on": lambda ledger, row_id: ledger.left_alone(0, 500, row_of(ledger, row_id)),
    "media": lambda ledger, row_id: ledger.media(row_id),
    "media_with": lambda ledger, _: ledger.media_with("0" * 64),
    "history": lambda ledger, row_id: ledger.history(row_id),
    "known_job_ids": lambda ledger, _: ledger.known_job_ids("account-1", ["job-1"]),
    "running": lambda ledger, _: ledger.running("account-1", ["midjourney.imagine"]),
    "imported": lambda ledger, _: ledger.imported("midjourney.imagine", "quota", "https://x", "account-1", "j", "r"),
    "callback": lambda ledger, row_id: ledger.hint(row_id, "job-2"),
    "named": lambda ledger, row_id: ledger.named(row_id, "job-3", "by hand"),
}
# In their order, from an index, and only as many as are asked for.
IN_ORDER = "SCAN genmedia_job USING INDEX ix_genmedia_job_created"


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.sampled(4)
def test_no_step_reads_all_rows(plans: Any, step: str) -> None:
    ledger, of = plans
    row_id = [bring_to(ledger, state, want(state)) for state in S][3]
    lines = of(lambda ledger: STEPS[step](ledger, row_id))
    assert lines
    assert [line for line in lines if "SCAN genmedia" in line and line != IN_ORDER] == []


def test_a_finished_job_is_not_looked_for_among_all_that_are_finished(plans: Any) -> None:
    """Most jobs of a ledger are STORED: that state leads nowhere, and the run does."""
    _, of = plans
    for call in (lambda ledger: ledger.delivered("flow:1"), lambda ledger: ledger.rows(run="flow:1")):
        (line,) = [line for line in of(call) if "genmedia_job" in line]
        assert "ix_genmedia_job_run" in line


def test_a_budget_reads_nothing_but_indexes(plans: Any) -> None:
    ledger, of = plans
    row = ledger.claim(LIMITED, "call-1").row
    lines = of(lambda ledger: ledger.intend(row, "call-1", LIMITED))
    covered = {line.split("INDEX ")[1].split(" (")[0] for line in lines if "COVERING INDEX ix_genmedia" in line}
    assert covered == {"ix_genmedia_job_run", "ix_genmedia_job_sent", "ix_genmedia_tag_tag"}


def test_lists_are_not_sorted(plans: Any) -> None:
    _, of = plans
    for call in (lambda ledger: ledger.rows(limit=50), lambda ledger: ledger.rows([S.STORED, S.FAILED], limit=50)):
        assert [line for line in of(call) if "TEMP B-TREE" in line] == []


def test_a_file_is_found_by_its_bytes_and_not_by_looking_at_each(ledger: Ledger) -> None:
    """On both databases. PostgreSQL reads a short table whole, unless it is told not to."""
    row_id = bring_to(ledger, S.STORED, want("kept"))
    assert [file.job for file in ledger.media_with(FILE["sha256"])] == [row_id]
    with ledger.database.engine.connect() as connection:
        explain = "EXPLAIN QUERY PLAN"
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            explain = "EXPLAIN"
        asked = text(f"{explain} SELECT * FROM genmedia_media WHERE sha256 = :sha256")
        said = str(connection.execute(asked, {"sha256": FILE["sha256"]}).all())
    assert "ix_genmedia_media_sha256" in said, said

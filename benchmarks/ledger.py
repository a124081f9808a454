"""`make bench`: what each step of the ledger takes with many rows, and with a budget that sums many of them.

python -m benchmarks.ledger [--rows 1_000_000] [--url postgresql://user@host/an_empty_database]

Without --url it makes an SQLite file in a folder of its own, and removes it. The rows are 100 days of jobs. A hundredth
of them has the tag `spring`, a hundredth is of the last day, the last 10,000 are of one run, a thousandth left alone.
Written to benchmarks/results/ledger.json, for each database.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import event, text

from benchmarks.machine import machine
from prefect_genmedia.budget import Budget
from prefect_genmedia.ledger import Database, Ledger, Want

RESULT = Path(__file__).parent / "results" / "ledger.json"
T = time.time()
_N = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < :rows)"
_ID = "md5(CAST(n AS TEXT))"
_STATE = """CASE WHEN n % 1000 = 500 THEN 'SUBMITTED' WHEN n % 50 = 7 THEN 'FAILED' WHEN n % 500 = 8 THEN 'EXPIRED'
                 WHEN n % 200 = 9 THEN 'NOT_ACCEPTED' ELSE 'STORED' END"""
_JSON = '{"prompt": "a lighthouse --ar 3:2", "mode": "fast", "hooks": null, "' + "x" * 200 + '": 1}'
_FILL = (
    f"""{_N} INSERT INTO genmedia_job (
        id, key, attempt, request_hash, scope, copy, operation, base_url, account, title, request, state, reason,
        job_id, expected_cost, unit, labelled, quota, refunded, result, process, lease_until, run, sends, sent_at,
        missing_looks, whole, created_at, updated_at, submitted_at)
    SELECT {_ID}, md5('key ' || n) || md5('k' || n), 1, md5('request ' || n) || md5('r' || n),
        'flow:' || (n / 100), 0, 'midjourney.imagine', 'https://api.example', 'account-1', 'a lighthouse ' || n,
        '{_JSON}', {_STATE}, '', 'job-' || n, 4.0, 'quota', false, CASE WHEN n % 3 = 0 THEN 3.5 END,
        CASE WHEN n % 100 = 7 THEN true WHEN n % 100 = 57 THEN false END,
        '{_JSON}', 'gone|0|0|1|1', 0, CASE WHEN n > :rows - 10000 THEN 'flow:big' ELSE 'flow:' || (n / 100) END,
        1, :now - (:rows - n) * :step, 0, true, :now - (:rows - n) * :step, :now - (:rows - n) * :step,
        :now - (:rows - n) * :step
    FROM n""",
    f"""{_N} INSERT INTO genmedia_event (job, at, state, note)
    SELECT {_ID}, :now - (:rows - n) * :step, 'STORED', '5 files stored' FROM n""",
    f"""{_N} INSERT INTO genmedia_media (job, position, role, uri, sha256, media_type, bytes)
    SELECT {_ID}, 0, 'image', 's3://bucket/' || n || '.png', md5('file ' || n) || md5('f' || n), 'image/png', 1234567
    FROM n""",
    f"{_N} INSERT INTO genmedia_tag (job, tag) SELECT {_ID}, 'spring' FROM n WHERE n % 100 = 3",
)


def fill(url: str, rows: int) -> int:
    """So many jobs of the last hundred days, written past the ledger's own steps, unless some are there. How many."""
    database = Database(url)
    if database.sqlite:
        event.listen(database.engine, "connect", _hurry)
    database.migrate()
    day = 86_400.0
    values: dict[str, Any] = {"rows": rows, "now": time.time(), "step": 100 * day / rows}
    with database.write() as session:
        there = int(session.scalar(text("SELECT count(*) FROM genmedia_job")) or 0)
        for statement in () if there else _FILL:
            session.execute(text(statement), values)
    if not database.sqlite:
        with database.read() as session:
            session.execute(text("VACUUM ANALYZE"))  # as autovacuum does in its own time
    database.engine.dispose()
    return there or rows


def _hurry(connection: sqlite3.Connection, _: object) -> None:
    connection.create_function("md5", 1, md5, deterministic=True)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA cache_size=-1000000")


def md5(value: str) -> str:
    return hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()


def want(what: str, **fields: Any) -> Want:
    key = md5(what) * 2
    return Want(
        key=key, request_hash=key, scope="flow:new", copy=0, operation="midjourney.imagine",
        base_url="https://api.example", account="account-1", title=what, request={"prompt": what},
        expected_cost=4.0, **{"run": "flow:new", **fields},
    )  # fmt: skip


def steps(ledger: Ledger) -> dict[str, Callable[[int], object]]:
    """What is measured, by its name; each is given a number of its own."""

    def claim(wanted: Want) -> Callable[[int], object]:
        def buy(n: int) -> object:
            each = replace(wanted, key=md5(f"{wanted.title} {n}") * 2)
            return ledger.intend(ledger.claim(each, f"call-{n}").row, f"call-{n}", each)

        return buy

    much = 1e9
    run = Budget(per_run=much)
    tag = Budget(per_tag={"spring": much})
    every = Budget(per_run=much, per_day=much, per_tag={"spring": much})
    return {
        "claim and intend, no budget": claim(want(f"none {T}")),
        "… budget per run": claim(want(f"run {T}", run="flow:big", budget=run)),
        "… budget per day": claim(want(f"day {T}", budget=Budget(per_day=much))),
        "… budget per tag": claim(want(f"tag {T}", tags=("spring",), budget=tag)),
        "… all three": claim(want(f"all {T}", run="flow:big", tags=("spring",), budget=every)),
        "jobs list": lambda n: ledger.rows(limit=50),
        "jobs list --state STORED": lambda n: ledger.rows(["STORED"], limit=50),
        "jobs list, two states": lambda n: ledger.rows(["FAILED", "STORED"], limit=50),
        "jobs list --state UNKNOWN": lambda n: ledger.rows(["UNKNOWN"], limit=50),
        "jobs show, by prefix": lambda n: [ledger.history(row.id) for row in ledger.find(md5(f"{n + 5}")[:12])],
        "jobs show, by provider's id": lambda n: [ledger.media(row.id) for row in ledger.find(f"job-{n + 5}")],
        "sweep, 500 at a time": lambda n: ledger.left_alone(600, 500),
        "end of a run": lambda n: ledger.delivered(f"flow:{n}"),
    }


def measure(ledger: Ledger, times: int, patience: float) -> dict[str, float]:
    """Of each step the median, in milliseconds."""
    medians = {}
    for name, step in steps(ledger).items():
        took = []
        for n in range(times):
            started = time.perf_counter()
            step(n)
            took.append((time.perf_counter() - started) * 1000)
            if sum(took) > patience * 1000:
                break
        medians[name] = round(statistics.median(took), 2)
        print(f"| {name} | {min(took):.1f} ms | {medians[name]:.1f} ms |", flush=True)
    return medians


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--patience", type=float, default=10, help="seconds that one line may take")
    parser.add_argument("--url", help="an empty PostgreSQL database, or a new SQLite file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="genmedia-bench-") as folder:
        url = options.url or f"sqlite:///{folder}/ledger.db"
        started = time.perf_counter()
        written = fill(url, options.rows)
        took = time.perf_counter() - started
        ledger = Ledger(Database(url), 60)
        print(f"{written:,} rows on {ledger.database.name}, written in {took:.0f} s.\n")
        print("| step | best | median |\n| --- | --- | --- |")
        found = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        found["SQLite" if ledger.database.sqlite else "PostgreSQL"] = {
            "machine": machine(),
            "rows": written,
            "median_ms": measure(ledger, options.times, options.patience),
        }
        RESULT.write_text(json.dumps(found, indent=1) + "\n")
        ledger.database.engine.dispose()


if __name__ == "__main__":
    main()

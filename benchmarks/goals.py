"""What was aimed at, and what the results say of it: a table for docs/speed.md."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
FEW = "100-jobs-of-3-s-10-at-once"
ONE_PICTURE = "100-jobs-of-3-s-10-at-once-one-picture-each"
MANY = "300-jobs-of-15-s-all-at-once"
THOUSAND = "1000-jobs-of-20-s-all-at-once"
MINUTE = "100-jobs-of-60-s-all-at-once"
LONG = "100-jobs-of-300-s-all-at-once"
FLAT = "1000-jobs-of-1-s-20-at-once-one-picture-each"
TEN_TIMES = "10000-jobs-of-1-s-20-at-once-one-picture-each"
PNG = "8 sizes of a 2048² PNG into JPEG"
JPEG = "8 sizes of a 24 MP JPEG into JPEG"
PER_SIZE = "Pillow, opened per size"


def read(name: str) -> Any:
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def figure(scenario: str, contender: str, key: str) -> float:
    """A median. Raises KeyError where it was not measured."""
    return float(read(scenario)["medians"][contender][key])


def over(scenario: str, ours: str, theirs: str, key: str) -> float:
    return figure(scenario, ours, key) / figure(scenario, theirs, key)


def grown(key: str, per_job: bool = False) -> str:
    """Ten times as many jobs over so many, in per cent; of a time as a whole, for each job."""
    ratio = figure(TEN_TIMES, "novita_core", key) / figure(FLAT, "novita_core", key)
    return f"{round(100 * (ratio / (10 if per_job else 1) - 1)):+d} %"


def ledgers(*steps: str) -> str:
    """The slowest of these steps in milliseconds: on SQLite; on PostgreSQL."""
    found = read("ledger")
    return "; ".join(
        f"{max(found[name]['median_ms'][step] for step in steps):.1f}" for name in ("SQLite", "PostgreSQL")
    )


def pictures(scenario: str) -> float:
    medians = {each["scenario"]: each["medians"] for each in read("imaging")["scenarios"]}[scenario]
    return float(medians["prefect-genmedia"]["per_second"] / medians[PER_SIZE]["per_second"])


BUDGETS = ("… budget per run", "… budget per day", "… budget per tag")
LISTS = (
    "jobs list", "jobs list --state STORED", "jobs list, two states", "jobs list --state UNKNOWN",
    "jobs show, by prefix", "jobs show, by provider's id", "sweep, 500 at a time",
)  # fmt: skip
GOALS: tuple[tuple[str, str, Callable[[], str]], ...] = (
    (
        "1,000 jobs of 20 s at once, wall over raw httpx at its best; 300 of 15 s",
        "≤ 1.15; ≤ 1.08",
        lambda: f"{over(THOUSAND, 'core', 'raw', 'wall'):.2f}; {over(MANY, 'core', 'raw', 'wall'):.2f}",
    ),
    (
        "100 jobs of 3 s, 10 at once, wall over ideal: core; tasks; raw httpx",
        "≤ 1.03; ≤ 1.08",
        lambda: "; ".join(f"{figure(FEW, name, 'wall') / 30:.2f}" for name in ("core", "tasks", "raw")),
    ),
    (
        "the same, one picture each, wall over novita-client",
        "< 1",
        lambda: f"{over(ONE_PICTURE, 'novita_core', 'novita_client', 'wall'):.2f}",
    ),
    (
        "client CPU a job of five pictures, ms: core; tasks; core over raw",
        "≤ 30; ≤ 40; ≤ 2.5",
        lambda: (
            f"{figure(MANY, 'core', 'cpu_ms'):.0f}; {figure(MANY, 'tasks', 'cpu_ms'):.0f}; "
            f"{over(MANY, 'core', 'raw', 'cpu_ms'):.1f}"
        ),
    ),
    ("Prefect's server, CPU a job, ms", "≤ 30", lambda: f"{figure(MANY, 'tasks', 'server_ms'):.0f}"),
    (
        "requests a job of 20 (1,000 at once), 60, 300 s, submit included",
        "≤ 4, ≤ 5, ≤ 6",
        lambda: ", ".join(f"{figure(each, 'core', 'requests'):.1f}" for each in (THOUSAND, MINUTE, LONG)),
    ),
    (
        "the end of these noticed late, median, s",
        "≤ 0.5, ≤ 1, ≤ 3",
        lambda: ", ".join(f"{figure(each, 'core', 'late'):.2f}" for each in (THOUSAND, MINUTE, LONG)),
    ),
    (
        "with callbacks, jobs of 60 s: requests; noticed late, s; CPU over polling",
        "≤ 3; ≤ 0.3; < 1",
        lambda: (
            f"{figure(MINUTE, 'core-called', 'requests'):.1f}; {figure(MINUTE, 'core-called', 'late'):.2f}; "
            f"{over(MINUTE, 'core-called', 'core', 'cpu_ms'):.2f}"
        ),
    ),
    ("refused submits of 100 at limit 10, read from the account", "0", lambda: f"{figure(FEW, 'core', 'refused'):.0f}"),
    ("peak memory a job at 1,000 at once, kB", "≤ 60", lambda: f"{figure(THOUSAND, 'core', 'grown_kb'):.0f}"),
    (
        "memory a job that waits at the provider, 2.4 MB sent along, kB: resident; held; peak of a hundred at once",
        "≤ 150",
        lambda: "; ".join(
            f"{max(0.0, read('waiting')['memory'][f'{key}_kb']):,.0f}" for key in ("waiting", "held", "peak")
        ),
    ),
    (
        "ledger a job: transactions, each with one fsync (SQLite); round trips (PostgreSQL)",
        "≤ 7, fsyncs ≤ 5; ≤ 20",
        lambda: f"{read('waiting')['SQLite']['transactions']:.1f}; {read('waiting')['PostgreSQL']['round_trips']:.0f}",
    ),
    (
        "claim and intent at 1,000,000 rows with a budget, the slowest, ms: SQLite; PostgreSQL",
        "≤ 10",
        lambda: ledgers(*BUDGETS),
    ),
    ("jobs list, show, sweep at 1,000,000 rows, the slowest, ms: the same", "≤ 50", lambda: ledgers(*LISTS)),
    (
        "from 1,000 to 10,000 jobs, a job: time; CPU; requests",
        "± 10 %",
        lambda: "; ".join((grown("wall", per_job=True), grown("cpu_ms"), grown("requests"))),
    ),
    (
        "import of one provider's tasks, of all flows, beyond Prefect's own, s of a processor",
        "≤ 0.15",
        lambda: "; ".join(
            f"{read('imports')['seconds'][f'prefect_genmedia.{name}']:.2f}" for name in ("tasks.novita", "flows")
        ),
    ),
    (
        "8 sizes of a 24 MP JPEG; of a 2048² PNG, a second, over Pillow opened per size",
        "≥ 3",
        lambda: f"{pictures(JPEG):.1f}; {pictures(PNG):.1f}",
    ),
)


def table() -> str:
    """Markdown."""
    lines = ["| | aimed at | reached |", "| --- | ---: | ---: |"]
    for what, goal, reached in GOALS:
        try:
            lines.append(f"| {what} | {goal} | {reached()} |")
        except (KeyError, ValueError):
            lines.append(f"| {what} | {goal} | not measured |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())

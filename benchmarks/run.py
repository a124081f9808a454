"""`make bench`: what a job costs beside what others take for it. Ratios of one interleaved run, no verdict.

python -m benchmarks.run [--rounds 3] [--only NAME …] [--full]

The provider is a process of its own and counts; so is each contender, and Prefect's server. In each round every
contender runs once, in another order. What is written to benchmarks/results/ is the median of the rounds, each round,
and the machine's load. `--full` adds the long scenarios: a thousand jobs at once, and jobs of five minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from benchmarks.machine import machine
from benchmarks.provider import Provider

HERE = Path(__file__).parent
CLIENT = HERE.parent / "build" / "bench"
REQUIREMENTS = HERE.parent / "tests" / "clients" / "requirements.txt"
POSTGRES = os.environ.get("GENMEDIA_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/test")


@dataclass(frozen=True)
class Scenario:
    """So many jobs of so many seconds, with so many in progress at most."""

    name: str
    jobs: int
    seconds: float
    limit: int
    contenders: tuple[str, ...]
    long: bool = False
    side_by_side: int = 1
    """So many contenders run at the same time, where almost all of it is waiting."""

    @property
    def ideal(self) -> float:
        return self.jobs * self.seconds / self.limit if self.jobs > self.limit else self.seconds


FILES = ("raw", "core", "core-postgres", "tasks")
SCENARIOS = (
    Scenario("100 jobs of 3 s, 10 at once", 100, 3, 10, (*FILES, "mapped")),
    Scenario("100 jobs of 3 s, 10 at once, one picture each", 100, 3, 10, ("novita_core", "novita_client")),
    Scenario("300 jobs of 15 s, all at once", 300, 15, 300, FILES),
    Scenario("100 jobs of 60 s, all at once", 100, 60, 100, ("raw", "core", "core-called"), side_by_side=3),
    Scenario("1000 jobs of 20 s, all at once", 1000, 20, 1000, FILES, long=True),
    Scenario("100 jobs of 300 s, all at once", 100, 300, 100, ("raw", "core"), long=True, side_by_side=6),
    Scenario("1000 jobs of 1 s, 20 at once, one picture each", 1000, 1, 20, ("novita_core",), long=True),
    Scenario("10000 jobs of 1 s, 20 at once, one picture each", 10_000, 1, 20, ("novita_core",), long=True),
)


def contend(contender: str, scenario: Scenario, prefect_url: str | None) -> dict[str, Any]:
    """One contender, once: `name-postgres` on PostgreSQL, `name-called` with a receiver that the provider calls."""
    name, _, way = contender.partition("-")
    python = str(CLIENT / "bin" / "python") if name == "novita_client" else sys.executable
    with Provider(seconds=scenario.seconds, limit=scenario.limit) as provider, _home() as home:
        environment = {**os.environ, "GENMEDIA_BENCH_HOME": home, "PREFECT_API_URL": prefect_url or ""}
        if prefect_url is None:
            del environment["PREFECT_API_URL"]
        if way == "postgres":
            environment["GENMEDIA_LEDGER_URL"] = empty_database(f"genmedia_bench_{random.getrandbits(32):x}")
        command = [python, str(HERE / "contenders.py"), name, provider.url]
        command += [str(scenario.jobs), str(scenario.seconds), str(scenario.limit)]
        load = os.getloadavg()[0]
        with _receiver(environment, home) if way == "called" else contextlib.nullcontext() as receiver:
            before = cpu_seconds(receiver) if receiver else 0.0
            ran = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
            cost: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
            if receiver is not None:
                cost["cpu_ms"] += (cpu_seconds(receiver) - before) * 1000 / scenario.jobs
        return {**cost, **provider.counted(), "load": load}


@contextlib.contextmanager
def _receiver(environment: dict[str, str], home: str) -> Iterator[int]:
    """`genmedia receiver` on the contender's ledger; its process."""
    port = random.randint(20_000, 32_000)  # below those that the system hands out
    environment["GENMEDIA_LEDGER_URL"] = f"sqlite:///{home}/ledger.db"
    environment["GENMEDIA_CALLBACK_URL"] = f"http://127.0.0.1:{port}/callbacks"
    command = [sys.executable, "-m", "prefect_genmedia.cli", "receiver", "--port", str(port)]
    process = subprocess.Popen(command, env={**environment, "PREFECT_HOME": f"{home}/receiver"})
    try:
        _until_it_answers(environment["GENMEDIA_CALLBACK_URL"])
        yield process.pid
    finally:
        process.kill()
        process.wait()


def _until_it_answers(url: str) -> None:
    for _ in range(600):
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=5).status_code == 200:
                return
        time.sleep(0.2)


@contextlib.contextmanager
def _home() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="genmedia-bench-", ignore_cleanup_errors=True) as home:
        yield home


def empty_database(name: str) -> str:
    from sqlalchemy import create_engine, text

    from prefect_genmedia.ledger import Database

    server = create_engine(POSTGRES.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = f"{POSTGRES.rpartition('/')[0]}/{name}"
    database = Database(url)
    database.migrate()
    database.engine.dispose()
    return url


@contextlib.contextmanager
def prefect_server() -> Iterator[tuple[str, int]]:
    """A Prefect server of its own; its address and process."""
    port = random.randint(20_000, 32_000)  # below those that the system hands out
    with _home() as home:
        environment = {**os.environ, "PREFECT_HOME": home, "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
        command = [sys.executable, "-m", "uvicorn", "--factory", "prefect.server.api.server:create_app"]
        command += ["--port", str(port), "--log-level", "error"]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            url = f"http://127.0.0.1:{port}/api"
            _until_it_answers(f"{url}/health")
            yield url, process.pid
        finally:
            process.kill()
            process.wait()


def cpu_seconds(pid: int) -> float:
    """Of another process so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(scenario: Scenario, rounds: int) -> dict[str, list[dict[str, Any]]]:
    """Every contender, so many times, in turns."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in scenario.contenders}
    order: list[str] = []
    for number in range(rounds):
        turn = number % len(scenario.contenders)
        order += [*scenario.contenders[turn:], *scenario.contenders[:turn]]
    with ThreadPoolExecutor(scenario.side_by_side) as threads:
        for contender, cost in zip(order, threads.map(partial(once, scenario), order), strict=True):
            found[contender].append(cost)
            said = ", ".join(f"{name} {value:.2f}" for name, value in cost.items())
            print(f"  round {len(found[contender])}, {contender}: {said}", flush=True)
    return found


def once(scenario: Scenario, contender: str) -> dict[str, Any]:
    """One contender, with a Prefect server of its own where it needs one."""
    if contender not in ("tasks", "mapped"):
        return contend(contender, scenario, None)
    with prefect_server() as (url, process):
        before = cpu_seconds(process)
        cost = contend(contender, scenario, url)
        return {**cost, "server_ms": (cpu_seconds(process) - before) * 1000 / scenario.jobs}


def median(runs: list[dict[str, Any]]) -> dict[str, float]:
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


COLUMNS = {
    "wall": "wall, s",
    "cpu_ms": "client CPU a job, ms",
    "server_ms": "server CPU a job, ms",
    "requests": "API requests a job",
    "refused": "refused",
    "late": "noticed late, median s",
    "late_p95": "p95",
    "grown_kb": "memory a job, kB",
    "billed": "billed",
}


def table(scenario: Scenario, medians: dict[str, dict[str, float]]) -> str:
    """Markdown."""
    lines = [f"**{scenario.name}** (ideal {scenario.ideal:g} s)\n"]
    lines += [f"| | {' | '.join(COLUMNS.values())} |", f"| --- |{' ---: |' * len(COLUMNS)}"]
    for name, figures in medians.items():
        cells = [f"{figures[key]:.{1 if key in ('wall', 'requests') else 2 if 'late' in key else 0}f}"
                 if key in figures else "" for key in COLUMNS]  # fmt: skip
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _client_is_there() -> bool:
    if not (CLIENT / "bin" / "python").exists():
        venv.create(CLIENT, with_pip=True)
        install = [str(CLIENT / "bin" / "python"), "-m", "pip", "install", "--quiet", "-r", str(REQUIREMENTS)]
        return subprocess.run(install, check=False).returncode == 0
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[], help="words that a scenario's name holds")
    parser.add_argument("--full", action="store_true", help="the long scenarios as well")
    options = parser.parse_args()
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    for scenario in SCENARIOS:
        if (scenario.long and not options.full) or not all(word in scenario.name for word in options.only):
            continue
        if "novita_client" in scenario.contenders and not _client_is_there():
            print(f"{scenario.name}: left out, Novita's client could not be installed")
            continue
        print(scenario.name, flush=True)
        rounds = measure(scenario, options.rounds)
        medians = {name: median(runs) for name, runs in rounds.items()}
        facts = {"scenario": scenario.name, "machine": machine(), "medians": medians, "rounds": rounds}
        stem = scenario.name.replace(",", "").replace(" ", "-")
        (results / f"{stem}.json").write_text(json.dumps(facts, indent=1) + "\n")
        print(f"\n{table(scenario, medians)}\n", flush=True)


if __name__ == "__main__":
    main()

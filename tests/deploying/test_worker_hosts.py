"""Three workers, each on a host of its own, share a calendar: one host loses its power, and a fourth ends its shard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from sqlalchemy.engine import make_url

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.ledger import JobRow, Ledger, open_ledger
from tests.chaos.hosts.host import Machine, why_not
from tests.deploying.installation import DEPLOYMENT, NEEDS, Installation, published
from tests.patience import PATIENCE, until
from tests.s3 import S3

pytestmark = NEEDS
ROWS = [{"prompt": f"a ferry at dawn, number {number}"} for number in range(60)]
SHARDS = ("1/3", "2/3", "3/3")
AT_ONCE = 10
DONE = 2  # before the power goes, of its host's: who has most of ten jobs has four at least
LEASE_SECONDS = 10.0
CRASHED = {"type": "CRASHED", "name": "Crashed", "message": "its host has no power"}


@dataclass
class Hosts:
    """A worker on each, for one run at a time; its loopback leads where a worker must come, and nowhere else."""

    installation: Installation
    ledger_url: str
    servers: list[tuple[str, int]]
    stack: ExitStack
    machines: dict[str, Machine] = field(default_factory=dict)

    def add(self, name: str) -> None:
        machine = self.machines[name] = Machine(name)
        self.stack.callback(machine.cut)
        for host, port in self.servers:
            self.stack.callback(machine.lead_to((host, port), port).close)
        env = {
            "HEALTH_URL": "http://127.0.0.1:8080/health",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "GENMEDIA_LEDGER_URL": self.ledger_url,
            "GENMEDIA_LEASE_SECONDS": str(LEASE_SECONDS),
            "GENMEDIA_MAX_IN_PROGRESS": str(AT_ONCE),
        }
        up = self.installation.up("worker", f"worker-{name}", "--limit", "1", within=machine.within, **env)
        self.stack.enter_context(up)

    def cut(self, name: str) -> None:
        self.machines[name].cut()
        self.installation.parts.pop(f"worker-{name}").process.wait(PATIENCE)


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """What it has accepted runs until the test releases it."""
    with Emulator(job_seconds=0.1, queue_seconds=0.05, hold=True, max_jobs=AT_ONCE, one_picture=True) as emulator:
        yield emulator


@pytest.fixture
def hosts(
    installation: Installation, databases: dict[str, str], ports: dict[str, int], s3_server: S3, emulator: Emulator
) -> Iterator[Hosts]:
    if reason := why_not():
        pytest.skip(reason)
    url = make_url(databases["genmedia"])
    if not url.host:
        pytest.skip("PostgreSQL is reached by a Unix socket here: no network leads to it")
    inside = url.set(host="127.0.0.1", port=url.port or 5432)
    loopback = [ports["4200"], *(urlsplit(each.url).port or 80 for each in (s3_server, emulator))]
    servers = [(url.host, url.port or 5432), *(("127.0.0.1", port) for port in loopback)]
    with ExitStack() as stack:
        stack.enter_context(installation.up_to_workers())
        yield Hosts(installation, inside.render_as_string(hide_password=False), servers, stack)


@pytest.fixture
def ledger(hosts: Hosts, databases: dict[str, str]) -> Iterator[Ledger]:
    """As it stands once the installation is set up."""
    ledger = open_ledger(databases["genmedia"], LEASE_SECONDS)
    yield ledger
    ledger.database.engine.dispose()


def test_a_host_loses_its_power_and_another_ends_its_shard(
    installation: Installation, hosts: Hosts, ledger: Ledger, emulator: Emulator, s3_server: S3
) -> None:
    """It has pictures that are stored, jobs in progress and rows that are not bought; each is paid once in the end."""
    names = [f"host-{number}" for number in range(1, 1 + len(SHARDS))]
    for name in names:
        hosts.add(name)
    installation.wait()
    deployment = installation.api("GET", DEPLOYMENT)["id"]
    installation.api("PATCH", f"/deployments/{deployment}", {"concurrency_limit": len(SHARDS)})
    runs = {installation.begin(ROWS, shard=shard): shard for shard in SHARDS}
    until(lambda: len(_takers(ledger)) == len(runs), "a row of each run", every=0.5)
    until(lambda: _states(ledger)["SUBMITTED"] == AT_ONCE, "the first purchases", every=0.5)
    taken = _takers(ledger)
    assert taken.keys() == runs.keys() and sorted(taken.values()) == names
    bought = ledger.rows(["SUBMITTED"])
    dead, _ = Counter(map(_run_of, bought)).most_common(1)[0]
    for row in [row for row in bought if _run_of(row) == dead][:DONE]:
        emulator.release(row.job_id)
    # More are not in progress at once: no submit is on its way now, and what became of each is known.
    halfway = {"STORED": DONE, "SUBMITTED": AT_ONCE}
    until(lambda: _states(ledger).items() >= halfway.items(), "some stored, others in their place", every=0.5)

    hosts.cut(taken[dead])
    hosts.add("host-4")
    installation.wait()
    # Prefect knows nothing of it yet; the operator does, and runs the shard again.
    assert installation.state(dead) == "RUNNING"
    installation.api("POST", f"/flow_runs/{dead}/set_state", {"state": CRASHED})
    again = installation.begin(ROWS, shard=runs[dead])
    until(lambda: installation.state(again) == "RUNNING", "the shard on another host", every=0.5)
    emulator.configure(hold=False)
    emulator.release()
    for run in {*runs, again} - {dead}:
        installation.completed(run)

    billed = Counter(job["prompt"] for job in emulator.jobs()["jobs"] if job["billed"])
    assert billed == Counter(row["prompt"] for row in ROWS) and emulator.billed() == len(ROWS)
    assert _states(ledger) == {"STORED": len(ROWS)}
    assert {_host_of(row) for row in ledger.rows()} == {*names, "host-4"}
    assert _takers(ledger)[again] == "host-4"
    numbers = sorted(int(file.rpartition("/")[2][:5]) for file in published(s3_server))
    assert numbers == list(range(1, 1 + len(ROWS)))


def _states(ledger: Ledger) -> Counter[str]:
    return Counter(row.state for row in ledger.rows())


def _takers(ledger: Ledger) -> dict[str, str]:
    """The host of each run of which a row stands in the ledger."""
    return {_run_of(row): _host_of(row) for row in ledger.rows()}


def _run_of(row: JobRow) -> str:
    return row.run.removeprefix("flow:")


def _host_of(row: JobRow) -> str:
    return row.process.partition("|")[0]

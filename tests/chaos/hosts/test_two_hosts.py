"""Two hosts on one PostgreSQL, their clocks twenty minutes apart: one stands still or dies, the other takes over."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from prefect_genmedia.emulator import Emulator
from tests.chaos.bench import Bench, Tally
from tests.chaos.hosts.host import Host, why_not
from tests.chaos.rig import Worker
from tests.chaos.wire import Strike, Wire
from tests.ledger.clocks.machine import compiled
from tests.patience import PATIENCE, until

TEN_MINUTES = 600.0
AHEAD, BEHIND = "ahead", "behind"
HOSTS = {AHEAD: TEN_MINUTES, BEHIND: -TEN_MINUTES}
EMULATOR_PORT, POSTGRES_PORT = 8000, 5432  # on the hosts' own loopbacks, where nothing else is
COMMITS = ("claim", "INTENT", "SUBMITTED", "SUCCEEDED")
SUBMIT_SECONDS = 2.0


@dataclass
class Pair:
    """Both hosts, what each of them sends to the provider, and the ledger that they share."""

    emulator: Emulator
    benches: dict[str, Bench]
    wires: dict[str, Wire]
    ledger: str

    def ask(self, statement: str) -> Any:
        """What the ledger says, by its own clock."""
        with psycopg.connect(self.ledger, autocommit=True) as connection:
            row = connection.execute(statement.encode()).fetchone()
            return row and row[0]

    def until_past(self, column: str, prompt: str) -> None:
        """By PostgreSQL's clock, the one that counts."""
        later = f"coalesce({column}, 0) > extract(epoch FROM clock_timestamp())"
        query = f"SELECT count(*) FROM genmedia_job WHERE title = '{prompt}' AND successor IS NULL AND {later}"
        until(lambda: self.ask(query) == 0, f"the end of {column}")

    @contextmanager
    def leases_of(self, seconds: float) -> Iterator[None]:
        """Longer than any pause of a busy machine."""
        for bench in self.benches.values():
            bench.env["GENMEDIA_LEASE_SECONDS"] = str(seconds)
        yield
        for bench in self.benches.values():
            del bench.env["GENMEDIA_LEASE_SECONDS"]

    def everybody_asks(self, prompts: list[str]) -> list[list[dict[str, Any]]]:
        """At the same time."""
        workers = [bench.worker(prompts=prompts) for bench in self.benches.values()]
        assert [worker.wait() for worker in workers] == [0, 0], [worker.log.read_text() for worker in workers]
        return [worker.report()["bought"] for worker in workers]


@pytest.fixture
def pair(tmp_path: Path, postgres_url: str) -> Iterator[Pair]:
    if reason := why_not():
        pytest.skip(reason)
    url = make_url(postgres_url)
    if not url.host:
        pytest.skip("PostgreSQL is reached by a Unix socket here: there is no network to part")
    inside = url.set(host="127.0.0.1", port=POSTGRES_PORT).render_as_string(hide_password=False)
    env = {"GENMEDIA_LEDGER_URL": inside, "GENMEDIA_SUBMIT_TIMEOUT_SECONDS": str(SUBMIT_SECONDS)}
    library = compiled(tmp_path)
    with ExitStack() as stack:
        emulator = stack.enter_context(Emulator(job_seconds=0.05, queue_seconds=0.01, max_jobs=100))
        found = Pair(emulator, {}, {}, postgres_url)
        hosts = {name: Host(tmp_path / name, name, library, ahead) for name, ahead in HOSTS.items()}
        for name, host in hosts.items():
            stack.callback(host.close)
            host.wait()
            stack.callback(host.lead_to((url.host, url.port or POSTGRES_PORT), POSTGRES_PORT).close)
            wire = found.wires[name] = Wire(emulator.url, host.listen(EMULATOR_PORT))
            stack.callback(wire.close)
            found.benches[name] = Bench(emulator, host, tmp_path, dict(env), wire.url)
        yield found


@pytest.mark.slow
@pytest.mark.postgres
def test_two_hosts_whose_clocks_are_twenty_minutes_apart(pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    _they_are_two_hosts(pair)
    tally = Tally("two hosts with clocks apart")
    _side_by_side(pair, tally)
    for turn, name in enumerate(HOSTS):
        for commit in COMMITS:
            for harm in (signal.SIGSTOP, signal.SIGKILL):
                _taken_over(pair, tally, name, f"{harm.name} {commit} {name}", {"tripwire": [commit, 1, "after"]}, harm)
        for harm in (signal.SIGSTOP, signal.SIGKILL):
            _taken_over(pair, tally, name, f"{harm.name} on the wire {name} {turn}", {}, harm)
    tally.tell(capsys)
    tally.hold()
    assert tally.delivered == tally.jobs


def _they_are_two_hosts(pair: Pair) -> None:
    for name, ahead in HOSTS.items():
        worker = pair.benches[name].worker(prompts=[f"bought on {name}"])
        assert worker.wait() == 0, worker.log.read_text()
        said = worker.report()
        assert said["host"] == name
        assert round((said["clock"] - time.time()) / TEN_MINUTES) == round(ahead / TEN_MINUTES)
    ages = pair.ask("SELECT max(abs(created_at - extract(epoch FROM clock_timestamp()))) FROM genmedia_job")
    assert ages < TEN_MINUTES / 2, "rows are dated by a host's own clock"


def _side_by_side(pair: Pair, tally: Tally) -> None:
    """Both want the same at once: nobody takes anything from a living worker, whose lease is over by his own clock."""
    prompts = [f"side by side {number}" for number in range(20)]
    pair.emulator.configure(job_seconds=1.0)
    with pair.leases_of(TEN_MINUTES / 2):
        said = pair.everybody_asks(prompts)
    pair.emulator.configure(job_seconds=0.05)
    tally.add(pair.emulator, prompts, said[0])
    assert [one["job_id"] for one in said[0]] == [one["job_id"] for one in said[1]]
    assert pair.ask("SELECT count(*) FROM genmedia_event WHERE note LIKE 'taken over%'") == 0


def _taken_over(pair: Pair, tally: Tally, name: str, prompt: str, order: dict[str, Any], harm: signal.Signals) -> None:
    """A worker is struck at a commit, or with its submit's reply on the wire; the other host wants the same.

    Who stands still wakes up once the other is done.
    """
    struck, other = pair.benches[name], next(bench for each, bench in pair.benches.items() if each != name)
    workers: list[Worker] = []
    over = threading.Event()

    def blow() -> None:
        until(lambda: workers, "the worker")[0].signal(harm)
        assert over.wait(PATIENCE)

    pair.wires[name].reset(None if order else Strike("submit imagine", 1, "reply lost", blow))
    workers.append(struck.worker(prompts=[prompt], signal=harm, **order))
    until(lambda: workers[0].stopped() or workers[0].ended.is_set(), "the worker standing still, or dead")
    assert workers[0].code in (None, -signal.SIGKILL), workers[0].log.read_text()
    pair.until_past("lease_until", prompt)
    other.all_bought(prompts=[prompt])
    # What was never sent is known by time, and by a job that was bought later.
    pair.until_past("arrives_until", prompt)
    other.bought(prompts=[f"later than {prompt}"])
    said = other.all_bought(prompts=[prompt])
    assert said[0].get("whole"), said
    over.set()
    workers[0].signal(signal.SIGCONT)
    workers[0].wait()
    tally.add(pair.emulator, [prompt], said)
    for each in pair.everybody_asks([prompt]):
        assert [one["job_id"] for one in each] == [said[0]["job_id"]]
    if harm == signal.SIGSTOP:
        assert workers[0].report()["bought"][0]["job_id"] == said[0]["job_id"], workers[0].report()

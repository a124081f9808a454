"""Are these tests able to fail? Rules are taken out of a copy of the package, and a probe then pays twice or loses.

Each mutation replaces text that must stand in the source exactly once: a rule that is written anew needs its
mutation written anew.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

import httpx
import pytest

import prefect_genmedia
from prefect_genmedia.emulator import Emulator
from tests.chaos.rig import Stable, Worker
from tests.chaos.wire import Strike, Wire
from tests.patience import PATIENCE, until


@dataclass(frozen=True)
class Mutation:
    """One rule less."""

    file: str
    old: str
    new: str


@dataclass
class Bench:
    """Workers of one copy of the package, and the provider they buy from."""

    emulator: Emulator
    stable: Stable
    folder: Path

    def worker(self, url: str | None = None) -> Worker:
        env = {
            "GENMEDIA_LEDGER_URL": f"sqlite:///{self.folder / 'ledger.db'}",
            "GENMEDIA_MEDIA_STORE": str(self.folder / "media"),
            "GENMEDIA_POLL_SECONDS": "0.02",
            "GENMEDIA_RECONCILE_SECONDS": "1",
            "GENMEDIA_LEASE_SECONDS": "0.3",
        }
        return self.stable.start("buy", env, url=url or self.emulator.url)

    def bought(self, url: str | None = None) -> dict[str, str]:
        """What a worker that is left alone says at its end."""
        worker = self.worker(url)
        assert worker.wait() == 0, worker.log.read_text()
        return worker.report()


# -- probes: each tells what is wrong, or nothing ----------------------------------------------------


def killed_in_flight(bench: Bench) -> str:
    """A worker is killed while the reply to its submit is on its way; the next one asks for the same."""
    bench.emulator.add_faults({"kind": "submit_slow_reply", "seconds": 2 * PATIENCE, "times": 1})
    first = bench.worker()
    until(bench.emulator.billed, "the job accepted")
    first.kill()
    return _verdict(bench, bench.bought())


def overtaken(bench: Bench) -> str:
    """A worker stands still with its submit on the wire; another buys and brings home; then the first is refused."""
    wire, overtaken_by = Wire(bench.emulator.url), threading.Event()
    workers: list[Worker] = []

    def stand_still() -> None:
        until(lambda: workers, "the worker")[0].signal(signal.SIGSTOP)
        assert overtaken_by.wait(PATIENCE)
        bench.emulator.add_faults({"kind": "submit_refuse", "times": 1, "retry_after": 0})

    strike = Strike("submit imagine", 1, "request late", stand_still)
    wire.reset(strike)
    workers.append(bench.worker(wire.url))
    until(lambda: wire.seen["submit imagine"], "the first submit")
    second = bench.bought(wire.url)
    overtaken_by.set()
    assert strike.done.wait(PATIENCE)
    workers[0].signal(signal.SIGCONT)
    # Who pays twice may go on and on: the rows of the first purchase are in its way.
    until(lambda: workers[0].ended.is_set() or bench.emulator.billed() > 1, "the first worker's end")
    wire.close()
    return _verdict(bench, second) or _verdict(bench, workers[0].report())


def accepted_twice(bench: Bench) -> str:
    """The provider makes two jobs of one submit and its reply is lost: no one may pick one of them in silence."""
    bench.emulator.add_faults({"kind": "submit_accept_twice", "times": 1}, {"kind": "submit_lose_reply", "times": 1})
    said = bench.bought()
    assert bench.emulator.billed() == 2
    return "" if "SubmitOutcomeUnknown" in said["error"] else "one of two paid jobs is lost, and nobody says so"


def among_strangers(bench: Bench) -> str:
    """The submit never arrives, and the account holds a job of somebody else's, made just now."""
    wire = Wire(bench.emulator.url)
    workers: list[Worker] = []
    wire.reset(Strike("submit imagine", 1, "request lost", lambda: until(lambda: workers, "the worker")[0].kill()))
    workers.append(bench.worker(wire.url))
    workers[0].wait()
    headers, order = {"TT-API-KEY": "key"}, {"prompt": "a stranger's"}
    answer = httpx.post(
        f"{bench.emulator.url}/midjourney/v1/imagine", json=order, headers=headers, trust_env=False, timeout=PATIENCE
    )
    said = bench.bought(wire.url)
    wire.close()
    if said["job_id"] == answer.json()["data"]["jobId"]:
        return "somebody else's picture was taken for ours, and ours is lost"
    return "" if said["job_id"] and bench.emulator.billed() == 2 else f"{said}, billed {bench.emulator.billed()}"


def _verdict(bench: Bench, said: dict[str, str]) -> str:
    if (billed := bench.emulator.billed()) != 1:
        return f"paid {billed} times"
    return "" if said["job_id"] else f"lost: {said['error']}"


PROBES = (killed_in_flight, overtaken, accepted_twice, among_strangers)

# -- mutations ---------------------------------------------------------------------------------------

WRITTEN_AFTER = """        from sqlalchemy import delete
        from sqlalchemy.orm import make_transient

        from prefect_genmedia.ledger.models import EventRow

        with work.ledger.database.write() as session:
            session.execute(delete(EventRow).where(EventRow.job == row.id))
            session.execute(delete(JobRow).where(JobRow.id == row.id))
        error, job_id = await _post(work, row, body)
        with work.ledger.database.write() as session:
            make_transient(row)
            session.add(row)
"""
MUTATIONS: dict[str, tuple[Mutation, Callable[[Bench], str]]] = {
    "the claim is written only after the submit": (
        Mutation("jobs/submit.py", "        error, job_id = await _post(work, row, body)\n", WRITTEN_AFTER),
        killed_in_flight,
    ),
    "a dead worker's intent counts as not sent": (
        Mutation("ledger/store.py", "if state == S.INTENT and row.owner != owner:", "if False:"),
        killed_in_flight,
    ),
    "changes of state are unconditional": (
        Mutation(
            "ledger/store.py",
            "where(JobRow.id == row_id, JobRow.state.in_(list(only_from)), *extra)",
            "where(JobRow.id == row_id)",
        ),
        overtaken,
    ),
    "the first match will do": (
        Mutation("jobs/witnesses.py", "    if len(matches) == 1:\n", "    if matches:\n"),
        accepted_twice,
    ),
    "any job of the list will do": (
        Mutation(
            "jobs/witnesses.py", 'return token in (account.provider.callback_url_of(answer.body) or "")', "return True"
        ),
        among_strangers,
    ),
}


def copy_of_the_package(folder: Path) -> Path:
    """The package as the wheel has it, importable from `folder`."""
    package = folder / "prefect_genmedia"
    copytree(Path(prefect_genmedia.__file__).parent, package)  # what links lead to, too
    return package


def mutate(package: Path, mutation: Mutation) -> None:
    file = package / mutation.file
    text = file.read_text()
    assert text.count(mutation.old) == 1, f"{mutation.file} holds {text.count(mutation.old)} times: {mutation.old}"
    file.write_text(text.replace(mutation.old, mutation.new))


@contextmanager
def workers_of(package: Path, folder: Path) -> Iterator[Stable]:
    stable = Stable(folder, {"PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1"}, "core")
    try:
        stable.wait()
        yield stable
    finally:
        stable.close()


def probe(probing: Callable[[Bench], str], package: Path, stable: Stable, folder: Path) -> str:
    with Emulator(job_seconds=0.05, queue_seconds=0.01) as emulator:
        wrong = probing(Bench(emulator, stable, folder))
    last = until(stable.last_report, "a worker's report")
    assert last["package"] == str(package), "the copy was not what ran"
    return wrong


def test_the_package_as_it_is_passes_every_probe(tmp_path: Path) -> None:
    package = copy_of_the_package(tmp_path / "copy")
    with workers_of(package, tmp_path / "workers") as stable:
        for probing in PROBES:
            assert not probe(probing, package, stable, tmp_path / probing.__name__), probing.__name__


@pytest.mark.parametrize("rule", MUTATIONS)
def test_without_the_rule_the_probe_tells(tmp_path: Path, rule: str) -> None:
    mutation, probing = MUTATIONS[rule]
    package = copy_of_the_package(tmp_path / "copy")
    mutate(package, mutation)
    with workers_of(package, tmp_path / "workers") as stable:
        wrong = probe(probing, package, stable, tmp_path / "probe")
    assert "paid 2 times" in wrong or "lost" in wrong, wrong

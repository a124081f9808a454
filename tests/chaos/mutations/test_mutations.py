"""Are these tests able to fail? Rules are taken out of a copy of the package, and a probe then pays twice or loses.

Each mutation replaces text that must stand in the source exactly once: a rule that is written anew needs its
mutation written anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

import prefect_genmedia
from prefect_genmedia.emulator import Emulator
from tests.chaos.bench import Bench
from tests.chaos.mutations import probes
from tests.chaos.rig import Stable
from tests.patience import until

pytestmark = pytest.mark.slow  # minutes on two cores: part of make chaos


@dataclass(frozen=True)
class Mutation:
    """One rule less."""

    file: str
    old: str
    new: str


# -- mutations ---------------------------------------------------------------------------------------

WRITTEN_AFTER = """    from sqlalchemy import delete
    from sqlalchemy.orm import make_transient

    from prefect_genmedia.ledger.models import EventRow, JobRow

    with call.ledger.database.write() as session:
        session.execute(delete(EventRow).where(EventRow.job == row.id))
        session.execute(delete(JobRow).where(JobRow.id == row.id))
    outcome, cancelled = await _post(call, intended, body, fence)
    with call.ledger.database.write() as session:
        make_transient(intended)
        session.add(intended)
"""
TAKEN_OVER = """\
                "state": S.{},
                "reason": "the worker ended while its submit was on its way",
"""
ABOUT = (
    "    if (about := provider.job_id_of(answer.body)) is not None "
    'and about.casefold() != (row.job_id or "").casefold():\n'
)
LISTED = '        return "the list shows no job that was bought after it: it may lag"\n'
MUTATIONS: dict[str, tuple[Mutation, Callable[[Bench], str]]] = {
    "the claim is written only after the submit": (
        Mutation(
            "jobs/submit.py",
            "    outcome, cancelled = await _post(call, intended, body, fence)\n",
            WRITTEN_AFTER,
        ),
        probes.killed_in_flight,
    ),
    "a dead worker's intent counts as not sent": (
        Mutation("ledger/claims.py", TAKEN_OVER.format("UNKNOWN"), TAKEN_OVER.format("NOT_ACCEPTED")),
        probes.killed_in_flight,
    ),
    "changes of state are unconditional": (
        Mutation(
            "ledger/rows.py",
            "where(and_(*which))",
            "where(which[0] | and_(*which))",
        ),
        probes.overtaken,
    ),
    "no fence before the POST": (
        Mutation("jobs/submit.py", "self.passed = uptime() < self._until", "self.passed = True"),
        probes.asleep_before_its_post,
    ),
    "what is known of one submit is believed of the next": (
        Mutation(
            "ledger/life.py",
            '        only = {} if send is None else {"sends": send}\n',
            "        only: dict[str, Any] = {}\n",
        ),
        probes.stale_word,
    ),
    "the first match will do": (
        Mutation("jobs/witnesses.py", "    if len(matches) == 1:\n", "    if matches:\n"),
        probes.accepted_twice,
    ),
    "any job of the list will do": (
        Mutation(
            "jobs/witnesses.py", 'return token in (account.provider.callback_url_of(answer.body) or "")', "return True"
        ),
        probes.among_strangers,
    ),
    "absence needs no positive control": (
        Mutation("jobs/witnesses.py", LISTED, "        pass\n"),
        probes.behind_the_list,
    ),
    "the answer is not held against the question": (
        Mutation("jobs/wait.py", ABOUT, "    if False:\n"),
        probes.anothers_answer,
    ),
    "any 404 will do": (
        Mutation(
            "providers/ttapi/envelope.py", "known = _is_refusal(body) and _UNKNOWN.search(message)", "known = True"
        ),
        probes.a_gateways_404,
    ),
    "a store has no identity": (
        Mutation("jobs/buying.py", "    found = store.prepare(known)\n", "    known = found = store.prepare(None)\n"),
        probes.store_away,
    ),
}


def copy_of_the_package(folder: Path) -> Path:
    """The package as the wheel has it, importable from `folder`."""
    package = folder / "prefect_genmedia"
    no_caches = ignore_patterns("__pycache__")
    copytree(Path(prefect_genmedia.__file__).parent, package, ignore=no_caches)  # what links lead to, too
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
        wrong = {each.__name__: probe(each, package, stable, tmp_path / each.__name__) for each in probes.PROBES}
    assert not any(wrong.values()), wrong


@pytest.mark.parametrize("rule", MUTATIONS)
def test_without_the_rule_the_probe_tells(tmp_path: Path, rule: str) -> None:
    mutation, probing = MUTATIONS[rule]
    package = copy_of_the_package(tmp_path / "copy")
    mutate(package, mutation)
    with workers_of(package, tmp_path / "workers") as stable:
        wrong = probe(probing, package, stable, tmp_path / "probe")
    assert "paid" in wrong or "lost" in wrong, wrong

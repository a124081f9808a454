"""Whole jobs over both databases: whatever the database does meanwhile, each is delivered and paid for once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import GenMediaError, LedgerError
from prefect_genmedia.jobs import JobResult, Run, Terms, run
from prefect_genmedia.ledger import Database, Ledger
from prefect_genmedia.ledger import LedgerState as S
from prefect_genmedia.operation import Account, Request
from prefect_genmedia.providers.novita.envelope import NOVITA
from prefect_genmedia.providers.novita.images import IMG2IMG, Img2ImgRequest
from prefect_genmedia.providers.ttapi.envelope import TTAPI
from prefect_genmedia.providers.ttapi.midjourney import IMAGINE, ImagineRequest
from tests import PHOTOS
from tests.ledger.actors import Processes, buy_ten, states
from tests.ledger.wire import Wire
from tests.patience import PATIENCE
from tests.postgres import Server

OPERATIONS: dict[str, Any] = {"ttapi": IMAGINE, "novita": IMG2IMG}
TWENTY = [("novita" if n % 6 else "ttapi", f"picture {n}") for n in range(20)]
PICTURE = PHOTOS / "chelsea.png"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(job_seconds=0.05, queue_seconds=0.01) as emulator:
        yield emulator


@pytest.fixture
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a call could not let go of, because the database was away, is free after this time."""
    monkeypatch.setenv("GENMEDIA_LEASE_SECONDS", "0.5")


def asked(provider: str, prompt: str) -> Request:
    if provider == "ttapi":
        return ImagineRequest(prompt=prompt)
    return Img2ImgRequest(model_name="m", prompt=prompt, image=PICTURE, width=128, height=128)


async def buy(emulator: Emulator, provider: str, prompt: str) -> JobResult[Any]:
    account = Account(TTAPI if provider == "ttapi" else NOVITA, emulator.url, "a-key")
    terms = Terms(deadline_seconds=PATIENCE)
    return await run(OPERATIONS[provider], asked(provider, prompt), account, run=Run("flow:1"), terms=terms)


async def tried(emulator: Emulator, provider: str, prompt: str) -> JobResult[Any] | GenMediaError:
    """Delivered, or one of our own errors; anything else is let through."""
    try:
        return await buy(emulator, provider, prompt)
    except GenMediaError as error:
        return error


def paid(ledger: Ledger) -> dict[tuple[str, str], str]:
    """The rows that are known to be paid, by their operation and their prompt."""
    return {(row.operation, row.title): row.id for row in ledger.rows() if row.job_id is not None}


@pytest.mark.parametrize("provider", OPERATIONS)
async def test_a_job_is_bought_once_and_kept(
    url: str, ledger: Ledger, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, provider: str
) -> None:
    monkeypatch.setenv("GENMEDIA_LEDGER_URL", url)
    first = await buy(emulator, provider, "a heron")
    again = await buy(emulator, provider, "a heron")
    assert again == first
    assert all(file.path.stat().st_size == file.bytes for file in first.media)
    assert emulator.billed() == 1
    assert states(ledger, first.job.id) == ["INTENT", "SUBMITTED", "SUCCEEDED", "STORED"]
    row = ledger.get(first.job.id)
    assert row is not None
    assert (row.state, row.owner, row.job_id, row.quota) == (S.STORED, None, first.job.job_id, first.quota)
    assert [(file.uri, file.sha256) for file in ledger.media(row.id)] == [(f.uri, f.sha256) for f in first.media]


def test_two_processes_that_want_the_same_ten_pay_for_ten(url: str, isolated: Path, emulator: Emulator) -> None:
    first, second = Processes(2, buy_ten, url, str(isolated / "media"), emulator.url, str(PICTURE)).said()
    assert first == second
    assert len(set(first)) == 10
    assert emulator.billed() == 10


# -- the database is away in mid-run ------------------------------------------------------------------------


def names_what_is_paid(outcome: JobResult[Any] | GenMediaError, row_id: str | None) -> bool:
    return isinstance(outcome, JobResult) or row_id is None or (outcome.job is not None and outcome.job.id == row_id)


@pytest.mark.postgres
@pytest.mark.usefixtures("short_leases")
@pytest.mark.parametrize(("how", "provider"), [("before", "ttapi"), ("before", "novita"), ("after", "novita")])
@pytest.mark.slow
async def test_the_connection_breaks_at_any_commit_of_a_job(
    postgres_url: str,
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    provider: str,
    how: Literal["before", "after"],
) -> None:
    """The run ends well or with an error that names what was paid for; the next run has the files; billed once."""
    ledger = Ledger(Database(postgres_url), 60)
    broken = 0
    for nth in range(1, 7):
        with Wire(postgres_url) as wire:
            monkeypatch.setenv("GENMEDIA_LEDGER_URL", wire.url)
            wire.break_at_commit(nth, how, refusals=2)
            prompt = f"the connection breaks {how} commit {nth}"
            outcome = await tried(emulator, provider, prompt)
            assert names_what_is_paid(outcome, paid(ledger).get((OPERATIONS[provider].name, prompt))), prompt
            broken += wire.broken
        monkeypatch.setenv("GENMEDIA_LEDGER_URL", postgres_url)
        outcome = await tried(emulator, provider, prompt)
        assert isinstance(outcome, JobResult), f"{prompt}: {outcome!r}"
        assert emulator.billed() == nth, prompt
    assert broken >= 4  # claimed, submitted, done, stored


class Trouble:
    """Something done to the database again and again, in a thread, while jobs run."""

    def __init__(self, *steps: tuple[float, Callable[[], Any]]) -> None:
        self._steps, self._stop = steps, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        for pause, step in self._steps:
            step()
            self._stop.wait(pause)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(PATIENCE)


async def twenty(emulator: Emulator) -> list[JobResult[Any] | GenMediaError]:
    return await asyncio.gather(*(tried(emulator, provider, prompt) for provider, prompt in TWENTY))


def no_paid_job_is_lost(outcomes: list[JobResult[Any] | GenMediaError], ledger: Ledger) -> None:
    rows = paid(ledger)
    for (provider, prompt), outcome in zip(TWENTY, outcomes, strict=True):
        row_id = rows.get((OPERATIONS[provider].name, prompt))
        assert isinstance(outcome, JobResult | LedgerError), f"{provider} {prompt}: {outcome!r}"
        assert names_what_is_paid(outcome, row_id), f"{provider} {prompt}: {outcome!r} does not name {row_id}"


async def all_are_delivered_by_the_next_run(emulator: Emulator, ledger: Ledger) -> None:
    outcomes = await twenty(emulator)
    assert [outcome for outcome in outcomes if not isinstance(outcome, JobResult)] == []
    assert [row.state for row in ledger.rows()] == [S.STORED] * 20
    assert emulator.billed() == 20


@pytest.mark.postgres
@pytest.mark.usefixtures("short_leases")
@pytest.mark.slow
async def test_twenty_jobs_survive_a_database_that_ends_all_connections_again_and_again(
    postgres: Server, postgres_url: str, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENMEDIA_LEDGER_URL", postgres_url)
    ledger = Ledger(Database(postgres_url), 60)
    with Trouble(*[(0.03, lambda: postgres.disconnect(postgres_url))] * 40):
        outcomes = await twenty(emulator)
    no_paid_job_is_lost(outcomes, ledger)
    await all_are_delivered_by_the_next_run(emulator, ledger)


@pytest.mark.postgres
@pytest.mark.usefixtures("short_leases")
@pytest.mark.slow
async def test_twenty_jobs_survive_a_database_that_lets_nobody_in_for_a_second(
    postgres: Server, empty_postgres_url: str, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENMEDIA_LEDGER_URL", empty_postgres_url)
    database = Database(empty_postgres_url)
    database.migrate()
    ledger = Ledger(database, 60)

    def shut() -> None:
        postgres.admit(empty_postgres_url, False)
        postgres.disconnect(empty_postgres_url)

    with Trouble((0.15, lambda: None), (1.0, shut), (0, lambda: postgres.admit(empty_postgres_url, True))):
        outcomes = await twenty(emulator)
    no_paid_job_is_lost(outcomes, ledger)
    await all_are_delivered_by_the_next_run(emulator, ledger)

"""An emulator, accounts on it, the ledger, and a server that says whatever a test wants."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import core_shop
import pytest
from core_shop import Gate, Wire

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.ledger import Database, Ledger
from prefect_genmedia.operation import Account


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger's file with nothing in it. Making one takes longer than most tests here."""
    made = tmp_path_factory.mktemp("ledger") / "ledger.db"
    database = Database(f"sqlite:///{made}")
    database.require_current()
    database.engine.dispose()
    return made


@pytest.fixture
def prepared(isolated: Path, empty_ledger: Path) -> Path:
    """The test's own ledger, ready to be opened."""
    isolated.mkdir()
    return Path(shutil.copy(empty_ledger, isolated))


@pytest.fixture
def emulator(prepared: Path) -> Iterator[Emulator]:
    """Both providers, and jobs that are done at once; `billed()` says what was paid for."""
    with Emulator(job_seconds=0.0, queue_seconds=0.0) as emulator:
        yield emulator


@pytest.fixture
def ttapi(emulator: Emulator) -> Account:
    return core_shop.ttapi(emulator.url)


@pytest.fixture
def novita(emulator: Emulator) -> Account:
    return core_shop.novita(emulator.url)


@pytest.fixture
def ledger(prepared: Path) -> Ledger:
    return core_shop.the_ledger()


@pytest.fixture
def wire(prepared: Path) -> Iterator[Wire]:
    wire = Wire()
    yield wire
    wire.close()


@pytest.fixture
def gate(emulator: Emulator) -> Iterator[Gate]:
    gate = Gate(emulator.url)
    yield gate
    gate.close()

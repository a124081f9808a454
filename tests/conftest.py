"""What every room of tests stands on: a ledger and a media store of its own for each test, and photographs.

The core's rooms share more: an emulator, accounts on it, and a server that says whatever a test wants. Rooms that
want these otherwise have their own of the same name.
"""

from __future__ import annotations

import atexit
import gc
import itertools
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.ledger import Database, Ledger
from prefect_genmedia.operation import Account
from tests import PHOTOS, shop
from tests.patience import PATIENCE
from tests.prefect_server import one_authority
from tests.stand_in import Gate, Wire

pytest_plugins = ["tests.postgres", "tests.s3"]

# Before anything imports prefect: a Prefect home of this test run's own, and no telemetry.
# The same examples each time, however long each takes: neither luck nor a busy machine fails a test.
hypothesis.settings.register_profile(
    "here", deadline=None, derandomize=True, database=None, suppress_health_check=list(hypothesis.HealthCheck)
)
hypothesis.settings.load_profile("here")

_number = itertools.count()
_home = tempfile.mkdtemp(prefix="genmedia-tests-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)
os.environ |= {
    "PREFECT_HOME": _home,
    "PREFECT_API_SSL_CERT_FILE": str(one_authority(Path(_home))),
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": str(int(PATIENCE)),
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",  # some tests call a task by itself
}
for _name in ("PREFECT_API_URL", "PREFECT_API_KEY", "PREFECT_PROFILE"):
    os.environ.pop(_name, None)


@pytest.hookimpl(tryfirst=True)  # before `-m slow` chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long tests only when they are asked for: by name, or by `make chaos`."""
    met: Counter[str] = Counter()
    for item in items:
        if sampled := item.get_closest_marker("sampled"):
            function = item.nodeid.partition("[")[0]
            if met[function] % sampled.args[0]:
                item.add_marker("slow")
            met[function] += 1
    if config.option.markexpr or any("::" in argument for argument in config.args):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not item.get_closest_marker("slow")]


def pytest_collection_finish() -> None:
    """What is loaded and collected by now stays to the end: the garbage collector need not walk it each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or writes the ledger, the files or the settings of another, or of whoever runs it."""
    # Not below tmp_path, which most tests would have made for nothing.
    home = tmp_path_factory.getbasetemp() / f"home-{next(_number)}" / "genmedia"
    monkeypatch.setenv("GENMEDIA_LEDGER_URL", f"sqlite:///{home / 'ledger.db'}")
    monkeypatch.setenv("GENMEDIA_MEDIA_STORE", str(home / "media"))
    monkeypatch.setenv("GENMEDIA_POLL_SECONDS", "0.02")
    monkeypatch.setenv("GENMEDIA_RECONCILE_SECONDS", "0.5")
    # Everything is on loopback; a proxy that the machine may have would be in the way.
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    return home


@pytest.fixture
def photos() -> Path:
    return PHOTOS


# -- the core's rooms -------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger's file with nothing in it. Making one takes longer than most tests."""
    made = tmp_path_factory.mktemp("ledger") / "ledger.db"
    database = Database(f"sqlite:///{made}")
    database.require_current()
    database.engine.dispose()
    return made


@pytest.fixture
def prepared(isolated: Path, empty_ledger: Path) -> Path:
    """The test's own ledger, ready to be opened: to make one anew costs more than most tests."""
    isolated.mkdir(parents=True)
    return Path(shutil.copy(empty_ledger, isolated))


@pytest.fixture
def emulator(prepared: Path) -> Iterator[Emulator]:
    """Both providers, and jobs that are done at once; `billed()` says what was paid for."""
    with Emulator(job_seconds=0.0, queue_seconds=0.0) as emulator:
        yield emulator


@pytest.fixture
def ttapi(emulator: Emulator) -> Account:
    return shop.ttapi(emulator.url)


@pytest.fixture
def novita(emulator: Emulator) -> Account:
    return shop.novita(emulator.url)


@pytest.fixture
def ledger(prepared: Path) -> Ledger:
    return shop.the_ledger()


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

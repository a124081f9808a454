"""What every room of tests stands on: a ledger and a media store of its own for each test, and photographs."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

pytest_plugins = ["postgres"]

# Before anything imports prefect: a Prefect home of this test run's own, and no telemetry.
_home = tempfile.mkdtemp(prefix="genmedia-tests-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)
os.environ |= {
    "PREFECT_HOME": _home,
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",  # some tests call a task by itself
}
for _name in ("PREFECT_API_URL", "PREFECT_API_KEY", "PREFECT_PROFILE"):
    os.environ.pop(_name, None)


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or writes the ledger, the files or the settings of another, or of whoever runs it."""
    home = tmp_path / "genmedia"
    monkeypatch.setenv("GENMEDIA_LEDGER_URL", f"sqlite:///{home / 'ledger.db'}")
    monkeypatch.setenv("GENMEDIA_MEDIA_STORE", str(home / "media"))
    monkeypatch.setenv("GENMEDIA_POLL_SECONDS", "0.02")
    monkeypatch.setenv("GENMEDIA_RECONCILE_SECONDS", "0.5")
    # Everything is on loopback; a proxy that the machine may have would be in the way.
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    return home


@pytest.fixture
def photos() -> Path:
    """Real photographs; CREDITS.md beside them says whose."""
    return Path(__file__).parent / "photos"

"""For a run of this repository's own tests. What is copied is one folder, which needs nothing of this."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

import pytest

# Before anything imports prefect: not the home of whoever runs them, no telemetry, and no proxy in the way of loopback.
if "PREFECT_HOME" not in os.environ:
    os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="genmedia-examples-")
    atexit.register(shutil.rmtree, os.environ["PREFECT_HOME"], ignore_errors=True)
os.environ |= {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1", "NO_PROXY": "127.0.0.1,localhost"}
for _name in ("PREFECT_API_URL", "PREFECT_API_KEY", "PREFECT_PROFILE"):
    os.environ.pop(_name, None)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Under xdist they share the Prefect servers of tests/orchestration: to start one is most of the work."""
    if "genmedia_prefect" in getattr(item, "fixturenames", ()):
        third = sum(item.path.name.encode()) % 3
        item.add_marker(pytest.mark.xdist_group(f"prefect-{third}"))

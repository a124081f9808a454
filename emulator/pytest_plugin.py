"""Pytest fixtures for any project that has the pack installed.

    def test_one_picture(genmedia_emulator):
        client = MyClient(base_url=genmedia_emulator.url, key="any")
        genmedia_emulator.add_faults({"kind": "submit_lose_reply", "times": 1})
        client.imagine("A cute kitten")
        assert genmedia_emulator.billed("midjourney.imagine") == 1

Each test has an emulator of its own on a free loopback port (starting one takes a few milliseconds), and a ledger and
a media store of its own: nothing leaks from test to test, or into yours. For other settings, use `with Emulator(...)`
from `prefect_genmedia.emulator`, or `genmedia_emulator.configure(...)`.

`genmedia_prefect` is a Prefect server of the tests' own, one for all that ask for it: blocks and runs of whoever runs
them are not touched.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from prefect_genmedia.emulator.app import Emulator


@pytest.fixture
def genmedia_emulator(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """TTAPI and Novita AI on this machine, with short jobs: `.url`, `.billed()`, `.add_faults(...)`."""
    # What a test buys stands in no ledger but its own, and is asked for as often as short jobs allow.
    home = tmp_path_factory.getbasetemp() / f"genmedia-{uuid.uuid4().hex}"
    monkeypatch.setenv("GENMEDIA_LEDGER_URL", f"sqlite:///{home / 'ledger.db'}")
    monkeypatch.setenv("GENMEDIA_MEDIA_STORE", str(home / "media"))
    monkeypatch.setenv("GENMEDIA_POLL_SECONDS", "0.02")
    # Imported here: every pytest run loads this plugin, and few of them need a server.
    from prefect_genmedia.emulator.app import Emulator

    with Emulator(job_seconds=0.1, queue_seconds=0.02) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def genmedia_prefect() -> Iterator[None]:
    """A Prefect server with a database of its own, once for the whole session; it takes some seconds to start."""
    from prefect.testing.utilities import prefect_test_harness  # here alone: the emulator runs without Prefect

    with prefect_test_harness(server_startup_timeout=300):
        yield

"""A pytest fixture for any project that has the pack installed.

    def test_one_picture(genmedia_emulator):
        client = MyClient(base_url=genmedia_emulator.url, key="any")
        genmedia_emulator.add_faults({"kind": "submit_lose_reply", "times": 1})
        client.imagine("A cute kitten")
        assert genmedia_emulator.billed("midjourney.imagine") == 1

Each test has an emulator of its own on a free loopback port (starting one takes a few milliseconds), so
nothing leaks from test to test. For other settings, use `with Emulator(...)` from
`prefect_genmedia.emulator`, or `genmedia_emulator.configure(...)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from prefect_genmedia.emulator.app import Emulator


@pytest.fixture
def genmedia_emulator() -> Iterator[Emulator]:
    """TTAPI and Novita AI on this machine, with short jobs: `.url`, `.billed()`, `.add_faults(...)`."""
    # Imported here: every pytest run loads this plugin, and few of them need a server.
    from prefect_genmedia.emulator.app import Emulator

    with Emulator(job_seconds=0.1, queue_seconds=0.02) as emulator:
        yield emulator

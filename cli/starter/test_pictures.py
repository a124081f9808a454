"""The flow against both providers emulated on this machine: nothing is paid, no key is needed."""

import asyncio
from collections.abc import Iterator

import pytest
from pictures import pictures
from prefect.testing.utilities import prefect_test_harness

from prefect_genmedia.blocks import TTAPICredentials
from prefect_genmedia.emulator import Emulator


@pytest.fixture(scope="session", autouse=True)
def prefect_of_its_own() -> Iterator[None]:
    """A Prefect database for the tests alone: your blocks and runs are not touched."""
    with prefect_test_harness(server_startup_timeout=120):
        yield


def test_a_lost_reply_is_not_paid_twice(genmedia_emulator: Emulator) -> None:
    ttapi = TTAPICredentials(api_key="any", base_url=genmedia_emulator.url)
    ttapi.save("ttapi", overwrite=True)
    genmedia_emulator.add_faults({"kind": "submit_lose_reply", "times": 1})
    published = asyncio.run(pictures())
    assert [file.role for file in published] == ["wide", "square"]
    assert genmedia_emulator.billed() == 1

"""The flow against both providers emulated on this machine: nothing is paid, no key is needed."""

import asyncio

import pytest
from pictures import pictures

from prefect_genmedia.blocks import TTAPICredentials
from prefect_genmedia.emulator import Emulator


@pytest.mark.usefixtures("genmedia_prefect")  # a Prefect server for the tests alone
def test_a_lost_reply_is_not_paid_twice(genmedia_emulator: Emulator) -> None:
    ttapi = TTAPICredentials(api_key="any", base_url=genmedia_emulator.url)
    ttapi.save("ttapi", overwrite=True)
    genmedia_emulator.add_faults({"kind": "submit_lose_reply", "times": 1})
    published = asyncio.run(pictures())
    assert [file.role for file in published] == ["wide", "square"]
    assert genmedia_emulator.billed() == 1

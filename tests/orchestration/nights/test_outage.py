"""A provider that cannot be reached: a warning on the run's page, a line when it is back, an end by a setting."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest
from prefect import flow

from prefect_genmedia.blocks import NovitaCredentials
from prefect_genmedia.emulator import Emulator
from prefect_genmedia.tasks import novita as novita_tasks
from tests.orchestration.keys import NOVITA_KEY
from tests.orchestration.nights.pages import at_the_word, page_of
from tests.shop import img2img
from tests.stand_in import Gate

AWAY = "has not answered for"


@flow
async def three(credentials: NovitaCredentials) -> list[Any]:
    wanted = [novita_tasks.img2img(img2img(prompt=f"bird {number}"), credentials) for number in range(3)]
    return await asyncio.gather(*wanted)


@pytest.fixture
def gate(emulator: Emulator) -> Iterator[Gate]:
    gate = Gate(emulator.url)
    yield gate
    gate.close()


@pytest.mark.parametrize("how", ["stopped", "503", "hangs"])
@pytest.mark.sampled(3)
async def test_it_is_said_once_and_the_run_goes_on_when_it_is_back(emulator, gate, monkeypatch, how):
    """Half of what the settings bear is long enough to say so; by default, half a minute."""
    monkeypatch.setenv("GENMEDIA_OUTAGE_SECONDS", "10" if how == "stopped" else "8")
    comes_back = {"stopped": lambda: gate.listen(deaf=False)}.get(how, emulator.clear_faults)
    if how == "503":
        emulator.add_faults({"kind": "fetch_5xx", "status": 503})
    elif how == "hangs":
        emulator.add_faults({"kind": "fetch_slow", "seconds": 600})
    url = gate.url if how == "stopped" else emulator.url
    with at_the_word(AWAY, comes_back):
        page, _ = await page_of(three, NovitaCredentials(api_key=NOVITA_KEY, base_url=url))
    assert page.state == "COMPLETED" and emulator.billed() == 3
    (said,) = page.lines(AWAY)
    assert page.lines(AWAY, "WARNING") == [said]
    bought = "nothing was bought for it yet" if how == "stopped" else "it is bought, and nothing is lost"
    assert bought in said and re.search(r"asked again until \d\d:\d\d:\d\d UTC", said)
    assert len(page.lines("novita answers again", "INFO")) == 1
    assert not page.lines("not taken yet", "INFO")


@pytest.mark.slow
async def test_files_that_do_not_come_are_said_once_too(emulator, monkeypatch):
    """Whoever keeps a provider's files may be away as well."""
    monkeypatch.setenv("GENMEDIA_OUTAGE_SECONDS", "8")
    emulator.add_faults({"kind": "download_404"})
    with at_the_word("A file of novita has not come", emulator.clear_faults):
        page, _ = await page_of(three, NovitaCredentials(api_key=NOVITA_KEY, base_url=emulator.url))
    assert page.state == "COMPLETED" and emulator.billed() == 3
    (said,) = page.lines("has not come", "WARNING")
    assert "it is bought, and nothing is lost" in said and "HTTP 404" in said
    assert len(page.lines("Files of novita come again", "INFO")) == 1


@pytest.mark.slow
async def test_a_setting_ends_the_wait_and_the_next_run_buys_once(emulator, monkeypatch):
    """Of jobs that are bought: all three end together, and none is tried again by Prefect."""
    monkeypatch.setenv("GENMEDIA_OUTAGE_SECONDS", "2")
    emulator.add_faults({"kind": "fetch_5xx", "status": 503})
    novita = NovitaCredentials(api_key=NOVITA_KEY, base_url=emulator.url)
    page, state = await page_of(three, novita)
    assert page.state == "FAILED" and len(page.lines(AWAY, "WARNING")) == 1
    error = await state.aresult(raise_on_failure=False)
    assert error.money == "It was bought once and is safe." and "genmedia jobs resume" in error.advice
    assert not page.lines("Retry")
    emulator.clear_faults()
    page, _ = await page_of(three, novita)
    assert page.state == "COMPLETED" and emulator.billed() == 3

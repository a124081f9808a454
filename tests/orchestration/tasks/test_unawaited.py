"""A paid task called in a sync flow as if it were a plain function: refused with what to write, nothing bought."""

from __future__ import annotations

import asyncio

import pytest
from prefect import flow

from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.tasks import midjourney

KITE = midjourney.ImagineRequest(prompt="a kite")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("does", ["reads its files", "returns it"])
def test_a_sync_flow_that_does_not_wait_is_refused(emulator, ttapi, does):
    @flow
    def hurried():
        grid = midjourney.imagine(KITE, ttapi)
        return grid.media[0] if does == "reads its files" else grid

    with pytest.raises(ConfigurationError, match=r"midjourney\.imagine was called in a sync flow") as caught:
        hurried()
    assert "midjourney.imagine.submit(...).result()" in caught.value.advice
    assert emulator.submits() == 0 == emulator.billed()


def test_whoever_waits_in_a_sync_flow_gets_what_was_bought(emulator, ttapi):
    @flow
    def patient():
        return asyncio.run(midjourney.imagine(KITE, ttapi)), midjourney.imagine.submit(KITE, ttapi, copy=1).result()

    first, second = patient()
    assert len(first.media) == len(second.media) == 5 and emulator.billed() == 2


async def test_a_notebook_shows_pictures_and_results_hold_none(emulator, ttapi):
    made = await midjourney.imagine(KITE, ttapi)
    shown = made._repr_html_()
    assert shown.count("data:image/webp;base64,") == 5 and made.job.id[:12] in shown
    assert "base64" not in made.model_dump_json() and "base64" not in repr(made)
    made.media[0].path.unlink()
    assert "data:" not in made.media[0]._repr_html_() and made.media[0].sha256

"""A submit that is answered with the file itself: bought once, written down with its acceptance, delivered then."""

from __future__ import annotations

import pytest

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import MAY_BE_BILLED, InvalidRequestError, MediaError, SubmitOutcomeUnknown
from prefect_genmedia.jobs import JobResult, Terms, run
from prefect_genmedia.providers import OPERATIONS
from prefect_genmedia.tasks.ttapi import GeminiImageRequest
from tests.shop import the_row
from tests.shop import ttapi as ttapi_at

GEMINI = OPERATIONS["ttapi.gemini_image"]
NAME = GEMINI.name


async def draw(emulator: Emulator, prompt: str = "a kite", **terms: object) -> JobResult:
    return await run(GEMINI, GeminiImageRequest(prompt=prompt), ttapi_at(emulator.url), terms=Terms(**terms))  # type: ignore[arg-type]


async def test_it_is_one_request_and_asked_again_none(emulator: Emulator) -> None:
    drawn = await draw(emulator)
    assert [file.media_type for file in drawn.media] == ["image/png"]
    assert (await draw(emulator)).media == drawn.media
    assert (emulator.submits(NAME), emulator.billed(NAME)) == (1, 1)
    assert [path for path in emulator.requests()["requests"] if "fetch" in path] == []
    assert the_row().quota == drawn.quota == 2


async def test_it_is_waited_for_longer_than_other_submits(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENMEDIA_SUBMIT_TIMEOUT_SECONDS", "0.1")
    emulator.configure(job_seconds=0.5)
    assert (await draw(emulator)).media
    assert emulator.billed(NAME) == 1


async def test_what_was_answered_is_delivered_by_a_later_call(emulator: Emulator) -> None:
    """The file did not come before the deadline: the next call has nothing to ask but the ledger."""
    emulator.add_faults({"kind": "download_html", "times": 100})
    with pytest.raises(MediaError):
        await draw(emulator, deadline_seconds=1.5)
    assert the_row().state == "SUCCEEDED"
    emulator.clear_faults()
    assert (await draw(emulator)).media
    assert (emulator.submits(NAME), emulator.billed(NAME)) == (1, 1)


@pytest.mark.parametrize("kind", ["submit_lose_reply", "submit_missing_id", "submit_data_null", "submit_garbage"])
async def test_a_lost_answer_is_unknown_and_never_sent_again(emulator: Emulator, kind: str) -> None:
    emulator.add_faults({"kind": kind})
    for _ in range(2):
        with pytest.raises(SubmitOutcomeUnknown):
            await draw(emulator)
    assert (emulator.submits(NAME), emulator.billed(NAME)) == (1, 1)


async def test_one_that_failed_at_work_may_be_billed(emulator: Emulator) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await draw(emulator, "denied-by-emulator")
    assert caught.value.money == MAY_BE_BILLED

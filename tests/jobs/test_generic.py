"""A job at an endpoint that the pack has no operation for: bought once, and read as often as one likes."""

from __future__ import annotations

from typing import Any

import pytest

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import JobFailedError, JobTimeoutError, ResponseFormatError, SubmitOutcomeUnknown
from prefect_genmedia.operation import Account
from prefect_genmedia.providers.ttapi.job import JobRequest
from tests.shop import buy, refusal, the_row


def flux(**fields: Any) -> JobRequest:
    return JobRequest(path="/flux/generate", body={"prompt": "a kite"}, **{"fetch_path": "/flux/fetch"} | fields)


async def test_where_the_links_are_may_be_said_later(emulator: Emulator, ttapi: Account) -> None:
    nothing = await buy(flux(), ttapi, request_key="kite")
    assert (nothing.media, emulator.billed()) == ([], 1)
    right = await buy(flux(results=["data.imageUrl"]), ttapi, request_key="kite")
    assert [file.media_type for file in right.media] == ["image/webp"]
    assert right.job.id == nothing.job.id
    assert emulator.billed() == 1


async def test_a_wrong_place_is_corrected_without_paying_again(
    emulator: Emulator, ttapi: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENMEDIA_POLL_FAILURES", "2")
    error = await refusal(flux(results=["data.pictures[]"]), ttapi, request_key="kite")
    assert isinstance(error, ResponseFormatError) and "holds no link at data.pictures[]" in str(error)
    assert error.job is not None and "jobs resume" in str(error)
    right = await buy(flux(results=["data.imageUrl"]), ttapi, request_key="kite")
    assert len(right.media) == 1 and emulator.billed() == 1


async def test_a_wrong_fetch_path_is_corrected_without_paying_again(emulator: Emulator, ttapi: Account) -> None:
    error = await refusal(flux(fetch_path="/flux/no-such-path"), ttapi, request_key="kite", deadline_seconds=1)
    assert isinstance(error, JobTimeoutError)
    right = await buy(flux(results=["data.imageUrl"]), ttapi, request_key="kite")
    assert right.media and emulator.billed() == 1


async def test_a_failed_job_is_told_at_once_however_it_is_to_be_read(emulator: Emulator, ttapi: Account) -> None:
    """Said again with another place for the links, it is still the job that failed; nobody waits for it."""
    emulator.add_faults({"kind": "job_fails", "times": 1})
    for results in ([], ["data.imageUrl"]):
        error = await refusal(flux(results=results), ttapi, request_key="kite")
        assert isinstance(error, JobFailedError)
    assert emulator.billed() == 1


async def test_another_body_is_another_job(emulator: Emulator, ttapi: Account) -> None:
    await buy(flux(), ttapi, request_key="kite")
    await buy(JobRequest(path="/flux/generate", body={"prompt": "two kites"}, fetch_path="/flux/fetch"), ttapi)
    assert emulator.billed() == 2


async def test_without_a_callback_field_a_lost_reply_stays_unknown(emulator: Emulator, ttapi: Account) -> None:
    emulator.add_faults({"kind": "submit_lose_reply", "times": 1})
    assert isinstance(await refusal(flux(), ttapi), SubmitOutcomeUnknown)
    assert the_row().labelled is False
    assert emulator.billed() == 1

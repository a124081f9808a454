"""A submit that the provider refuses: waited for where it may pass, told where it may not, never billed twice."""

from __future__ import annotations

import asyncio
import itertools
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import (
    ApiError,
    AuthenticationError,
    ConfigurationError,
    ContentRejectedError,
    InsufficientCreditsError,
    InvalidRequestError,
    JobFailedError,
    OperationRetiredError,
    QueueFullError,
    RateLimitedError,
    SubmitOutcomeUnknown,
)
from prefect_genmedia.operation import Account
from tests.patience import PATIENCE, a_until
from tests.shop import DOOMED, SUBMIT_IMAGINE, SUBMIT_IMG2IMG, buy, history, imagine, img2img, refusal, the_row
from tests.shop import novita as novita_at
from tests.shop import ttapi as ttapi_at
from tests.stand_in import Say, Seen, Wire

WAITS: list[tuple[Any, float]] = [
    ("1", 1.0),
    ("1.2", 1.2),
    ("date", 0.9),  # dates have no fractions
    (None, 0.5),
    ("absurd", 0.5),
    ("-5", 0.5),
    ("nan", 0.5),
    ("soon", 0.5),
]


@pytest.mark.parametrize("status", [429, 499])
async def test_a_busy_provider_is_asked_again_after_the_time_it_names(status: int) -> None:
    """Whatever the form of Retry-After: refused once, bought once, and nothing was sent before its time."""

    async def refused_once(retry_after: Any, least: float) -> None:
        with Emulator(job_seconds=0.0, queue_seconds=0.0) as emulator:
            busy = {"kind": "submit_refuse", "status": status, "retry_after": retry_after, "seconds": 2, "times": 1}
            emulator.add_faults(busy)
            started = time.monotonic()
            error = await refusal(imagine(DOOMED), ttapi_at(emulator.url))
            assert isinstance(error, JobFailedError), retry_after  # so it was accepted
            assert error.job is not None
            assert time.monotonic() - started >= least, retry_after
            assert emulator.requests()["requests"][SUBMIT_IMAGINE] == 2, retry_after
            assert emulator.billed() == 1, retry_after
            assert history(error.job.id)[:4] == ["INTENT", "NOT_ACCEPTED", "INTENT", "SUBMITTED"], retry_after

    await asyncio.gather(*(refused_once(*form) for form in WAITS))


async def test_no_submit_goes_out_while_waiting(wire: Wire) -> None:
    """The pauses between three refusals are those that the provider names, and not much longer."""

    def answer(seen: Seen) -> Say:
        if len(wire.seen) > 3:
            return Say(400, {"message": "enough"})
        return Say(429, {"message": "Too many requests"}, {"retry-after": "0.5"})

    wire.answer = answer
    assert isinstance(await refusal(img2img(), novita_at(wire.url)), InvalidRequestError)
    at = [seen.at for seen in wire.seen]
    assert len(at) == 4
    assert all(0.5 <= later - earlier < 60 for earlier, later in itertools.pairwise(at))


async def test_a_date_is_read_by_the_providers_clock(wire: Wire) -> None:
    """Retry-After as a date, from a server whose clock is a day ahead: the pause is still the one it means."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    form = "%a, %d %b %Y %H:%M:%S GMT"

    def answer(seen: Seen) -> Say:
        if len(wire.seen) > 1:
            return Say(400, {"message": "enough"})
        headers = {"retry-after": (tomorrow + timedelta(seconds=1)).strftime(form), "date": tomorrow.strftime(form)}
        return Say(429, {"message": "Too many requests"}, headers)

    wire.answer = answer
    assert isinstance(await refusal(img2img(), novita_at(wire.url)), InvalidRequestError)
    assert 1.0 <= wire.seen[1].at - wire.seen[0].at < 60


@pytest.mark.parametrize(("status", "error"), [(429, RateLimitedError), (499, QueueFullError)])
async def test_a_provider_that_stays_busy_until_the_deadline_is_an_error(
    emulator: Emulator, ttapi: Account, status: int, error: type[ApiError]
) -> None:
    emulator.add_faults({"kind": "submit_refuse", "status": status, "retry_after": "600"})
    started = time.monotonic()
    refused = await refusal(imagine(), ttapi, deadline_seconds=PATIENCE)
    assert time.monotonic() - started < PATIENCE
    assert isinstance(refused, error)
    assert refused.retry_after == 600
    assert refused.operation == "midjourney.imagine"
    assert the_row().state == "NOT_ACCEPTED"
    emulator.clear_faults()
    await buy(imagine(), ttapi)
    assert emulator.billed() == 1


async def test_more_jobs_than_the_account_may_have_wait_their_turn(emulator: Emulator, ttapi: Account) -> None:
    """TTAPI's 499: every job is bought in the end, and once."""
    emulator.configure(max_jobs=1, hold=True)
    emulator.add_faults({"kind": "answer_cut", "at": "account"})  # so nobody says how long the queue is
    buying = asyncio.gather(*(buy(imagine(), ttapi, copy=copy) for copy in range(3)))
    await a_until(lambda: emulator.requests()["statuses"].get("499"), "a job that finds the queue full")
    emulator.configure(hold=False)
    emulator.release()
    await buying
    assert emulator.requests()["requests"][SUBMIT_IMAGINE] > 3
    assert emulator.billed() == 3


TTAPI_REFUSALS = [
    (400, {"status": "FAILED", "message": "Invalid params [--ar]", "data": None}, InvalidRequestError),
    (400, {"status": "FAILED", "message": "banned prompt words: x", "data": None}, ContentRejectedError),
    (401, {"status": "FAILED", "message": "Wrong TT-API-KEY or email is not activated."}, AuthenticationError),
    (402, {"status": "FAILED", "message": "Insufficient balance", "data": None}, InsufficientCreditsError),
    (403, {"status": "FAILED", "message": "blocked"}, AuthenticationError),
    (404, b"<html>not found</html>", OperationRetiredError),
    (413, {"status": "FAILED", "message": "too large"}, ApiError),
    (200, {"status": "FAILED", "message": "Invalid params", "data": None}, InvalidRequestError),
]


@pytest.mark.parametrize(("status", "body", "kind"), TTAPI_REFUSALS)
async def test_ttapis_refusal_is_typed_and_not_sent_again(
    wire: Wire, status: int, body: Any, kind: type[ApiError]
) -> None:
    wire.answer = lambda seen: Say(status, body)
    error = await refusal(imagine(), ttapi_at(wire.url))
    assert type(error) is kind
    assert isinstance(error, ApiError)
    assert error.operation == "midjourney.imagine"
    assert error.provider == "ttapi"
    assert isinstance(body, bytes) or body["message"] in str(error)
    assert the_row().state == "NOT_ACCEPTED"
    assert len(wire.seen) == 1


NOVITA_REFUSALS = [
    (400, "INVALID_REQUEST_BODY", InvalidRequestError),
    (400, "MISSING_API_KEY", AuthenticationError),
    (403, "INVALID_API_KEY", AuthenticationError),
    (401, "INVALID_API_KEY", AuthenticationError),
    (400, "BILLING_BALANCE_NOT_ENOUGH", InsufficientCreditsError),
    (400, "ILLEGAL_PROMPT", ContentRejectedError),
    (400, "ILLEGAL_IMAGE_CONTENT", ContentRejectedError),
    (404, "API_NOT_FOUND", OperationRetiredError),
    (410, "GONE", OperationRetiredError),
]


@pytest.mark.parametrize(("status", "reason", "kind"), NOVITA_REFUSALS)
async def test_novitas_refusal_is_typed_and_not_sent_again(
    wire: Wire, status: int, reason: str, kind: type[ApiError]
) -> None:
    said = {
        "code": status,
        "reason": reason,
        "message": "the words of Novita",
        "metadata": {"details": "steps: max 100"},
    }
    wire.answer = lambda seen: Say(status, said)
    error = await refusal(img2img(), novita_at(wire.url))
    assert type(error) is kind
    assert isinstance(error, ApiError)
    assert error.code == reason
    assert error.http_status == status
    assert "the words of Novita" in str(error)
    assert "steps: max 100" in str(error)
    assert the_row().state == "NOT_ACCEPTED"
    assert len(wire.seen) == 1


@pytest.mark.parametrize("status", [408, 409])
async def test_what_may_be_said_of_a_request_that_was_taken_is_unknown(wire: Wire, status: int) -> None:
    wire.answer = lambda seen: Say(status, {"message": "hm"})
    assert isinstance(await refusal(img2img(), novita_at(wire.url)), SubmitOutcomeUnknown)
    assert the_row().state == "UNKNOWN"


@pytest.mark.parametrize(
    "body",
    [{"code": 200, "message": "success"}, {"code": 200, "msg": "ok", "data": {}}, {"code": "0", "data": None}, {}, []],
    ids=str,
)
async def test_a_200_that_refuses_nothing_and_names_no_job_is_unknown(wire: Wire, body: Any) -> None:
    """Novita's `code` can repeat the HTTP status: that is no refusal, and the job may be billed."""
    wire.answer = lambda seen: Say(200, body)
    assert isinstance(await refusal(img2img(), novita_at(wire.url)), SubmitOutcomeUnknown)
    assert the_row().state == "UNKNOWN"


async def test_novitas_older_answer_names_its_job_too(wire: Wire) -> None:
    """{"code", "msg", "data": {"task_id"}}, as in the vendor's older examples."""
    wire.answer = lambda seen: (
        Say(200, {"code": 0, "msg": "", "data": {"task_id": "older"}})
        if seen.method == "POST"
        else Say(200, {"task": {"status": "TASK_STATUS_FAILED", "reason": "enough"}})
    )
    error = await refusal(img2img(), novita_at(wire.url))
    assert error.job is not None
    assert error.job.job_id == "older"


@pytest.mark.parametrize("status", [302, 303])
async def test_a_submit_that_is_led_elsewhere_may_have_been_taken(wire: Wire, status: int) -> None:
    wire.answer = lambda seen: Say(status, {}, {"location": f"{wire.url}/elsewhere"})
    assert isinstance(await refusal(img2img(), novita_at(wire.url)), SubmitOutcomeUnknown)
    assert the_row().state == "UNKNOWN"


@pytest.mark.parametrize("status", [301, 307, 308])
async def test_a_redirect_of_the_api_names_the_base_url(wire: Wire, status: int) -> None:
    """The key and the order are not sent on to wherever a redirect leads."""
    wire.answer = lambda seen: Say(status, {}, {"location": f"{wire.url}/elsewhere"})
    error = await refusal(imagine(), ttapi_at(wire.url))
    assert isinstance(error, ConfigurationError)
    assert "base_url" in str(error)
    assert [seen.path for seen in wire.seen] == ["/midjourney/v1/imagine"]
    assert the_row().state == "NOT_ACCEPTED"


# -- and then corrected ----------------------------------------------------------------------------


async def test_a_wrong_key_is_told_and_the_right_one_buys(emulator: Emulator) -> None:
    emulator.configure(api_key="right")
    for account in (ttapi_at(emulator.url, "wrong"), novita_at(emulator.url, "wrong")):
        request = imagine() if account.provider.name == "ttapi" else img2img()
        error = await refusal(request, account)
        assert isinstance(error, AuthenticationError)
        assert "Save the right key: genmedia setup" in str(error)
    assert emulator.billed() == 0
    await buy(imagine(), ttapi_at(emulator.url, "right"))
    await buy(img2img(), novita_at(emulator.url, "right"))
    assert emulator.billed() == 2


async def test_after_topping_up_the_same_request_buys(emulator: Emulator, ttapi: Account) -> None:
    emulator.add_faults({"kind": "submit_refuse", "status": 402, "times": 1})
    error = await refusal(imagine(), ttapi)
    assert isinstance(error, InsufficientCreditsError)
    assert "Top up" in str(error)
    assert the_row().state == "NOT_ACCEPTED"
    assert emulator.billed() == 0
    result = await buy(imagine(), ttapi)
    assert result.job.id == the_row().id
    assert emulator.billed() == 1


async def test_an_empty_purse_at_novita_is_told(emulator: Emulator, novita: Account) -> None:
    emulator.configure(start_balance=0)
    assert isinstance(await refusal(img2img(), novita), InsufficientCreditsError)
    assert emulator.billed() == 0


async def test_a_corrected_prompt_buys(emulator: Emulator, ttapi: Account, novita: Account) -> None:
    assert isinstance(await refusal(imagine("forbidden-by-emulator"), ttapi), ContentRejectedError)
    assert isinstance(await refusal(img2img(prompt="forbidden-by-emulator"), novita), ContentRejectedError)
    assert isinstance(await refusal(imagine("a cat --ar wide"), ttapi), InvalidRequestError)
    assert emulator.billed() == 0
    await buy(imagine("a cat"), ttapi)
    await buy(img2img(prompt="a cat"), novita)
    assert emulator.billed() == 2
    assert emulator.requests()["requests"][SUBMIT_IMG2IMG] == 2

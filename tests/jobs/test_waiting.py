"""Waiting for a job: what a fetch may answer, and that nothing of it loses or repeats a purchase."""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import make_url

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import (
    AuthenticationError,
    ConfigurationError,
    GenMediaError,
    JobExpiredError,
    JobFailedError,
    JobTimeoutError,
    ResponseFormatError,
    ServerError,
    SubmitOutcomeUnknown,
    TransportError,
)
from prefect_genmedia.jobs import resume, script_run
from prefect_genmedia.operation import Account, Request
from prefect_genmedia.providers.novita.images import IMG2IMG
from prefect_genmedia.settings import Settings
from tests import PHOTOS
from tests.patience import PATIENCE, a_until
from tests.shop import DOOMED, SUBMIT_IMAGINE, buy, history, imagine, img2img, in_the_end, refusal, the_ledger, the_row
from tests.shop import novita as novita_at
from tests.shop import ttapi as ttapi_at
from tests.stand_in import Say, Seen, Wire, passed_on

PASSING: list[dict[str, Any]] = [
    {"kind": "fetch_drop", "times": 3},
    {"kind": "fetch_drop", "how": "reset", "times": 3},
    {"kind": "fetch_5xx", "times": 3},
    {"kind": "fetch_5xx", "status": 500, "body": "html", "times": 3},
    {"kind": "fetch_5xx", "status": 502, "body": "empty", "times": 3},
    {"kind": "fetch_html", "times": 3},
    {"kind": "fetch_garbage", "times": 3},
    {"kind": "fetch_data_null", "times": 3},
    {"kind": "fetch_missing_fields"},
    {"kind": "fetch_missing_fields", "fields": ["status", "task"], "times": 3},
    {"kind": "fetch_unknown_status", "times": 3},
    {"kind": "fetch_unknown_status", "word": "", "times": 3},
    {"kind": "fetch_429", "retry_after": "0.1", "times": 3},
    {"kind": "fetch_429", "retry_after": "absurd", "times": 3},
    {"kind": "fetch_slow", "seconds": 0.2, "times": 2},
]


def name(fault: dict[str, Any]) -> str:
    return "-".join(str(value) for value in fault.values()).removeprefix("fetch_")


@pytest.mark.parametrize("fault", PASSING, ids=name)
@pytest.mark.sampled(4)
async def test_a_fetch_that_goes_wrong_is_tried_again(
    emulator: Emulator, novita: Account, fault: dict[str, Any]
) -> None:
    """The files come all the same, and nothing was submitted again."""
    await survives(emulator, fault, img2img(), novita)


# What is in the answer is read by each provider's own code.
READ_BY_THE_PROVIDER = [
    fault
    for fault in PASSING
    if fault["kind"] in ("fetch_data_null", "fetch_missing_fields", "fetch_unknown_status", "fetch_garbage")
]


@pytest.mark.parametrize("fault", READ_BY_THE_PROVIDER, ids=name)
@pytest.mark.sampled(3)
async def test_an_answer_of_ttapi_that_goes_wrong_is_read_again(
    emulator: Emulator, ttapi: Account, fault: dict[str, Any]
) -> None:
    await survives(emulator, fault, imagine(), ttapi)


async def survives(emulator: Emulator, fault: dict[str, Any], request: Any, account: Account) -> None:
    emulator.add_faults(fault)
    result = await buy(request, account)
    assert result.media
    assert emulator.faults()["faults"][0]["fired"] >= 1
    assert history(result.job.id) == ["INTENT", "SUBMITTED", "SUCCEEDED", "STORED"]
    assert emulator.billed() == 1


LASTING: list[tuple[dict[str, Any], type[GenMediaError]]] = [
    ({"kind": "fetch_drop"}, TransportError),
    ({"kind": "fetch_5xx"}, ServerError),
    ({"kind": "fetch_html"}, ResponseFormatError),
    ({"kind": "fetch_garbage"}, ResponseFormatError),
    ({"kind": "fetch_missing_fields", "fields": ["images"]}, ResponseFormatError),
    ({"kind": "fetch_429", "retry_after": "1"}, JobTimeoutError),
    ({"kind": "fetch_unknown_status"}, JobTimeoutError),
]


@pytest.mark.parametrize(("fault", "kind"), LASTING, ids=lambda value: name(value) if isinstance(value, dict) else "")
@pytest.mark.sampled(3)
async def test_fetches_that_keep_going_wrong_end_the_wait_and_not_the_job(
    emulator: Emulator,
    novita: Account,
    monkeypatch: pytest.MonkeyPatch,
    fault: dict[str, Any],
    kind: type[GenMediaError],
) -> None:
    monkeypatch.setenv("GENMEDIA_POLL_FAILURES", "3")
    await is_told_and_comes_later(emulator, fault, kind, img2img(), novita)


async def test_answers_of_ttapi_without_a_picture_end_the_wait_and_not_the_job(
    emulator: Emulator, ttapi: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENMEDIA_POLL_FAILURES", "3")
    fault = {"kind": "fetch_missing_fields", "fields": ["data.cdnImage", "data.discordImage", "data.images"]}
    await is_told_and_comes_later(emulator, fault, ResponseFormatError, imagine(), ttapi)


async def is_told_and_comes_later(
    emulator: Emulator, fault: dict[str, Any], kind: type[GenMediaError], request: Any, account: Account
) -> None:
    """The error names the job and how to get it; the next call gets the files and pays nothing."""
    emulator.add_faults(fault)
    error = await refusal(request, account, deadline_seconds=0.6 if kind is JobTimeoutError else PATIENCE)
    assert type(error) is kind
    assert error.job is not None
    assert error.job.job_id == emulator.jobs()["jobs"][0]["id"]
    assert error.operation == the_row().operation
    assert f"genmedia jobs resume {error.job.id[:12]}" in str(error)
    assert the_row().state == "SUBMITTED"
    emulator.clear_faults()
    assert (await buy(request, account)).job.id == error.job.id
    assert emulator.billed() == 1


async def test_a_key_that_is_revoked_while_waiting_loses_nothing(emulator: Emulator) -> None:
    emulator.configure(api_key="key", hold=True)
    account = ttapi_at(emulator.url, "key")
    buying = asyncio.create_task(refusal(imagine(), account))
    await a_until(lambda: the_ledger().rows(["SUBMITTED"]), "submitted")
    emulator.configure(api_key="another")
    error = await buying
    assert isinstance(error, AuthenticationError)
    assert error.job is not None
    emulator.configure(api_key="key")
    emulator.release()
    assert (await buy(imagine(), account)).job == error.job
    assert emulator.billed() == 1


async def test_a_redirect_of_a_fetch_is_not_followed(wire: Wire) -> None:
    """The key would go along; the error names base_url, and the job is safe."""

    def answer(seen: Seen) -> Say:
        if seen.method == "POST":
            return Say(200, {"task_id": "job-1"})
        return Say(302, {}, {"location": f"{wire.url.replace('127.0.0.1', 'localhost')}/elsewhere"})

    wire.answer = answer
    error = await refusal(img2img(), novita_at(wire.url))
    assert isinstance(error, ConfigurationError)
    assert "base_url" in str(error)
    assert error.job is not None
    assert the_row().state == "SUBMITTED"
    assert [seen.path for seen in wire.seen] == ["/v3/async/img2img", "/v3/async/task-result"]


# -- our deadline is not the provider's failure ----------------------------------------------------


@pytest.mark.parametrize("provider", ["ttapi", "novita"])
async def test_a_job_that_outlasts_the_deadline_is_fetched_by_the_next_call(emulator: Emulator, provider: str) -> None:
    request, account = (
        (imagine(), ttapi_at(emulator.url)) if provider == "ttapi" else (img2img(), novita_at(emulator.url))
    )
    emulator.configure(hold=True)
    error = await asyncio.wait_for(refusal(request, account, deadline_seconds=0.5), PATIENCE)
    assert isinstance(error, JobTimeoutError)
    assert error.job is not None
    assert error.job.job_id == emulator.jobs()["jobs"][0]["id"]
    assert "costs nothing" in str(error)
    assert f"genmedia jobs resume {error.job.id[:12]}" in str(error)
    emulator.release()
    result = await buy(request, account)
    assert result.job == error.job
    assert result.media[0].path.exists()
    assert emulator.billed() == 1


async def test_a_stuck_job_is_waited_for_and_never_bought_again(emulator: Emulator, ttapi: Account) -> None:
    emulator.add_faults({"kind": "job_stuck"})
    for _ in range(2):
        assert isinstance(await refusal(imagine(), ttapi, deadline_seconds=0.4, attempts=3), JobTimeoutError)
    assert emulator.billed() == 1


async def test_one_who_waits_for_anothers_job_has_a_deadline_too(emulator: Emulator, novita: Account) -> None:
    emulator.configure(hold=True)
    buying = asyncio.create_task(buy(img2img(), novita))
    await a_until(emulator.billed, "the job accepted")
    error = await refusal(img2img(), novita, deadline_seconds=0.3)
    assert isinstance(error, JobTimeoutError)
    assert error.job is not None
    emulator.release()
    assert (await buying).job.id == error.job.id
    assert emulator.billed() == 1


# -- the provider forgets --------------------------------------------------------------------------


FORGETFUL = pytest.mark.parametrize(
    ("provider", "status"), [("ttapi", 404), ("ttapi", 400), ("novita", 404)], ids=lambda value: str(value)
)


def forgotten(emulator: Emulator, provider: str, status: int, after: int = 0) -> tuple[Request, Account]:
    emulator.configure(hold=True)
    emulator.add_faults({"kind": "job_forgotten", "after_fetches": after, "status": status})
    if provider == "ttapi":
        return imagine(), ttapi_at(emulator.url)
    return img2img(), novita_at(emulator.url)


@FORGETFUL
@pytest.mark.parametrize("after", [0, 2])
@pytest.mark.sampled(3)
async def test_a_forgotten_job_is_expired_after_its_time_and_not_bought_again(
    emulator: Emulator, provider: str, status: int, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENMEDIA_EXPIRED_AFTER_SECONDS", "0.5")
    request, account = forgotten(emulator, provider, status, after)
    for attempts in (1, 2):
        error = await refusal(request, account, attempts=attempts)
        assert isinstance(error, JobExpiredError)
        assert error.job is not None
        assert error.job.job_id == emulator.jobs()["jobs"][0]["id"]
        assert "no longer knows" in str(error)
    assert the_row().state == "EXPIRED"
    assert emulator.billed() == 1


@FORGETFUL
async def test_many_looks_in_a_short_time_are_a_symptom(emulator: Emulator, provider: str, status: int) -> None:
    """It stays SUBMITTED, and whoever waits is told what the provider says."""
    request, account = forgotten(emulator, provider, status)

    def reads() -> int:
        asked = emulator.requests()["requests"].items()
        return sum(times for path, times in asked if "fetch" in path or "task-result" in path)

    error = await in_the_end(request, account, lambda ended: reads() > 3)
    assert isinstance(error, JobTimeoutError)
    assert the_row().state == "SUBMITTED"
    assert the_row().missing_since is not None
    assert reads() > 3


async def test_what_is_forgotten_is_bought_again_when_that_is_asked(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENMEDIA_EXPIRED_AFTER_SECONDS", "0.2")
    request, account = forgotten(emulator, "novita", 404)
    await refusal(request, account)
    emulator.clear_faults()
    emulator.configure(hold=False)
    result = await buy(request, account, on_expired="resubmit")
    assert len(result.media) == 1
    assert emulator.billed() == 2


async def test_a_job_that_the_provider_knows_after_all_is_brought_in(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EXPIRED is what was believed; a resume asks again."""
    monkeypatch.setenv("GENMEDIA_EXPIRED_AFTER_SECONDS", "0.2")
    request, account = img2img(), novita_at(emulator.url)
    emulator.add_faults({"kind": "fetch_404", "seconds": 3600})
    await refusal(request, account)
    with pytest.raises(JobExpiredError):
        await resume(IMG2IMG, the_row(), account, run=script_run())
    emulator.add_faults({"kind": "clock_skew", "seconds": 4000})  # an hour of the provider's has passed
    result = await resume(IMG2IMG, the_row(), account, run=script_run())
    assert result.media[0].path.exists()
    assert the_row().state == "STORED"
    assert emulator.billed() == 1


async def test_a_job_that_is_unknown_for_a_moment_is_not_given_up(wire: Wire) -> None:
    """A provider's second server may hear of a job later than its first."""
    answers = iter([404, 404, 200])

    def answer(seen: Seen) -> Say:
        if seen.method == "POST":
            return Say(200, {"status": "SUCCESS", "message": "success", "data": {"jobId": "job-1"}})
        if next(answers) == 404:
            return Say(404, {"status": "FAILED", "message": "Job not found", "data": None})
        return Say(200, {"status": "FAILED", "message": "the end", "jobId": "job-1", "data": None})

    wire.answer = answer
    assert isinstance(await refusal(imagine(), ttapi_at(wire.url)), JobFailedError)


def vague(times: int) -> Callable[[Seen], Say]:
    """TTAPI that says so often, of no job, that something failed; then that the job did."""
    said, numbers = iter(["a hiccup"] * times), itertools.count(1)

    def answer(seen: Seen) -> Say:
        if seen.method == "POST":
            return Say(200, {"status": "SUCCESS", "message": "success", "data": {"jobId": f"job-{next(numbers)}"}})
        if (word := next(said, None)) is not None:
            return Say(200, {"status": "FAILED", "message": word, "data": None})
        return Say(200, {"status": "FAILED", "message": "the end", "jobId": seen.query.partition("=")[2], "data": None})

    return answer


async def test_a_failure_that_names_no_job_is_a_symptom(wire: Wire) -> None:
    wire.answer = vague(3)
    error = await refusal(imagine(), ttapi_at(wire.url), attempts=2)
    assert isinstance(error, JobFailedError) and "the end" in str(error)
    assert len(wire.posts()) == 2  # for the failure that was the job's own


async def test_a_failure_that_is_said_again_and_again_is_the_jobs(wire: Wire) -> None:
    wire.answer = vague(1000)
    error = await refusal(imagine(), ttapi_at(wire.url))
    assert isinstance(error, JobFailedError) and "a hiccup" in str(error) and error.refunded is None
    assert len(wire.seen) == 6


async def test_too_many_questions_are_no_failure_of_the_job(wire: Wire) -> None:
    def answer(seen: Seen) -> Say:
        if seen.method == "POST":
            return Say(200, {"status": "SUCCESS", "message": "success", "data": {"jobId": "job-1"}})
        return Say(200, {"status": "FAILED", "message": "Too many requests", "data": None})

    wire.answer = answer
    assert isinstance(await refusal(imagine(), ttapi_at(wire.url), deadline_seconds=2), JobTimeoutError)
    assert the_row().state == "SUBMITTED"


async def test_an_answer_of_novita_about_no_task_is_told(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENMEDIA_POLL_FAILURES", "2")
    wire.answer = lambda seen: Say(200, {"task_id": "job-1"} if seen.method == "POST" else {"code": 0, "data": {}})
    error = await refusal(img2img(), novita_at(wire.url))
    assert isinstance(error, ResponseFormatError) and "nothing of a task" in str(error)
    assert the_row().state == "SUBMITTED"


async def test_an_answer_of_novita_within_an_envelope_is_read(emulator: Emulator, wire: Wire) -> None:
    """As the vendor's older examples have it."""

    def answer(seen: Seen) -> Say:
        said = passed_on(seen, emulator.url)
        asked = seen.path.endswith("/task-result")
        return Say(200, {"code": 0, "msg": "success", "data": json.loads(said.body)}) if asked else said

    wire.answer = answer
    assert len((await buy(img2img(image_num=2), novita_at(wire.url))).media) == 2
    assert emulator.billed() == 1


# -- pace -------------------------------------------------------------------------------------------


async def test_a_busy_provider_is_not_fetched_before_it_says(wire: Wire) -> None:
    answers = iter([Say(429, {"message": "slow down"}, {"retry-after": "0.6"})] * 2)

    def answer(seen: Seen) -> Say:
        if seen.method == "POST":
            return Say(200, {"task_id": "job-1"})
        return next(answers, Say(200, {"task": {"status": "TASK_STATUS_FAILED", "reason": "enough"}}))

    wire.answer = answer
    await refusal(img2img(), novita_at(wire.url))
    at = [seen.at for seen in wire.seen if seen.method == "GET"]
    assert len(at) == 3
    assert all(0.6 <= later - earlier < 60 for earlier, later in itertools.pairwise(at))


@pytest.mark.parametrize("retry_after", ["0", "0.0", "-0"])
async def test_a_busy_provider_that_names_no_time_is_not_hammered(
    emulator: Emulator, novita: Account, monkeypatch: pytest.MonkeyPatch, retry_after: str
) -> None:
    """Retry-After: 0 does not undo our own shortest pause."""
    monkeypatch.setenv("GENMEDIA_POLL_SECONDS", "0.2")
    emulator.add_faults({"kind": "fetch_429", "retry_after": retry_after})
    assert isinstance(await refusal(img2img(), novita, deadline_seconds=1), JobTimeoutError)
    # None at all where a busy machine took the second for itself; hundreds without a pause of our own.
    assert emulator.requests()["requests"].get("GET /v3/async/task-result", 0) <= 11


async def test_a_job_is_polled_no_faster_than_set(
    emulator: Emulator, novita: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENMEDIA_POLL_SECONDS", "0.2")
    emulator.configure(hold=True)
    await refusal(img2img(), novita, deadline_seconds=1)
    assert emulator.requests()["requests"].get("GET /v3/async/task-result", 0) <= 6


async def test_a_rate_limit_that_lasts_as_long_as_the_job_is_no_failure(emulator: Emulator, ttapi: Account) -> None:
    """More 429s than fetches may fail: it is the provider's own pace."""
    emulator.add_faults({"kind": "fetch_429", "retry_after": "0.02", "times": 20})
    await buy(imagine(), ttapi)
    assert emulator.requests()["statuses"]["429"] == 20
    assert emulator.requests()["requests"][SUBMIT_IMAGINE] == 1


async def test_a_rate_limit_at_the_end_carries_the_job(emulator: Emulator, ttapi: Account) -> None:
    emulator.add_faults({"kind": "fetch_429", "retry_after": "600"})
    started = time.monotonic()
    error = await refusal(imagine(), ttapi, deadline_seconds=PATIENCE)
    assert time.monotonic() - started < PATIENCE  # it would be too late anyway
    assert isinstance(error, JobTimeoutError)
    assert error.job is not None


# -- odd answers that are answers -------------------------------------------------------------------


def finished(**task: Any) -> dict[str, Any]:
    return {"task": {"task_id": "job-1", "status": "TASK_STATUS_FAILED", "reason": "the end", **task}}


@pytest.mark.parametrize(
    "odd",
    [
        {"progress_percent": "many", "eta": "soon"},
        {"progress_percent": "nan", "eta": "nan"},
        {"progress_percent": None, "eta": None},
        {"progress_percent": 1e308, "eta": -1e308},
        {"progress_percent": [], "eta": {}},
        {"eta": "inf"},
    ],
    ids=str,
)
async def test_odd_figures_do_not_end_the_wait(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, odd: dict[str, Any]
) -> None:
    monkeypatch.setenv("GENMEDIA_POLL_MAX_SECONDS", "0.1")
    running = {"task": {"task_id": "job-1", "status": "TASK_STATUS_PROCESSING", **odd}}
    answers = iter([Say(200, running)] * 2)
    wire.answer = lambda seen: (
        Say(200, {"task_id": "job-1"}) if seen.method == "POST" else next(answers, Say(200, finished()))
    )
    error = await refusal(img2img(), novita_at(wire.url))
    assert isinstance(error, JobFailedError)
    assert "the end" in str(error)


@pytest.mark.parametrize("task", [None, [], "gone", {}, {"status": None}, {"status": 7}], ids=str)
async def test_an_answer_without_a_status_does_not_end_the_wait(wire: Wire, task: Any) -> None:
    answers = iter([Say(200, {"task": task})] * 2)
    wire.answer = lambda seen: (
        Say(200, {"task_id": "job-1"}) if seen.method == "POST" else next(answers, Say(200, finished()))
    )
    assert isinstance(await refusal(img2img(), novita_at(wire.url)), JobFailedError)


async def test_a_number_for_a_job_id_is_taken(wire: Wire) -> None:
    wire.answer = lambda seen: (
        Say(200, {"status": "SUCCESS", "data": {"jobId": 4711}})
        if seen.method == "POST"
        else Say(200, {"status": "FAILED", "message": "the end", "data": None})
    )
    error = await refusal(imagine(), ttapi_at(wire.url))
    assert error.job is not None
    assert error.job.job_id == "4711"
    assert wire.seen[-1].query == "jobId=4711"


BODIES = {
    "empty": b"",
    "null": b"null",
    "a number": b"7",
    "a text": b'"fine"',
    "a list": b"[{}]",
    "cut short": b'{"task": {"status": "TASK_',
    "not UTF-8": b"\xff\xfe\x00",
    "nested without end": b"[" * 200_000,
    "a number of 5000 digits": b'{"task": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("body", BODIES)
async def test_a_body_that_cannot_be_read_does_not_end_the_wait(wire: Wire, body: str) -> None:
    answers = iter([Say(200, BODIES[body])] * 2)
    wire.answer = lambda seen: (
        Say(200, {"task_id": "job-1"}) if seen.method == "POST" else next(answers, Say(200, finished()))
    )
    assert isinstance(await refusal(img2img(), novita_at(wire.url)), JobFailedError)


@pytest.mark.parametrize("body", BODIES)
async def test_a_body_that_cannot_be_read_leaves_a_submit_unknown(wire: Wire, body: str) -> None:
    wire.answer = lambda seen: Say(200, BODIES[body])
    assert isinstance(await refusal(img2img(), novita_at(wire.url)), SubmitOutcomeUnknown)
    assert the_row().state == "UNKNOWN"
    assert len(wire.seen) == 1


async def test_half_a_sign_in_a_reason_does_no_harm(wire: Wire) -> None:
    """Servers that cut texts by UTF-16 units send half an emoji."""
    wire.answer = lambda seen: (
        Say(200, {"task_id": "job-1"})
        if seen.method == "POST"
        else Say(200, b'{"task": {"status": "TASK_STATUS_FAILED", "reason": "no cats \\ud83d"}}')
    )
    error = await refusal(img2img(), novita_at(wire.url))
    assert isinstance(error, JobFailedError)
    assert "no cats" in str(error)
    assert the_row().state == "FAILED"


async def test_a_deadline_of_zero_is_one(emulator: Emulator, novita: Account) -> None:
    """Buy, and do not wait: not the operation's own patience of half an hour."""
    emulator.configure(hold=True)
    error = await asyncio.wait_for(refusal(img2img(), novita, deadline_seconds=0), PATIENCE)
    assert isinstance(error, JobTimeoutError)


@pytest.mark.parametrize("provider", ["ttapi", "novita"])
@pytest.mark.parametrize("attempts", [1, 2])
async def test_a_job_that_was_called_failed_is_asked_for_once_more_before_another_is_bought(
    emulator: Emulator, wire: Wire, provider: str, attempts: int
) -> None:
    """The provider may say better of it later, and to ask costs nothing."""
    first = iter([True])

    def gateway(seen: Seen) -> Say:
        said = passed_on(seen, emulator.url)
        if seen.path.endswith(("/fetch", "/task-result")) and next(first, False):
            answer = json.loads(said.body)
            answer.get("task", answer)["status"] = "FAILED" if provider == "ttapi" else "TASK_STATUS_FAILED"
            return Say(200, answer)
        return said

    wire.answer = gateway
    request, account = {
        "ttapi": (imagine(), ttapi_at(wire.url)),
        "novita": (img2img(), novita_at(wire.url)),
    }[provider]
    assert isinstance(await refusal(request, account), JobFailedError)
    assert (await buy(request, account, attempts=attempts)).media
    assert emulator.billed() == 1


async def test_a_job_that_failed_is_asked_for_once_and_told_again(emulator: Emulator, ttapi: Account) -> None:
    assert isinstance(await refusal(imagine(DOOMED), ttapi), JobFailedError)
    asked = emulator.requests()["requests"]["GET /midjourney/v1/fetch"]
    assert isinstance(await refusal(imagine(DOOMED), ttapi), JobFailedError)
    assert emulator.requests()["requests"]["GET /midjourney/v1/fetch"] == asked + 1
    assert emulator.billed() == 1


async def test_a_progress_that_says_the_same_is_written_once_and_what_was_missing_again(wire: Wire) -> None:
    """Each look of each job would else be a write of the one database that all of them share.

    What the ledger could not take is written at the next look: the time in which a job is missing would else go on.
    """
    words = iter(["ON_QUEUE"] * 20 + ["PENDING"] * 10 + [None, "LOCKED", "PENDING", "PENDING"])

    def answer(seen: Seen) -> Say:
        if seen.method == "POST":
            with sqlite3.connect(make_url(Settings().ledger_url).database or "") as ledger:
                ledger.execute("CREATE TABLE written (state TEXT)")
                ledger.execute(
                    "CREATE TRIGGER each_write AFTER UPDATE OF percent ON genmedia_job "
                    "BEGIN INSERT INTO written VALUES (new.provider_state); END"
                )
            return Say(200, {"status": "SUCCESS", "data": {"jobId": "job-1"}})
        if seen.path.endswith("/fetch"):
            if (word := next(words, "SUCCESS")) is None:
                return Say(404, {"status": "FAILED", "message": "no such job"})
            with sqlite3.connect(make_url(Settings().ledger_url).database or "") as ledger:
                ledger.execute("DROP TRIGGER IF EXISTS no_write")
                if word == "LOCKED":
                    ledger.execute(
                        "CREATE TRIGGER no_write BEFORE UPDATE OF percent ON genmedia_job "
                        "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
                    )
                    word = "PENDING"
            data = {"jobId": "job-1", "progress": "99", "cdnImage": f"{wire.url}/files/grid.png", "images": []}
            return Say(200, {"status": word, "data": data})
        return Say(200, (PHOTOS / "coffee.png").read_bytes(), {"content-type": "image/png"})

    wire.answer = answer
    await buy(imagine(), ttapi_at(wire.url))
    with sqlite3.connect(make_url(Settings().ledger_url).database or "") as ledger:
        written = [state for (state,) in ledger.execute("SELECT state FROM written")]
    # Now and then it is written all the same, which a slow machine sees more often.
    assert [word for word, _ in itertools.groupby(written)] == ["ON_QUEUE", "PENDING", "SUCCESS"]
    assert written.count("PENDING") >= 2 and len(written) < 16
    assert the_row().missing_since is None

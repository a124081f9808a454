"""A submit without a usable answer: it may be billed, so it is looked up, and never sent again by itself."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import JobFailedError, JobTimeoutError, SubmitOutcomeUnknown
from prefect_genmedia.operation import Account
from prefect_genmedia.providers.facts import Price
from prefect_genmedia.providers.ttapi.job import JobRequest
from tests.patience import PATIENCE, a_until
from tests.shop import (
    DOOMED,
    SUBMIT_IMAGINE,
    SUBMIT_IMG2IMG,
    buy,
    history,
    imagine,
    img2img,
    refusal,
    the_ledger,
    the_row,
)
from tests.shop import novita as novita_at
from tests.shop import ttapi as ttapi_at
from tests.stand_in import Gate, Say, Seen, Wire, passed_on

# Accepted and billed, and the answer does not say so.
LOST: list[dict[str, Any]] = [
    {"kind": "submit_lose_reply"},
    {"kind": "submit_lose_reply", "how": "reset"},
    *({"kind": "submit_5xx_after", "status": status} for status in (500, 502, 503, 504)),
    {"kind": "submit_5xx_after", "body": "html"},
    {"kind": "submit_5xx_after", "body": "empty"},
    {"kind": "submit_garbage"},
    {"kind": "submit_missing_id"},
    {"kind": "submit_data_null"},
]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator's list has no delay: what is not in it after a moment never will be."""
    monkeypatch.setenv("GENMEDIA_RECONCILE_SECONDS", "0.1")


def name(fault: dict[str, Any]) -> str:
    return "-".join(str(value) for value in fault.values()).removeprefix("submit_")


def posts(emulator: Emulator, what: str) -> int:
    return int(emulator.requests()["requests"].get(what, 0))


# -- Midjourney: the list of recent jobs, and the token in each job's callback address --------------


@pytest.mark.parametrize("fault", LOST, ids=name)
@pytest.mark.sampled(4)
async def test_midjourneys_lost_job_is_found_and_not_bought_again(
    emulator: Emulator, ttapi: Account, fault: dict[str, Any]
) -> None:
    emulator.add_faults({**fault, "times": 1})
    error = await refusal(imagine(DOOMED), ttapi)
    assert isinstance(error, JobFailedError)
    assert error.job is not None
    assert error.job.job_id == emulator.jobs()["jobs"][0]["id"]
    assert history(error.job.id) == ["INTENT", "UNKNOWN", "SUBMITTED", "FAILED"]
    assert posts(emulator, SUBMIT_IMAGINE) == 1
    assert emulator.billed() == 1


async def test_a_lost_job_that_is_found_gives_its_files(emulator: Emulator, ttapi: Account) -> None:
    emulator.add_faults({"kind": "submit_lose_reply", "times": 1})
    result = await buy(imagine(), ttapi)
    assert len(result.media) == 5
    assert all(file.path.exists() for file in result.media)
    assert history(result.job.id) == ["INTENT", "UNKNOWN", "SUBMITTED", "SUCCEEDED", "STORED"]
    assert emulator.billed() == 1


async def test_a_lost_job_is_found_while_it_still_runs(emulator: Emulator, ttapi: Account) -> None:
    """The list hides running jobs unless they are asked for."""
    emulator.configure(hold=True)
    emulator.add_faults({"kind": "submit_lose_reply", "times": 1})
    buying = asyncio.create_task(buy(imagine(), ttapi))
    await a_until(lambda: the_ledger().rows(states=["SUBMITTED"]), "the lost job found")
    emulator.release()
    await buying
    assert emulator.billed() == 1


async def test_an_answer_that_comes_too_late_is_a_lost_one(
    emulator: Emulator, ttapi: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENMEDIA_SUBMIT_TIMEOUT_SECONDS", "2")
    monkeypatch.setenv("GENMEDIA_RECONCILE_SECONDS", str(PATIENCE))  # a busy machine may accept it later still
    emulator.add_faults({"kind": "submit_slow_reply", "seconds": 2 * PATIENCE, "times": 1})
    result = await buy(imagine(), ttapi)
    assert history(result.job.id)[1:3] == ["UNKNOWN", "SUBMITTED"]
    assert emulator.billed() == 1


async def test_a_call_that_is_cancelled_while_its_submit_is_out_loses_nothing(
    emulator: Emulator, ttapi: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENMEDIA_CANCEL_GRACE_SECONDS", "0.1")
    emulator.add_faults({"kind": "submit_slow_reply", "seconds": 2 * PATIENCE, "times": 1})
    buying = asyncio.create_task(buy(imagine(), ttapi))
    await a_until(emulator.billed, "the job accepted")
    buying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await buying
    assert the_row().state == "UNKNOWN"
    await buy(imagine(), ttapi)
    assert posts(emulator, SUBMIT_IMAGINE) == 1
    assert emulator.billed() == 1


async def test_absence_alone_is_no_proof(emulator: Emulator, ttapi: Account) -> None:
    """A gateway's error page. It is in no list and no quota is frozen for it; but a list that lags looks the same."""
    emulator.add_faults({"kind": "submit_html", "status": 502, "times": 1})
    for _ in range(2):
        error = await refusal(imagine(), ttapi)
        assert isinstance(error, SubmitOutcomeUnknown)
        assert "it may lag" in str(error)
    assert posts(emulator, SUBMIT_IMAGINE) == 1
    assert emulator.billed() == 0


async def test_a_list_that_shows_a_later_job_proves_that_it_was_not_accepted(
    emulator: Emulator, ttapi: Account
) -> None:
    emulator.add_faults({"kind": "submit_html", "status": 502, "times": 1})
    assert isinstance(await refusal(imagine(), ttapi), SubmitOutcomeUnknown)
    await buy(imagine("bought later"), ttapi)
    result = await buy(imagine(), ttapi)
    assert history(result.job.id)[:4] == ["INTENT", "UNKNOWN", "UNKNOWN", "NOT_ACCEPTED"]
    assert posts(emulator, SUBMIT_IMAGINE) == 3
    assert emulator.billed() == 2


async def test_a_slow_list_is_asked_once_more_after_its_time(emulator: Emulator, wire: Wire) -> None:
    """What it says before it has had its time proves nothing, and that look took longer than there is patience."""
    slow = iter([1.0])

    def forwarded(seen: Seen) -> Say:
        if seen.method == "GET" and not seen.path.endswith("/fetch"):
            time.sleep(next(slow, 0.0))
        return passed_on(seen, emulator.url)

    wire.answer = forwarded
    emulator.add_faults({"kind": "submit_html", "status": 502, "times": 1})
    assert isinstance(await refusal(imagine(), ttapi_at(wire.url)), SubmitOutcomeUnknown)
    await buy(imagine("bought later"), ttapi_at(wire.url))
    slow = iter([1.0])
    result = await buy(imagine(), ttapi_at(wire.url))
    assert "NOT_ACCEPTED" in history(result.job.id) and emulator.billed() == 2


@pytest.mark.parametrize("provider", ["ttapi", "novita"])
async def test_an_answer_that_names_another_job_of_ours_is_no_acceptance(
    emulator: Emulator, wire: Wire, provider: str
) -> None:
    """As of a gateway that gives what it had kept. The job that was bought is found, or nobody knows of it."""
    kept: list[Say] = []

    def gateway(seen: Seen) -> Say:
        said = passed_on(seen, emulator.url)
        if seen.method == "GET":
            return said
        kept.append(said)
        return kept[0]

    wire.answer = gateway
    if provider == "novita":
        await buy(img2img(prompt="one"), novita_at(wire.url))
        error = await refusal(img2img(prompt="two"), novita_at(wire.url))
        assert isinstance(error, SubmitOutcomeUnknown) and "already" in str(error)
    else:
        one, two = [await buy(imagine(prompt), ttapi_at(wire.url)) for prompt in ("one", "two")]
        assert {file.sha256 for file in one.media}.isdisjoint(file.sha256 for file in two.media)
    assert emulator.billed() == 2


async def test_a_list_that_lags_hides_a_paid_job_and_it_is_not_bought_again(emulator: Emulator, ttapi: Account) -> None:
    """Nothing is listed yet, nothing is frozen yet: a job of ours that was bought later is not listed either."""
    emulator.add_faults({"kind": "submit_lose_reply", "times": 1}, {"kind": "list_lags", "seconds": 3600})
    emulator.add_faults({"kind": "frozen_lags", "seconds": 3600})
    assert isinstance(await refusal(imagine(), ttapi), SubmitOutcomeUnknown)
    await buy(imagine("bought later"), ttapi)
    assert isinstance(await refusal(imagine(), ttapi), SubmitOutcomeUnknown)
    emulator.add_faults({"kind": "clock_skew", "seconds": 4000})  # the list has caught up
    result = await buy(imagine(), ttapi)
    assert len(result.media) == 5
    assert posts(emulator, SUBMIT_IMAGINE) == 2
    assert emulator.billed() == 2


async def test_a_later_job_in_a_list_that_hides_a_running_one_proves_nothing(
    emulator: Emulator, ttapi: Account
) -> None:
    """One of ours is with the provider and the list does not show it: then it may hide the lost one as well."""
    emulator.configure(hold=True)
    emulator.add_faults({"kind": "list_lags", "seconds": 3600, "times": 1})
    running = await refusal(imagine("hidden"), ttapi, deadline_seconds=0.5)
    assert isinstance(running, JobTimeoutError)
    emulator.add_faults({"kind": "submit_html", "status": 502, "times": 1})
    assert isinstance(await refusal(imagine(), ttapi), SubmitOutcomeUnknown)
    emulator.configure(hold=False)
    await buy(imagine("bought later"), ttapi)
    error = await refusal(imagine(), ttapi)
    assert isinstance(error, SubmitOutcomeUnknown)
    assert "does not show our running job" in str(error)
    assert posts(emulator, SUBMIT_IMAGINE) == 3


async def test_ten_lost_at_once_are_each_found(emulator: Emulator, ttapi: Account) -> None:
    """Equal prompts too: every copy finds its own job."""
    emulator.add_faults({"kind": "submit_lose_reply"})
    results = await asyncio.gather(*(buy(imagine(), ttapi, copy=copy) for copy in range(4)))
    assert len({result.job.job_id for result in results}) == 4
    assert emulator.billed() == 4


# -- what must never be taken for proof ------------------------------------------------------------


async def imagine_as_somebody_else(account: Account, prompt: str, **body: Any) -> str:
    """Another client of the same account, which is no user of this pack."""
    async with httpx.AsyncClient(verify=False, timeout=PATIENCE) as client:  # plain HTTP: no certificates to load
        answer = await client.post(
            f"{account.base_url}/midjourney/v1/imagine",
            headers=account.provider.auth(account.api_key),
            json={"prompt": prompt, "mode": "fast", **body},
        )
    return str(answer.json()["data"]["jobId"])


async def test_a_lost_job_is_found_behind_many_newer_ones(
    emulator: Emulator, ttapi: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account is busy: the list has more pages than one."""
    monkeypatch.setenv("GENMEDIA_CANCEL_GRACE_SECONDS", "0.1")
    emulator.configure(max_jobs=1000)
    emulator.add_faults({"kind": "submit_slow_reply", "seconds": 2 * PATIENCE, "times": 1})
    buying = asyncio.create_task(buy(imagine(), ttapi))
    await a_until(emulator.billed, "the job accepted")
    buying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await buying
    ours = emulator.jobs()["jobs"][0]["id"]
    await asyncio.gather(*(imagine_as_somebody_else(ttapi, f"another {n}") for n in range(110)))
    result = await buy(imagine(), ttapi)
    assert result.job.job_id == ours
    assert emulator.billed() == 111


@pytest.mark.parametrize("hook", [{}, {"hookUrl": "https://example.com/hook"}], ids=["no hook", "a hook"])
async def test_anothers_job_with_the_same_prompt_is_never_taken_for_ours(
    emulator: Emulator, ttapi: Account, hook: dict[str, str]
) -> None:
    theirs = {await imagine_as_somebody_else(ttapi, imagine().prompt, **hook)}
    emulator.add_faults({"kind": "submit_lose_reply", "times": 1})
    buying = asyncio.create_task(buy(imagine(), ttapi))
    await a_until(lambda: posts(emulator, SUBMIT_IMAGINE) == 2, "our submit")
    theirs.add(await imagine_as_somebody_else(ttapi, imagine().prompt, **hook))
    result = await buying
    assert result.job.job_id not in theirs
    assert emulator.billed() == 3


async def test_anothers_running_job_keeps_a_refused_submit_unknown(emulator: Emulator, ttapi: Account) -> None:
    """Quota is frozen that our own jobs do not explain: nobody can tell, so nothing is sent again."""
    emulator.configure(hold=True)
    await imagine_as_somebody_else(ttapi, imagine().prompt)
    emulator.add_faults({"kind": "submit_html", "status": 502, "times": 1})
    error = await refusal(imagine(), ttapi)
    assert isinstance(error, SubmitOutcomeUnknown)
    assert posts(emulator, SUBMIT_IMAGINE) == 2  # theirs and ours


async def test_a_price_of_your_own_that_is_too_high_hides_no_other_job(emulator: Emulator, ttapi: Account) -> None:
    """What is frozen is held against the vendor's figures: a price is for budgets, and may be a careful guess."""
    emulator.configure(hold=True)
    careful = Price(operation="midjourney.imagine", price=100)
    assert isinstance(await refusal(imagine("ours"), ttapi, deadline_seconds=0.5, prices=(careful,)), JobTimeoutError)
    await imagine_as_somebody_else(ttapi, "theirs")
    emulator.add_faults({"kind": "submit_html", "status": 502, "times": 1})
    assert isinstance(await refusal(imagine(), ttapi), SubmitOutcomeUnknown)
    later = await refusal(imagine("bought later"), ttapi, deadline_seconds=0.5, prices=(careful,))
    assert isinstance(later, JobTimeoutError)
    error = await refusal(imagine(), ttapi, deadline_seconds=2)
    assert isinstance(error, SubmitOutcomeUnknown) and "more quota is frozen" in str(error)
    assert posts(emulator, SUBMIT_IMAGINE) == 4


async def test_two_matches_stay_unknown(emulator: Emulator, ttapi: Account) -> None:
    """The provider made two jobs of one POST: which of them is ours is for a person to say."""
    emulator.add_faults({"kind": "submit_accept_twice", "times": 1}, {"kind": "submit_lose_reply", "times": 1})
    for _ in range(2):
        error = await refusal(imagine(), ttapi)
        assert isinstance(error, SubmitOutcomeUnknown)
        assert "2 jobs" in str(error)
    assert the_row().state == "UNKNOWN"
    assert posts(emulator, SUBMIT_IMAGINE) == 1


async def test_with_a_callback_address_of_your_own_a_lost_submit_stays_unknown(
    emulator: Emulator, ttapi: Account
) -> None:
    """Nothing marks the job as ours, so its absence from the list proves nothing, whether it runs or is done."""
    emulator.add_faults({"kind": "submit_lose_reply", "times": 1})
    request = imagine(hook_url="https://example.com/mine")
    error = await refusal(request, ttapi)
    assert isinstance(error, SubmitOutcomeUnknown)
    assert isinstance(await refusal(request, ttapi), SubmitOutcomeUnknown)
    assert posts(emulator, SUBMIT_IMAGINE) == 1
    assert emulator.billed() == 1


async def test_without_a_label_a_lost_submit_stays_unknown(
    emulator: Emulator, ttapi: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GENMEDIA_SUBMIT_LABEL=false sends no callback address: then, too, the list proves nothing."""
    monkeypatch.setenv("GENMEDIA_SUBMIT_LABEL", "false")
    emulator.add_faults({"kind": "submit_lose_reply", "times": 1})
    error = await refusal(imagine(), ttapi)
    assert isinstance(error, SubmitOutcomeUnknown)
    assert posts(emulator, SUBMIT_IMAGINE) == 1
    assert emulator.billed() == 1


UNREADABLE: list[dict[str, Any]] = [
    {"kind": "fetch_429"},
    {"kind": "fetch_429", "retry_after": "0"},
    {"kind": "fetch_data_null"},
    {"kind": "fetch_missing_fields", "fields": ["data.hookUrl"]},
    {"kind": "fetch_5xx"},
    {"kind": "fetch_5xx", "status": 500, "body": "html"},
    {"kind": "fetch_drop"},
    {"kind": "fetch_garbage"},
    {"kind": "fetch_html"},
]


@pytest.mark.parametrize("fault", UNREADABLE, ids=lambda fault: "-".join(str(v) for v in fault.values()))
@pytest.mark.sampled(4)
async def test_a_listed_job_that_cannot_be_read_is_no_proof_of_absence(
    emulator: Emulator, ttapi: Account, fault: dict[str, Any]
) -> None:
    """The lost job is in the list, but asking whose it is fails: it is not bought again."""
    emulator.add_faults({"kind": "submit_lose_reply", "times": 1}, fault)
    error = await refusal(imagine(DOOMED), ttapi)
    assert isinstance(error, SubmitOutcomeUnknown)
    assert posts(emulator, SUBMIT_IMAGINE) == 1
    assert emulator.billed() == 1
    emulator.clear_faults()
    assert isinstance(await refusal(imagine(DOOMED), ttapi), JobFailedError)
    assert emulator.billed() == 1


class Scripted:
    """TTAPI with one lost submit, and a list and an account page that say what the test wants."""

    def __init__(self, wire: Wire, listed: Say, account: Say) -> None:
        self.wire, self.listed, self.account = wire, listed, account
        wire.answer = self.answer

    def answer(self, seen: Seen) -> Say:
        if seen.method == "POST":
            return Say(cut=True)
        if seen.path.endswith("/fetch-list"):
            return self.listed
        if seen.path.endswith("/info"):
            return self.account
        return Say(404, {"status": "FAILED", "message": "Job not found", "data": None})


NOTHING_FROZEN = Say(200, {"status": "SUCCESS", "message": "success", "data": {"freeze_balance": 0}})
EMPTY = Say(200, {"status": "SUCCESS", "message": "success", "data": []})


@pytest.mark.parametrize(
    "listed",
    [
        Say(200, {"status": "FAILED", "message": "try again later", "data": None}),
        Say(200, {"status": "SUCCESS", "message": "success", "data": None}),
        Say(200, {"message": "success"}),
        Say(200, {"status": "SUCCESS", "data": {"rows": []}}),
        Say(500, {"message": "System error"}),
        Say(404, {"status": "FAILED", "message": "Not found", "data": None}),
        Say(429, {"message": "Too many requests"}),
        Say(200, b"<html>"),
    ],
    ids=["refused", "null", "no data", "other shape", "500", "404", "429", "html"],
)
async def test_a_list_that_does_not_answer_is_no_proof_of_absence(wire: Wire, listed: Say) -> None:
    Scripted(wire, listed, NOTHING_FROZEN)
    error = await refusal(imagine(), ttapi_at(wire.url))
    assert isinstance(error, SubmitOutcomeUnknown)
    assert len(wire.posts()) == 1


@pytest.mark.parametrize(
    "account",
    [
        Say(200, {"status": "SUCCESS", "message": "success", "data": None}),
        Say(200, {"status": "SUCCESS", "data": {"freeze_balance": None}}),
        Say(200, {"status": "SUCCESS", "data": {"freeze_balance": "2"}}),
        Say(200, {"status": "SUCCESS", "data": {"freeze_balance": "nan"}}),
        Say(503, {"message": "System error"}),
    ],
    ids=["null", "no figure", "2 frozen", "nan", "503"],
)
async def test_an_account_page_that_does_not_say_is_no_proof_of_absence(wire: Wire, account: Say) -> None:
    Scripted(wire, EMPTY, account)
    error = await refusal(imagine(), ttapi_at(wire.url))
    assert isinstance(error, SubmitOutcomeUnknown)
    assert len(wire.posts()) == 1


@pytest.mark.parametrize("witness", ["GENMEDIA_WITNESS_JOB_LIST", "GENMEDIA_WITNESS_FROZEN_QUOTA"])
async def test_a_witness_that_is_switched_off_settles_nothing(
    emulator: Emulator, ttapi: Account, monkeypatch: pytest.MonkeyPatch, witness: str
) -> None:
    monkeypatch.setenv(witness, "false")
    emulator.add_faults({"kind": "submit_html", "status": 502, "times": 1})
    assert isinstance(await refusal(imagine(), ttapi), SubmitOutcomeUnknown)
    assert posts(emulator, SUBMIT_IMAGINE) == 1


# -- Novita: no list; the callback, or a person ----------------------------------------------------


@pytest.mark.parametrize("fault", LOST, ids=name)
@pytest.mark.sampled(4)
async def test_novitas_lost_job_is_reported_and_not_bought_again(
    emulator: Emulator, novita: Account, fault: dict[str, Any]
) -> None:
    emulator.add_faults({**fault, "times": 1})
    for _ in range(2):
        error = await refusal(img2img(), novita)
        assert isinstance(error, SubmitOutcomeUnknown)
        assert error.job is not None
        assert error.job.id == the_row().id
        assert f"genmedia jobs adopt {error.job.id[:12]} --job-id" in str(error)
    assert the_row().state == "UNKNOWN"
    assert posts(emulator, SUBMIT_IMG2IMG) == 1
    assert emulator.billed() == 1


async def test_a_person_can_say_which_job_it_was(emulator: Emulator, novita: Account) -> None:
    """What `genmedia jobs adopt` writes: the next run brings the files in and pays nothing."""
    emulator.add_faults({"kind": "submit_lose_reply", "times": 1})
    await refusal(img2img(), novita)
    job_id = emulator.jobs()["jobs"][0]["id"]
    the_ledger().submitted(the_row().id, job_id, "found by a person")
    result = await buy(img2img(), novita)
    assert result.job.job_id == job_id
    assert emulator.billed() == 1


async def test_a_person_can_say_that_it_was_not_accepted(emulator: Emulator, novita: Account) -> None:
    emulator.add_faults({"kind": "submit_html", "status": 502, "times": 1})
    await refusal(img2img(), novita)
    the_ledger().not_accepted(the_row().id, "not in the provider's invoice")
    await buy(img2img(), novita)
    assert posts(emulator, SUBMIT_IMG2IMG) == 2
    assert emulator.billed() == 1


async def test_resubmit_buys_again_and_says_so(
    emulator: Emulator, novita: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """Only by this policy, and the first purchase stays in the ledger as unknown."""
    emulator.add_faults({"kind": "submit_lose_reply", "times": 1})
    result = await buy(img2img(), novita, on_unknown="resubmit")
    assert result.media[0].path.exists()
    assert emulator.billed() == 2
    assert "bought again" in caplog.text
    first, second = sorted(the_ledger().rows(), key=lambda row: row.attempt)
    assert (first.state, first.successor) == ("UNKNOWN", second.id)
    assert second.state == "STORED"
    assert "bought again" in the_ledger().history(first.id)[-1].note
    # From now on the key means the second purchase.
    assert await buy(img2img(), novita) == result
    assert emulator.billed() == 2


async def test_resubmit_buys_again_once_and_not_for_ever(emulator: Emulator, novita: Account) -> None:
    """When every reply is lost, one call pays for one more job, not for as many as fit into its deadline."""
    emulator.add_faults({"kind": "submit_lose_reply", "times": 30})
    error = await refusal(img2img(), novita, on_unknown="resubmit")
    assert isinstance(error, SubmitOutcomeUnknown)
    assert emulator.billed() == 2


async def test_a_resubmitted_job_is_left_to_the_next_call_when_its_deadline_passes(
    emulator: Emulator, novita: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with any other job: waiting for it again is possible at once."""
    monkeypatch.setenv("GENMEDIA_LEASE_SECONDS", str(2 * PATIENCE))
    emulator.configure(hold=True)
    emulator.add_faults({"kind": "submit_lose_reply", "times": 1})
    error = await refusal(img2img(), novita, on_unknown="resubmit", deadline_seconds=0.5)
    assert isinstance(error, JobTimeoutError)
    emulator.release()
    await buy(img2img(), novita)  # sooner than a lease runs out
    assert emulator.billed() == 2


async def test_wait_goes_on_until_someone_can_tell(
    emulator: Emulator, novita: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """on_unknown='wait': a person looks it up while the run waits."""
    monkeypatch.setenv("GENMEDIA_POLL_MAX_SECONDS", "0.05")
    emulator.add_faults({"kind": "submit_lose_reply", "times": 1})
    buying = asyncio.create_task(buy(img2img(), novita, on_unknown="wait"))
    await a_until(lambda: the_ledger().rows(states=["UNKNOWN"]), "the submit unknown")
    the_ledger().submitted(the_row().id, emulator.jobs()["jobs"][0]["id"], "found by a person")
    await buying
    assert emulator.billed() == 1


async def test_wait_ends_with_the_deadline(
    emulator: Emulator, novita: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENMEDIA_POLL_MAX_SECONDS", "0.05")
    emulator.add_faults({"kind": "submit_lose_reply", "times": 1})
    error = await refusal(img2img(), novita, on_unknown="wait", deadline_seconds=0.3)
    assert isinstance(error, SubmitOutcomeUnknown)
    assert emulator.billed() == 1


class Receiver:
    """Takes callbacks as the pack's receiver does: checks the token, then writes the hint."""

    def __init__(self) -> None:
        receiver = self
        self.tokens: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                token = self.path.rpartition("/")[2]
                receiver.tokens.append(token)
                ledger = the_ledger()
                row_id = ledger.row_of_token(token)
                if row_id is not None:
                    ledger.hint(row_id, body["payload"]["task"]["task_id"] if "payload" in body else body["jobId"])
                self.send_response(200 if row_id else 403)
                self.end_headers()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/callbacks"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    receiver = Receiver()
    monkeypatch.setenv("GENMEDIA_CALLBACK_URL", receiver.url)
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.mark.parametrize("fault", [{}, {"kind": "callback_forged"}, {"kind": "callback_duplicate"}], ids=str)
async def test_novitas_lost_job_is_named_by_its_callback(
    emulator: Emulator, novita: Account, receiver: Receiver, fault: dict[str, Any]
) -> None:
    emulator.add_faults({"kind": "submit_lose_reply", "times": 1}, *([fault] if fault else []))
    result = await buy(img2img(), novita)
    assert result.job.job_id == emulator.jobs()["jobs"][0]["id"]
    assert receiver.tokens
    assert emulator.billed() == 1


async def test_a_generic_job_that_names_its_callback_field_is_found_too(
    emulator: Emulator, ttapi: Account, receiver: Receiver
) -> None:
    emulator.add_faults({"kind": "submit_lose_reply", "times": 1})
    request = JobRequest(
        path="/flux/generate",
        body={"prompt": "a kite"},
        fetch_path="/flux/fetch",
        results=("data.imageUrl",),
        callback_field="hookUrl",
    )
    result = await buy(request, ttapi)
    assert len(result.media) == 1 and receiver.tokens
    assert emulator.billed() == 1


async def test_a_callback_that_never_comes_leaves_it_unknown(
    emulator: Emulator, novita: Account, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENMEDIA_CALLBACK_WAIT_SECONDS", "0.5")
    emulator.add_faults({"kind": "submit_lose_reply", "times": 1}, {"kind": "callback_lost"})
    error = await refusal(img2img(), novita)
    assert isinstance(error, SubmitOutcomeUnknown)
    assert "no callback came" in str(error)
    assert posts(emulator, SUBMIT_IMG2IMG) == 1


async def test_a_hint_that_names_anothers_job_is_not_believed(
    emulator: Emulator, ttapi: Account, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever knows a token could post any job id with it: the provider is asked, and repeats the address."""
    theirs = await imagine_as_somebody_else(ttapi, imagine().prompt, hookUrl="https://example.com/hook")
    monkeypatch.setenv("GENMEDIA_WITNESS_FROZEN_QUOTA", "false")
    emulator.add_faults({"kind": "submit_html", "status": 502, "times": 1})
    assert isinstance(await refusal(imagine(), ttapi), SubmitOutcomeUnknown)
    ledger.hint(the_row().id, theirs)
    assert isinstance(await refusal(imagine(), ttapi), SubmitOutcomeUnknown)
    assert the_row().job_id is None


def test_only_a_token_that_was_signed_here_names_a_row(ledger: Any) -> None:
    token = ledger.token("a" * 32)
    assert ledger.row_of_token(token) == "a" * 32
    for forged in (token[:-1], token[:-1] + "g", "b" + token[1:], "a" * 32, "a" * 32 + ".", "", ".", "ü.ü"):
        assert ledger.row_of_token(forged) is None


# -- surely not delivered --------------------------------------------------------------------------


async def test_a_server_that_cannot_be_reached_is_tried_again(emulator: Emulator, gate: Gate, ledger: Any) -> None:
    """Connection refused: nothing was sent, so the same job is submitted once the server is there."""
    account = ttapi_at(gate.url)
    buying = asyncio.create_task(buy(imagine(), account))
    await a_until(lambda: [row for row in ledger.rows(["NOT_ACCEPTED"]) if row.sends], "the first try refused")
    gate.listen(deaf=False)
    result = await buying
    assert set(history(result.job.id)[:3]) == {"INTENT", "NOT_ACCEPTED"}
    assert emulator.billed() == 1


async def test_a_deadline_ends_the_tries_to_reach_a_server(gate: Gate) -> None:
    error = await refusal(imagine(), ttapi_at(gate.url), deadline_seconds=0.3)
    assert type(error).__name__ == "NotDeliveredError"
    assert error.operation == "midjourney.imagine"
    assert the_row().state == "NOT_ACCEPTED"


def test_the_intent_is_on_disk_before_the_post_goes_out(wire: Wire, ledger: Any) -> None:
    """Seen by another connection at the moment the provider gets the request."""
    seen_then: list[Any] = []
    file = ledger.database.url.database

    def answer(seen: Seen) -> Say:
        with sqlite3.connect(file) as connection:
            seen_then.append(connection.execute("SELECT state FROM genmedia_job").fetchall())
        return Say(400, {"status": "FAILED", "message": "no", "data": None})

    wire.answer = answer
    asyncio.run(refusal(imagine(), ttapi_at(wire.url)))
    assert seen_then == [[("INTENT",)]]


def test_the_job_id_is_on_disk_before_the_first_fetch(wire: Wire, ledger: Any) -> None:
    seen_then: list[Any] = []
    file = ledger.database.url.database

    def answer(seen: Seen) -> Say:
        if seen.method == "POST":
            return Say(200, {"status": "SUCCESS", "message": "success", "data": {"jobId": "job-1"}})
        with sqlite3.connect(file) as connection:
            columns = "state, job_id, operation, base_url, account"
            seen_then.append(connection.execute(f"SELECT {columns} FROM genmedia_job").fetchone())
        return Say(200, {"status": "FAILED", "message": "enough", "jobId": "job-1"})

    wire.answer = answer
    account = ttapi_at(wire.url)
    asyncio.run(refusal(imagine(), account))
    assert seen_then == [("SUBMITTED", "job-1", "midjourney.imagine", wire.url, account.fingerprint)]

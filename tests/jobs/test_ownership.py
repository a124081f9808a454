"""Whose job is it? Processes that race, crash and start again pay for each job once."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import SubmitOutcomeUnknown
from prefect_genmedia.jobs import JobResult, Run
from prefect_genmedia.ledger import Ledger, uptime
from prefect_genmedia.operation import Account, Request
from tests.patience import PATIENCE, a_until
from tests.shop import (
    SUBMIT_IMAGINE,
    SUBMIT_IMG2IMG,
    Child,
    buy,
    child,
    history,
    imagine,
    img2img,
    refusal,
    the_ledger,
    the_row,
)
from tests.shop import ttapi as ttapi_at
from tests.stand_in import Gate


def whole(result: JobResult[Any]) -> None:
    assert result.media
    assert all(file.path.stat().st_size == file.bytes for file in result.media)
    row = the_ledger().get(result.job.id)
    assert row is not None
    assert row.state == "STORED"


# -- a crash ----------------------------------------------------------------------------------------
# Each crashed script has two jobs under way: one that the next run finds by its request_key, and one
# without a key, which it adopts because the run that bought it is dead.


def crashing(account: Account, first: Request, second: Request) -> Child:
    return child(account, first, second, request_keys=["sku-1", None])


async def rerun(account: Account, first: Request, second: Request) -> list[JobResult[Any]]:
    results = await asyncio.gather(buy(first, account, request_key="sku-1"), buy(second, account))
    for result in results:
        whole(result)
    assert len(the_ledger().rows()) == 2
    return list(results)


@pytest.mark.slow
async def test_killed_while_polling(emulator: Emulator, novita: Account, ledger: Ledger) -> None:
    pair = img2img(prompt="keyed"), img2img(prompt="adopted")
    emulator.configure(hold=True)
    crashed = crashing(novita, *pair)
    await a_until(lambda: sum(job["fetches"] > 1 for job in emulator.jobs()["jobs"]) == 2, "the second fetches")
    assert all(ledger.is_held(row, uptime()) for row in ledger.rows())
    crashed.kill()
    # Its leases run on, but a process of this machine can be asked.
    assert not any(ledger.is_held(row, uptime()) for row in ledger.rows())
    assert all(row.lease_until > uptime() for row in ledger.rows())
    emulator.release()
    await rerun(novita, *pair)
    assert emulator.requests()["requests"][SUBMIT_IMG2IMG] == 2
    assert emulator.billed() == 2


async def test_killed_while_the_submits_reply_is_on_its_way(emulator: Emulator, ttapi: Account) -> None:
    """Billed, and no job id here: Midjourney's are found through the provider's list, each its own."""
    pair = imagine("keyed"), imagine("adopted")
    emulator.add_faults({"kind": "submit_slow_reply", "seconds": 2 * PATIENCE, "times": 2})
    crashed = crashing(ttapi, *pair)
    await a_until(lambda: emulator.billed() == 2, "the jobs accepted")
    crashed.kill()
    assert {row.state for row in the_ledger().rows()} == {"INTENT"}
    for result in await rerun(ttapi, *pair):
        assert history(result.job.id)[-4:] == ["UNKNOWN", "SUBMITTED", "SUCCEEDED", "STORED"]
        prompts = {job["id"]: job["prompt"] for job in emulator.jobs()["jobs"]}
        assert prompts[result.job.job_id] == result.result.prompt
    assert emulator.requests()["requests"][SUBMIT_IMAGINE] == 2
    assert emulator.billed() == 2


@pytest.mark.slow
async def test_killed_while_novitas_reply_is_on_its_way(emulator: Emulator, novita: Account) -> None:
    """Nobody can look it up: every rerun says so, and none buys."""
    pair = img2img(prompt="keyed"), img2img(prompt="adopted")
    emulator.add_faults({"kind": "submit_slow_reply", "seconds": 2 * PATIENCE, "times": 2})
    crashed = crashing(novita, *pair)
    await a_until(lambda: emulator.billed() == 2, "the jobs accepted")
    crashed.kill()
    ids = {row.id for row in the_ledger().rows()}
    for _ in range(2):
        errors = [await refusal(pair[0], novita, request_key="sku-1"), await refusal(pair[1], novita)]
        assert [type(error) for error in errors] == [SubmitOutcomeUnknown] * 2
        assert {error.job.id for error in errors if error.job} == ids
    assert emulator.requests()["requests"][SUBMIT_IMG2IMG] == 2
    assert emulator.billed() == 2


@pytest.mark.slow
async def test_killed_while_downloading(emulator: Emulator, novita: Account) -> None:
    pair = img2img(prompt="keyed"), img2img(prompt="adopted")
    emulator.add_faults({"kind": "download_slow", "seconds": 2 * PATIENCE, "times": 2})
    crashed = crashing(novita, *pair)
    await a_until(lambda: sum(job["downloads"] for job in emulator.jobs()["jobs"]) == 2, "the downloads under way")
    crashed.kill()
    assert {row.state for row in the_ledger().rows()} == {"SUCCEEDED"}
    await rerun(novita, *pair)
    assert emulator.billed() == 2


@pytest.mark.slow
async def test_killed_before_the_submit_arrived(
    emulator: Emulator, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The intent is in the ledger, the bytes never got there. Absence proves nothing until a later job is listed."""
    monkeypatch.setenv("GENMEDIA_RECONCILE_SECONDS", "1")
    gate.listen(deaf=True)
    account = ttapi_at(gate.url)
    crashed = child(account, imagine())
    await a_until(lambda: b'"prompt"' in gate.swallowed, "the submit on its way")
    crashed.kill()
    assert the_row().state == "INTENT"
    gate.open()
    error = await refusal(imagine(), account)
    assert isinstance(error, SubmitOutcomeUnknown)
    assert emulator.billed() == 0
    whole(await buy(imagine("another"), account))
    whole(await buy(imagine(), account))
    assert len(the_ledger().rows()) == 2
    assert emulator.billed() == 2


@pytest.mark.slow
async def test_interrupted_from_the_keyboard(emulator: Emulator, ttapi: Account) -> None:
    """Ctrl-C ends the script, one job polled and one submit's reply on its way; nothing is lost."""
    pair = imagine("keyed"), imagine("adopted")
    emulator.configure(hold=True)
    emulator.add_faults({"kind": "submit_slow_reply", "seconds": 2 * PATIENCE, "times": 1})
    interrupted = crashing(ttapi, *pair)
    await a_until(lambda: emulator.billed() == 2 and the_ledger().rows(["SUBMITTED"]), "one polled, one on its way")
    interrupted.process.send_signal(signal.SIGINT)
    await asyncio.to_thread(interrupted.process.communicate, timeout=PATIENCE)
    assert interrupted.process.returncode == -signal.SIGINT
    # Python cancels a second time what is not done at once: then the row still says INTENT, which means the same.
    polled, on_its_way = sorted((row.state for row in the_ledger().rows()), key="SUBMITTED".__ne__)
    assert polled == "SUBMITTED" and on_its_way in ("UNKNOWN", "INTENT")
    emulator.release()
    await rerun(ttapi, *pair)
    assert emulator.billed() == 2


@pytest.mark.slow
async def test_one_who_waits_takes_over_when_the_buyer_is_killed(emulator: Emulator, novita: Account) -> None:
    """The same request_key in two processes: the dead one's lease does not hold the other up."""
    emulator.configure(hold=True)
    buyer = child(novita, img2img(), request_key="sku-1")
    await a_until(lambda: any(job["fetches"] for job in emulator.jobs()["jobs"]), "polled by the buyer")
    waiting = asyncio.create_task(buy(img2img(), novita, request_key="sku-1"))
    await asyncio.sleep(0)
    buyer.kill()
    emulator.release()
    whole(await waiting)
    assert emulator.billed() == 1


@pytest.mark.slow
async def test_killed_twice(emulator: Emulator, novita: Account) -> None:
    """The second run adopts the first one's job and crashes as well; the third gets the files."""
    emulator.configure(hold=True)
    for times in (1, 2):
        crashed = child(novita, img2img())
        submitted = f"polled by run {times}"
        before = sum(job["fetches"] for job in emulator.jobs()["jobs"])
        await a_until(lambda before=before: sum(j["fetches"] for j in emulator.jobs()["jobs"]) > before + 1, submitted)
        crashed.kill()
    emulator.release()
    whole(await buy(img2img(), novita))
    assert emulator.billed() == 1


@pytest.mark.slow
async def test_every_copy_of_a_crashed_run_is_taken_over(emulator: Emulator, novita: Account) -> None:
    emulator.configure(hold=True)
    crashed = child(novita, img2img(), img2img(), copies=[0, 1])
    await a_until(lambda: sum(job["fetches"] > 0 for job in emulator.jobs()["jobs"]) == 2, "both polled")
    crashed.kill()
    emulator.configure(hold=False)
    emulator.release()
    results = await asyncio.gather(buy(img2img(), novita), buy(img2img(), novita, copy=1))
    assert len({result.job.id for result in results}) == 2
    assert emulator.billed() == 2
    await buy(img2img(), novita, copy=2)
    assert emulator.billed() == 3


@pytest.mark.slow
async def test_files_that_only_a_failed_script_got_are_adopted(emulator: Emulator, novita: Account) -> None:
    """It bought, stored, and then ended with an error: nobody has the pictures yet."""
    (bought,) = child(novita, img2img(), end="raise").ended()
    result = await buy(img2img(), novita)
    assert result.job.id == bought["job"]["id"]
    whole(result)
    assert emulator.billed() == 1


# -- no crash ---------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_outside_of_a_flow_run_an_equal_request_is_the_same_job(
    emulator: Emulator, novita: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """Today and tomorrow, however the script before ended; the log says so, and `copy` makes another."""
    for end in ("in order", "raise", "exit 1"):
        (bought,) = child(novita, img2img(), end=end).ended()
        assert bought["error"] is None
        assert the_row().delivered_at is not None
    result = await buy(img2img(), novita)
    assert result.job.id == bought["job"]["id"]
    assert "nothing was bought" in caplog.text and "copy or request_key makes another" in caplog.text
    assert emulator.billed() == 1
    await buy(img2img(), novita, copy=1)
    await buy(img2img(), novita, request_key="tomorrow")
    assert emulator.billed() == 3


async def test_who_gives_a_key_is_not_told_that_equal_requests_are_one_job(
    emulator: Emulator, novita: Account, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        await buy(img2img(), novita, request_key="a card")
    assert emulator.billed() == 1 and not caplog.text
    for _ in range(2):
        await buy(img2img(), novita)
    assert emulator.billed() == 2 and "nothing was bought" in caplog.text


async def test_a_flow_leaves_a_delivered_job_of_a_script_alone(emulator: Emulator, novita: Account) -> None:
    await buy(img2img(), novita)
    await buy(img2img(), novita, run_as=Run("flow:another"))
    assert emulator.billed() == 2


@pytest.mark.slow
async def test_a_script_waits_for_the_equal_job_of_another(emulator: Emulator, novita: Account) -> None:
    emulator.configure(hold=True)
    living = child(novita, img2img())
    await a_until(lambda: any(job["fetches"] for job in emulator.jobs()["jobs"]), "polled by the living")
    ours = asyncio.create_task(buy(img2img(), novita))
    emulator.release()
    (theirs,) = await asyncio.to_thread(living.ended)
    assert theirs["job"]["id"] == (await ours).job.id
    assert emulator.billed() == 1


@pytest.mark.slow
async def test_a_live_runs_job_is_left_alone(emulator: Emulator, novita: Account) -> None:
    """Its deadline passed, its process lives on: it may wait again, so no flow takes the job."""
    emulator.configure(hold=True)
    living = child(novita, img2img(), deadline_seconds=1.0, end="sleep")
    await a_until(lambda: [row for row in the_ledger().rows(["SUBMITTED"]) if row.owner is None], "the deadline")
    ours = asyncio.create_task(buy(img2img(), novita, run_as=Run("flow:ours")))
    await a_until(lambda: emulator.billed() == 2, "a purchase of our own")
    assert living.process.poll() is None
    living.kill()
    emulator.release()
    await ours


@pytest.mark.slow
async def test_a_request_key_shares_a_job_with_a_process_that_ended_well(emulator: Emulator, novita: Account) -> None:
    """Delivered or not: the key names one job for all who give it."""
    (first,) = child(novita, img2img(), request_key="sku-1").ended()
    assert the_row().delivered_at is not None
    result = await buy(img2img(), novita, request_key="sku-1")
    assert result.job.model_dump() == first["job"]
    assert [file.model_dump(mode="json") for file in result.media] == first["media"]
    assert emulator.billed() == 1


@pytest.mark.slow
def test_two_processes_that_ask_for_the_same_ten_pay_for_ten(emulator: Emulator, novita: Account) -> None:
    """One ledger, one account, started together."""
    keys = [f"sku-{n}" for n in range(10)]
    orders = [img2img(prompt=f"picture {n}") for n in range(10)]
    racing = [child(novita, *orders, request_keys=keys) for _ in range(2)]
    first, second = (each.ended() for each in racing)
    assert [answer["error"] for answer in first + second] == [None] * 20
    assert first == second
    uris = [file["uri"] for answer in first for file in answer["media"]]
    assert all(Path(unquote(uri.removeprefix("file://"))).exists() for uri in uris)
    assert len({answer["job"]["id"] for answer in first}) == 10
    assert emulator.requests()["requests"][SUBMIT_IMG2IMG] == 10
    assert emulator.billed() == 10


# -- leases -----------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(ledger: Ledger, emulator: Emulator, novita: Account) -> Any:
    """A row whose owner works on another machine, with this much of its lease left."""
    emulator.configure(hold=True)
    asyncio.run(refusal(img2img(), novita, deadline_seconds=0.01))
    row = the_row()

    def lease(seconds: float) -> Any:
        row.owner, row.process = "some call", "another-machine|4711|1"
        row.lease_until = uptime() + seconds
        return row

    return lease


@pytest.mark.parametrize(("left", "alive"), [(30, True), (-1, False), (2 * 86_400, False), (10 * 365 * 86_400, False)])
def test_a_lease_decides_where_the_owner_cannot_be_asked(
    elsewhere: Any, ledger: Ledger, left: float, alive: bool
) -> None:
    """One that lies absurdly far ahead is from before the machine's last start: it holds nothing up."""
    assert ledger.is_held(elsewhere(left), uptime()) is alive


async def test_a_long_wait_keeps_its_lease(
    emulator: Emulator, novita: Account, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease is renewed while a call works, also while it does nothing but sleep between two fetches."""
    monkeypatch.setenv("GENMEDIA_LEASE_SECONDS", "0.6")
    monkeypatch.setenv("GENMEDIA_POLL_SECONDS", "600")
    emulator.configure(hold=True)
    buying = asyncio.create_task(buy(img2img(), novita, deadline_seconds=6000))
    await a_until(lambda: ledger.rows(["SUBMITTED"]), "the job submitted")
    first = the_row().lease_until
    await a_until(lambda: the_row().lease_until > first + 1, "the lease renewed twice")
    assert the_row().owner is not None
    buying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await buying
    assert the_row().owner is None

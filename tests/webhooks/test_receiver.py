"""Callbacks are hints: they wake who waits and settle lost submits; whatever else comes in changes nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from prefect_genmedia.errors import SubmitOutcomeUnknown
from prefect_genmedia.jobs import Terms, run
from prefect_genmedia.jobs.looking.wakeups import wakeups
from prefect_genmedia.ledger import Ledger, open_ledger
from prefect_genmedia.operation import Account
from prefect_genmedia.providers.novita.envelope import NOVITA
from prefect_genmedia.providers.novita.images import IMG2IMG, Img2ImgRequest
from prefect_genmedia.providers.ttapi.envelope import TTAPI
from prefect_genmedia.providers.ttapi.flowmusic import GENERATE, GenerateRequest
from prefect_genmedia.providers.ttapi.midjourney import IMAGINE, ImagineRequest
from prefect_genmedia.providers.ttapi.novelai import TEXT_TO_IMAGE, TextToImageRequest
from prefect_genmedia.providers.ttapi.videos import GROK_VIDEO, GrokVideoRequest
from prefect_genmedia.settings import Settings
from tests import PHOTOS
from tests.patience import PATIENCE, a_until

PHOTO = PHOTOS / "coffee.png"


@pytest.fixture
def ledger() -> Ledger:
    return open_ledger(Settings().ledger_url, 60)


@pytest.fixture
def buy(emulator):
    """Buy one job of either provider."""

    async def buy(provider: str, **terms: Any):
        wanted = Terms(**terms)
        if provider == "ttapi":
            account = Account(TTAPI, emulator.url, "key")
            return await run(IMAGINE, ImagineRequest(prompt="a bell"), account, terms=wanted)
        request = Img2ImgRequest(model_name="m", prompt="in ink", image=PHOTO, width=256, height=256)
        return await run(IMG2IMG, request, Account(NOVITA, emulator.url, "key"), terms=wanted)

    return buy


def counts(receiver: str) -> dict[str, int]:
    return httpx.get(receiver, timeout=PATIENCE).json()


async def counted(receiver: str, outcome: str, number: int = 1) -> None:
    await a_until(lambda: counts(receiver).get(outcome, 0) >= number, outcome)


@pytest.mark.parametrize("provider", ["ttapi", "novita"])
async def test_a_callback_wakes_who_waits_and_is_told_once(buy, receiver, events, emulator, provider, monkeypatch):
    # Polling alone would come too late.
    monkeypatch.setenv("GENMEDIA_POLL_SECONDS", str(2 * PATIENCE))
    monkeypatch.setenv("GENMEDIA_POLL_MAX_SECONDS", str(2 * PATIENCE))
    emulator.add_faults({"kind": "callback_duplicate", "times": 1})
    result = await asyncio.wait_for(buy(provider, deadline_seconds=4 * PATIENCE), PATIENCE)
    await counted(receiver, "late or repeated")
    assert events == [(result.job.id, "succeeded")]
    fetched = [count for name, count in emulator.requests()["requests"].items() if "fetch" in name or "result" in name]
    assert sum(fetched) <= 3


@pytest.mark.slow
async def test_many_that_wait_for_callbacks_ask_once_each(receiver, events, emulator, monkeypatch):
    monkeypatch.setenv("GENMEDIA_POLL_SECONDS", str(PATIENCE))
    account = Account(TTAPI, emulator.url, "key")
    wanted = [ImagineRequest(prompt=f"bell number {n}") for n in range(20)]
    terms = Terms(deadline_seconds=10 * PATIENCE)
    await asyncio.wait_for(asyncio.gather(*(run(IMAGINE, each, account, terms=terms) for each in wanted)), PATIENCE)
    assert emulator.requests()["requests"]["GET /midjourney/v1/fetch"] == 20
    assert emulator.billed() == 20


async def test_an_answer_that_lags_behind_its_callback_is_asked_for_again_soon(receiver, buy, emulator, monkeypatch):
    # The look that stands in for a lost callback would come too late.
    monkeypatch.setenv("GENMEDIA_POLL_SECONDS", str(PATIENCE / 140))
    emulator.add_faults({"kind": "fetch_unknown_status", "times": 1})
    assert (await asyncio.wait_for(buy("ttapi", deadline_seconds=10 * PATIENCE), PATIENCE)).media
    assert emulator.requests()["requests"]["GET /midjourney/v1/fetch"] == 2


@pytest.mark.parametrize("provider", ["ttapi", "novita"])
async def test_with_callbacks_lost_polling_still_finds_the_result(
    buy, receiver, events, emulator, ledger, monkeypatch, provider
):
    monkeypatch.setenv("GENMEDIA_POLL_SECONDS", str(PATIENCE))
    assert (await buy(provider, deadline_seconds=10 * PATIENCE)).media
    assert wakeups(ledger).arrive and len(events) == 1
    monkeypatch.setenv("GENMEDIA_POLL_SECONDS", "0.002")  # the safety look follows this
    emulator.add_faults({"kind": "callback_lost", "times": None})
    assert (await buy(provider, copy=1)).media
    assert not wakeups(ledger).arrive
    assert len(events) == 1 and emulator.billed() == 2


async def test_where_callbacks_never_arrive_jobs_are_asked_about_soon(buy, receiver, emulator, monkeypatch):
    """As where the receiver's address is wrong. The look that stands in for one that was lost would come too late."""
    monkeypatch.setenv("GENMEDIA_POLL_SECONDS", str(PATIENCE / 140))
    monkeypatch.setenv("GENMEDIA_POLL_MAX_SECONDS", str(PATIENCE / 140))  # eleven of these are early enough
    emulator.add_faults({"kind": "callback_lost", "times": None})
    assert (await asyncio.wait_for(buy("ttapi", deadline_seconds=10 * PATIENCE), PATIENCE)).media


async def test_a_lost_reply_of_novita_is_settled_by_its_callback(buy, receiver, emulator, ledger):
    emulator.add_faults({"kind": "submit_lose_reply", "times": 1})
    result = await buy("novita")
    assert result.media and emulator.billed() == 1
    assert emulator.requests()["requests"]["POST /v3/async/img2img"] == 1
    assert [line.state for line in ledger.history(result.job.id)][:3] == ["INTENT", "UNKNOWN", "SUBMITTED"]


LOST = {
    "novelai": (TEXT_TO_IMAGE, TextToImageRequest(prompt="1girl, solo")),
    "flowmusic": (GENERATE, GenerateRequest(sound_prompt="a waltz", length=3)),
    "grok": (GROK_VIDEO, GrokVideoRequest(prompt="a kite")),
}


@pytest.mark.parametrize("product", LOST)
async def test_a_lost_reply_of_ttapis_other_products_is_settled_by_its_callback(receiver, emulator, product):
    emulator.add_faults({"kind": "submit_lose_reply", "times": 1})
    operation, request = LOST[product]
    assert (await run(operation, request, Account(TTAPI, emulator.url, "key"))).media
    assert emulator.billed() == 1


@pytest.mark.parametrize(
    "body",
    [{"jobId": "job-7"}, {"job_id": "job-7"}, {"data": {"jobId": "job-7"}}, {"data": {"job_id": "job-7"}}],
    ids=str,
)
async def test_the_job_id_is_read_in_both_spellings_and_places(receiver, emulator, ledger, monkeypatch, body):
    monkeypatch.setenv("GENMEDIA_CALLBACK_WAIT_SECONDS", "0.1")
    monkeypatch.setenv("GENMEDIA_RECONCILE_SECONDS", "0.1")
    emulator.add_faults({"kind": "submit_lose_reply", "times": 1}, {"kind": "callback_lost"})
    operation, request = LOST["flowmusic"]
    with pytest.raises(SubmitOutcomeUnknown) as unknown:
        await run(operation, request, Account(TTAPI, emulator.url, "key"))
    row_id = unknown.value.job.id
    answer = httpx.post(
        f"{receiver}/ttapi/{ledger.token(row_id)}", json={"status": "SUCCESS", **body}, timeout=PATIENCE
    ).json()
    assert answer == {"outcome": "accepted"}
    assert ledger.get(row_id).hint == "job-7"


async def test_a_switched_off_witness_is_not_heard(buy, receiver, emulator, monkeypatch):
    monkeypatch.setenv("GENMEDIA_WITNESS_CALLBACK", "false")
    emulator.add_faults({"kind": "submit_lose_reply", "times": 1})
    with pytest.raises(SubmitOutcomeUnknown):
        await buy("novita")


async def test_an_early_callback_does_not_make_the_job_done(buy, receiver, emulator):
    emulator.add_faults({"kind": "callback_early", "times": 1})
    result = await buy("ttapi")
    assert result.media[0].role == "grid" and emulator.billed() == 1


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"kind": "callback_forged", "times": 1}, "forged"),
        ({"kind": "callback_malformed", "times": 1}, "malformed"),
        ({"kind": "callback_oversized", "times": 1, "bytes": 2_000_000}, "oversized"),
    ],
)
async def test_bad_callbacks_change_nothing_and_are_counted(
    buy, receiver, events, emulator, monkeypatch, fault, outcome
):
    monkeypatch.setenv("GENMEDIA_POLL_SECONDS", "0.002")  # the safety look follows this
    emulator.add_faults(fault)
    result = await buy("ttapi")
    await counted(receiver, outcome)
    assert result.media and emulator.billed() == 1
    assert all(row_id == result.job.id for row_id, _ in events)


async def test_a_callback_after_the_end_or_for_another_job_changes_nothing(buy, receiver, events, ledger):
    result = await buy("ttapi")
    before = ledger.get(result.job.id).__dict__.copy()
    body = {"status": "SUCCESS", "jobId": "someone-elses", "data": {"jobId": "someone-elses", "progress": "100"}}
    answer = httpx.post(f"{receiver}/ttapi/{ledger.token(result.job.id)}", json=body, timeout=PATIENCE)
    assert answer.json() == {"outcome": "late or repeated"}
    after = ledger.get(result.job.id).__dict__.copy()
    before.pop("_sa_instance_state"), after.pop("_sa_instance_state")
    assert before == after


@pytest.mark.parametrize(
    "path",
    ["ttapi/" + "0" * 32 + "." + "0" * 32, "ttapi/no-token", "nobody/" + "0" * 32 + "." + "0" * 32],
)
def test_a_token_that_was_not_signed_here_is_refused(receiver, path):
    assert httpx.post(f"{receiver}/{path}", json={"status": "SUCCESS"}, timeout=PATIENCE).status_code == 404
    assert counts(receiver) == {"forged": 1}


async def test_a_callback_that_says_running_is_no_end(buy, receiver, events, ledger, emulator):
    emulator.configure(hold=True)
    waiting = asyncio.create_task(buy("ttapi"))
    rows = await a_until(lambda: ledger.rows(["SUBMITTED"]), "the job submitted")
    body = {"status": "ON_QUEUE", "jobId": rows[0].job_id, "data": {"progress": "10"}}
    url = f"{receiver}/ttapi/{ledger.token(rows[0].id)}"
    assert (await asyncio.to_thread(httpx.post, url, json=body, timeout=PATIENCE)).json() == {"outcome": "early"}
    assert events == [] and ledger.get(rows[0].id).hint is None
    emulator.configure(hold=False)
    emulator.release()
    assert (await waiting).media

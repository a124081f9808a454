"""Recovery flows and budgets, on a real Prefect server: nothing is bought twice, nothing beyond the limit."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import httpx
import pytest
from prefect import flow, tags
from prefect.variables import Variable

from prefect_genmedia.blocks import Budget
from prefect_genmedia.errors import BudgetExceededError, ConfigurationError, JobTimeoutError, SubmitOutcomeUnknown
from prefect_genmedia.flows import adopt_orphans, resume_job
from prefect_genmedia.jobs import run
from prefect_genmedia.ledger import open_ledger
from prefect_genmedia.providers.novita.images import IMG2IMG, Img2ImgRequest
from prefect_genmedia.providers.ttapi.midjourney import IMAGINE, ImagineRequest
from prefect_genmedia.settings import Settings
from prefect_genmedia.tasks import midjourney
from prefect_genmedia.tasks import novita as novita_tasks
from tests.orchestration.keys import TTAPI_KEY
from tests.orchestration.saving import save
from tests.patience import PATIENCE, a_until


@pytest.fixture
def ledger():
    return open_ledger(Settings().ledger_url, 60)


def imagine(prompt: str) -> midjourney.ImagineRequest:
    return midjourney.ImagineRequest(prompt=prompt)


@flow
async def gives_up(prompt, credentials):
    return await midjourney.imagine(imagine(prompt), credentials, deadline_seconds=0.4)


async def left_behind(emulator, credentials, prompt: str):
    """A paid job whose flow run has failed before it was done."""
    emulator.configure(hold=True)
    with pytest.raises(JobTimeoutError) as caught:
        await gives_up(prompt, credentials)
    emulator.configure(hold=False)
    emulator.release()
    return caught.value.job


@pytest.mark.slow
async def test_resume_job_brings_in_a_paid_job_by_the_start_of_its_id(emulator, ttapi):
    await save(ttapi, "resume-me")
    job = await left_behind(emulator, ttapi, "a stork")
    result = await resume_job(job.id[:10])
    assert result.job.job_id == job.job_id and len(result.media) == 5
    assert emulator.billed() == 1
    assert (await resume_job(job.job_id)).media == result.media  # again, by the provider's own id


async def test_resume_job_without_the_right_key_says_which_account_is_missing(emulator, ttapi):
    job = await left_behind(emulator, ttapi, "a crane")
    with pytest.raises(ConfigurationError, match="none of the saved TTAPI Credentials blocks"):
        await resume_job(job.id, credentials="no-such-block")
    with pytest.raises(ConfigurationError, match="no job starts with"):
        await resume_job("zzzz")


async def test_adopt_orphans_reports_what_it_found(emulator, ttapi, novita, photos, ledger, monkeypatch):
    monkeypatch.setenv("GENMEDIA_EXPIRED_AFTER_SECONDS", "0.5")
    await save(ttapi, "orphans-t")
    await save(novita, "orphans-n")
    recovered = await left_behind(emulator, ttapi, "a kestrel")
    forgotten = await left_behind(emulator, ttapi, "a merlin")
    request = Img2ImgRequest(model_name="m", prompt="ink", image=photos / "coffee.png", width=256, height=256)

    @flow
    async def loses_a_reply():
        from prefect_genmedia.tasks import novita as tasks

        return await tasks.img2img(request, novita)

    emulator.add_faults({"kind": "submit_lose_reply", "operation": "novita.img2img", "times": 1})
    with pytest.raises(SubmitOutcomeUnknown):
        await loses_a_reply()
    emulator.add_faults({"kind": "job_forgotten", "times": 1})  # for the one bought next
    expired = await left_behind_forgotten(emulator, ttapi)

    report = await adopt_orphans(quiet_seconds=0, deadline_seconds=PATIENCE)
    outcome = {orphan.job.id: orphan.outcome for orphan in report.orphans}
    assert outcome[recovered.id] == "recovered" and outcome[forgotten.id] == "recovered"
    assert outcome[expired.id] == "expired"
    assert report.count("unknown") == 1 and len(report.orphans) == 4
    assert "recovered 2" in report.summary and "unknown 1" in report.summary
    assert emulator.requests()["requests"]["POST /midjourney/v1/imagine"] == 3
    again = await adopt_orphans(quiet_seconds=0, deadline_seconds=PATIENCE)
    assert {orphan.outcome for orphan in again.orphans} == {"unknown"}


async def left_behind_forgotten(emulator, credentials):
    @flow
    async def stops_early():
        return await midjourney.imagine(imagine("a hobby"), credentials, deadline_seconds=0.01)

    with pytest.raises(JobTimeoutError) as caught:
        await stops_early()
    return caught.value.job


async def test_a_live_runs_job_is_no_orphan(emulator, ttapi):
    emulator.configure(hold=True)

    @flow
    async def waits():
        return await midjourney.imagine(imagine("a rook"), ttapi)

    waiting = asyncio.create_task(waits())
    await a_until(emulator.billed, "the purchase")
    report = await adopt_orphans(quiet_seconds=0)
    assert report.orphans == []
    emulator.configure(hold=False)
    emulator.release()
    assert (await waiting).media and emulator.billed() == 1


@pytest.mark.slow
async def test_jobs_bought_elsewhere_are_imported_by_id_and_from_the_list(emulator, ttapi, child_env, ledger):
    await save(ttapi, "import-me")
    ids = [await bought_elsewhere(emulator, prompt) for prompt in ("one", "two", "three")]
    assert ledger.rows() == []
    command = [sys.executable, "-m", "prefect_genmedia.cli", "jobs", "import", "midjourney.imagine"]
    options = ["--block", "import-me"]
    first = subprocess.run(
        [*command, ids[0], *options], env=child_env, capture_output=True, text=True, timeout=PATIENCE
    )
    assert "1 jobs imported. Nothing was paid." in first.stdout, first.stdout + first.stderr
    rest = subprocess.run(
        [*command, "--from-list", "50", *options], env=child_env, capture_output=True, text=True, timeout=PATIENCE
    )
    assert "2 jobs imported" in rest.stdout and "has it already" in rest.stdout, rest.stdout + rest.stderr
    assert {row.job_id for row in ledger.rows(["STORED"])} == set(ids)
    assert emulator.billed() == 3


async def bought_elsewhere(emulator, prompt: str) -> str:
    """A job of the same account that this ledger has never heard of."""
    url, headers = f"{emulator.url}/midjourney/v1/imagine", {"TT-API-KEY": TTAPI_KEY}
    answer = await asyncio.to_thread(httpx.post, url, json={"prompt": prompt}, headers=headers, timeout=PATIENCE)
    job_id = answer.json()["data"]["jobId"]
    await a_until(lambda: all(job["state"] == "succeeded" for job in emulator.jobs()["jobs"]), "the end of the job")
    return job_id


# -- budgets ------------------------------------------------------------------------------------------


def with_budget(credentials, **limits):
    return credentials.model_copy(update={"budget": Budget(**limits)})


async def test_a_flow_runs_budget_stops_before_the_post_and_says_what_is_left(emulator, ttapi):
    limited = with_budget(ttapi, per_flow_run=5)

    @flow
    async def four():
        wanted = [midjourney.imagine(imagine(f"bird {n}"), limited) for n in range(4)]
        return await asyncio.gather(*wanted, return_exceptions=True)

    results = await four()
    refused = [result for result in results if isinstance(result, BudgetExceededError)]
    assert len(refused) == 2 and "1 of 5 quota left; this job counts 2" in str(refused[0])
    assert emulator.requests()["requests"]["POST /midjourney/v1/imagine"] == 2 == emulator.billed()
    await four()  # another run has its own budget, and the ledger's pictures are no purchase
    assert emulator.billed() == 4


@pytest.mark.slow
async def test_a_tags_budget_holds_over_all_runs(emulator, ttapi):
    limited = with_budget(ttapi, per_tag={"spring": 4})

    @flow
    async def one(prompt):
        return await midjourney.imagine(imagine(prompt), limited)

    with tags("spring"):
        await one("a tulip")
        await one("a crocus")
        with pytest.raises(BudgetExceededError, match="tag 'spring' has 0 of 4"):
            await one("a daffodil")
    await one("a daffodil")
    assert emulator.billed() == 3


async def test_what_the_provider_refunds_can_be_spent_again(emulator, ttapi):
    limited = with_budget(ttapi, per_day=2)
    emulator.add_faults({"kind": "job_fails", "times": 1, "message": "[Internal error] again"})

    @flow
    async def one():
        return await midjourney.imagine(imagine("a plum"), limited, attempts=2)

    assert (await one()).media
    with pytest.raises(BudgetExceededError, match="of this day has 0 of 2"):
        await run(IMAGINE, ImagineRequest(prompt="a pear"), limited.get_client(), terms=terms_of(limited))


def terms_of(credentials):
    from prefect_genmedia.jobs import Terms

    return Terms(budget=credentials.budget.limits())


async def test_a_price_that_is_not_known_needs_an_assumption(emulator, novita, photos):
    request = Img2ImgRequest(model_name="m", prompt="ink", image=photos / "coffee.png", width=256, height=256)
    blind = with_budget(novita, unit="USD", per_day=1)
    with pytest.raises(ConfigurationError, match="price is not known"):
        await run(IMG2IMG, request, blind.get_client(), terms=terms_of(blind))
    assumed = with_budget(novita, unit="USD", per_day=1, unknown_cost=0.6)
    await run(IMG2IMG, request, assumed.get_client(), terms=terms_of(assumed))
    other = request.model_copy(update={"prompt": "chalk"})
    with pytest.raises(BudgetExceededError, match=r"0\.4 of 1 USD left; this job counts 0\.6"):
        await run(IMG2IMG, other, assumed.get_client(), terms=terms_of(assumed))
    assert emulator.billed() == 1


async def test_a_price_of_your_own_in_a_prefect_variable_counts(emulator, novita, photos, monkeypatch):
    request = Img2ImgRequest(
        model_name="m", prompt="ink", image=photos / "coffee.png", width=256, height=256, image_num=2
    )
    guarded = with_budget(novita, unit="USD", per_day=1)
    monkeypatch.setenv("GENMEDIA_PRICES", "variable:genmedia_prices")

    @flow
    async def one():
        return await novita_tasks.img2img(request, guarded)

    with pytest.raises(ConfigurationError, match="no Prefect variable 'genmedia_prices'"):
        await one()
    await Variable.aset("genmedia_prices", [{"operation": "novita.img2img", "price": 0.6, "times": "image_num"}])
    with pytest.raises(BudgetExceededError, match=r"this job counts 1\.2"):
        await one()
    await Variable.aset("genmedia_prices", [{"operation": "novita.img2img", "price": 0.2}], overwrite=True)
    assert len((await one()).media) == 2
    assert emulator.billed() == 1


async def test_the_accounts_own_balance_is_a_gate(emulator, ttapi):
    emulator.configure(start_balance=5)
    limited = with_budget(ttapi, minimum_balance=3)
    await run(IMAGINE, ImagineRequest(prompt="a fig"), limited.get_client(), terms=terms_of(limited))
    with pytest.raises(BudgetExceededError, match="would have 1 quota left; 3 are to stay"):
        await run(IMAGINE, ImagineRequest(prompt="a date"), limited.get_client(), terms=terms_of(limited))
    assert emulator.billed() == 1


async def test_a_budget_is_saved_with_the_credentials(ttapi):
    await save(with_budget(ttapi, per_day=100, timezone="Europe/Berlin"), "guarded")
    loaded = await type(ttapi).aload("guarded")
    assert loaded.budget.limits().per_day == 100 and loaded.budget.timezone == "Europe/Berlin"
    with pytest.raises(ValueError, match="no time zone"):
        Budget(timezone="Mars/Base")

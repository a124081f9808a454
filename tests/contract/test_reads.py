"""The free reads: what is asked, and what becomes of the answers that the vendors' pages show."""

from __future__ import annotations

from typing import Any

import pytest

from prefect_genmedia import errors
from prefect_genmedia.blocks import NovitaCredentials, TTAPICredentials
from prefect_genmedia.operation import JobState
from prefect_genmedia.tasks import flowmusic, midjourney, novelai, novita
from tests.contract.cases import CASES
from tests.contract.cases.case import JOB
from tests.contract.wire import Body, Wire, answer_of, body_schema, complaints, described

INFO = {
    "status": "SUCCESS",
    "data": {
        "email": "xxxx@xx.com",
        "email_verified_at": "2023-11-10 17:44:30",
        "balance": 10,
        "freeze_balance": 0,
        "max_queue": 5,
        "created_at": "2023-11-10 17:44:30",
    },
    "message": "success",
}
LISTED = {
    "job_id": "ec54",
    "model": "fast",
    "action": "upsample4",
    "quota": 2,
    "status": 2,
    "progress": "100",
    "prompt": "a kite",
    "discord_image": None,
    "cdn_image": "https://mjcdn.ttapi.io/1.png",
}
MODE = {"status": 200, "runningMessage": "Endpoints running", "averageExecute": 46.42}


@pytest.fixture
def mine(wire: Wire) -> TTAPICredentials:
    return TTAPICredentials(api_key="k", base_url=wire.url)


@pytest.fixture
def novitas(wire: Wire) -> NovitaCredentials:
    return NovitaCredentials(api_key="k", base_url=wire.url)


def fits(provider: str, method: str, path: str, answer: Any) -> None:
    """The answer of this test is one that the contract allows."""
    operation = described(provider, method, path)
    assert operation is not None, path
    assert complaints(provider, answer_of(provider, operation)["schema"], answer) == []


async def test_the_account(wire: Wire, mine: TTAPICredentials) -> None:
    fits("ttapi", "GET", "/midjourney/v1/info", INFO)
    wire.says["/midjourney/v1/info"] = (200, INFO)
    account = await midjourney.account.fn(mine)
    assert (account.balance, account.freeze_balance, account.max_queue) == (10, 0, 5)
    assert account.extra["email_verified_at"] == "2023-11-10 17:44:30"
    assert [sent.method for sent in wire.sent] == ["GET"]


async def test_the_list_of_jobs(wire: Wire, mine: TTAPICredentials) -> None:
    answer = {"status": "SUCCESS", "data": [LISTED], "message": "success"}
    fits("ttapi", "GET", "/midjourney/v1/fetch-list", answer)
    wire.says["/midjourney/v1/fetch-list"] = (200, answer)
    query = midjourney.JobListQuery(page=2, limit=100, status="ON_QUEUE", order="asc")
    (job,) = await midjourney.jobs.fn(query, mine)
    assert (job.job_id, job.action, job.quota, job.status) == ("ec54", "upsample4", 2.0, 2)
    assert wire.sent[0].query == {"page": "2", "limit": "100", "status": "ON_QUEUE", "order": "asc"}


async def test_the_service(wire: Wire, mine: TTAPICredentials) -> None:
    answer = {"status": "SUCCESS", "message": "success", "data": {"fast": MODE, "relax": MODE, "turbo": MODE}}
    fits("ttapi", "GET", "/midjourney/status", answer)
    wire.says["/midjourney/status"] = (200, answer)
    modes = await midjourney.status.fn(mine)
    assert set(modes) == {"fast", "relax", "turbo"} and modes["fast"].average_execute == 46.42


GOOD = {"status": "SUCCESS", "message": "success", "data": "Prompt verification successful."}
BANNED = {"status": "FAILED", "message": "banned prompt words: word", "data": None}


@pytest.mark.parametrize(
    ("status", "answer", "allowed"), [(200, GOOD, True), (200, BANNED, False), (400, BANNED, False)]
)
async def test_a_prompts_words(wire: Wire, mine: TTAPICredentials, status: int, answer: Body, allowed: bool) -> None:
    fits("ttapi", "POST", "/midjourney/v1/promptCheck", answer)
    wire.says["/midjourney/v1/promptCheck"] = (status, answer)
    verdict = await midjourney.prompt_check.fn("a word", mine)
    assert verdict.allowed is allowed and verdict.message == (answer["data"] or answer["message"])
    assert wire.sent[0].body == {"prompt": "a word"}
    endpoint = described("ttapi", "POST", "/midjourney/v1/promptCheck")
    assert endpoint is not None and complaints("ttapi", body_schema(endpoint), wire.sent[0].body) == []


@pytest.mark.parametrize(
    ("status", "answer", "error"),
    [
        (401, {"status": "FAILED", "message": "Wrong TT-API-KEY or email is not activated."}, "AuthenticationError"),
        (200, {"status": "FAILED", "message": "Parameter error", "data": None}, "InvalidRequestError"),
        (200, {"status": "SUCCESS", "data": None}, "ResponseFormatError"),
    ],
)
async def test_a_read_that_fails_says_why(
    wire: Wire, mine: TTAPICredentials, status: int, answer: Body, error: str
) -> None:
    wire.says["/midjourney/v1/info"] = (status, answer)
    with pytest.raises(errors.GenMediaError) as caught:
        await midjourney.account.fn(mine)
    assert type(caught.value).__name__ == error


async def test_novitas_balance_in_usd(wire: Wire, novitas: NovitaCredentials) -> None:
    path = "/openapi/v1/billing/balance/detail"
    answer = {
        "availableBalance": "123456",
        "cashBalance": "100000",
        "creditLimit": "0",
        "outstandingInvoices": "500",
    }
    fits("novita", "GET", path, answer)
    wire.says[path] = (200, answer)
    balance = await novita.balance.fn(novitas)
    assert balance == novita.Balance(available=12.3456, cash=10, credit_limit=0, outstanding_invoices=0.05)


async def test_novitas_balance_on_a_server_of_the_older_api(wire: Wire, novitas: NovitaCredentials) -> None:
    answer = {"credit_balance": 25000, "allow_features": [], "free_trial": {}}
    fits("novita", "GET", "/v3/user", answer)
    wire.says["/v3/user"] = (200, answer)
    assert (await novita.balance.fn(novitas)).available == 2.5
    wire.says["/v3/user"] = (200, {})
    with pytest.raises(errors.ResponseFormatError):
        await novita.balance.fn(novitas)


READS = [
    (midjourney.fetch, "midjourney.imagine"),
    (novelai.fetch, "novelai.text_to_image"),
    (flowmusic.fetch, "flowmusic.generate"),
    (novita.fetch, "novita.img2img"),
]


@pytest.mark.parametrize(("task", "name"), READS, ids=[name for _, name in READS])
async def test_one_look_at_a_job(
    wire: Wire, mine: TTAPICredentials, novitas: NovitaCredentials, task: Any, name: str
) -> None:
    case = CASES[name]
    assert case.fetch is not None
    path, parameter = case.fetch
    credentials = novitas if name.startswith("novita") else mine
    done = case.finished(wire.file)
    wire.says[path] = (200, done)
    reading = await task.fn(JOB, credentials)
    assert reading.state is JobState.SUCCEEDED and reading.result is not None and reading.job_id == JOB
    assert "s3cr3t" not in reading.model_dump_json()  # a result is stored and shown: no signed link in it
    running: Body = {"status": "ON_QUEUE", "message": "", "data": None}
    if credentials is novitas:
        running = {"task": {"task_id": JOB, "status": "TASK_STATUS_PROCESSING", "progress_percent": 40}}
    wire.says[path] = (200, running)
    reading = await task.fn(JOB, credentials)
    assert reading.state is JobState.RUNNING and reading.result is None
    assert all((sent.method, sent.query) == ("GET", {parameter: JOB}) for sent in wire.sent)
    gone: Any = {"code": 404, "reason": "TASK_NOT_FOUND", "message": "no", "metadata": {}}
    if credentials is mine:
        gone = {"status": "FAILED", "message": "Job not found", "data": None}
    wire.says[path] = (404, gone)
    with pytest.raises(errors.NotFoundError):
        await task.fn(JOB, credentials)

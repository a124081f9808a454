"""What holds for every paid function: its life, its bill, its files, its callbacks, and every fault."""

from __future__ import annotations

import io
import time
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from prefect_genmedia.emulator import Emulator
from tests.emulator.clients import HASTY, Receiver, once
from tests.emulator.operations import (
    CASES,
    SILENT,
    STANDING_ON_OTHERS,
    Api,
    Case,
    called_back,
    id_in,
    links_in,
    status_in,
)
from tests.patience import PATIENCE, until

RUNNING = ("PENDING_QUEUE", "ON_QUEUE", "RUNNING", "TASK_STATUS_QUEUED", "TASK_STATUS_PROCESSING")
WORDS = (
    "prompt",
    "userPrompt",
    "gpt_description_prompt",
    "prompts",
    "instruction",
    "lyrics",
    "sound",
    "request",
)  # the fields that a moderator reads
# The others are answered with their files: tests/emulator/ttapi/test_gemini_image.py.
FETCHED = [case for case in CASES if case.fetch]
# One for each way of answering: what spoils a submit, an answer, a file or a callback does not know which function it
# was.
FAMILIES = list({(case.fetch, case.hook, case.types[:1]): case for case in reversed(FETCHED)}.values())
STARTING = [case for case in CASES if case.name not in STANDING_ON_OTHERS]


def each(cases: list[Case]) -> Any:
    return pytest.mark.parametrize("case", [pytest.param(case, id=case.path.strip("/")) for case in cases])


@pytest.fixture
def api(emulator: Emulator) -> Api:
    emulator.configure(novita_retired="", queue_seconds=0.0, job_seconds=0.02)
    return Api(emulator)


def purse(api: Api, case: Case) -> tuple[float, float]:
    """Balance, and what is frozen; Novita does not tell the latter."""
    if case.novita:
        return int(api.http.get("/openapi/v1/billing/balance/detail").json()["availableBalance"]), 0
    data = api.http.get("/midjourney/v1/info").json()["data"]
    return data["balance"], data["freeze_balance"]


def price(emulator: Emulator, case: Case) -> float:
    return float(next(row["quota"] for row in emulator.jobs()["jobs"] if row["operation"] == case.name))


@each(FETCHED)
@pytest.mark.sampled(4)
def test_from_queue_to_files(emulator: Emulator, api: Api, case: Case) -> None:
    body = case.body(api)
    before = purse(api, case)[0]
    emulator.configure(hold=True)
    job = api.submit(case.path, **body)
    contract = api.bare.get(f"{emulator.url}/openapi.json").json()
    schema = Draft202012Validator({**contract, "$ref": f"#/components/schemas/{case.schema}"})
    running = api.read(case.fetch, job).json()
    schema.validate(running)
    assert status_in(running) in (
        "PENDING_QUEUE",
        "ON_QUEUE",
        "RUNNING",
        "TASK_STATUS_QUEUED",
        "TASK_STATUS_PROCESSING",
    )
    assert links_in(running) == []
    cost = price(emulator, case)
    assert purse(api, case) == (before - cost, 0 if case.novita else cost)
    assert emulator.billed(case.name) == 1
    assert emulator.release() == 1
    done = api.finished(case.fetch, job)
    schema.validate(done)
    assert purse(api, case) == (before - cost, 0)
    files = [api.bare.get(link) for link in links_in(done)]
    assert sorted(reply.headers["content-type"] for reply in files) == sorted(case.types)
    for reply in files:
        if reply.headers["content-type"].startswith("image/"):
            Image.open(io.BytesIO(reply.content)).load()
    assert api.read(case.fetch, "nope").status_code == 404
    assert Api(emulator, "another").read(case.fetch, job).status_code == 404


@each(FETCHED)
@pytest.mark.sampled(6)
def test_a_failed_one_is_paid_back(emulator: Emulator, api: Api, case: Case) -> None:
    body = case.body(api)
    before = purse(api, case)
    for kind in ("job_fails", "job_fails_late"):
        once(emulator, kind, message="out of luck")
        failed = api.finished(case.fetch, api.submit(case.path, **body))
        assert "out of luck" in str(failed)
        assert links_in(failed) == []
    assert purse(api, case) == before
    jobs = [row for row in emulator.jobs()["jobs"] if row["operation"] == case.name]
    assert [(row["billed"], row["refunded"], row["message"]) for row in jobs] == [(True, True, "out of luck")] * 2
    once(emulator, "job_stuck")
    job = api.submit(case.path, **body)
    time.sleep(0.05)
    assert "SUCC" not in status_in(api.read(case.fetch, job).json())
    once(emulator, "job_forgotten")
    assert api.read(case.fetch, api.submit(case.path, **body)).status_code == 404


@each(FAMILIES)
@pytest.mark.sampled(4)
def test_submit_faults(emulator: Emulator, api: Api, case: Case) -> None:
    body = case.body(api)
    once(emulator, "submit_refuse", retry_after=2)
    reply = api.post(case.path, **body)
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "2")
    once(emulator, "submit_html")
    assert "<html>" in api.post(case.path, **body).text
    assert emulator.billed(case.name) == 0
    once(emulator, "submit_lose_reply", operation=case.name)
    with pytest.raises(httpx.RemoteProtocolError):
        api.post(case.path, **body)
    once(emulator, "submit_slow_reply", operation=case.name, seconds=2 * PATIENCE)
    with pytest.raises(httpx.ReadTimeout):
        api.http.post(case.path, json=body, timeout=HASTY)
    until(lambda: emulator.billed(case.name) == 2)
    once(emulator, "submit_5xx_after")
    assert api.post(case.path, **body).status_code == 502
    once(emulator, "submit_garbage")
    with pytest.raises(ValueError):
        api.post(case.path, **body).json()
    for kind in ("submit_missing_id", "submit_data_null"):
        once(emulator, kind)
        with pytest.raises((KeyError, TypeError)):
            id_in(api.post(case.path, **body).json())
    assert emulator.billed(case.name) == 6
    once(emulator, "submit_accept_twice")
    api.submit(case.path, **body)
    assert emulator.billed(case.name) == 8
    if not case.novita:
        until(lambda: all(row["finished_at"] for row in emulator.jobs()["jobs"]))
        emulator.configure(hold=True, max_jobs=2)
        emulator.clear_faults()
        emulator.add_faults({"kind": "queue_halved"})
        assert [api.post(case.path, **body).status_code for _ in range(2)] == [200, 499]


@each(FAMILIES)
@pytest.mark.sampled(4)
def test_fetch_faults(emulator: Emulator, api: Api, case: Case) -> None:
    job = api.submit(case.path, **case.body(api))
    whole = api.finished(case.fetch, job)
    once(emulator, "fetch_drop", operation=case.name)
    with pytest.raises(httpx.RemoteProtocolError):
        api.read(case.fetch, job)
    for kind, status in (("fetch_5xx", 503), ("fetch_429", 429), ("fetch_html", 200)):
        once(emulator, kind)
        assert api.read(case.fetch, job).status_code == status
    once(emulator, "fetch_garbage")
    with pytest.raises(ValueError):
        api.read(case.fetch, job).json()
    once(emulator, "fetch_slow", seconds=0.05)
    assert status_in(api.read(case.fetch, job).json()) == status_in(whole)
    once(emulator, "fetch_missing_fields")
    less = api.read(case.fetch, job).json()
    assert len(str(less)) < len(str(whole))
    assert set(links_in(less)) <= {link.partition("?")[0] for link in links_in(whole)} | set(links_in(less))
    once(emulator, "fetch_data_null")
    assert links_in(api.read(case.fetch, job).json()) == []
    once(emulator, "fetch_unknown_status", word="ODD")
    assert status_in(api.read(case.fetch, job).json()) == "ODD"


@each(FAMILIES)
@pytest.mark.sampled(4)
def test_download_faults(emulator: Emulator, api: Api, case: Case) -> None:
    done = api.finished(case.fetch, api.submit(case.path, **case.body(api)))
    if not case.types:
        assert links_in(done) == []
        return
    link = links_in(done)[-1]
    whole = api.bare.get(link)
    for kind, status in (("download_expired", 403), ("download_404", 404), ("download_html", 200)):
        once(emulator, kind)
        spoilt = api.bare.get(link)
        assert (spoilt.status_code, spoilt.content == whole.content) == (status, False)
    once(emulator, "download_redirect")
    assert api.bare.get(link, follow_redirects=True).content == whole.content
    once(emulator, "download_truncated")
    with pytest.raises(httpx.RemoteProtocolError):
        api.bare.get(link)
    once(emulator, "download_slow", seconds=0.01)
    assert api.bare.get(link).content == whole.content
    once(emulator, "download_wrong_type")
    spoilt = api.bare.get(link)
    assert (spoilt.headers["content-type"].partition(";")[0], spoilt.content) == ("text/html", whole.content)
    once(emulator, "download_wrong_type", content_type="image/webp")
    assert Image.open(io.BytesIO(api.bare.get(link).content)).format == "WEBP"
    once(emulator, "download_wrong_size", factor=0.25)
    smaller = api.bare.get(link)
    assert smaller.headers["content-type"] == whole.headers["content-type"]
    assert len(smaller.content) < len(whole.content)
    assert api.bare.get(link).content == whole.content


@each([case for case in FAMILIES if case.hook])
@pytest.mark.sampled(4)
def test_callbacks(emulator: Emulator, api: Api, receiver: Receiver, case: Case) -> None:
    def sent(**fault: Any) -> list[Any]:
        """What is posted for one job with this fault."""
        receiver.got.clear()
        emulator.clear_faults()
        if fault:
            emulator.add_faults(fault)
        job = api.submit(case.path, **called_back(case, body, receiver.url))
        api.finished(case.fetch, job)
        until(lambda: emulator.callbacks()["under_way"] == 0)
        return receiver.got

    body = case.body(api)
    assert len(sent()) == 1
    [said] = receiver.bodies()
    answer = said["payload"] if case.novita else said
    if case.novita:
        assert answer["extra"]["webhook"]["url"] == receiver.url
        assert status_in(answer) == "TASK_STATUS_SUCCEED"
    else:
        assert answer == api.read(case.fetch, answer["jobId"]).json()
        assert answer["data"]["hookUrl"] == receiver.url
    hashes = {row["request_sha256"] for row in emulator.jobs()["jobs"] if row["operation"] == case.name}
    api.submit(case.path, **body)
    assert hashes == {row["request_sha256"] for row in emulator.jobs()["jobs"] if row["operation"] == case.name}
    for kind, number in (
        ("callback_lost", 0),
        ("callback_duplicate", 2),
        ("callback_early", 2),
        ("callback_forged", 2),
    ):
        assert len(sent(kind=kind)) == number, kind
    [(_, raw)] = sent(kind="callback_malformed")
    assert not raw.endswith(b"}")
    [(_, raw)] = sent(kind="callback_oversized", bytes=100_000)
    assert len(raw) > 100_000
    assert len(sent(kind="callback_late", seconds=0.05)) == 1


@each(STARTING)
@pytest.mark.sampled(6)
def test_too_little_money(emulator: Emulator, api: Api, case: Case) -> None:
    emulator.configure(start_balance=0)
    reply = api.post(case.path, **case.body(api))
    assert reply.status_code == (400 if case.novita else 402)
    assert emulator.billed() == 0


@each(CASES)
@pytest.mark.sampled(4)
def test_the_contract_describes_the_request(emulator: Emulator, api: Api, case: Case) -> None:
    contract = api.bare.get(f"{emulator.url}/openapi.json").json()
    wanted = contract["paths"][case.path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    Draft202012Validator({**contract, **wanted}).validate(case.body(api))
    if case.fetch:
        assert "get" in contract["paths"][case.fetch] or "post" in contract["paths"][case.fetch]


@each([case for case in FETCHED if case.name not in SILENT])
@pytest.mark.sampled(6)
def test_moderation(emulator: Emulator, api: Api, case: Case) -> None:
    body = case.body(api)
    name = next(field for field in WORDS if field in body)

    def saying(word: str) -> Any:
        if name == "request":
            return {**body, name: {**body[name], "prompt": word}}
        return {**body, name: [{"frames": 16, "prompt": word}] if name == "prompts" else word}

    assert api.post(case.path, **saying("forbidden-by-emulator")).status_code == 400
    failed = api.finished(case.fetch, api.submit(case.path, **saying("denied-by-emulator")))
    assert "FAILED" in status_in(failed)


def test_every_paid_function_of_the_contract_is_among_these(emulator: Emulator, api: Api) -> None:
    contract = api.bare.get(f"{emulator.url}/openapi.json").json()
    paid = {
        path
        for path, methods in contract["paths"].items()
        for method in methods.values()
        if any(name in str(method["responses"]["200"]) for name in ("SubmitResponse", "TaskAccepted", "GeminiImage"))
    }
    assert paid == {case.path for case in CASES}

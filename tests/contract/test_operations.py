"""Every operation on the wire: what goes out, held against the contract, and what comes back as files."""

from __future__ import annotations

from typing import Any

import pytest

from prefect_genmedia.jobs import JobResult, run
from prefect_genmedia.media.pictures import pictures_in
from prefect_genmedia.operation import Account
from prefect_genmedia.providers import OPERATIONS
from tests.contract.cases import CASES
from tests.contract.cases.case import BASE64, JOB, digests
from tests.contract.wire import Body, Sent, Wire, answer_of, body_schema, complaints, described

KEY = "key-of-this-test"
SIZES = ("smallest", "fullest")
ACCEPTED: dict[str, dict[str, Body]] = {
    "ttapi": {
        "smallest": {"status": "SUCCESS", "message": "success", "data": {"jobId": JOB}},
        "fullest": {"status": "SUCCESS", "message": "success", "data": {"job_id": JOB}},
    },
    "novita": {
        "smallest": {"task_id": JOB},
        "fullest": {"code": 0, "msg": "", "data": {"task_id": JOB}},
    },
}


def finishes(wire: Wire, name: str, size: str = "smallest") -> None:
    """The provider takes this operation's job and has done it."""
    case, done = CASES[name], CASES[name].finished(wire.file)
    if case.fetch is None:
        wire.says[case.path] = (200, done)
        return
    wire.says[case.path] = (200, ACCEPTED[OPERATIONS[name].provider.name][size])
    wire.says[case.fetch[0]] = (200, done)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", CASES)
async def test_what_goes_out_and_what_comes_back(wire: Wire, name: str, size: str) -> None:
    case, operation = CASES[name], OPERATIONS[name]
    provider = operation.provider.name
    finishes(wire, name, size)

    result = await run(operation, getattr(case, size), Account(operation.provider, wire.url, KEY))

    (submit,) = [sent for sent in wire.sent if sent.method == "POST"]
    assert (submit.path, submit.query) == (case.path, {})
    assert submit.body == getattr(case, f"{size}_json")
    assert submit.headers["content-type"] == "application/json"
    downloads = [sent for sent in wire.sent if sent.path.startswith("/files/")]
    assert not any(KEY in str(sent.headers) for sent in downloads)
    fetches = [sent for sent in wire.sent if sent is not submit and sent not in downloads]
    for sent in (submit, *fetches):
        assert _key_of(sent, provider) == KEY
    if case.fetch is None:
        assert fetches == [] and result.job.job_id
    else:
        assert fetches and result.job.job_id == JOB
        for sent in fetches:
            assert (sent.method, sent.path, sent.query) == ("GET", case.fetch[0], {case.fetch[1]: JOB})

    due = case.files if size == "fullest" or case.smallest_files is None else case.smallest_files
    assert tuple((file.role, file.media_type) for file in result.media) == due
    assert type(result.result) is operation.result
    assert result.job.operation == name
    assert "s3cr3t" not in result.model_dump_json()
    again = JobResult[Any].model_validate_json(result.model_dump_json())
    assert again == result and type(again.result) is operation.result


def _key_of(sent: Sent, provider: str) -> str:
    if provider == "ttapi":
        assert "authorization" not in sent.headers
        return sent.headers["tt-api-key"]
    assert "tt-api-key" not in sent.headers
    return sent.headers["authorization"].removeprefix("Bearer ")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", CASES)
def test_what_goes_out_is_as_the_contract_has_it(name: str, size: str) -> None:
    case, provider = CASES[name], OPERATIONS[name].provider.name
    submit = described(provider, "POST", case.path)
    answering = submit if case.fetch is None else described(provider, "GET", case.fetch[0])
    if submit is None and case.undescribed:
        return
    assert submit is not None and answering is not None, f"the contract has no {case.path} or no {case.fetch}"
    assert complaints(provider, body_schema(submit), getattr(case, f"{size}_json")) == []
    if case.fetch is not None:
        parameters = [each["name"] for each in answering["parameters"] if each["in"] == "query"]
        assert case.fetch[1] in parameters
    finished = case.finished(lambda name: f"https://cdn.example.com/{name}")
    assert complaints(provider, answer_of(provider, answering)["schema"], finished) == []


@pytest.mark.parametrize("name", CASES)
def test_the_fullest_request_leaves_no_field_out(name: str) -> None:
    """A new field has to be put into its case."""
    request = CASES[name].fullest
    unset = {field for field in type(request).model_fields if getattr(request, field) is None}
    assert unset == set(CASES[name].leaves_out)


@pytest.mark.parametrize("name", [name for name in CASES if OPERATIONS[name].callback])
@pytest.mark.sampled(5)
async def test_the_packs_callback_address_goes_where_the_contract_has_it(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("GENMEDIA_CALLBACK_URL", "https://hooks.example.com/callbacks")
    case, operation = CASES[name], OPERATIONS[name]
    provider = operation.provider.name
    finishes(wire, name)
    request = case.fullest if operation.callback_switch else case.smallest
    await run(operation, request, Account(operation.provider, wire.url, KEY))

    (submit,) = [sent for sent in wire.sent if sent.method == "POST"]
    address: Any = submit.body
    for step in operation.callback:
        address = address[step]
    assert address.startswith(f"https://hooks.example.com/callbacks/{provider}/")
    endpoint = described(provider, "POST", case.path)
    if endpoint is not None:
        assert complaints(provider, body_schema(endpoint), submit.body) == []
        assert operation.callback[0] in body_schema(endpoint)["properties"]


@pytest.mark.parametrize("name", [name for name in CASES if OPERATIONS[name].callback_switch])
@pytest.mark.sampled(4)
async def test_a_callback_that_no_page_has_goes_out_only_when_it_is_asked_for(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("GENMEDIA_CALLBACK_URL", "https://hooks.example.com/callbacks")
    case, operation = CASES[name], OPERATIONS[name]
    finishes(wire, name)
    account = Account(operation.provider, wire.url, KEY)
    await run(operation, case.smallest, account)
    asking = case.smallest.model_copy(update={operation.callback_switch: True})
    await run(operation, asking, account)  # the same job: how it is heard of is no part of what is bought

    (submit,) = [sent for sent in wire.sent if sent.method == "POST"]
    assert submit.body == case.smallest_json


@pytest.mark.parametrize("name", CASES)
def test_where_it_calls_back_is_no_part_of_what_is_asked_for(name: str) -> None:
    request: Any = CASES[name].fullest
    if "hook_url" in type(request).model_fields:
        assert "hook_url" not in request.canonical(digests(request))
    elif getattr(request, "extra", None) is not None:
        assert "webhook" not in request.canonical(digests(request))["extra"]


@pytest.mark.parametrize("name", CASES)
def test_a_picture_is_known_by_its_sha256_and_never_by_its_bytes(name: str) -> None:
    request: Any = CASES[name].fullest
    assert str(request.canonical(digests(request))).count("sha256") == len(list(pictures_in(request)))
    assert BASE64 not in repr(request)


def test_an_operation_says_what_it_is() -> None:
    for name, operation in OPERATIONS.items():
        assert operation.name == name and operation.source.startswith("https://") and operation.lifecycle
        assert operation.unit == {"ttapi": "quota", "novita": "USD"}[operation.provider.name]

"""Operations whose submit is answered with the files: what goes out, and that nothing else is asked."""

from __future__ import annotations

import pytest

from prefect_genmedia.jobs import run
from prefect_genmedia.operation import Account
from prefect_genmedia.providers import OPERATIONS
from tests.contract.cases import AT_ONCE
from tests.contract.wire import Wire, answer_of, body_schema, complaints, described

SIZES = ("smallest", "fullest")


def test_they_are_all_that_have_no_fetch() -> None:
    assert {name for name, operation in OPERATIONS.items() if operation.fetch is None} == set(AT_ONCE)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", AT_ONCE)
async def test_what_goes_out_and_what_comes_back(wire: Wire, name: str, size: str) -> None:
    case, operation = AT_ONCE[name], OPERATIONS[name]
    wire.says[case.path] = (200, case.finished(wire.file))

    result = await run(operation, getattr(case, size), Account(operation.provider, wire.url, "key-of-this-test"))

    submit, *downloads = wire.sent
    assert (submit.method, submit.path, submit.body) == ("POST", case.path, getattr(case, f"{size}_json"))
    assert submit.headers["tt-api-key"] == "key-of-this-test"
    assert downloads and all(sent.path.startswith("/files/") for sent in downloads)
    assert tuple((file.role, file.media_type) for file in result.media) == case.files
    assert (result.job.job_id, result.quota) == ("8b46aa28", 2)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", AT_ONCE)
def test_it_is_as_the_contract_has_it(name: str, size: str) -> None:
    case, provider = AT_ONCE[name], OPERATIONS[name].provider.name
    submit = described(provider, "POST", case.path)
    assert submit is not None
    assert complaints(provider, body_schema(submit), getattr(case, f"{size}_json")) == []
    finished = case.finished(lambda name: f"https://cdn.example.com/{name}")
    assert complaints(provider, answer_of(provider, submit)["schema"], finished) == []


@pytest.mark.parametrize("name", AT_ONCE)
def test_the_fullest_request_leaves_no_field_out(name: str) -> None:
    request = AT_ONCE[name].fullest
    assert not [field for field in type(request).model_fields if getattr(request, field) is None]

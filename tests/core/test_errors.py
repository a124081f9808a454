"""Errors travel: between processes whole, and to a person with what can be done."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import pytest

from prefect_genmedia import errors
from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import (
    ApiError,
    GenMediaError,
    JobError,
    JobExpiredError,
    JobFailedError,
    JobTimeoutError,
    LedgerError,
    MediaError,
    ResponseFormatError,
    SubmitOutcomeUnknown,
    TransportError,
    nothing_bought,
)
from prefect_genmedia.jobs import JobRef
from prefect_genmedia.operation import Account
from tests.patience import PATIENCE
from tests.shop import imagine, img2img, refusal

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, GenMediaError)]
REF = JobRef(
    id="0123456789abcdef" * 2,
    operation="midjourney.imagine",
    job_id="5d3f",
    base_url="https://api.ttapi.io",
    account="a" * 16,
)


def filled(kind: type[GenMediaError]) -> GenMediaError:
    details = {"http_status": 400, "code": "X", "retry_after": 1.5} if issubclass(kind, ApiError) else {}
    if kind is JobFailedError:
        details = {"refunded": True}
    return kind(
        "it went wrong",
        provider="ttapi",
        operation="midjourney.imagine",
        job=REF,
        advice="Do this.",
        **details,
    )


@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
@pytest.mark.parametrize("kind", KINDS)
def test_every_error_pickles_with_all_it_knows(kind: type[GenMediaError], protocol: int) -> None:
    error = filled(kind)
    for again in (pickle.loads(pickle.dumps(error, protocol)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is kind
        assert vars(again) == vars(error)
        assert again.args == error.args
        assert str(again) == str(error)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_says_where_what_which_job_and_what_to_do(kind: type[GenMediaError]) -> None:
    said = str(filled(kind))
    assert said.startswith("midjourney.imagine: it went wrong")
    assert "0123456789ab" in said  # the job, as `genmedia jobs` takes it
    assert "5d3f" in said
    assert said.endswith("Do this.")


def test_an_error_with_nothing_but_a_message_says_just_that() -> None:
    assert str(GenMediaError("it went wrong")) == "it went wrong"


def test_the_ledgers_error_comes_with_advice() -> None:
    assert "Run again when the database is back" in str(LedgerError("it does not answer"))


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_job_that_is_bought_each_says_what_happened_about_the_money_and_what_to_type(
    kind: type[GenMediaError],
) -> None:
    happened, money, advice = kind("it went wrong").about(REF, "ttapi").sentences
    assert happened.startswith("midjourney.imagine: it went wrong [job ") and happened.endswith(".")
    assert "bought once" in money or "may be billed" in money
    assert "run again" in advice and f"genmedia jobs resume {REF.id[:12]}" in advice


BY_THE_JOB = (GenMediaError, JobError, JobFailedError, JobTimeoutError, MediaError)
NOT_BOUGHT = [kind for kind in KINDS if kind not in BY_THE_JOB and not issubclass(kind, MediaError)]


@pytest.mark.parametrize("kind", NOT_BOUGHT)
def test_without_a_job_each_says_that_nothing_was_bought_and_what_to_do(kind: type[GenMediaError]) -> None:
    happened, *others = kind("Insufficient balance").sentences
    assert happened == "Insufficient balance."
    assert others and all(each.endswith((".", "?")) for each in others)
    if kind not in (TransportError, SubmitOutcomeUnknown, JobExpiredError, LedgerError, ResponseFormatError):
        assert others[0] == "Nothing was bought."


def test_before_a_purchase_an_error_says_that_nothing_was_bought_and_what_to_do() -> None:
    with pytest.raises(MediaError) as said, nothing_bought("Mend it."):
        raise MediaError("the picture is empty")
    assert said.value.sentences == ["the picture is empty.", "Nothing was bought.", "Mend it."]
    with pytest.raises(JobTimeoutError) as said, nothing_bought("Mend it."):
        raise JobTimeoutError("our deadline passed", advice="Run again.")
    assert said.value.sentences[1:] == ["It was bought once and is safe.", "Run again."]


def test_a_job_that_was_refused_as_it_ran_is_not_advised_to_be_bought_again() -> None:
    refused = JobFailedError.of(REF, "ttapi", "Blocked by moderation: banned words", True, 1)
    assert "as it is, it would be refused again" in refused.advice and "attempts" not in str(refused)
    assert "attempts=2" in JobFailedError.of(REF, "ttapi", "the model is overloaded", True, 1).advice


async def test_an_error_comes_out_of_a_worker_process_whole(emulator: Emulator, novita: Account) -> None:
    """Read by a process that has done nothing but import the pack."""
    error = await refusal(img2img(prompt="denied-by-emulator"), novita)
    read = "import pickle, sys; e = pickle.load(sys.stdin.buffer); print(type(e).__name__, e.job.job_id, e)"
    other = subprocess.run(
        [sys.executable, "-c", read], input=pickle.dumps(error), capture_output=True, timeout=PATIENCE
    )
    job_id = emulator.jobs()["jobs"][0]["id"]
    assert other.stdout.decode().strip() == f"JobFailedError {job_id} {error}"


async def test_an_error_before_anything_was_bought_has_no_job(emulator: Emulator, ttapi: Account) -> None:
    error = await refusal(imagine("forbidden-by-emulator"), ttapi)
    assert error.job is None


def test_the_taxonomy_is_what_callers_catch() -> None:
    """Families by what the reader can do."""
    families: dict[type[GenMediaError], tuple[type[GenMediaError], ...]] = {
        errors.TransportError: (errors.NotDeliveredError, errors.SubmitOutcomeUnknown),
        errors.ApiError: (
            errors.AuthenticationError,
            errors.InsufficientCreditsError,
            errors.InvalidRequestError,
            errors.ContentRejectedError,
            errors.RateLimitedError,
            errors.QueueFullError,
            errors.OperationRetiredError,
            errors.ServerError,
        ),
        errors.InvalidRequestError: (errors.ContentRejectedError,),
        errors.JobError: (errors.JobFailedError, errors.JobExpiredError, errors.JobTimeoutError),
        errors.MediaError: (errors.MediaExpiredError, errors.MediaInvalidError),
    }
    for family, members in families.items():
        assert all(issubclass(member, family) for member in members)
    assert not issubclass(errors.JobTimeoutError, errors.JobFailedError)

"""A provider's words: states by any of their names, ids as numbers or text, figures that cannot be, who says 404."""

from __future__ import annotations

from typing import Any

import pytest

from prefect_genmedia.errors import (
    ApiError,
    InvalidRequestError,
    NotFoundError,
    OperationRetiredError,
    RateLimitedError,
)
from prefect_genmedia.operation import JobState, Provider
from prefect_genmedia.providers.novita.envelope import NOVITA
from prefect_genmedia.providers.ttapi.envelope import TTAPI

S = JobState
WORDS = {
    S.QUEUED: ["PENDING_QUEUE", "pending", "Queued", "in queue", "TASK_STATUS_QUEUED", "task_status_unknown"],
    S.RUNNING: ["ON_QUEUE", "RUNNING", "in_progress", "In-Progress", "processing", "TASK_STATUS_PROCESSING", "started"],
    S.SUCCEEDED: ["SUCCESS", "success", "Succeeded", "completed", "DONE", "finished", "TASK_STATUS_SUCCEED"],
    S.FAILED: ["FAILED", "failed", "FAILURE", "error", "CANCELLED", "Canceled", "task_status_canceled"],
}  # fmt: skip
TABLE = [(state, word) for state, words in WORDS.items() for word in words]


@pytest.mark.parametrize(("state", "word"), TABLE)
def test_a_state_is_known_by_any_of_its_names(state: JobState, word: str) -> None:
    for status in (
        TTAPI.status({"status": word, "data": {"jobId": "j"}}),
        NOVITA.status({"task": {"task_id": "j", "status": word}}),
    ):
        assert status.state is state
        assert status.provider_state == word


@pytest.mark.parametrize("word", ["SOMETHING_NEW", "", None, 7, {}, "x" * 500])
def test_a_new_word_is_waited_on_and_said(word: Any) -> None:
    for status in (TTAPI.status({"status": word, "data": {}}), NOVITA.status({"task": {"status": word}})):
        assert status.state is S.RUNNING
        assert "unknown status" in status.message
        assert len(status.provider_state) <= 64


IDS = [
    ("5d3f", "5d3f"), (" 5d3f\n", "5d3f"), (7, "7"), (7.0, "7"), (2**63, str(2**63)),
    (None, None), ("", None), (" ", None), ("None", None), ("null", None), ("undefined", None), (True, None),
    (False, None), ("true", None), (0, None), (-1, None), (7.5, None), ([], None), ({}, None), ("a\nb", None),
    ("x" * 256, None),
]  # fmt: skip


@pytest.mark.parametrize(("given", "job_id"), IDS)
def test_a_job_id_is_a_number_or_a_text_and_never_the_word_for_nothing(given: Any, job_id: str | None) -> None:
    assert TTAPI.accepted({"status": "SUCCESS", "data": {"jobId": given}}) == job_id
    assert TTAPI.accepted({"status": "SUCCESS", "data": None, "job_id": given}) == job_id
    assert NOVITA.accepted({"task_id": given}) == job_id
    assert NOVITA.accepted({"code": 0, "data": {"task_id": given}}) == job_id
    assert TTAPI.job_id_of({"data": {"job_id": given}}) == job_id
    assert NOVITA.job_id_of({"task": {"task_id": given}}) == job_id


def test_an_id_may_stand_alone_or_in_a_list() -> None:
    assert TTAPI.accepted({"status": "SUCCESS", "data": "b8bd3ff0-4349-4b71-8938-5e13aefa64fe"}) == (
        "b8bd3ff0-4349-4b71-8938-5e13aefa64fe"
    )
    assert TTAPI.accepted({"status": "SUCCESS", "data": [{"jobId": 7}]}) == "7"
    assert TTAPI.accepted({"status": "SUCCESS", "data": "Prompt verification successful."}) is None


def test_an_answer_that_names_two_jobs_is_about_neither() -> None:
    assert TTAPI.job_id_of({"jobId": "a", "data": {"jobId": "b"}}) == "a and b"
    assert TTAPI.job_id_of({"jobId": "a", "data": {"jobId": "A"}}) == "A"
    assert TTAPI.job_id_of({"data": None}) is None
    assert NOVITA.job_id_of({"images": []}) is None


@pytest.mark.parametrize("word", ["FAILED", "failed", "SUCCESS", None])
def test_a_refusal_that_names_a_job_is_none(word: Any) -> None:
    """Of two signs that disagree, the costlier counts."""
    assert TTAPI.accepted({"status": word, "message": "busy", "data": {"jobId": "j1"}}) == "j1"
    assert NOVITA.accepted({"code": 400, "reason": "INVALID", "task_id": "j1"}) == "j1"


def test_a_refusal_without_a_job_is_one() -> None:
    for provider, body in (
        (TTAPI, {"status": "Failed", "message": "no", "data": None}),
        (NOVITA, {"code": 400, "message": "no"}),
    ):
        with pytest.raises(InvalidRequestError):
            provider.accepted(body)
    # A gateway's timeout says nothing of the job behind it.
    assert TTAPI.accepted({"status": "timeout", "data": None}) is None


ABSURD = ["NaN", "inf", -1, -1000, 1e308, "1e999", True, [], {}, "abc"]


@pytest.mark.parametrize("figure", ABSURD)
def test_an_absurd_figure_counts_as_not_given(figure: Any) -> None:
    body = {"status": "SUCCESS", "data": {"jobId": "j", "progress": figure, "quota": figure}}
    status = TTAPI.status(body)
    assert (status.percent, status.quota) == (None, None)
    assert "quota" in status.remark
    assert TTAPI.status({"status": "SUCCESS", "data": {"quota": "4.00", "progress": "100%"}}).quota == 4
    task = {"status": "TASK_STATUS_PROCESSING", "progress_percent": figure, "eta": figure}
    running = NOVITA.status({"task": task})
    assert (running.percent, running.eta_seconds) == (None, None)


def test_a_figure_that_is_not_there_is_no_remark() -> None:
    assert TTAPI.status({"status": "SUCCESS", "data": {"quota": None}}).remark == ""
    assert TTAPI.status({"status": "SUCCESS", "data": {}}).remark == ""


NOT_FOUND: list[tuple[Provider, Any, type[ApiError]]] = [
    (TTAPI, {"status": "FAILED", "message": "Job not found", "data": None}, NotFoundError),
    (TTAPI, {"status": "FAILED", "message": "the job does not exist"}, NotFoundError),
    (TTAPI, {"message": "no Route matched with those values"}, OperationRetiredError),
    (TTAPI, {"detail": "Not Found"}, OperationRetiredError),
    (TTAPI, {"status": 404, "error": "Not Found", "path": "/midjourney/v1/fetch"}, OperationRetiredError),
    (TTAPI, None, OperationRetiredError),
    (NOVITA, {"code": 404, "reason": "TASK_NOT_FOUND", "message": "task not found"}, NotFoundError),
    (NOVITA, {"code": 404, "reason": "API_NOT_FOUND", "message": "api not found"}, OperationRetiredError),
    (NOVITA, {"detail": "Not Found"}, OperationRetiredError),
    (NOVITA, {"reason": "Not Found"}, OperationRetiredError),
    (NOVITA, None, OperationRetiredError),
]


@pytest.mark.parametrize(("provider", "body", "kind"), NOT_FOUND)
def test_only_the_provider_itself_says_that_a_job_is_unknown(
    provider: Provider, body: Any, kind: type[ApiError]
) -> None:
    error = provider.error(404, body, None)
    assert type(error) is kind
    own_word = isinstance(body, dict) and body.get("reason") in ("TASK_NOT_FOUND", "API_NOT_FOUND")
    assert (error.code is not None) is own_word


def test_a_refused_fetch_within_a_200_is_no_state_of_the_job() -> None:
    with pytest.raises(NotFoundError):
        TTAPI.status({"status": "FAILED", "message": "job not found", "data": None})
    with pytest.raises(NotFoundError):
        NOVITA.status({"code": 404, "reason": "TASK_NOT_FOUND"})
    with pytest.raises(RateLimitedError):
        NOVITA.status({"code": 429, "reason": "RATE_LIMIT_EXCEEDED"})
    failed = TTAPI.status({"status": "FAILED", "message": "the face was not found", "data": {"jobId": "j"}})
    assert failed.state is S.FAILED

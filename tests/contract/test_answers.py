"""Every answer that the vendors' pages show, in the contract or kept beside this file, is read as it is meant."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from prefect_genmedia import errors
from prefect_genmedia.operation import JobState
from prefect_genmedia.providers import OPERATIONS
from prefect_genmedia.providers.novita.envelope import NOVITA
from prefect_genmedia.providers.novita.results import NovitaResult
from prefect_genmedia.providers.ttapi.envelope import TTAPI
from prefect_genmedia.providers.ttapi.fields import VideoResult
from prefect_genmedia.providers.ttapi.flowmusic import FlowMusicResult
from prefect_genmedia.providers.ttapi.flowmusic import links as song_links
from prefect_genmedia.providers.ttapi.midjourney import MidjourneyResult
from prefect_genmedia.providers.ttapi.midjourney_pictures import EditResult
from prefect_genmedia.providers.ttapi.novelai import NovelAIResult
from prefect_genmedia.providers.ttapi.novelai import links as novelai_links
from tests.contract.cases import CASES
from tests.contract.cases.case import JOB, digests
from tests.contract.wire import Body, answer_of, contract, described, examples_of, resolved

PAGES = Path(__file__).parent / "answers"
PROVIDERS = {"ttapi": TTAPI, "novita": NOVITA}


def page(name: str) -> Body:
    return dict(json.loads((PAGES / f"{name}.json").read_text()))


@pytest.mark.parametrize("name", CASES)
def test_the_contracts_examples_of_a_finished_job(name: str) -> None:
    operation, case = OPERATIONS[name], CASES[name]
    method, path = ("POST", case.path) if case.fetch is None else ("GET", case.fetch[0])
    answering = described(operation.provider.name, method, path)
    if answering is None:
        assert case.undescribed
        return
    for example, body in examples_of(answer_of(operation.provider.name, answering)):
        status = operation.provider.status(body)
        assert status.provider_state == (body.get("status") or body["task"]["status"]), example
        result = operation.result.model_validate(operation.provider.payload(body))
        if status.state is JobState.SUCCEEDED and case.path == "/midjourney/v1/imagine":
            assert len(operation.links(result, case.fullest.canonical(digests(case.fullest)))) == 5
        if status.state is JobState.FAILED:
            assert status.message and status.refunded


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_contracts_examples_of_a_submit(provider: str) -> None:
    seen = 0
    for path, methods in contract(provider)["paths"].items():
        submit = methods.get("post")
        if submit is None or not path.startswith(tuple(case.path for case in CASES.values() if case.fetch)):
            continue
        for _, body in examples_of(answer_of(provider, submit)):
            seen += 1
            assert PROVIDERS[provider].accepted(body)
    assert seen


def test_submits_of_the_vendors_pages() -> None:
    assert TTAPI.accepted(page("midjourney_submit")) == "b8bd3ff0-4349-4b71-8938-5e13aefa64fe"
    assert NOVITA.accepted(page("novita_submit_older")) == "73fab7c0-e24f-4027-9df0-81ff8ce4bc1f"


def test_midjourneys_page() -> None:
    body = page("midjourney_fetch")
    status = TTAPI.status(body)
    assert (status.state, status.percent, status.quota) == (JobState.SUCCEEDED, 100, 2)
    result = MidjourneyResult.model_validate(TTAPI.payload(body))
    assert result.components[0] == "upsample1" and len(result.images) == 4 and result.seed is None
    assert (result.width, result.height, result.quota) == (960, 1200, 2.0)
    assert result.extra["hookUrl"].startswith("https://webhook-test.com/")


def test_novelais_page() -> None:
    body = page("novelai_fetch")
    status = TTAPI.status(body)
    assert (status.state, status.percent, status.quota) == (JobState.SUCCEEDED, None, 4)
    result = NovelAIResult.model_validate(TTAPI.payload(body))
    assert result.images == ("https://cdn.ttapi.io/xxx1.png", "https://cdn.ttapi.io/xxx2.png")
    assert result.finish_time == "2026-02-12 09:09:11"  # no zone is told: text it stays
    assert (result.quota, result.progress, result.job_id) == (4.0, None, body["jobId"])
    assert [link.kind for link in novelai_links(result, {})] == ["image", "image"]


def test_flowmusics_page_is_a_finished_lyrics_job() -> None:
    body = page("flowmusic_fetch_lyrics")
    status = TTAPI.status(body)
    assert (status.state, status.percent, status.quota) == (JobState.SUCCEEDED, 100, 1)
    result = FlowMusicResult.model_validate(TTAPI.payload(body))
    (clip,) = result.clips
    assert clip.title == "Work It Out" and (clip.lyrics_timing_markers or "").startswith("[Verse 1]")
    assert (result.action, result.mv, clip.audio_url) == ("lyrics", "FUZZ-2.0", None)
    assert song_links(result, {}) == []


@pytest.mark.parametrize("number", range(1, 5))
def test_novitas_page(number: int) -> None:
    body = page(f"novita_task_result_{number}")
    assert NOVITA.status(body).state is JobState.SUCCEEDED
    result = NovitaResult.model_validate(NOVITA.payload(body))
    assert result.images[0].image_url_ttl == 3600 and (result.seed or "").isdecimal()
    assert len(result.images) == (4 if number == 4 else 1)
    if number == 4:
        finding = result.images[0].nsfw_detection_result
        assert finding is not None and finding.valid and finding.confidence == 0


# -- both spellings, null, numbers as text --------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        {"jobId": 7, "progress": "100", "quota": "2", "cdnImage": "https://a/b.png", "images": None},
        {"job_id": "7", "progress": "100%", "quota": 2, "cdn_image": "https://a/b.png", "images": []},
        {"job_id": "7", "progress": 100, "quota": "2.00", "cdnImage": "https://a/b.png"},
    ],
)
def test_both_spellings_are_read(data: Body) -> None:
    body = {"status": "SUCCESS", "message": "", "data": data}
    assert TTAPI.status(body).percent == 100 and TTAPI.status(body).quota == 2
    result = MidjourneyResult.model_validate(TTAPI.payload(body))
    assert (result.job_id, result.quota, result.cdn_image, result.images) == ("7", 2.0, "https://a/b.png", ())


@pytest.mark.parametrize("data", [None, {}, "absent"])
@pytest.mark.parametrize("kind", [MidjourneyResult, EditResult, VideoResult, NovelAIResult, FlowMusicResult])
def test_data_may_be_null_empty_or_absent(kind: Any, data: Any) -> None:
    body = {"status": "ON_QUEUE", "message": "", "job_id": JOB, "data": data}
    if data == "absent":
        del body["data"]
    assert TTAPI.status(body).state is JobState.RUNNING
    assert kind.model_validate(TTAPI.payload(body)).job_id == JOB


@pytest.mark.parametrize("name", CASES)
def test_a_finished_job_without_its_files_is_said_to_be_unreadable(name: str) -> None:
    operation, case = OPERATIONS[name], CASES[name]
    nothing: Body = (
        {"status": "SUCCESS", "data": None} if operation.provider is TTAPI else {"task": None, "extra": None}
    )
    nothing |= {"images": None, "videos": None, "audios": None} if operation.provider is NOVITA else {}
    result = operation.result.model_validate(operation.provider.payload(nothing))
    request = case.fullest.canonical(digests(case.fullest))
    if case.files:
        with pytest.raises(errors.ResponseFormatError):
            operation.links(result, request)
    else:
        assert operation.links(result, request) == []


@pytest.mark.parametrize("name", CASES)
def test_unknown_fields_are_kept(name: str) -> None:
    operation, case = OPERATIONS[name], CASES[name]
    body = case.finished(lambda file: f"https://cdn.example.com/{file}")
    holder = body["data"] if operation.provider is TTAPI else body
    holder["news"] = {"of": ["tomorrow"]}
    result = operation.result.model_validate(operation.provider.payload(body))
    assert result.extra["news"] == {"of": ["tomorrow"]}
    again = operation.result.model_validate(json.loads(result.model_dump_json()))
    assert again == result and again.extra["news"] == {"of": ["tomorrow"]}


@pytest.mark.parametrize(
    "data",
    [
        {"videoUrl": "https://a/1.mp4"},
        {"video_url": "https://a/1.mp4"},
        {"videos": ["https://a/1.mp4"]},
        {"videos": [{"url": "https://a/1.mp4", "coverUrl": "https://a/c.png"}]},
        {"videoUrls": ["https://a/1.mp4"], "videos": ["https://a/1.mp4"]},
        {"result": {"cdnVideo": "https://a/1.mp4", "videoCover": "https://a/c.png"}, "hookUrl": "https://a/video"},
    ],
)
def test_a_video_is_found_under_any_name(data: Body) -> None:
    assert VideoResult.model_validate(data).videos == ("https://a/1.mp4",)


# -- refusals -------------------------------------------------------------------------------------

TTAPI_ERRORS = {
    "BadRequest": (400, errors.InvalidRequestError),
    "Unauthorized": (401, errors.AuthenticationError),
    "Insufficient": (402, errors.InsufficientCreditsError),
    "NotFound": (404, errors.NotFoundError),
    "TooMany": (429, errors.RateLimitedError),
    "QueueExhausted": (499, errors.QueueFullError),
    "ServerError": (500, errors.ServerError),
}
NOVITA_ERRORS = {
    "INVALID_REQUEST_BODY": (400, errors.InvalidRequestError),
    "IMAGE_FILE_EXCEEDS_MAX_SIZE": (400, errors.InvalidRequestError),
    "INVALID_IMAGE_FORMAT": (400, errors.InvalidRequestError),
    "IMAGE_EXCEEDS_MAX_RESOLUTION": (400, errors.InvalidRequestError),
    "INVALID_IMAGE_SIZE": (400, errors.InvalidRequestError),
    "IMAGE_NO_FACE_DETECTED": (400, errors.InvalidRequestError),
    "INVALID_CUSTOM_OUTPUT_PATH": (400, errors.InvalidRequestError),
    "INVALID_AUDIO_FILE": (400, errors.InvalidRequestError),
    "ILLEGAL_PROMPT": (400, errors.ContentRejectedError),
    "ILLEGAL_IMAGE_CONTENT": (400, errors.ContentRejectedError),
    "BILLING_BALANCE_NOT_ENOUGH": (400, errors.InsufficientCreditsError),
    "MISSING_API_KEY": (400, errors.AuthenticationError),
    "INVALID_API_KEY": (403, errors.AuthenticationError),
    "BILLING_AUTH_FAILED": (403, errors.AuthenticationError),
    "FEATURE_NOT_ALLOWED": (403, errors.AuthenticationError),
    "API_NOT_ALLOWED": (403, errors.AuthenticationError),
    "NEED_REAL_NAME_VERIFY": (403, errors.AuthenticationError),
    "TASK_NOT_FOUND": (404, errors.NotFoundError),
    "API_NOT_FOUND": (404, errors.OperationRetiredError),
    "RATE_LIMIT_EXCEEDED": (429, errors.RateLimitedError),
    "BILLING_FAILED": (500, errors.ServerError),
    "CREATE_TASK_FAILED": (500, errors.ServerError),
    "GET_RESULT_FAILED": (500, errors.ServerError),
    "TASK_FAILED": (500, errors.ServerError),
}


def test_every_documented_refusal_of_ttapi_becomes_its_class() -> None:
    documented = {
        name: resolved("ttapi", response) for name, response in contract("ttapi")["components"]["responses"].items()
    }
    assert {name for name in documented if name in TTAPI_ERRORS} == set(TTAPI_ERRORS)
    for name, (status, kind) in TTAPI_ERRORS.items():
        for _, body in examples_of(documented[name]["content"]["application/json"]):
            error = TTAPI.error(status, body, None)
            assert type(error) is kind and error.message == body["message"] and error.http_status == status


def test_every_documented_refusal_of_novita_becomes_its_class() -> None:
    responses = contract("novita")["components"]["responses"].values()
    named = {word for each in responses for word in re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", each["description"])}
    assert named - set(NOVITA_ERRORS) == set()
    for reason, (status, kind) in NOVITA_ERRORS.items():
        error = NOVITA.error(status, {"code": status, "reason": reason, "message": "no", "metadata": {}}, None)
        assert type(error) is kind and error.code == reason and error.message == "no"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("banned prompt words: word", errors.ContentRejectedError),
        ("[Banned prompt detected] Sorry! Our AI moderator thinks this...", errors.ContentRejectedError),
        ("Parameter error", errors.InvalidRequestError),
    ],
)
def test_a_refusal_in_a_200_is_one_too(message: str, kind: type[errors.ApiError]) -> None:
    with pytest.raises(errors.ApiError) as caught:
        TTAPI.accepted({"status": "FAILED", "message": message, "data": None})
    assert type(caught.value) is kind

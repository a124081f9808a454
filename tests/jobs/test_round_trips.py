"""Results travel as JSON: between tasks, through Prefect's result storage, into a cache and out again."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from prefect.serializers import JSONSerializer, PickleSerializer
from pydantic import TypeAdapter

from prefect_genmedia.jobs import JobRef, JobResult
from prefect_genmedia.media import MediaFile
from prefect_genmedia.operation import Account, Result
from prefect_genmedia.providers.novita.results import NovitaImage, NovitaResult
from prefect_genmedia.providers.ttapi.midjourney import ActionRequest, MidjourneyResult
from tests.shop import buy, imagine, img2img

FULL: dict[str, JobResult[Any]] = {
    "midjourney": JobResult(
        job=JobRef(
            id="0" * 32, operation="midjourney.imagine", job_id="5d3f", base_url="https://api.ttapi.io", account="a"
        ),
        media=[
            MediaFile(uri="file:///a.png", sha256="0" * 64, media_type="image/png", bytes=7, width=2, height=3),
            MediaFile(uri="s3://b/c.mp4", sha256="1" * 64, media_type="video/mp4", bytes=8, role="video"),
        ],
        result=MidjourneyResult.model_validate(
            {
                "actions": "imagine",
                "jobId": "5d3f",
                "quota": "2",
                "seed": 7,
                "components": None,
                "new": {"a": [1, None]},
            }
        ),
        quota=2.0,
    ),
    "novita": JobResult(
        job=JobRef(id="1" * 32, operation="novita.img2img", base_url="https://api.novita.ai", account="b"),
        media=[],
        result=NovitaResult.model_validate(
            {
                "task": {"task_id": "t", "eta": 0},
                "images": [{"image_url": "https://h/a.png", "image_url_ttl": "3600", "nsfw_detection_result": None}],
                "extra": {"seed": 42, "debug_info": {"x": "1"}},
                "videos": [],
            }
        ),
    ),
    "an operation that this version does not know": JobResult(
        job=JobRef(id="2" * 32, operation="provider.newer", base_url="https://h", account="c"),
        media=[],
        result=Result.model_validate({"anything": [1, "two", {"three": None}]}),
    ),
}


def same(again: Any, result: JobResult[Any]) -> None:
    assert again == result
    assert isinstance(again, JobResult)
    assert type(again.result) is type(result.result)
    assert again.result.extra == result.result.extra
    assert [type(file) for file in again.media] == [MediaFile] * len(result.media)
    assert type(again.job) is JobRef


@pytest.mark.parametrize("name", FULL)
def test_a_result_comes_back_from_json_with_its_types(name: str) -> None:
    result = FULL[name]
    same(JobResult.model_validate_json(result.model_dump_json()), result)
    same(JobResult.model_validate(result.model_dump(mode="json")), result)
    same(JobResult.model_validate(result.model_dump()), result)


@pytest.mark.parametrize("name", FULL)
def test_a_result_comes_back_from_prefects_storage(name: str) -> None:
    result = FULL[name]
    for serializer in (JSONSerializer(), PickleSerializer()):
        same(serializer.loads(serializer.dumps(result)), result)


@pytest.mark.parametrize("name", FULL)
def test_a_result_pickles(name: str) -> None:
    same(pickle.loads(pickle.dumps(FULL[name])), FULL[name])


def test_a_result_comes_back_as_what_a_task_says_it_gives() -> None:
    """As a flow's parameter or a typed field of the caller's own model."""
    adapter = TypeAdapter(JobResult[NovitaResult])
    again = adapter.validate_json(FULL["novita"].model_dump_json())
    assert isinstance(again.result, NovitaResult)
    assert again.result.images[0] == NovitaImage(image_url="https://h/a.png", image_url_ttl=3600)


@pytest.mark.parametrize("broken", [{}, {"job": 7}, {"job": {"id": "x"}, "media": [], "result": {}}], ids=str)
def test_json_that_is_no_result_is_a_validation_error(broken: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        JobResult.model_validate({"media": [], "result": {}, **broken})


async def test_real_results_come_back_whole(ttapi: Account, novita: Account) -> None:
    grid = await buy(imagine(), ttapi)
    one = await buy(ActionRequest(job_id=grid.job.job_id or "", action="upsample1"), ttapi)
    refined = await buy(img2img(extra={"enable_nsfw_detection": True}), novita)
    serializer = JSONSerializer()
    for result in (grid, one, refined):
        same(JobResult.model_validate_json(result.model_dump_json()), result)
        same(serializer.loads(serializer.dumps(result)), result)


async def test_a_result_read_from_the_ledger_equals_the_one_that_was_given(ttapi: Account, novita: Account) -> None:
    for request, account in ((imagine(), ttapi), (img2img(), novita)):
        given = await buy(request, account)
        same(await buy(request, account), given)

"""Novita AI, and servers that speak its v3 API."""

from __future__ import annotations

from typing import Unpack

from prefect_genmedia.blocks import NovitaCredentials
from prefect_genmedia.jobs import JobResult
from prefect_genmedia.providers.novita.account import Balance, read_balance
from prefect_genmedia.providers.novita.fields import (
    AwsS3,
    ControlNet,
    ControlNetUnit,
    CustomStorage,
    Embedding,
    EnterprisePlan,
    ImageExtra,
    IpAdapter,
    Lora,
    Sampler,
    TestMode,
    VideoExtra,
    Webhook,
)
from prefect_genmedia.providers.novita.images import (
    IMG2IMG,
    TXT2IMG,
    HiresFix,
    Img2ImgRequest,
    Refiner,
    Txt2ImgRequest,
)
from prefect_genmedia.providers.novita.job import JOB, JobRequest
from prefect_genmedia.providers.novita.models import Model, ModelQuery, list_models
from prefect_genmedia.providers.novita.results import FETCH, NovitaResult
from prefect_genmedia.providers.reading import Reading, read_job
from prefect_genmedia.tasks.novita_videos import (
    HunyuanVideoFastRequest,
    Img2VideoRequest,
    KlingV16I2VRequest,
    KlingV21T2VMasterRequest,
    KlingV30I2VRequest,
    KlingV30T2VRequest,
    MinimaxHailuo02Request,
    MinimaxHailuo23FastI2VRequest,
    PromptFrames,
    Shot,
    Txt2VideoRequest,
    Wan27I2VRequest,
    hunyuan_video_fast,
    img2video,
    kling_v16_i2v,
    kling_v21_t2v_master,
    kling_v30_pro_i2v,
    kling_v30_std_i2v,
    kling_v30_std_t2v,
    minimax_hailuo_02,
    minimax_hailuo_23_fast_i2v,
    txt2video,
    wan27_i2v,
)
from prefect_genmedia.tasks.paying.paid import buy, paid
from prefect_genmedia.tasks.paying.terms import TaskTerms
from prefect_genmedia.tasks.paying.waiting import task

__all__ = [
    "AwsS3",
    "Balance",
    "ControlNet",
    "ControlNetUnit",
    "CustomStorage",
    "Embedding",
    "EnterprisePlan",
    "HiresFix",
    "HunyuanVideoFastRequest",
    "ImageExtra",
    "Img2ImgRequest",
    "Img2VideoRequest",
    "IpAdapter",
    "JobRequest",
    "KlingV16I2VRequest",
    "KlingV21T2VMasterRequest",
    "KlingV30I2VRequest",
    "KlingV30T2VRequest",
    "Lora",
    "MinimaxHailuo02Request",
    "MinimaxHailuo23FastI2VRequest",
    "Model",
    "ModelQuery",
    "NovitaResult",
    "PromptFrames",
    "Reading",
    "Refiner",
    "Sampler",
    "Shot",
    "TestMode",
    "Txt2ImgRequest",
    "Txt2VideoRequest",
    "VideoExtra",
    "Wan27I2VRequest",
    "Webhook",
    "balance",
    "fetch",
    "hunyuan_video_fast",
    "img2img",
    "img2video",
    "job",
    "kling_v16_i2v",
    "kling_v21_t2v_master",
    "kling_v30_pro_i2v",
    "kling_v30_std_i2v",
    "kling_v30_std_t2v",
    "minimax_hailuo_02",
    "minimax_hailuo_23_fast_i2v",
    "models",
    "txt2img",
    "txt2video",
    "wan27_i2v",
]


@task(**paid(IMG2IMG))
async def img2img(
    request: Img2ImgRequest, credentials: NovitaCredentials, **terms: Unpack[TaskTerms]
) -> JobResult[NovitaResult]:
    """Redraw a picture with Stable Diffusion. Billed for each of `image_num` pictures, once.

    The keywords are those of TaskTerms. Raises GenMediaError;
    MediaInvalidError names the field of a picture that is unreadable, above 16 megapixels or 10 MB.
    https://novita.ai/docs/api-reference/model-apis-img2img
    """
    return await buy(IMG2IMG, request, credentials, terms)


@task(**paid(TXT2IMG))
async def txt2img(
    request: Txt2ImgRequest, credentials: NovitaCredentials, **terms: Unpack[TaskTerms]
) -> JobResult[NovitaResult]:
    """Draw pictures from a prompt with Stable Diffusion. Billed for each of `image_num` pictures, once.

    The pictures are `width` x `height`, with hires_fix `target_width` x `target_height`. Raises GenMediaError.
    https://novita.ai/docs/api-reference/model-apis-txt2img
    """
    return await buy(TXT2IMG, request, credentials, terms)


@task(**paid(JOB))
async def job(
    request: JobRequest, credentials: NovitaCredentials, **terms: Unpack[TaskTerms]
) -> JobResult[NovitaResult]:
    """Buy any asynchronous job of Novita's v3 API: for endpoints that have no task here. Billed once.

    `.media` are the files at `results`, or all pictures, videos and sounds of task-result. Only for endpoints that
    answer {"task_id"}. Raises GenMediaError; OperationRetiredError where the endpoint is gone.
    https://novita.ai/docs/api-reference/model-apis-task-result
    """
    return await buy(JOB, request, credentials, terms)


@task(name="novita.fetch", retries=2, retry_delay_seconds=[2, 10], persist_result=False)
async def fetch(task_id: str, credentials: NovitaCredentials) -> Reading[NovitaResult]:
    """Look at a job once, by Novita's id of it. Free. Raises NotFoundError and other ApiErrors, TransportError.

    https://novita.ai/docs/api-reference/model-apis-task-result
    """
    return await read_job(credentials.get_client(), FETCH, task_id, NovitaResult)


@task(name="novita.models", retries=2, retry_delay_seconds=[2, 10])
async def models(query: ModelQuery, credentials: NovitaCredentials, *, most: int = 500) -> list[Model]:
    """List up to `most` models, page after page. Free. Raises ApiError, TransportError, ResponseFormatError.

    https://novita.ai/docs/api-reference/model-apis-get-model
    """
    return await list_models(credentials.get_client(), query, most)


@task(name="novita.balance", retries=2, retry_delay_seconds=[2, 10])
async def balance(credentials: NovitaCredentials) -> Balance:
    """What the account has left, in USD. Free. Raises ApiError, TransportError, ResponseFormatError.

    https://novita.ai/docs/api-reference/basic-get-user-balance
    """
    return await read_balance(credentials.get_client())

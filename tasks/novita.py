"""Novita AI, and servers that speak its v3 API."""

from __future__ import annotations

from typing import Unpack

from prefect import task

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
from prefect_genmedia.providers.novita.video_models import (
    HUNYUAN_VIDEO_FAST,
    KLING_V16_I2V,
    KLING_V21_T2V_MASTER,
    MINIMAX_HAILUO_02,
    HunyuanVideoFastRequest,
    KlingV16I2VRequest,
    KlingV21T2VMasterRequest,
    MinimaxHailuo02Request,
)
from prefect_genmedia.providers.novita.videos import (
    IMG2VIDEO,
    TXT2VIDEO,
    Img2VideoRequest,
    PromptFrames,
    Txt2VideoRequest,
)
from prefect_genmedia.providers.reading import Reading, read_job
from prefect_genmedia.tasks.paid import buy, paid
from prefect_genmedia.tasks.terms import TaskTerms

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
    "Lora",
    "MinimaxHailuo02Request",
    "Model",
    "ModelQuery",
    "NovitaResult",
    "PromptFrames",
    "Reading",
    "Refiner",
    "Sampler",
    "TestMode",
    "Txt2ImgRequest",
    "Txt2VideoRequest",
    "VideoExtra",
    "Webhook",
    "balance",
    "fetch",
    "hunyuan_video_fast",
    "img2img",
    "img2video",
    "job",
    "kling_v16_i2v",
    "kling_v21_t2v_master",
    "minimax_hailuo_02",
    "models",
    "txt2img",
    "txt2video",
]


@task(**paid(IMG2IMG))
async def img2img(
    request: Img2ImgRequest, credentials: NovitaCredentials, **terms: Unpack[TaskTerms]
) -> JobResult[NovitaResult]:
    """Redraw a picture with Stable Diffusion. Billed for each of `image_num` pictures, once.

    The keywords are explained in the README, "Retry anything, pay once". Raises GenMediaError;
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


@task(**paid(IMG2VIDEO))
async def img2video(
    request: Img2VideoRequest, credentials: NovitaCredentials, **terms: Unpack[TaskTerms]
) -> JobResult[NovitaResult]:
    """Set a picture in motion with Stable Video Diffusion: 14 or 25 frames at 6 a second. Billed once.

    `.media[0]` is an mp4, or a gif on demand. Raises GenMediaError; MediaInvalidError for a picture that is
    unreadable, larger than 2048x2048 or than 30 MB.
    https://novita.ai/docs/api-reference/model-apis-img2video
    """
    return await buy(IMG2VIDEO, request, credentials, terms)


@task(**paid(TXT2VIDEO))
async def txt2video(
    request: Txt2VideoRequest, credentials: NovitaCredentials, **terms: Unpack[TaskTerms]
) -> JobResult[NovitaResult]:
    """Draw a video from one or more prompts with Stable Diffusion 1.x: at most 128 frames. Billed once.

    `.media[0]` is an mp4, or a gif on demand. Raises GenMediaError.
    https://novita.ai/docs/api-reference/model-apis-txt2video
    """
    return await buy(TXT2VIDEO, request, credentials, terms)


@task(**paid(HUNYUAN_VIDEO_FAST))
async def hunyuan_video_fast(
    request: HunyuanVideoFastRequest, credentials: NovitaCredentials, **terms: Unpack[TaskTerms]
) -> JobResult[NovitaResult]:
    """Make a video from a prompt with Hunyuan Video, 85 to 129 frames long. Billed once.

    `.media[0]` is the video. Its page has no callback. Raises GenMediaError.
    https://novita.ai/docs/api-reference/model-apis-hunyuan-video-fast
    """
    return await buy(HUNYUAN_VIDEO_FAST, request, credentials, terms)


@task(**paid(KLING_V16_I2V))
async def kling_v16_i2v(
    request: KlingV16I2VRequest, credentials: NovitaCredentials, **terms: Unpack[TaskTerms]
) -> JobResult[NovitaResult]:
    """Set a picture on the web in motion with Kling 1.6, for 5 or 10 seconds. Billed once.

    `.media[0]` is the video. Its page has no callback. Raises GenMediaError.
    https://novita.ai/docs/api-reference/model-apis-kling-v1.6-i2v
    """
    return await buy(KLING_V16_I2V, request, credentials, terms)


@task(**paid(KLING_V21_T2V_MASTER))
async def kling_v21_t2v_master(
    request: KlingV21T2VMasterRequest, credentials: NovitaCredentials, **terms: Unpack[TaskTerms]
) -> JobResult[NovitaResult]:
    """Make a video from a prompt with Kling 2.1 Master, 5 or 10 seconds long. Billed once.

    `.media[0]` is the video. Its page has no callback. Raises GenMediaError.
    https://novita.ai/docs/api-reference/model-apis-kling-v2.1-t2v-master
    """
    return await buy(KLING_V21_T2V_MASTER, request, credentials, terms)


@task(**paid(MINIMAX_HAILUO_02))
async def minimax_hailuo_02(
    request: MinimaxHailuo02Request, credentials: NovitaCredentials, **terms: Unpack[TaskTerms]
) -> JobResult[NovitaResult]:
    """Make a video from a prompt, and a first and a last picture if given, with MiniMax Hailuo 02. Billed once.

    `.media[0]` is the video, 6 or 10 seconds long. Its page has no callback. Raises GenMediaError.
    https://novita.ai/docs/api-reference/model-apis-minimax-hailuo-02
    """
    return await buy(MINIMAX_HAILUO_02, request, credentials, terms)


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

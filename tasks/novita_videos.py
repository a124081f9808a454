"""Novita AI's videos; to a user they are in `novita`."""

from __future__ import annotations

from typing import Unpack

from prefect_genmedia.blocks import NovitaCredentials
from prefect_genmedia.jobs import JobResult
from prefect_genmedia.providers.novita.newer_videos import (
    KLING_V30_PRO_I2V,
    KLING_V30_STD_I2V,
    KLING_V30_STD_T2V,
    MINIMAX_HAILUO_23_FAST_I2V,
    WAN27_I2V,
    KlingV30I2VRequest,
    KlingV30T2VRequest,
    MinimaxHailuo23FastI2VRequest,
    Shot,
    Wan27I2VRequest,
)
from prefect_genmedia.providers.novita.results import NovitaResult
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
from prefect_genmedia.tasks.paying.paid import buy, paid
from prefect_genmedia.tasks.paying.terms import TaskTerms
from prefect_genmedia.tasks.paying.waiting import task

__all__ = [
    "HunyuanVideoFastRequest",
    "Img2VideoRequest",
    "KlingV16I2VRequest",
    "KlingV21T2VMasterRequest",
    "KlingV30I2VRequest",
    "KlingV30T2VRequest",
    "MinimaxHailuo02Request",
    "MinimaxHailuo23FastI2VRequest",
    "PromptFrames",
    "Shot",
    "Txt2VideoRequest",
    "Wan27I2VRequest",
    "hunyuan_video_fast",
    "img2video",
    "kling_v16_i2v",
    "kling_v21_t2v_master",
    "kling_v30_pro_i2v",
    "kling_v30_std_i2v",
    "kling_v30_std_t2v",
    "minimax_hailuo_02",
    "minimax_hailuo_23_fast_i2v",
    "txt2video",
    "wan27_i2v",
]


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


@task(**paid(KLING_V30_STD_I2V))
async def kling_v30_std_i2v(
    request: KlingV30I2VRequest, credentials: NovitaCredentials, **terms: Unpack[TaskTerms]
) -> JobResult[NovitaResult]:
    """Set a picture on the web in motion with Kling 3.0 Standard, for 3 to 15 seconds. Billed once.

    `.media[0]` is the video, with sound on demand. Its page has no callback. Raises GenMediaError.
    https://novita.ai/docs/api-reference/model-apis-kling-v3.0-std-i2v
    """
    return await buy(KLING_V30_STD_I2V, request, credentials, terms)


@task(**paid(KLING_V30_PRO_I2V))
async def kling_v30_pro_i2v(
    request: KlingV30I2VRequest, credentials: NovitaCredentials, **terms: Unpack[TaskTerms]
) -> JobResult[NovitaResult]:
    """Set a picture on the web in motion with Kling 3.0 Pro, for 3 to 15 seconds. Billed once.

    `.media[0]` is the video, with sound on demand. Its page has no callback. Raises GenMediaError.
    https://novita.ai/docs/api-reference/model-apis-kling-v3.0-pro-i2v
    """
    return await buy(KLING_V30_PRO_I2V, request, credentials, terms)


@task(**paid(KLING_V30_STD_T2V))
async def kling_v30_std_t2v(
    request: KlingV30T2VRequest, credentials: NovitaCredentials, **terms: Unpack[TaskTerms]
) -> JobResult[NovitaResult]:
    """Make a video from a prompt with Kling 3.0 Standard, for 3 to 15 seconds. Billed once.

    `.media[0]` is the video, with sound on demand. Its page has no callback. Raises GenMediaError.
    https://novita.ai/docs/api-reference/model-apis-kling-v3.0-std-t2v
    """
    return await buy(KLING_V30_STD_T2V, request, credentials, terms)


@task(**paid(WAN27_I2V))
async def wan27_i2v(
    request: Wan27I2VRequest, credentials: NovitaCredentials, **terms: Unpack[TaskTerms]
) -> JobResult[NovitaResult]:
    """Set a picture on the web in motion, or go on with a clip, with Wan 2.7. Billed by the second, once.

    `.media[0]` is the video, 2 to 15 seconds long, with sound. Its page has no callback. Raises GenMediaError.
    https://novita.ai/docs/api-reference/model-apis-wan2.7-i2v
    """
    return await buy(WAN27_I2V, request, credentials, terms)


@task(**paid(MINIMAX_HAILUO_23_FAST_I2V))
async def minimax_hailuo_23_fast_i2v(
    request: MinimaxHailuo23FastI2VRequest, credentials: NovitaCredentials, **terms: Unpack[TaskTerms]
) -> JobResult[NovitaResult]:
    """Set a picture in motion with MiniMax Hailuo 2.3 Fast, for 6 or 10 seconds. Billed once.

    `.media[0]` is the video. Its page has no callback. Raises GenMediaError.
    https://novita.ai/docs/api-reference/model-apis-minimax-hailuo-2.3-fast-i2v
    """
    return await buy(MINIMAX_HAILUO_23_FAST_I2V, request, credentials, terms)

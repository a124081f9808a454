"""TTAPI's other products."""

from __future__ import annotations

import warnings
from typing import Unpack

from prefect_genmedia.blocks import TTAPICredentials
from prefect_genmedia.jobs import JobResult
from prefect_genmedia.providers.generic import GenericResult
from prefect_genmedia.providers.ttapi.fields import VideoResult
from prefect_genmedia.providers.ttapi.job import JOB, JobRequest
from prefect_genmedia.providers.ttapi.pictures import (
    FLUX_IMAGE,
    FLUX_KONTEXT_IMAGE,
    GEMINI_IMAGE,
    GPT_IMAGE,
    FluxImageRequest,
    FluxKontextImageRequest,
    GeminiImageRequest,
    GptImageRequest,
    ImageResult,
)
from prefect_genmedia.providers.ttapi.videos import (
    GEMINI_VIDEO,
    GROK_VIDEO,
    LUMA_VIDEO,
    SORA_PARTNER_VIDEO,
    SORA_VIDEO,
    GeminiVideoRequest,
    GrokVideoRequest,
    LumaVideoRequest,
    SoraPartnerVideoRequest,
    SoraVideoRequest,
)
from prefect_genmedia.tasks.paying.paid import buy, paid
from prefect_genmedia.tasks.paying.terms import TaskTerms
from prefect_genmedia.tasks.paying.waiting import task

__all__ = [
    "FluxImageRequest",
    "FluxKontextImageRequest",
    "GeminiImageRequest",
    "GeminiVideoRequest",
    "GenericResult",
    "GptImageRequest",
    "GrokVideoRequest",
    "ImageResult",
    "JobRequest",
    "LumaVideoRequest",
    "SoraPartnerVideoRequest",
    "SoraVideoRequest",
    "VeoVideoRequest",
    "VideoResult",
    "flux_image",
    "flux_kontext_image",
    "gemini_image",
    "gemini_video",
    "gpt_image",
    "grok_video",
    "job",
    "luma_video",
    "sora_partner_video",
    "sora_video",
    "veo_video",
]


@task(**paid(GROK_VIDEO))
async def grok_video(
    request: GrokVideoRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[VideoResult]:
    """Make a video with Grok, 1 to 30 seconds long. Costs quota, once: 9 in the vendor's example.

    `.media[0]` is the video. The keywords are those of TaskTerms.
    Raises GenMediaError. https://docs.ttapi.io/api/en/grok/generations
    """
    return await buy(GROK_VIDEO, request, credentials, terms)


@task(**paid(GEMINI_VIDEO))
async def gemini_video(
    request: GeminiVideoRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[VideoResult]:
    """Make a video with Gemini's omni-flash, 16:9 or 9:16. Costs quota, once: 1 in the vendor's example.

    `.media[0]` is the video. Raises GenMediaError. https://docs.ttapi.io/api/en/gemini/video-generations
    """
    return await buy(GEMINI_VIDEO, request, credentials, terms)


VeoVideoRequest = GeminiVideoRequest


@task(**paid(GEMINI_VIDEO, "ttapi.veo_video"))
async def veo_video(
    request: GeminiVideoRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[VideoResult]:
    """The former name of gemini_video: the endpoint was taken for Veo's. Deprecated; the job is the same."""
    warnings.warn("ttapi.veo_video is called ttapi.gemini_video now", DeprecationWarning, stacklevel=2)
    return await buy(GEMINI_VIDEO, request, credentials, terms)


@task(**paid(FLUX_IMAGE))
async def flux_image(
    request: FluxImageRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[ImageResult]:
    """Make a picture with Flux. Costs quota by its `mode`, once: 1 for flux1-dev in the vendor's example.

    `.media[0]` is the picture. Raises GenMediaError. https://docs.ttapi.io/api/en/flux/generate
    """
    return await buy(FLUX_IMAGE, request, credentials, terms)


@task(**paid(FLUX_KONTEXT_IMAGE))
async def flux_kontext_image(
    request: FluxKontextImageRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[ImageResult]:
    """Make or change a picture with Flux Kontext, in its maker's form. Costs quota, once; how much is not documented.

    `.media[0]` is the picture. Raises GenMediaError. https://docs.ttapi.io/api/en/flux/flux-kontext-pro
    """
    return await buy(FLUX_KONTEXT_IMAGE, request, credentials, terms)


@task(**paid(GPT_IMAGE))
async def gpt_image(
    request: GptImageRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[ImageResult]:
    """Make a picture with OpenAI's models. Costs quota, once: 2 for gpt-4o-image in the vendor's example.

    `.media[0]` is the picture. Raises GenMediaError. https://docs.ttapi.io/api/en/openai/gpt-generations
    """
    return await buy(GPT_IMAGE, request, credentials, terms)


@task(**paid(GEMINI_IMAGE))
async def gemini_image(
    request: GeminiImageRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[ImageResult]:
    """Make or change a picture with Gemini (Nano Banana). Costs quota, once: 2 in the vendor's example.

    `.media[0]` is the picture. The submit is answered when it is drawn, so a lost reply stays unknown and is not sent
    again, and a failure may have been charged. The vendor advises the base URL https://api.ttapi.org. Raises
    GenMediaError. https://docs.ttapi.io/api/en/gemini/generate
    """
    return await buy(GEMINI_IMAGE, request, credentials, terms)


@task(**paid(SORA_VIDEO))
async def sora_video(
    request: SoraVideoRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[VideoResult]:
    """Make a video with Sora 2, 10 to 25 seconds long. Costs quota, once: 3 for sora-2 in the vendor's example.

    `.media[0]` is the video. Raises GenMediaError. https://docs.ttapi.io/api/en/sora/generations
    """
    return await buy(SORA_VIDEO, request, credentials, terms)


@task(**paid(SORA_PARTNER_VIDEO))
async def sora_partner_video(
    request: SoraPartnerVideoRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[VideoResult]:
    """Make a video with Sora 2 by a partner's channel. Costs quota, once: 40 for 4 seconds in the vendor's example.

    `.media[0]` is the video, 4, 8 or 12 seconds long. It takes no callback. Raises GenMediaError.
    https://docs.ttapi.io/api/en/sora/v1-videos
    """
    return await buy(SORA_PARTNER_VIDEO, request, credentials, terms)


@task(**paid(LUMA_VIDEO))
async def luma_video(
    request: LumaVideoRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[VideoResult]:
    """Make a video with Luma, 5 or 10 seconds long. Costs quota, once; how much is not documented.

    `.media` are all videos that the finished job names; no page shows it. Raises GenMediaError.
    https://ttapi.io/docs/apiReference/luma
    """
    return await buy(LUMA_VIDEO, request, credentials, terms)


@task(**paid(JOB))
async def job(
    request: JobRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[GenericResult]:
    """Buy any asynchronous job of TTAPI: for products that have no task here. Costs quota, once.

    `.media` are the files at `results`, the whole answer is in `.result.extra`. Only for endpoints that answer a job
    id. The pack puts no callback address in, so a lost reply stays unknown. Raises GenMediaError.
    https://docs.ttapi.io/grids/en/development/response
    """
    return await buy(JOB, request, credentials, terms)

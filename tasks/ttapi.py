"""TTAPI's other products."""

from __future__ import annotations

import warnings
from typing import Unpack

from prefect import task

from prefect_genmedia.blocks import TTAPICredentials
from prefect_genmedia.jobs import JobResult
from prefect_genmedia.providers.generic import GenericResult
from prefect_genmedia.providers.ttapi.fields import VideoResult
from prefect_genmedia.providers.ttapi.job import JOB, JobRequest
from prefect_genmedia.providers.ttapi.videos import GEMINI_VIDEO, GROK_VIDEO, GeminiVideoRequest, GrokVideoRequest
from prefect_genmedia.tasks.paid import buy, paid
from prefect_genmedia.tasks.terms import TaskTerms

__all__ = [
    "GeminiVideoRequest",
    "GenericResult",
    "GrokVideoRequest",
    "JobRequest",
    "VeoVideoRequest",
    "VideoResult",
    "gemini_video",
    "grok_video",
    "job",
    "veo_video",
]


@task(**paid(GROK_VIDEO))
async def grok_video(
    request: GrokVideoRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[VideoResult]:
    """Make a video with Grok, 1 to 30 seconds long. Costs quota, once: 9 in the vendor's example.

    `.media[0]` is the video. The keywords are explained in the README, "Retry anything, pay once".
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


@task(**paid(GEMINI_VIDEO) | {"name": "ttapi.veo_video"})
async def veo_video(
    request: GeminiVideoRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[VideoResult]:
    """The former name of gemini_video: the endpoint was taken for Veo's. Deprecated; the job is the same."""
    warnings.warn("ttapi.veo_video is called ttapi.gemini_video now", DeprecationWarning, stacklevel=2)
    return await buy(GEMINI_VIDEO, request, credentials, terms)


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

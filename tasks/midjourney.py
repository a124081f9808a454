"""Midjourney through TTAPI."""

from __future__ import annotations

from typing import Unpack

from prefect_genmedia.blocks import TTAPICredentials
from prefect_genmedia.jobs import JobResult
from prefect_genmedia.providers.reading import Reading, read_job
from prefect_genmedia.providers.ttapi.account import (
    AccountInfo,
    JobListQuery,
    ListedJob,
    ModeStatus,
    PromptVerdict,
    account_info,
    check_words,
    list_jobs,
    service_status,
)
from prefect_genmedia.providers.ttapi.fields import Mode, VideoResult
from prefect_genmedia.providers.ttapi.midjourney import (
    ACTION,
    FETCH,
    IMAGINE,
    ActionRequest,
    ImagineRequest,
    MidjourneyResult,
)
from prefect_genmedia.providers.ttapi.midjourney_pictures import (
    BLEND,
    DESCRIBE,
    EDIT,
    INPAINT,
    SEED,
    BlendRequest,
    DescribeRequest,
    DescribeResult,
    EditRequest,
    EditResult,
    InpaintRequest,
    SeedRequest,
)
from prefect_genmedia.providers.ttapi.midjourney_video import EXTEND_VIDEO, VIDEO, ExtendVideoRequest, VideoRequest
from prefect_genmedia.providers.ttapi.prompt import MidjourneyPrompt, check
from prefect_genmedia.tasks.paying.paid import buy, paid
from prefect_genmedia.tasks.paying.terms import TaskTerms
from prefect_genmedia.tasks.paying.waiting import task

__all__ = [
    "AccountInfo",
    "ActionRequest",
    "BlendRequest",
    "DescribeRequest",
    "DescribeResult",
    "EditRequest",
    "EditResult",
    "ExtendVideoRequest",
    "ImagineRequest",
    "InpaintRequest",
    "JobListQuery",
    "ListedJob",
    "MidjourneyPrompt",
    "MidjourneyResult",
    "Mode",
    "ModeStatus",
    "PromptVerdict",
    "Reading",
    "SeedRequest",
    "VideoRequest",
    "VideoResult",
    "account",
    "action",
    "blend",
    "check",
    "describe",
    "edit",
    "extend_video",
    "fetch",
    "imagine",
    "inpaint",
    "jobs",
    "prompt_check",
    "seed",
    "status",
    "video",
]


@task(**paid(IMAGINE))
async def imagine(
    request: ImagineRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[MidjourneyResult]:
    """Generate a 2x2 grid from a prompt. Costs quota, once: 2 in fast mode in the vendor's example.

    `.media[0]` is the grid, the four pictures follow where the provider gives them.
    The keywords are those of TaskTerms. Raises GenMediaError.
    https://docs.ttapi.io/api/en/midjourney/imagine
    """
    return await buy(IMAGINE, request, credentials, terms)


@task(**paid(ACTION))
async def action(
    request: ActionRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[MidjourneyResult]:
    """Press a button under a finished job: upscale, variation, zoom, pan, reroll. Costs quota, once.

    Which buttons there are says the finished job's `.result.components`; ActionRequest.of checks it.
    Raises GenMediaError. https://docs.ttapi.io/api/en/midjourney/action
    """
    return await buy(ACTION, request, credentials, terms)


@task(**paid(BLEND))
async def blend(
    request: BlendRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[MidjourneyResult]:
    """Make a 2x2 grid of two to five pictures. Costs quota, once; how much is not documented.

    `.media[0]` is the grid, the four pictures follow where the provider gives them. Raises GenMediaError;
    MediaInvalidError names the picture that is unreadable. https://docs.mjapiapp.com/reference/midjourney-api
    """
    return await buy(BLEND, request, credentials, terms)


@task(**paid(DESCRIBE))
async def describe(
    request: DescribeRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[DescribeResult]:
    """Find prompts for a picture. Costs quota, once; how much is not documented.

    `.result.prompts` are the prompts, four as a rule; `.media` is empty. Raises GenMediaError.
    https://docs.ttapi.io/api/cn/midjourney/describe
    """
    return await buy(DESCRIBE, request, credentials, terms)


@task(**paid(INPAINT))
async def inpaint(
    request: InpaintRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[MidjourneyResult]:
    """Draw a part of a finished picture anew: Vary (Region). Costs quota, once; how much is not documented.

    The mask is white where to draw, black where to keep, and as wide and high as the picture: InpaintRequest.of
    checks it. Raises GenMediaError. https://docs.ttapi.io/api/cn/midjourney/inpaint
    """
    return await buy(INPAINT, request, credentials, terms)


@task(**paid(SEED))
async def seed(
    request: SeedRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[MidjourneyResult]:
    """Ask for the seed of a finished job. May cost quota, once; how much is not documented.

    `.result.seed` is the seed; `.media` is empty. Raises GenMediaError.
    https://docs.mjapiapp.com/reference/midjourney-api
    """
    return await buy(SEED, request, credentials, terms)


@task(**paid(EDIT))
async def edit(
    request: EditRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[EditResult]:
    """Change a picture of your own, or its surfaces (type retexture). Costs quota, once: 4 in the vendor's example.

    `.media` are four pictures. Raises GenMediaError. https://docs.ttapi.io/api/en/midjourneyedit/submit
    """
    return await buy(EDIT, request, credentials, terms)


@task(**paid(VIDEO))
async def video(
    request: VideoRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[VideoResult]:
    """Set a picture in motion: one, two or four clips of 5 seconds. Costs quota, once; how much is not documented.

    `.media` are the clips. How the finished job is fetched is inferred, not documented. Raises GenMediaError.
    https://docs.ttapi.io/api/ru/videoapi/submit
    """
    return await buy(VIDEO, request, credentials, terms)


@task(**paid(EXTEND_VIDEO))
async def extend_video(
    request: ExtendVideoRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[VideoResult]:
    """Make a clip of a finished video job 5 seconds longer. Costs quota, once; how much is not documented.

    `.media` are the clips. How the finished job is fetched is inferred, not documented. Raises GenMediaError.
    https://docs.ttapi.io/api/ru/videoapi/extend
    """
    return await buy(EXTEND_VIDEO, request, credentials, terms)


@task(name="midjourney.fetch", retries=2, retry_delay_seconds=[2, 10], persist_result=False)
async def fetch(job_id: str, credentials: TTAPICredentials) -> Reading[MidjourneyResult]:
    """Look at a job once, by TTAPI's id of it. Free. Raises NotFoundError and other ApiErrors, TransportError.

    https://docs.ttapi.io/api/en/midjourney/fetch
    """
    return await read_job(credentials.get_client(), FETCH, job_id, MidjourneyResult)


@task(name="midjourney.prompt_check", retries=2, retry_delay_seconds=[2, 10])
async def prompt_check(prompt: str, credentials: TTAPICredentials) -> PromptVerdict:
    """Ask TTAPI whether a prompt holds banned words. Free. Raises ApiError, TransportError, ResponseFormatError.

    Known from third parties only. For wrong parameters there is `check`, which asks nobody.
    """
    return await check_words(credentials.get_client(), prompt)


@task(name="midjourney.status", retries=2, retry_delay_seconds=[2, 10])
async def status(credentials: TTAPICredentials) -> dict[str, ModeStatus]:
    """How fast, relax and turbo run at present. Free. Raises ApiError, TransportError, ResponseFormatError.

    Known from third parties only.
    """
    return await service_status(credentials.get_client())


@task(name="midjourney.account", retries=2, retry_delay_seconds=[2, 10])
async def account(credentials: TTAPICredentials) -> AccountInfo:
    """The quota that is left, the quota of running jobs, the size of the queue. Free. Raises ApiError, TransportError.

    https://docs.mjapiapp.com/reference/account
    """
    return await account_info(credentials.get_client())


@task(name="midjourney.jobs", retries=2, retry_delay_seconds=[2, 10])
async def jobs(query: JobListQuery, credentials: TTAPICredentials) -> list[ListedJob]:
    """One page of the account's jobs in one state. Free. Raises ApiError, TransportError, ResponseFormatError.

    https://docs.mjapiapp.com/reference/account
    """
    return await list_jobs(credentials.get_client(), query)

"""FlowMusic through TTAPI."""

from __future__ import annotations

from typing import Unpack

from prefect_genmedia.blocks import TTAPICredentials
from prefect_genmedia.jobs import JobResult
from prefect_genmedia.providers.reading import Reading, read_job
from prefect_genmedia.providers.ttapi.flowmusic import (
    COVER,
    EXTEND,
    FETCH,
    GENERATE,
    REPLACE,
    STEMS,
    Clip,
    CoverRequest,
    ExtendRequest,
    FlowMusicResult,
    GenerateRequest,
    ReplaceRequest,
    StemsRequest,
)
from prefect_genmedia.tasks.paying.paid import buy, paid
from prefect_genmedia.tasks.paying.terms import TaskTerms
from prefect_genmedia.tasks.paying.waiting import task

__all__ = [
    "Clip",
    "CoverRequest",
    "ExtendRequest",
    "FlowMusicResult",
    "GenerateRequest",
    "Reading",
    "ReplaceRequest",
    "StemsRequest",
    "cover",
    "extend",
    "fetch",
    "generate",
    "replace",
    "stems",
]


@task(**paid(GENERATE))
async def generate(
    request: GenerateRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[FlowMusicResult]:
    """Make a song of up to 240 seconds. Costs quota, once; how much is not documented.

    `.media` are the sound, and the cover, wav and video where TTAPI gives them; `.result.clips` names the clip for
    extend, cover, replace and stems. The keywords are those of TaskTerms.
    Raises GenMediaError. https://docs.ttapi.io/api/en/flowmuisc/flowmuisc_generate
    """
    return await buy(GENERATE, request, credentials, terms)


@task(**paid(EXTEND))
async def extend(
    request: ExtendRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[FlowMusicResult]:
    """Make a clip longer, by up to 327 seconds. Costs quota, once; how much is not documented.

    `.media` as of generate. Raises GenMediaError. https://docs.ttapi.io/api/en/flowmuisc/flowmuisc_extend
    """
    return await buy(EXTEND, request, credentials, terms)


@task(**paid(COVER))
async def cover(
    request: CoverRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[FlowMusicResult]:
    """Play a clip in another way. Costs quota, once; how much is not documented.

    `.media` as of generate. Raises GenMediaError. https://docs.ttapi.io/api/en/flowmuisc/flowmuisc_cover
    """
    return await buy(COVER, request, credentials, terms)


@task(**paid(REPLACE))
async def replace(
    request: ReplaceRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[FlowMusicResult]:
    """Make a part of a clip anew. Costs quota, once; how much is not documented.

    `.media` as of generate. Raises GenMediaError.
    https://docs.ttapi.io/api/cn/flowmuisc/flowmuisc_replace
    """
    return await buy(REPLACE, request, credentials, terms)


@task(**paid(STEMS))
async def stems(
    request: StemsRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[FlowMusicResult]:
    """Take a clip apart: voice, drums, ... Costs quota, once; how much is not documented.

    `.media` are all files that the finished job names; no page tells which. Raises GenMediaError.
    https://docs.ttapi.io/api/en/flowmuisc/flowmuisc_stems
    """
    return await buy(STEMS, request, credentials, terms)


@task(name="flowmusic.fetch", retries=2, retry_delay_seconds=[2, 10], persist_result=False)
async def fetch(job_id: str, credentials: TTAPICredentials) -> Reading[FlowMusicResult]:
    """Look at a job once, by TTAPI's id of it; also at a lyrics job. Free.

    Raises NotFoundError and other ApiErrors, TransportError. https://docs.ttapi.io/api/en/flowmuisc/flowmuisc_fetch
    """
    return await read_job(credentials.get_client(), FETCH, job_id, FlowMusicResult)

"""Suno through TTAPI."""

from __future__ import annotations

from typing import Unpack

from prefect_genmedia.blocks import TTAPICredentials
from prefect_genmedia.jobs import JobResult
from prefect_genmedia.providers.reading import Reading, read_job
from prefect_genmedia.providers.ttapi.suno import (
    CONCAT,
    COVER,
    EXTEND,
    FETCH,
    MUSIC,
    SOUNDS,
    STEMS_ALL,
    ConcatRequest,
    CoverRequest,
    ExtendRequest,
    Music,
    MusicRequest,
    SoundsRequest,
    StemsAllRequest,
    SunoResult,
)
from prefect_genmedia.tasks.paying.paid import buy, paid
from prefect_genmedia.tasks.paying.terms import TaskTerms
from prefect_genmedia.tasks.paying.waiting import task

__all__ = [
    "ConcatRequest",
    "CoverRequest",
    "ExtendRequest",
    "Music",
    "MusicRequest",
    "Reading",
    "SoundsRequest",
    "StemsAllRequest",
    "SunoResult",
    "concat",
    "cover",
    "extend",
    "fetch",
    "music",
    "sounds",
    "stems_all",
]


@task(**paid(MUSIC))
async def music(
    request: MusicRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[SunoResult]:
    """Make two songs from an idea, or from your own lyrics. Costs quota, once: 6 in the vendor's example.

    `.media` are the sounds, then the films and covers where there are any; `.result.musics` names the songs for
    extend, cover and stems_all. The keywords are those of TaskTerms.
    Raises GenMediaError. https://docs.ttapi.io/api/en/suno/suno_music
    """
    return await buy(MUSIC, request, credentials, terms)


@task(**paid(EXTEND))
async def extend(
    request: ExtendRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[SunoResult]:
    """Go on with a song. Costs quota, once; how much is not documented.

    `.media` as of music, the new part alone: concat gives the whole. Raises GenMediaError. https://docs.ttapi.io/api/en/suno/suno_extend
    """
    return await buy(EXTEND, request, credentials, terms)


@task(**paid(CONCAT))
async def concat(
    request: ConcatRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[SunoResult]:
    """Have an extended song in one piece. Free, say the vendor's older pages.

    `.media` as of music. Raises GenMediaError. https://ttapi.io/docs/apiReference/suno/update
    """
    return await buy(CONCAT, request, credentials, terms)


@task(**paid(COVER))
async def cover(
    request: CoverRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[SunoResult]:
    """Play a song in another way. Costs quota, once; how much is not documented.

    `.media` as of music. Raises GenMediaError. https://docs.ttapi.io/api/en/suno/suno_cover
    """
    return await buy(COVER, request, credentials, terms)


@task(**paid(SOUNDS))
async def sounds(
    request: SoundsRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[SunoResult]:
    """Make a sound, heard once or looped. Costs quota, once; how much is not documented.

    `.media` as of music. Raises GenMediaError. https://docs.ttapi.io/api/en/suno/suno_sounds
    """
    return await buy(SOUNDS, request, credentials, terms)


@task(**paid(STEMS_ALL))
async def stems_all(
    request: StemsAllRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[SunoResult]:
    """Take a song apart: vocals, drums, bass, ... Costs quota, once: 60 in the vendor's example.

    `.media` as of music, a sound for each part; `.result.musics` has their titles. It takes no callback. Raises
    GenMediaError. https://docs-zh.mjapiapp.com/api/suno/sheng-cheng-cha-xun
    """
    return await buy(STEMS_ALL, request, credentials, terms)


@task(name="suno.fetch", retries=2, retry_delay_seconds=[2, 10], persist_result=False)
async def fetch(job_id: str, credentials: TTAPICredentials) -> Reading[SunoResult]:
    """Look at a job once, by TTAPI's id of it. Free. Raises NotFoundError and other ApiErrors, TransportError.

    https://docs.ttapi.io/api/en/suno/suno_fetch_v2
    """
    return await read_job(credentials.get_client(), FETCH, job_id, SunoResult)

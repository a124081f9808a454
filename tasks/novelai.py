"""NovelAI through TTAPI."""

from __future__ import annotations

from typing import Unpack

from prefect_genmedia.blocks import TTAPICredentials
from prefect_genmedia.errors import ApiError
from prefect_genmedia.jobs import JobResult
from prefect_genmedia.providers.reading import Reading, read_job
from prefect_genmedia.providers.ttapi.novelai import (
    FETCH,
    SETTING,
    TEXT_TO_IMAGE,
    CharacterPrompt,
    NovelAIResult,
    TextToImageRequest,
    VibeTransfer,
    submit_path,
)
from prefect_genmedia.tasks.paying.paid import buy, paid
from prefect_genmedia.tasks.paying.terms import TaskTerms
from prefect_genmedia.tasks.paying.waiting import task

__all__ = [
    "CharacterPrompt",
    "NovelAIResult",
    "Reading",
    "TextToImageRequest",
    "VibeTransfer",
    "fetch",
    "text_to_image",
]


@task(**paid(TEXT_TO_IMAGE))
async def text_to_image(
    request: TextToImageRequest, credentials: TTAPICredentials, **terms: Unpack[TaskTerms]
) -> JobResult[NovelAIResult]:
    """Draw pictures from NovelAI's tags. Costs quota, once: 4 for two pictures in the vendor's example.

    TTAPI's path for it is not documented: GENMEDIA_NOVELAI_SUBMIT_PATH names it. The keywords are those of
    TaskTerms. Raises GenMediaError. https://docs.ttapi.io/api/en/novel/text-to-image
    """
    try:
        return await buy(TEXT_TO_IMAGE, request, credentials, terms)
    except ApiError as refusal:
        if refusal.job is None and refusal.http_status in (404, 405):
            refusal.advice = (
                f"TTAPI does not document where NovelAI is submitted, and {submit_path()} is a guess: "
                f"set {SETTING} to the path on your TTAPI page."
            )
        raise


@task(name="novelai.fetch", retries=2, retry_delay_seconds=[2, 10], persist_result=False)
async def fetch(job_id: str, credentials: TTAPICredentials) -> Reading[NovelAIResult]:
    """Look at a job once, by TTAPI's id of it. Free. Raises NotFoundError and other ApiErrors, TransportError.

    https://docs.ttapi.io/api/en/novel/fetch
    """
    return await read_job(credentials.get_client(), FETCH, job_id, NovelAIResult)

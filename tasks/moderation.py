"""The moderation gate, between what was bought and what is published. Free."""

from __future__ import annotations

import asyncio
from typing import Any

from prefect import task

from prefect_genmedia.checking import check_number, imported_function
from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.jobs import JobResult
from prefect_genmedia.jobs.moderation import CONFIDENCE, Check, Moderated, Policy, judge
from prefect_genmedia.media import MediaFile, MediaStore
from prefect_genmedia.settings import read_settings

__all__ = ["Check", "Moderated", "Policy", "gate"]


@task(name="moderation.gate", task_run_name="moderation: {policy}")
async def gate(
    judged: JobResult[Any] | MediaFile,
    policy: Policy,
    *,
    check: str | Check | None = None,
    confidence: float = CONFIDENCE,
) -> Moderated:
    """Decide of each file whether it goes on. Free; Novita's own check is bought with the picture.

    Looked at is Novita's NSFW result, where the request asked for one (`extra.enable_nsfw_detection`) and its
    confidence is at least `confidence` of 100; and `check`, your own function or 'package.module:function': it gets a
    path and gives None where the file is fine, else why it is not. A file that nobody looked at, or of which the check
    failed, counts as found. `block` raises ModerationError when anything is found; `quarantine` keeps a copy in the
    store's `quarantine/` and `imaging.render` and `recipes.apply` then refuse those bytes; `flag` lets all go on, with
    what was found in their remarks. What a provider refuses itself is never a file: it is a ContentRejectedError, or a
    JobFailedError, of the task that asked for it. Raises ConfigurationError, MediaError.
    """
    if policy not in ("block", "quarantine", "flag"):
        raise ConfigurationError("policy must be block, quarantine or flag")
    check_number("confidence", confidence, 0, 100)
    asked: Check | None = imported_function("check", check) if isinstance(check, str) else check
    store = await asyncio.to_thread(lambda: MediaStore(read_settings().media_store))
    return await asyncio.to_thread(judge, judged, policy, asked, confidence, store)

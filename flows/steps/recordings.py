"""A bought film or sound, published: worked on, or else as it came."""

from __future__ import annotations

from typing import Any

from prefect_genmedia.jobs import JobResult
from prefect_genmedia.media import MediaFile
from prefect_genmedia.tasks import recording


async def published_recording(
    bought: JobResult[Any], file: MediaFile, place: dict[str, Any], worked_on: dict[str, Any]
) -> tuple[MediaFile, Exception | None]:
    """The published file, and why it is as it came where it could not be worked on: what is paid for is not held back.

    `place` and `worked_on` are arguments of `recording.publish`. Raises what publishing as it came raises.
    """
    try:
        return await recording.publish(file, **place, **worked_on, wait_for=[bought]), None
    except Exception as failure:
        return await recording.publish(file, **place, wait_for=[bought]), failure

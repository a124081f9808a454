"""Collecting: download, verify and keep every file of a finished job; dead links are asked for anew."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from prefect_genmedia.errors import (
    GenMediaError,
    MediaError,
    MediaExpiredError,
    MediaInvalidError,
    NotFoundError,
    RateLimitedError,
    ResponseFormatError,
    ServerError,
    TransportError,
)
from prefect_genmedia.jobs.wait import fetch, read_result
from prefect_genmedia.jobs.work import Work
from prefect_genmedia.ledger import JobRow
from prefect_genmedia.media import MediaFile, download

TRIES = 4


async def collect(work: Work, row: JobRow) -> None:
    """Bring all files in, then say STORED. Raises MediaError or JobExpiredError with the JobRef."""
    await work.show(row, "downloading", 100.0)
    if work.links is None:
        await _refresh_links(work, row)
    wanted = list(work.links or ())  # a refresh on the way may name more
    got = await asyncio.gather(*(_file(work, row, index) for index in range(len(wanted))), return_exceptions=True)
    files = [file for file in got if isinstance(file, MediaFile)]
    left_out: list[str] = []
    for link, failure in zip(wanted, got, strict=True):
        if isinstance(failure, MediaExpiredError | MediaInvalidError) and link.optional and files:
            left_out.append(f"{link.role}: {failure.message}")
        elif isinstance(failure, GenMediaError):
            raise work.about(failure, row) from None
        elif isinstance(failure, BaseException):
            raise failure
    if left_out:
        work.run.log.warning("%s: stored without %s.", row.operation, "; ".join(left_out))
    await work.must(row, work.ledger.stored, row.id, [file.model_dump(exclude={"remarks"}) for file in files], left_out)


async def _file(work: Work, row: JobRow, index: int) -> MediaFile:
    day = datetime.fromtimestamp(row.created_at, UTC).strftime("%Y-%m-%d")
    key = f"{row.operation}/{day}/{row.id}-{index}"
    for tries in range(1, TRIES + 1):
        try:
            assert work.links is not None
            return await download(
                work.pool, work.links[index], work.store, key, deadline=work.deadline, base_url=row.base_url
            )
        except MediaError as failure:
            if tries == TRIES or time.monotonic() > work.deadline:
                raise
            work.run.log.info("%s: %s; fetching it again.", row.operation, failure.message)
            expired = isinstance(failure, MediaExpiredError)
        if expired:
            await _refresh_links(work, row)
        await asyncio.sleep(min(work.settings.poll_seconds, 2.0) * tries / 2)
    raise AssertionError("unreachable")


async def _refresh_links(work: Work, row: JobRow) -> None:
    """Ask the provider for the job again: it signs fresh links."""
    for tries_left in range(work.settings.poll_failures - 1, -1, -1):
        try:
            _, payload = await fetch(work, row)
            before = work.links or []
            read_result(work, row, payload)
            after = work.links or []
            if len(after) < len(before):
                work.links = before
                raise ResponseFormatError(f"the job now names {len(after)} files; it named {len(before)}")
            return
        except NotFoundError as gone:
            if tries_left == 0:
                await work.must(row, work.ledger.expired, row.id, gone.message)
                raise work.bad_end(await work.row(row.id)) from None
        except (TransportError, ServerError, ResponseFormatError, RateLimitedError) as failure:
            if tries_left == 0:
                raise work.about(failure, row) from None
        except GenMediaError as final:
            raise work.about(final, row) from None
        await asyncio.sleep(min(work.settings.poll_seconds, 2.0))

"""Collecting: every file of a finished job is fetched and kept; what is missing is asked for until the deadline."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prefect_genmedia.errors import (
    GenMediaError,
    MediaError,
    MediaExpiredError,
    NotFoundError,
    RateLimitedError,
    ResponseFormatError,
    ServerError,
    TransportError,
)
from prefect_genmedia.jobs.call import READ_PATIENCE_SECONDS, Call, Taken
from prefect_genmedia.jobs.looking.outage import answered, is_silence, silent
from prefect_genmedia.jobs.rescued import let_go, rescue, rescued
from prefect_genmedia.jobs.values import media_file_of, ref_of
from prefect_genmedia.jobs.wait import fetch, read_links, record_success, trouble_pause
from prefect_genmedia.ledger import LedgerState
from prefect_genmedia.media import MediaFile, download
from prefect_genmedia.media.download import LONGEST_LINK
from prefect_genmedia.operation import JobState, Link
from prefect_genmedia.quoting import NO_FILE

if TYPE_CHECKING:
    from prefect_genmedia.ledger import JobRow, MediaRow

S = LedgerState
OPTIONAL_TRIES = 4  # for a file that a job may do without
NAMED_LATE_TRIES = 3  # within some seconds; what is not named then may be named to a later call
TRIES_OF_ONE_LINK = 3  # then the link itself may be what is wrong: one is asked for anew
STORE_TRIES = 4  # for a store that cannot take it: somebody must make room
LONGEST_PAUSE_SECONDS = 30.0  # CDNs show files late, by minutes at the most


class Links:
    """The links of one job as last fetched, by place. They may be signed: they live only here."""

    def __init__(self, call: Call, row: JobRow, links: list[Link]) -> None:
        self._call = call
        self._row = row
        self._asking = asyncio.Lock()
        self.by_place = placed(links)

    def unnamed(self, here: Iterable[int]) -> str:
        """What the answer does not name of what was bought and is not `here`; empty when it names all."""
        places = self.by_place.keys() | set(here)
        due = max([self._call.operation.files_due(self._row.request) or 0, *(place + 1 for place in places)])
        named = len(places)
        return f"{due} files were bought, the answer names {named}" if named < due else ""

    async def ask_anew(self, dead: Link | None) -> None:
        """The provider signs fresh links when it is asked for the job again. One asks for all that wait."""
        async with self._asking:
            if dead is not None and dead not in self.by_place.values():
                return  # somebody has asked since
            status, payload = await fetch(self._call, self._row)
            if status.state is not JobState.SUCCEEDED:
                raise ResponseFormatError(f"the finished job is now said to be {status.provider_state}")
            # What is no longer named may be named again: an old link is better than none.
            self.by_place |= placed(read_links(self._call, self._row, payload))


def placed(links: list[Link]) -> dict[int, Link]:
    """Links by their place in the answer: a gap among them shifts nothing."""
    return {index if link.place is None else link.place: link for index, link in enumerate(links)}


async def collect(call: Call, row: JobRow, found: list[Link] | None) -> JobRow:
    """Bring in what is not here yet, and record it: the row is STORED, or SUCCEEDED still while some are missing.

    `found` are the links if they were fetched just now. Raises MediaError or what keeps the links from us, with the
    JobRef, when nothing could be brought in at all.
    """
    call.show(row, "downloading", 100.0)
    here = await files_here(call, row)
    if found is None and call.operation.at_once is not None:
        found = await asyncio.to_thread(_kept_links, call, row)
    if found is None and (found := await _fetch_links(call, row, some_are_here=bool(here))) is None:
        return await call.read_row(row.id)  # the provider has forgotten it, and the row says so
    links = Links(call, row, found)
    await _until_all_are_named(call, row, links, here)
    wanted = [place for place in sorted(links.by_place) if place not in here]
    got = await asyncio.gather(*(_bring_in(call, row, links, place) for place in wanted), return_exceptions=True)
    files = {place: media_file_of(file) for place, file in here.items()}
    missing: list[str] = []
    left_out: list[str] = []
    worst: MediaError | None = None
    for place, outcome in zip(wanted, got, strict=True):
        link = links.by_place[place]
        if isinstance(outcome, Exception) and not isinstance(outcome, GenMediaError | Taken):
            # Nothing that we know of: the other files are no worse for it.
            call.run.log.debug("%s of job %s", link.role, ref_of(row), exc_info=outcome)
            outcome = MediaError(f"it could not be brought in ({type(outcome).__name__})")
        if isinstance(outcome, MediaFile):
            files[place] = outcome
        elif isinstance(outcome, MediaError):
            lost = left_out if link.optional and not outcome.in_store else missing
            lost.append(f"{link.role}: {outcome.message}")
            worst = worst or outcome
        elif outcome is not None:
            raise outcome
    if unnamed := links.unnamed(here):
        missing.append(unnamed)
        worst = worst or MediaError(unnamed)
    if worst is not None and (not files or (missing and call.terms.strict)):
        raise worst.about(ref_of(row), call.provider) from None
    for words in missing + left_out:
        without = "" if words == unnamed else "stored without "
        call.run.log.warning("%s: %s%s [job %s]", row.operation, without, words, ref_of(row))
    rows = {place: file.model_dump(mode="json", exclude={"position"}) for place, file in files.items()}
    _, now = await call.record_and_read(row, call.ledger.stored, row.id, rows, missing, left_out)
    return now


async def files_here(call: Call, row: JobRow) -> dict[int, MediaRow]:
    """Which files of this job are in the store already, by their place."""
    rows = await call.ask_ledger(READ_PATIENCE_SECONDS, call.ledger.media, row.id)
    if not rows:
        return {}
    try:
        there = await asyncio.to_thread(lambda: [call.store.has(media_file_of(file)) for file in rows])
    except MediaError as failure:
        raise failure.about(ref_of(row), call.provider) from None
    return {file.position: file for file, is_there in zip(rows, there, strict=True) if is_there}


async def _bring_in(call: Call, row: JobRow, links: Links, place: int) -> MediaFile:
    """Download one file, again and again until the deadline."""
    day = datetime.fromtimestamp(row.created_at, UTC).strftime("%Y-%m-%d")
    key = f"{row.operation}/{day}/{row.id}-{place}"
    tries = 0
    while True:
        link = links.by_place[place]
        in_answer = call.operation.at_once is not None and len(link.url) > LONGEST_LINK
        error: MediaError
        asked_at = time.monotonic()
        try:
            file = await download(
                call.pool,
                link.nth(tries),
                call.store,
                key,
                deadline=call.deadline,
                base_url=call.account.base_url,
                strict=call.terms.strict,
            )
            answered(call, of_files=True)
            if in_answer:
                await asyncio.to_thread(let_go, row.id, place)
            return file
        except MediaError as failure:
            error = failure
        tries += 1
        pause = min(LONGEST_PAUSE_SECONDS, 0.25 * 2.0 ** min(tries, 10)) * (0.5 + 0.5 * random.random())
        pause = max(pause, error.retry_after or 0.0)
        most = OPTIONAL_TRIES if link.optional else STORE_TRIES if error.in_store else None
        if in_answer and error.in_store and not await asyncio.to_thread(rescue, row.id, place, link.url):
            most = None
            error.money = "The job is paid, and its file is in this process alone."
            error.advice = "Make room while it waits: when it ends the file is lost, for nobody can be asked for it."
        if most is None and not error.in_store:  # neither ours, nor one that the job may do without
            pause = silent(call, row, error, asked_at, pause, of_files=True)
        if error.lasting or call.is_over(pause) or (most is not None and tries >= most):
            raise error
        call.run.log.info("%s: %s; trying again in %.1f s.", row.operation, error.message, pause)
        await asyncio.sleep(pause)
        if isinstance(error, MediaExpiredError) or (not error.in_store and tries % TRIES_OF_ONE_LINK == 0):
            await _ask_anew(call, row, links, link)


async def _until_all_are_named(call: Call, row: JobRow, links: Links, here: Iterable[int]) -> None:
    """A provider may name its last files a moment after it says that the job is done."""
    for tries in range(NAMED_LATE_TRIES):
        pause = trouble_pause(call) * 2.0**tries
        if not links.unnamed(here) or call.is_over(pause):
            return
        await asyncio.sleep(pause)
        await _ask_anew(call, row, links, None)


async def _ask_anew(call: Call, row: JobRow, links: Links, dead: Link | None) -> None:
    if call.operation.at_once is not None:
        return  # nobody can be asked: the link that came is all there is
    try:
        await links.ask_anew(dead)
    except (NotFoundError, TransportError, ServerError, ResponseFormatError, RateLimitedError) as failure:
        call.run.log.info("%s: no fresh link yet (%s).", row.operation, failure.message)
    except GenMediaError as final:
        raise final.about(ref_of(row), call.provider) from None


def _kept_links(call: Call, row: JobRow) -> list[Link]:
    """Where the files are, from the answer to the submit as the ledger has it. Raises MediaExpiredError."""
    try:
        links = placed(read_links(call, row, row.result or {}))
    except ResponseFormatError:
        links = {}
    for place, text in rescued(row.id).items():
        links[place] = replace(links.get(place) or Link(text, "image"), url=text)
    found = [replace(link, place=place) for place, link in links.items() if link.url != NO_FILE]
    if found:
        return found
    said = "the file itself was in the answer to the submit, which no ledger keeps, and it is not on this machine"
    money, advice = "It was bought once, and its file cannot be had again.", "To buy it again: copy=1."
    raise MediaExpiredError(said, money=money, advice=advice).about(ref_of(row), call.provider)


async def _fetch_links(call: Call, row: JobRow, *, some_are_here: bool) -> list[Link] | None:
    """Ask the provider for a finished job again, until it answers or the deadline passes.

    None once it has been forgotten: the row is EXPIRED then, or STORED with the files that had come before.
    """
    tries = 0
    while True:
        failure: GenMediaError
        asked_at = time.monotonic()
        try:
            status, payload = await fetch(call, row)
            answered(call)
            if status.state is JobState.SUCCEEDED:
                _, links = await record_success(call, row, status, payload)
                return links
            failure = ResponseFormatError(f"the finished job is now said to be {status.provider_state}")
        except NotFoundError as gone:
            failure = gone
            lasting, end = call.settings.expired_after_seconds, S.STORED if some_are_here else S.EXPIRED
            if await call.record_fact(row, call.ledger.missing, row.id, gone.message, lasting, row.job_id, end):
                return None
        except (TransportError, ServerError, ResponseFormatError, RateLimitedError) as passing:
            failure = passing
        except GenMediaError as final:
            raise final.about(ref_of(row), call.provider) from None
        tries += 1
        pause = min(LONGEST_PAUSE_SECONDS, trouble_pause(call) * 2.0 ** min(tries, 10))
        if is_silence(failure):
            pause = silent(call, row, failure, asked_at, pause)
        too_often = not isinstance(failure, NotFoundError) and tries >= call.settings.poll_failures
        if failure.lasting or too_often or call.is_over(pause):
            raise failure.about(ref_of(row), call.provider) from None
        await asyncio.sleep(pause)

"""A job from claim to files: whose it is, what comes next, and when it is delivered. Read it from top to bottom."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from prefect_genmedia.errors import (
    NOTHING_BOUGHT,
    GenMediaError,
    JobExpiredError,
    JobFailedError,
    JobTimeoutError,
    LedgerError,
    MediaError,
    MediaInvalidError,
    NotFoundError,
    QueueFullError,
    SubmitOutcomeUnknown,
)
from prefect_genmedia.jobs.call import CLAIM_PATIENCE_SECONDS, READ_PATIENCE_SECONDS, Call, Taken, in_thread, to_its_end
from prefect_genmedia.jobs.collect import collect, files_here
from prefect_genmedia.jobs.leases import lease, leases
from prefect_genmedia.jobs.purchase import Purchase
from prefect_genmedia.jobs.reconcile import reconcile
from prefect_genmedia.jobs.submit import submit
from prefect_genmedia.jobs.turns.admission import Place
from prefect_genmedia.jobs.values import SCRIPT, JobResult, media_file_of, ref_of
from prefect_genmedia.jobs.wait import fetch, wait
from prefect_genmedia.ledger import Claim, LedgerState, is_dead
from prefect_genmedia.media.store import RUN_AGAIN
from prefect_genmedia.operation import JobState, Link

if TYPE_CHECKING:
    from prefect_genmedia.ledger import JobRow, MediaRow

S = LedgerState
ENDED = (S.STORED, S.FAILED, S.EXPIRED)


async def deliver(call: Call, purchase: Purchase) -> JobResult[Any]:
    """The files of what is wanted: bought already, adopted, or bought now."""
    await _adopt(call, purchase)
    place = Place(call)

    looked = False

    async def claim() -> Claim:
        nonlocal looked
        before = await call.ask_ledger(CLAIM_PATIENCE_SECONDS, call.ledger.newest, purchase.want.keys)
        if before is None:
            await place.take()  # before the claim: what waits in line needs no lease
            call.begin_work()
        elif not looked:
            with contextlib.suppress(GenMediaError):  # then it is as the ledger has it
                await _look_once_more(call, before)
        looked = True
        claiming = call.ask_ledger(CLAIM_PATIENCE_SECONDS, call.ledger.claim, purchase.want, call.owner)
        claimed = await to_its_end(claiming)
        if not claimed.mine:
            place.give_back()  # another call sends it, and may stand behind us
            purchase.let_go(but_downloads=True)
        return claimed

    try:
        while True:
            try:
                return await _until_delivered(call, claim, purchase, place)
            except (JobFailedError, JobExpiredError) as failure:
                claimed = await claim()
                if not claimed.mine and claimed.row.state in (S.FAILED, S.EXPIRED):
                    raise
                call.run.log.warning("%s Buying it again: attempt %d.", failure, claimed.row.attempt)
    finally:
        place.give_back()


async def bring_in(call: Call, row: JobRow) -> JobResult[Any]:
    """The files of a job that is bought already, also of one that counts as failed or forgotten. Never submits."""
    await _look_once_more(call, row)

    async def take() -> Claim:
        taking = call.ask_ledger(CLAIM_PATIENCE_SECONDS, call.ledger.take, row.id, call.owner)
        return await to_its_end(taking)

    place = Place(call)
    return await _until_delivered(call, take, None, place)


async def _look_once_more(call: Call, row: JobRow) -> None:
    """Reopen a job that ended badly where the provider now says better of it, which costs nothing to ask."""
    if row.state not in (S.FAILED, S.EXPIRED) or not row.job_id:
        return
    try:
        status, _ = await fetch(call, row)
    except NotFoundError:
        return
    except GenMediaError as failure:
        raise failure.about(ref_of(row), call.provider) from None
    if status.state is not JobState.FAILED:
        await call.ask_ledger(READ_PATIENCE_SECONDS, call.ledger.found_again, row.id, call.owner)


async def _adopt(call: Call, purchase: Purchase) -> None:
    """Take over an equal job that was bought for a run which never got its files."""
    want = purchase.want
    for row in await call.ask_ledger(CLAIM_PATIENCE_SECONDS, call.ledger.undelivered, want):
        state, dead = await call.run.state_of(row.run), is_dead(row.process)
        # A run that nobody knows any more, as when Prefect's database was lost, has ended with its process.
        abandoned = state == "ended" or (state in ("live", "unknown") and dead is True)
        # Paid and never brought in: nobody has it, whatever became of its run.
        unfetched = row.state != S.STORED and state != "live"
        if (abandoned or unfetched) and await call.ask_ledger(READ_PATIENCE_SECONDS, call.ledger.adopt, row, want):
            call.run.log.info("Adopted job %s, bought for %s and never delivered.", ref_of(row), row.run)
            return


async def _until_delivered(
    call: Call, claim: Callable[[], Awaitable[Claim]], purchase: Purchase | None, place: Place
) -> JobResult[Any]:
    while True:
        async with lease(call):
            claimed = await claim()
            with contextlib.suppress(Taken):  # another call works on this row: look again in a moment
                if not claimed.mine and (ended := await _ended(call, claimed.row, purchase)) is not None:
                    return ended
                row = claimed.row if claimed.mine else await call.read_row(claimed.row.id)  # reopened for us
                return await _advance(call, row, purchase, place)
        if waits := claimed.row.state == S.NOT_ACCEPTED:
            call.wait_for_turn()
        else:
            call.begin_work()
        if call.is_over():
            if waits:
                raise QueueFullError("our deadline passed while another call that asks for the same waits for its turn")
            raise JobTimeoutError.of(ref_of(claimed.row), call.provider)
        await asyncio.sleep(min(call.settings.poll_seconds, 1.0))


async def _ended(call: Call, row: JobRow, purchase: Purchase | None) -> JobResult[Any] | None:
    """What a job gives that is not ours to work on; None when it was reopened for us. Raises Taken, its bad end."""
    if row.state not in ENDED:
        raise Taken
    asked = purchase.want.request if purchase is not None and call.operation.reading else row.request
    if row.state == S.FAILED or (row.state == S.EXPIRED and asked == row.request):
        raise bad_end(call, row)
    if asked != row.request:
        # To be read in another way than before.
        reopened = await call.ask_ledger(READ_PATIENCE_SECONDS, call.ledger.reread, row.id, call.owner, asked)
    else:
        files = await call.ask_ledger(READ_PATIENCE_SECONDS, call.ledger.media, row.id)
        if len(await files_here(call, row)) == len(files):
            asked_to_share = call.terms.request_key is not None  # and so needs not be told
            if call.run.is_script and row.delivered_at is not None and not asked_to_share:
                _say_that_it_is_the_same(call, row)
            return await _result(call, row, files)
        # Somebody has deleted them: the provider may still have them.
        reopened = await call.ask_ledger(READ_PATIENCE_SECONDS, call.ledger.reopen, row.id, call.owner)
    if not reopened:
        raise Taken
    return None


def _say_that_it_is_the_same(call: Call, row: JobRow) -> None:
    day = datetime.fromtimestamp(row.created_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    call.run.log.warning(
        "%s: an equal request was bought on %s as job %s: these are its files, nothing was bought. "
        "Outside of a flow run an equal request is the same job; copy or request_key makes another.",
        row.operation, day, ref_of(row),
    )  # fmt: skip


async def _advance(call: Call, row: JobRow, purchase: Purchase | None, place: Place) -> JobResult[Any]:
    """One step after the other, until the job is delivered. Raises its bad end, Taken, and what each step raises."""
    links: list[Link] | None = None
    resubmitted = False
    accepted_at: float | None = None
    try:
        while True:
            if row.state == S.STORED:
                if row.owner is None:
                    leases(call.ledger).let_go(call.owner)  # the row that was ours is nobody's: nothing to release
                call.show(row, "done", 100.0)
                if not row.whole:
                    return await _partly(call, row)
                return await _result(call, row, await call.ask_ledger(READ_PATIENCE_SECONDS, call.ledger.media, row.id))
            if row.state in (S.FAILED, S.EXPIRED):
                raise bad_end(call, row)
            if row.owner != call.owner:
                raise Taken
            if purchase is not None and row.state in (S.SUBMITTED, S.SUCCEEDED):
                purchase.let_go(but_downloads=call.terms.attempts > 1 or call.terms.on_expired == "resubmit")
            if row.state == S.UNKNOWN:
                row, finding = await reconcile(call, row)
                if finding:
                    row = await _bought_again(call, row, purchase, finding, resubmitted)
                    resubmitted = True
                continue
            if row.state == S.SUBMITTED:
                row, links = await wait(call, row, accepted_at)
                place.give_back()
            elif row.state == S.SUCCEEDED:
                if links is None and await _is_all_there_again(call, row):
                    _, row = await call.record_and_read(row, call.ledger.still_stored, row.id, call.owner)
                    continue
                row = await collect(call, row, links)
                if row.state == S.SUCCEEDED:
                    return await _partly(call, row)
            elif purchase is None:
                said = f"it was never bought ({row.reason})" if row.reason else "it was never bought"
                raise JobFailedError(said, money=NOTHING_BOUGHT, advice="Ask for it again.", job=ref_of(row))
            else:
                row, links = await submit(call, row, purchase, place)
                accepted_at = time.monotonic()
                if row.state == S.SUCCEEDED:
                    place.give_back()
    except LedgerError as error:
        raise error.about(ref_of(row), call.provider) from None


async def _bought_again(call: Call, row: JobRow, purchase: Purchase | None, finding: str, resubmitted: bool) -> JobRow:
    """What the caller's policy says of a lost submit: the row that is bought instead, once a call.

    Raises SubmitOutcomeUnknown.
    """
    if call.terms.on_unknown == "resubmit" and purchase is not None and not resubmitted:
        claim = await in_thread(call.ledger.supersede, row.id, purchase.want, call.owner)
        if claim.mine:
            call.run.log.warning(
                "%s: job %s stays unknown (%s); bought again as %s, as the policy says.",
                row.operation, row.id, finding, claim.row.id,
            )  # fmt: skip
            return claim.row
    has_page, policy = call.operation.fetch is not None, call.terms.on_unknown
    raise SubmitOutcomeUnknown.of(ref_of(row), call.provider, row.reason, finding, policy, has_page=has_page)


async def _is_all_there_again(call: Call, row: JobRow) -> bool:
    """Were the files missed only for a while? Not where some have never come."""
    if not row.whole:
        return False
    files = await call.ask_ledger(READ_PATIENCE_SECONDS, call.ledger.media, row.id)
    return bool(files) and len(await files_here(call, row)) == len(files)


async def _partly(call: Call, row: JobRow) -> JobResult[Any]:
    """What there is of a job whose other files have not come."""
    # The ledger remembers files of an earlier time; delivered are those that are here.
    here = [file for _, file in sorted((await files_here(call, row)).items())]
    if not here:
        said = f"none of its files is in the store {call.store.root}: {row.reason or 'they were, and are gone'}"
        raise MediaError(said, advice=RUN_AGAIN, in_store=True).about(ref_of(row), call.provider)
    return await _result(call, row, here)


async def _result(call: Call, row: JobRow, files: list[MediaRow]) -> JobResult[Any]:
    odd = [f"{file.role}: {remark}" for file in files for remark in file.remarks or ()]
    if call.terms.strict and odd:
        said, advice = "; ".join(odd), "It is here as it came: ask without `strict`."
        raise MediaInvalidError(said, advice=advice).about(ref_of(row), call.provider)
    if row.run.startswith(SCRIPT) and row.delivered_at is None:
        await call.record_fact(row, call.ledger.handed_over, row.id)
    result = call.operation.result.model_validate(row.result or {})
    remarks = [*(row.remarks or ()), *([row.reason] if row.reason else ()), *odd]
    return JobResult(
        job=ref_of(row),
        media=[media_file_of(file) for file in files],
        result=result,
        quota=row.quota,
        remarks=tuple(remarks),
    )


def bad_end(call: Call, row: JobRow) -> GenMediaError:
    """The error of a job that failed or was forgotten."""
    if row.state == S.EXPIRED:
        return JobExpiredError.of(ref_of(row), call.provider, row.reason)
    return JobFailedError.of(ref_of(row), call.provider, row.reason, row.refunded, row.attempt)

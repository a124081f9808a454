"""The whole check: free reads, then purchases, the cheapest first, each through the ordinary door of paid jobs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from prefect_genmedia.budget import Budget
from prefect_genmedia.cli.live import assumptions as a
from prefect_genmedia.cli.live.assumptions import Findings, files_of, price_of, submit_of
from prefect_genmedia.cli.live.candidates import HEIGHT, WIDTH, Candidate, Offer, priced
from prefect_genmedia.cli.live.reads import Reader, free_reads
from prefect_genmedia.cli.live.recording import Redaction
from prefect_genmedia.cli.live.watching import Watch
from prefect_genmedia.errors import (
    ApiError,
    AuthenticationError,
    BudgetExceededError,
    ContentRejectedError,
    GenMediaError,
    InsufficientCreditsError,
    InvalidRequestError,
    JobError,
    JobTimeoutError,
    MediaError,
    ResponseFormatError,
    SubmitOutcomeUnknown,
)
from prefect_genmedia.jobs import JobResult, Run, Terms, run, script_run
from prefect_genmedia.jobs.buying import ledger_of
from prefect_genmedia.operation import Account
from prefect_genmedia.providers.facts import Price, in_usd
from prefect_genmedia.providers.novita.images import ROUNDING
from prefect_genmedia.quoting import one_line
from prefect_genmedia.settings import read_settings
from prefect_genmedia.wire.http import http_pool

KEY = "genmedia live-check"  # whoever runs the check again gets the job that is there
SETTLING_SECONDS = 5.0  # how long a balance may take to follow


@dataclass
class Check:
    """One run of the check."""

    account: Account
    findings: Findings
    reader: Reader
    prices: Sequence[Price]
    spend: float
    copy: int = 0
    budget: Budget | None = None
    """The user's own, which holds beside --spend."""
    spent_usd: float = 0.0
    jobs: list[dict[str, Any]] = field(default_factory=list)

    def recording(self) -> dict[str, Any]:
        """What was heard and found, with keys, links and prompts taken out."""
        redaction = Redaction(self.account.api_key)
        return {
            "made": datetime.now(UTC).date().isoformat(),
            "provider": self.account.provider.name,
            "reads": [{**kept, "body": redaction.of(kept.get("body"))} for kept in self.reader.kept],
            "jobs": self.jobs,
            "findings": [{"assumption": each.assumption.key, "outcome": each.outcome} for each in self.findings.rows()],
        }


async def check(
    account: Account,
    *,
    spend: float | None = None,
    prices: Sequence[Price] = (),
    agreed: Callable[[list[Offer]], bool] = lambda offers: False,
    copy: int = 0,
    budget: Budget | None = None,
) -> Check:
    """Go through all assumptions of the account's provider; `spend` is in USD, None for free reads only.

    `agreed` is shown what would be bought, and says whether it may be. Raises AuthenticationError and
    NotDeliveredError when nothing can be tried, ConfigurationError, LedgerError.
    """
    async with http_pool() as pool:
        findings = Findings(account.provider.name)
        made = Check(account, findings, Reader(account, pool), prices, spend or 0.0, copy, budget)
        await free_reads(made.reader, findings)
        offers, unpriced = await asyncio.to_thread(priced, account, prices)
        for candidate in unpriced:
            _leave(made, candidate, "no source names its price: give yours in GENMEDIA_PRICES")
        affordable = _within(offers, spend or 0.0)
        if spend is None:
            _leave_all(made, offers, "--spend was not given")
        elif affordable and not agreed(affordable):
            _leave_all(made, offers, "it was not agreed to")
        else:
            _leave_all(made, [each for each in offers if each not in affordable], "it is beyond what may be spent")
            await _buy_all(made, affordable)
        return made


def _within(offers: list[Offer], spend: float) -> list[Offer]:
    """The cheapest, as far as the money goes."""
    chosen: list[Offer] = []
    for offer in offers:
        if sum(each.usd for each in chosen) + offer.usd <= spend + 1e-9:
            chosen.append(offer)
    return chosen


def _leave(made: Check, candidate: Candidate, why: str) -> None:
    for of in (submit_of, files_of, price_of):
        made.findings.left(of(candidate), why)


def _leave_all(made: Check, offers: list[Offer], why: str) -> None:
    for offer in offers:
        _leave(made, offer.candidate, why)


async def _buy_all(made: Check, offers: list[Offer]) -> None:
    unit = offers[0].candidate.operation.unit if offers else "USD"
    # Beside our own sum, the ledger counts: what it would exceed is not sent.
    tag = f"{KEY} {uuid.uuid4().hex}"
    own = made.budget or Budget()
    budget = replace(own, per_tag={**own.per_tag, tag: made.spend / in_usd(1.0, unit)})
    terms = Terms(request_key=KEY, copy=made.copy, budget=budget, prices=[*made.prices, *_as_prices(offers)])
    here = replace(script_run(), tags=(tag,))
    start = await _balance(made)
    for place, offer in enumerate(offers):
        if made.spent_usd + offer.usd > made.spend + 1e-9:
            _leave(made, offer.candidate, "what was bought cost more than expected: too little is left")
            continue
        try:
            await _buy(made, offer, here, terms)
        except (AuthenticationError, InsufficientCreditsError, SubmitOutcomeUnknown, BudgetExceededError) as end:
            # Money may be spent that nobody can count, or there is none: no more is bought.
            _leave(made, offer.candidate, one_line(end.message))
            _leave_all(made, offers[place + 1 :], f"stopped: {type(end).__name__} at {offer.candidate.label}")
            return
        now = await _balance(made)
        if start is not None and now is not None:
            made.spent_usd = max(made.spent_usd, in_usd(start - now, unit))


def _as_prices(offers: list[Offer]) -> list[Price]:
    """What the check counts with, for the budget to count the same; the first row that fits counts."""
    rows = []
    for offer in offers:
        request = offer.candidate.request.model_dump(mode="json", exclude_none=True)
        when = {"mode": request["mode"]} if isinstance(request.get("mode"), str) else {}
        rows.append(Price(operation=offer.candidate.operation.name, when=when, price=offer.amount))
    return rows


async def _balance(made: Check) -> float | None:
    with contextlib.suppress(GenMediaError):
        return await made.reader.balance()
    return None


async def _buy(made: Check, offer: Offer, here: Run, terms: Terms) -> None:
    """One purchase, watched. Raises what ends the whole check."""
    candidate, findings, settings = offer.candidate, made.findings, read_settings()
    ledger = await asyncio.to_thread(ledger_of, settings)
    watch = Watch(made.reader, findings, ledger, offer, here.name, settings.reconcile_seconds)
    await watch.prepare()
    before = await _balance(made)
    watching = asyncio.create_task(watch.look_on())
    result: JobResult[Any] | None = None
    try:
        result = await _bought(made, offer, here, terms)
    except InvalidRequestError as refusal:
        findings.failed(submit_of(candidate), one_line(refusal.message))
    except JobTimeoutError as late:
        findings.held(submit_of(candidate))
        findings.left(files_of(candidate), one_line(late.message))
    except (JobError, MediaError, ResponseFormatError) as failure:
        if getattr(failure, "job", None) is not None:
            findings.held(submit_of(candidate))
            findings.failed(files_of(candidate), one_line(failure.message))
        else:
            findings.left(submit_of(candidate), one_line(failure.message))
    except (AuthenticationError, InsufficientCreditsError):
        raise
    except ApiError as refusal:
        findings.failed(submit_of(candidate), one_line(refusal.message))
    finally:
        watch.ended.set()
        await watching
    if watch.row is None:
        if result is not None:
            _leave(made, candidate, f"it was bought before, as job {result.job.id[:12]}: --copy 1 buys another")
        return
    charged = await _charged(made, result, before, offer)
    made.spent_usd += offer.usd if charged is None else in_usd(charged, candidate.operation.unit)
    if result is not None:
        _judge(made, offer, result, charged)


async def _bought(made: Check, offer: Offer, here: Run, terms: Terms) -> JobResult[Any]:
    """The job, also where a label is refused: then without one. A refusal buys nothing."""
    candidate, findings, settings = offer.candidate, made.findings, read_settings()
    operation, request = candidate.operation, candidate.request
    labelled = operation.witness is not None and settings.submit_label and not settings.callback_url
    try:
        result = await run(operation, request, made.account, run=here, terms=terms)
    except ContentRejectedError:
        raise
    except InvalidRequestError as refusal:
        if not labelled or (refusal.job is not None and refusal.job.job_id):
            raise
        said = one_line(refusal.message)
        with _without_label():
            result = await run(operation, request, made.account, run=here, terms=terms)
        findings.failed(a.LABEL, f"refused with it ({said}), taken without")
        return result
    if labelled:
        findings.held(a.LABEL)
    return result


@contextlib.contextmanager
def _without_label() -> Iterator[None]:
    """The setting as its name says, for one purchase of this process."""
    name = "GENMEDIA_SUBMIT_LABEL"
    before = os.environ.get(name)
    os.environ[name] = "false"
    try:
        yield
    finally:
        os.environ.pop(name)
        if before is not None:
            os.environ[name] = before


async def _charged(made: Check, result: JobResult[Any] | None, before: float | None, offer: Offer) -> float | None:
    """What it cost: the provider's own figure, or by how much the balance fell. None where neither tells."""
    if result is not None and result.quota is not None:
        return result.quota
    waited = 0.0
    while before is not None:
        now = await _balance(made)
        if now is not None and now < before - 1e-9:
            return before - now
        if waited >= SETTLING_SECONDS or result is None:
            break
        await asyncio.sleep(1.0)
        waited += 1.0
    return None


def _judge(made: Check, offer: Offer, result: JobResult[Any], charged: float | None) -> None:
    candidate, findings = offer.candidate, made.findings
    findings.held(submit_of(candidate))
    said = f"{len(result.media)} files"
    due = candidate.operation.files_due(candidate.request.model_dump(mode="json"))
    if due is not None and len(result.media) < due:
        findings.failed(files_of(candidate), f"{len(result.media)} files of {due}")
    elif result.remarks:
        findings.failed(files_of(candidate), "; ".join(map(one_line, result.remarks)))
    else:
        findings.held(files_of(candidate), said)
    unit = candidate.operation.unit
    if charged is None:
        findings.left(price_of(candidate), "neither the answer nor the balance tells")
    elif abs(charged - offer.amount) > 1e-6:
        findings.failed(price_of(candidate), f"{charged:g} {unit}, not {offer.amount:g} ({offer.source})")
    else:
        findings.held(price_of(candidate), f"{charged:g} {unit}")
    if candidate.label == "novita.txt2img":
        sizes = {(file.width, file.height) for file in result.media}
        near = all(abs((w or 0) - WIDTH) <= ROUNDING and abs((h or 0) - HEIGHT) <= ROUNDING for w, h in sizes)
        said = f"{WIDTH}x{HEIGHT} asked, {', '.join(f'{w}x{h}' for w, h in sizes)} given"
        (findings.held if near else findings.failed)(a.SIZE, said)
    made.jobs.append(
        {
            "operation": candidate.operation.name,
            "label": candidate.label,
            "charged": charged,
            "unit": unit,
            "files": [
                {"role": file.role, "media_type": file.media_type, "width": file.width, "height": file.height}
                for file in result.media
            ],
        }
    )

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
from prefect_genmedia.cli.live.assumptions import Findings, callback_of, files_of, of_purchase, submit_of
from prefect_genmedia.cli.live.candidates import Candidate, Offer, calling_back, priced
from prefect_genmedia.cli.live.judging import as_recorded, balance, charged_for, judge, judge_callback
from prefect_genmedia.cli.live.reads import Reader, free_reads
from prefect_genmedia.cli.live.recording import Redaction
from prefect_genmedia.cli.live.watching import Watch
from prefect_genmedia.errors import (
    ApiError,
    AuthenticationError,
    ContentRejectedError,
    GenMediaError,
    InsufficientCreditsError,
    InvalidRequestError,
    JobError,
    JobTimeoutError,
    MediaError,
    QueueFullError,
    RateLimitedError,
    ResponseFormatError,
)
from prefect_genmedia.jobs import JobResult, Run, Terms, run, script_run
from prefect_genmedia.jobs.buying import ledger_of
from prefect_genmedia.operation import Account
from prefect_genmedia.providers.facts import Price, in_usd
from prefect_genmedia.quoting import one_line
from prefect_genmedia.settings import read_settings
from prefect_genmedia.wire.http import http_pool

KEY = "genmedia live-check"  # whoever runs the check again gets the job that is there


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
    for assumption in of_purchase(candidate):
        made.findings.left(assumption, why)


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
    start = await balance(made.reader)
    for place, offer in enumerate(offers):
        if made.spent_usd + offer.usd > made.spend + 1e-9:
            _leave(made, offer.candidate, "what was bought cost more than expected: too little is left")
            continue
        try:
            await _buy(made, offer, here, terms)
        except GenMediaError as end:
            # A lost submit, no money, no network, no ledger: what is spent cannot be counted, or nothing can be bought.
            _leave(made, offer.candidate, one_line(end.message))
            _leave_all(made, offers[place + 1 :], f"stopped: {type(end).__name__} at {offer.candidate.label}")
            return
        now = await balance(made.reader)
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


async def _buy(made: Check, offer: Offer, here: Run, terms: Terms) -> None:
    """One purchase, watched. Raises what ends the whole check."""
    candidate, findings, settings = offer.candidate, made.findings, read_settings()
    ledger = await asyncio.to_thread(ledger_of, settings)
    watch = Watch(made.reader, findings, ledger, offer, here.name, settings.reconcile_seconds)
    await watch.prepare()
    before = await balance(made.reader)
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
    except (RateLimitedError, QueueFullError) as busy:
        findings.left(submit_of(candidate), one_line(busy.message))
    except (AuthenticationError, InsufficientCreditsError):
        raise
    except ApiError as refusal:
        findings.failed(submit_of(candidate), one_line(refusal.message))
    finally:
        watch.ended.set()
        await watching
    if watch.row is not None and result is not None and candidate.operation.callback:
        await judge_callback(findings, candidate, ledger, watch.row)
    if watch.row is None:
        if result is not None:
            _leave(made, candidate, f"it was bought before, as job {result.job.id[:12]}: --copy 1 buys another")
        return
    charged = await charged_for(made.reader, result, before)
    made.spent_usd += offer.usd if charged is None else in_usd(charged, candidate.operation.unit)
    if result is not None:
        judge(findings, offer, result, charged)
        made.jobs.append(as_recorded(offer, result, charged))


async def _bought(made: Check, offer: Offer, here: Run, terms: Terms) -> JobResult[Any]:
    """The job, also where a label is refused: then without one. A refusal buys nothing."""
    candidate, findings, settings = offer.candidate, made.findings, read_settings()
    operation, switched = candidate.operation, bool(candidate.operation.callback_switch and settings.callback_url)
    request = calling_back(candidate.request, operation, switched)
    labelled = operation.witness is not None and settings.submit_label and not settings.callback_url
    try:
        result = await run(operation, request, made.account, run=here, terms=terms)
    except ContentRejectedError:
        raise
    except InvalidRequestError as refusal:
        if not (labelled or switched) or (refusal.job is not None and refusal.job.job_id):
            raise
        said = f"refused with it ({one_line(refusal.message)}), taken without"
        with _without_label():
            plain = calling_back(request, operation, False)
            result = await run(operation, plain, made.account, run=here, terms=terms)
        findings.failed(callback_of(candidate) if switched else a.LABEL, said)
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

"""What a purchase tells, once it is over."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

from prefect_genmedia.cli.live import assumptions as a
from prefect_genmedia.cli.live.assumptions import Findings, callback_of, files_of, price_of, submit_of
from prefect_genmedia.cli.live.candidates import HEIGHT, WIDTH, Candidate, Offer
from prefect_genmedia.cli.live.reads import Reader
from prefect_genmedia.errors import GenMediaError
from prefect_genmedia.jobs import JobResult
from prefect_genmedia.ledger import JobRow, Ledger
from prefect_genmedia.providers.novita.images import ROUNDING
from prefect_genmedia.quoting import one_line
from prefect_genmedia.settings import read_settings

SETTLING_SECONDS = 5.0  # how long a balance, or a callback, may take to follow


async def balance(reader: Reader) -> float | None:
    """What is left; None when it cannot be told now."""
    with contextlib.suppress(GenMediaError):
        return await reader.balance()
    return None


async def judge_callback(findings: Findings, candidate: Candidate, ledger: Ledger, row: JobRow) -> None:
    """Did the receiver, who shares the ledger, hear of this job?"""
    if findings.outcome(callback_of(candidate)) == "did not hold":
        return  # it went out without one
    if not read_settings().callback_url:
        findings.left(callback_of(candidate), "GENMEDIA_CALLBACK_URL is not set")
        return
    until = time.monotonic() + SETTLING_SECONDS
    while not (await asyncio.to_thread(ledger.hints, [row.id])):
        if time.monotonic() > until:
            findings.failed(callback_of(candidate), f"none within {SETTLING_SECONDS:g} s of the job's end")
            return
        await asyncio.sleep(0.1)
    findings.held(callback_of(candidate))


async def charged_for(reader: Reader, result: JobResult[Any] | None, before: float | None) -> float | None:
    """What it cost: the provider's own figure, or by how much the balance fell. None where neither tells."""
    if result is not None and result.quota is not None:
        return result.quota
    waited = 0.0
    while before is not None:
        now = await balance(reader)
        if now is not None and now < before - 1e-9:
            return before - now
        if waited >= SETTLING_SECONDS or result is None:
            break
        await asyncio.sleep(1.0)
        waited += 1.0
    return None


def judge(findings: Findings, offer: Offer, result: JobResult[Any], charged: float | None) -> None:
    """What a bought job tells of its submit, its files and its price."""
    candidate = offer.candidate
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


def as_recorded(offer: Offer, result: JobResult[Any], charged: float | None) -> dict[str, Any]:
    """A bought job for the recording."""
    return {
        "operation": offer.candidate.operation.name,
        "label": offer.candidate.label,
        "charged": charged,
        "unit": offer.candidate.operation.unit,
        "files": [
            {"role": file.role, "media_type": file.media_type, "width": file.width, "height": file.height}
            for file in result.media
        ],
    }

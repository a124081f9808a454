"""What can only be seen while a job runs: looked at beside the ordinary purchase, by free reads alone."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

from prefect_genmedia.cli.live import assumptions as a
from prefect_genmedia.cli.live.assumptions import Findings
from prefect_genmedia.cli.live.candidates import Offer
from prefect_genmedia.cli.live.reads import Reader
from prefect_genmedia.errors import GenMediaError, ResponseFormatError
from prefect_genmedia.ledger import JobRow, Ledger
from prefect_genmedia.operation import JobState
from prefect_genmedia.providers.ttapi.fields import WITNESS

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0
LISTED_STATES = ("PENDING_QUEUE", "ON_QUEUE", "SUCCESS", "FAILED")


class Watch:
    """One purchase, watched from its acceptance to its end."""

    def __init__(
        self, reader: Reader, findings: Findings, ledger: Ledger, offer: Offer, run: str, list_seconds: float
    ) -> None:
        self._reader = reader
        self._findings = findings
        self._ledger = ledger
        self._offer = offer
        self._run = run
        self._list_seconds = list_seconds
        self._before: set[str] = set()
        self._frozen_before: float | None = None
        self._looked_at_frozen = False
        self.ended = asyncio.Event()
        self.row: JobRow | None = None
        """The row that this purchase made; None where the ledger had the job already."""

    @property
    def _deep(self) -> bool:
        """Is it the one whose witnesses are tried?"""
        return self._offer.candidate.label == "midjourney.imagine"

    async def prepare(self) -> None:
        """To be called before the purchase."""
        self._before = {row.id for row in await asyncio.to_thread(self._ledger.rows, run=self._run)}
        if self._deep:
            with contextlib.suppress(GenMediaError):
                self._frozen_before = await self._reader.frozen()

    async def look_on(self) -> None:
        """Until the job has ended, and somewhat longer where the list has not shown it yet."""
        pause = FIRST_PAUSE
        while self.row is None:
            over = self.ended.is_set()
            self.row = await asyncio.to_thread(self._accepted)
            if self.row is None and over:
                return
            await self._rest(FIRST_PAUSE)
        if self._offer.candidate.operation.fetch is None:
            return  # it was answered with its files: there is nothing to look at
        accepted, listed = time.monotonic(), not self._deep
        while True:
            over = self.ended.is_set()
            # A read that fails is no proof of anything: the next one may not.
            with contextlib.suppress(GenMediaError):
                await self._fetch(self.row)
            if not listed:
                with contextlib.suppress(GenMediaError):
                    listed = await self._is_listed(str(self.row.job_id))
                listed = self._judge_list(listed, time.monotonic() - accepted)
            if over and listed:
                break
            await self._rest(pause) if not over else await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 1.5)
        if self._looked_at_frozen:
            self._findings_of_frozen()

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.ended.wait(), seconds)

    def _accepted(self) -> JobRow | None:
        rows = self._ledger.rows(run=self._run)
        return next((row for row in rows if row.id not in self._before and row.job_id is not None), None)

    async def _fetch(self, row: JobRow) -> None:
        operation, provider = self._offer.candidate.operation, self._reader.account.provider
        route = operation.fetch_route(row.request)
        job_id = str(row.job_id)
        body = await self._reader.read(
            "job", route.path, {route.job_id: job_id}, method=route.method, operation=operation.name
        )
        status = provider.status(body)
        self._reader.kept[-1]["state"] = str(status.state)
        if self._deep:
            self._judge_label(row, body)
        if status.state not in (JobState.QUEUED, JobState.RUNNING):
            return
        about = provider.job_id_of(body)
        if about not in (None, job_id) or "unknown status" in status.message:
            self._findings.failed(a.UNFINISHED, f"it says {status.provider_state!r}, of job {about}")
        else:
            self._findings.held(a.UNFINISHED, status.provider_state)
        if self._deep and self._frozen_before is not None:
            frozen = await self._reader.frozen()
            self._looked_at_frozen = True
            if frozen is not None and frozen >= self._frozen_before + self._offer.amount - 1e-6:
                self._findings.held(a.FROZEN, f"{frozen - self._frozen_before:g} more")

    def _judge_label(self, row: JobRow, body: dict[str, Any]) -> None:
        if not row.labelled:
            return
        try:
            address = self._reader.account.provider.callback_url_of(body)
        except ResponseFormatError as failure:
            self._findings.failed(a.REPEATS, failure.message)
            return
        if address is not None and row.id in address:
            self._findings.held(a.REPEATS)
        else:
            self._findings.failed(a.REPEATS, "it names none, or another")

    async def _is_listed(self, job_id: str) -> bool:
        for status in LISTED_STATES:
            query = {"page": "1", "limit": "100", "status": status, "order": "desc"}
            if job_id in WITNESS.job_ids(await self._reader.read("list", WITNESS.list_path, query)):
                return True
        return False

    def _judge_list(self, listed: bool, seconds: float) -> bool:
        """Is there nothing more to be learnt of the list?"""
        if listed:
            self._findings.held(a.LISTED, f"after {seconds:.1f} s")
        elif seconds > self._list_seconds:
            self._findings.failed(a.LISTED, f"not after {seconds:.1f} s")
        return listed or seconds > self._list_seconds

    def _findings_of_frozen(self) -> None:
        if self._findings.outcome(a.FROZEN) == "not tried":
            self._findings.failed(a.FROZEN, "while it ran, no more was frozen than before")

"""Every job, from acceptance to its end, and what it cost whom."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from prefect_genmedia.emulator.drawing.recordings import Drawn
from prefect_genmedia.emulator.fault_kinds import CALLBACK, JOB
from prefect_genmedia.emulator.faults import Fault, Faults, share
from prefect_genmedia.emulator.server.gallery import Gallery
from prefect_genmedia.emulator.server.links import uuid_of
from prefect_genmedia.emulator.settings import EmulatorSettings

IN_PROGRESS = ("queued", "running")
HOOKS = ("hookUrl", "hook_url", "webhook_url", "callback")
FAILURES = {"ttapi": "[Internal error] Something went wrong...", "novita": "failed to exec task"}


@dataclass(frozen=True)
class Order:
    """What a provider agreed to do."""

    provider: str  # the vendor: one purse for all its products
    product: str  # whose answers, queue and list it is in
    operation: str
    action: str
    account: str
    prompt: str
    quota: float  # in the provider's own unit: TTAPI quota, Novita 0.0001 USD
    request_sha256: str
    hook_url: str | None
    base_url: str  # where this emulator was reached: links in callbacks need it
    details: dict[str, Any]
    draw: Callable[[Gallery, Job, str], Drawn]  # (gallery, job, part) -> what one of its files shows
    billed: bool = True
    outcome: str | None = None  # set: ends so at once (Novita's test mode)
    failure: str = ""  # set: the job fails with this reason


@dataclass
class Job:
    id: str
    order: Order
    seconds: float
    created_at: float
    accepted: float  # by the provider's clock
    held: bool
    faults: dict[str, Fault]
    state: str = "queued"
    started_at: float | None = None
    finished_at: float | None = None
    finished: float | None = None  # by the provider's clock
    told_at: float | None = None  # when a fetch first said how it ended
    unknown_until: float | None = None  # by the provider's clock; set once, by fetch_404
    unknown_status: int = 404
    refunded: bool = False
    message: str = ""
    fetches: int = 0
    downloads: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def progress(self) -> int:
        if self.started_at is None:
            return 0
        return min(99, int(100 * (time.time() - self.started_at) / max(self.seconds, 0.001)))

    def in_progress(self, clock: float) -> bool:
        """Whether it was, when the provider's clock said this."""
        return self.accepted <= clock and (self.finished is None or clock < self.finished)

    def seed(self) -> int:
        """As wanted, or else the job's own: the same request twice gives two pictures."""
        wanted = self.order.details.get("seed")
        return int(self.id[:8], 16) if wanted is None or wanted < 0 else int(wanted)

    def describe(self) -> dict[str, Any]:
        order = self.order
        return {
            "id": self.id,
            "provider": order.provider,
            "operation": order.operation,
            "action": order.action,
            "account": order.account,
            "billed": order.billed,
            "refunded": self.refunded,
            "quota": order.quota,
            "prompt": order.prompt,
            "request_sha256": order.request_sha256,
            "hook_url": order.hook_url,
            "state": self.state,
            "message": self.message,
            "created_at": self.created_at,
            "finished_at": self.finished_at,
            "told_at": self.told_at,
            "fetches": self.fetches,
            "downloads": self.downloads,
        }


@dataclass
class Account:
    balance: float
    frozen: float = 0.0


class Jobs:
    def __init__(
        self, settings: Callable[[], EmulatorSettings], faults: Faults, told: Callable[[Job, str], None]
    ) -> None:
        self._settings = settings
        self._faults = faults
        self._told = told  # called with (job, "accepted" | "finished")
        self._all: dict[str, Job] = {}
        self._accounts: dict[tuple[str, str], Account] = {}
        self._seen: Counter[str] = Counter()
        self._lives: set[asyncio.Task[None]] = set()

    def __iter__(self) -> Any:
        return iter(self._all.values())

    def account(self, provider: str, account: str) -> Account:
        # One purse in US cents for both, shown in each provider's own unit.
        unit = 1 if provider == "ttapi" else 100
        start = self._settings().start_balance * unit
        return self._accounts.setdefault((provider, account), Account(balance=start))

    def frozen_as_shown(self, provider: str, account: str) -> float:
        """What the account page says is frozen: for some jobs it may lag behind."""
        frozen, now = self.account(provider, account).frozen, self._faults.clock()
        for job in self:
            fault = job.faults.get("frozen_lags")
            if fault and job.order.billed and (job.order.provider, job.order.account) == (provider, account):
                then = now - float(fault.parameters["seconds"])
                frozen += job.order.quota * (job.in_progress(then) - job.in_progress(now))
        return frozen

    def stranger(self, job: Job) -> Job:
        """Somebody else's finished job of the same kind, which nobody here pays for."""
        order = replace(
            job.order, account="somebody-else", prompt="somebody else's", hook_url=None, billed=False, failure=""
        )
        now = self._faults.clock()
        other = Job(
            id=uuid_of(f"stranger:{job.id}"),
            order=order,
            seconds=job.seconds,
            created_at=job.created_at,
            accepted=job.accepted,
            held=False,
            faults={},
            state="succeeded",
            started_at=job.created_at,
            finished_at=time.time(),
            finished=now,
        )
        return self._all.setdefault(other.id, other)

    def of(self, product: str, account: str) -> list[Job]:
        return [j for j in self if j.order.product == product and j.order.account == account]

    def find(self, job_id: str) -> Job | None:
        return self._all.get(job_id)

    def accept(self, order: Order) -> Job:
        settings = self._settings()
        # The id follows from the request and how often it came, not from the order of arrival:
        # a run with parallel clients can be repeated.
        what = f"{settings.seed}:{order.operation}:{order.account}:{order.request_sha256}"
        self._seen[what] += 1
        job_id = uuid_of(f"{what}:{self._seen[what]}")
        struck = {kind: self._faults.take(kind, order.operation, job_id) for kind in (*JOB, *CALLBACK)}
        if fault := struck["job_id_number"]:
            job_id = _number(job_id, int(fault.parameters["digits"]))
        job = Job(
            id=job_id,
            order=order,
            seconds=settings.job_seconds * (0.8 + 0.4 * share(job_id)),
            created_at=time.time(),
            accepted=self._faults.clock(),
            held=settings.hold and order.outcome is None,
            faults={kind: fault for kind, fault in struck.items() if fault},
        )
        self._all[job_id] = job
        if order.billed:
            purse = self.account(order.provider, order.account)
            purse.balance -= order.quota
            purse.frozen += order.quota
        life = asyncio.get_running_loop().create_task(self._live(job, settings.queue_seconds))
        self._lives.add(life)
        life.add_done_callback(self._lives.discard)
        self._told(job, "accepted")
        return job

    def release(self, job_id: str | None = None) -> int:
        """Lets held jobs end; how many that were."""
        held = [j for j in self if j.held and j.state in IN_PROGRESS and job_id in (None, j.id)]
        for job in held:
            job.held = False
            job.released.set()
        return len(held)

    def stop(self) -> None:
        for life in self._lives:
            life.cancel()

    def describe(self) -> dict[str, Any]:
        billed = [job for job in self if job.order.billed]
        counts = Counter(job.order.operation for job in billed)
        return {
            "billed": len(billed),
            "refunded": sum(job.refunded for job in billed),
            "counts": dict(sorted(counts.items())),
            "jobs": [job.describe() for job in self],
        }

    async def _live(self, job: Job, queue_seconds: float) -> None:
        if job.order.outcome is None:
            await asyncio.sleep(queue_seconds)
            job.state, job.started_at = "running", time.time()
            fault = job.faults.get("job_fails")
            await asyncio.sleep(job.seconds / 2 if fault or job.order.failure else job.seconds)
            if job.held:
                await job.released.wait()
            if "job_stuck" in job.faults:
                return
        fault = job.faults.get("job_fails") or job.faults.get("job_fails_late")
        if fault:
            message = fault.parameters["message"] or FAILURES[job.order.provider]
            self._end(job, "failed", message, refund=bool(fault.parameters["refund"]))
        elif job.order.failure:
            self._end(job, "failed", job.order.failure, refund=True)
        else:
            self._end(job, job.order.outcome or "succeeded", "", refund=job.order.outcome == "failed")

    def _end(self, job: Job, state: str, message: str, refund: bool) -> None:
        job.state, job.message, job.finished_at, job.finished = state, message, time.time(), self._faults.clock()
        if job.order.billed:
            purse = self.account(job.order.provider, job.order.account)
            purse.frozen -= job.order.quota
            if state == "failed" and refund:
                purse.balance += job.order.quota
                job.refunded = True
        self._told(job, "finished")
        job.ended.set()


def fingerprint(body: Mapping[str, Any]) -> str:
    """The request's sha256, without where it wants to be called back: that token differs each time."""
    rest = {name: value for name, value in body.items() if name not in HOOKS}
    extra = rest.get("extra")
    if isinstance(extra, dict):
        rest["extra"] = {name: value for name, value in extra.items() if name != "webhook"}
        if not rest["extra"]:
            del rest["extra"]
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _number(job_id: str, digits: int) -> str:
    digits = min(max(digits, 9), 30)  # few enough to be told apart
    return str(10 ** (digits - 1) + int(share(job_id) * 9 * 10 ** (digits - 1)))


def account_of(key: str) -> str:
    """An account is a key; only this short digest of it is kept."""
    return hashlib.sha256(key.encode()).hexdigest()[:12]

"""What was spent, on what, how long it took and what failed: counted from the ledger's jobs. Never buys."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prefect_genmedia.budget import MOST
from prefect_genmedia.ledger import LedgerState, Spent
from prefect_genmedia.providers.facts import in_usd
from prefect_genmedia.quoting import title
from prefect_genmedia.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

S = LedgerState
DAY = 86_400.0
LONGEST_REASON = 160
MOST_REASONS = 1000
MORE_REASONS = "(other reasons)"
HEAD = (
    "by", "name", "jobs", "bought", "failed", "quota", "usd", "estimated_usd", "untold", "p50_seconds", "p90_seconds",
    "perhaps", "perhaps_usd",
)  # fmt: skip
PERHAPS_BOUGHT = (S.INTENT, S.UNKNOWN)
_REFUSED = (S.FAILED, S.NOT_ACCEPTED, S.EXPIRED, S.UNKNOWN)


@dataclass
class Sum:
    """Of some jobs: how many, and what they cost."""

    jobs: int = 0
    bought: int = 0
    """Accepted by the provider, and not refunded."""
    failed: int = 0
    """Failed, expired, not accepted or unknown."""
    quota: float = 0.0
    usd: float = 0.0
    """What the providers say that they charged, each in its own unit."""
    estimated_usd: float = 0.0
    """What those are expected to cost of which no provider says it."""
    untold: int = 0
    """How many of the bought cost what nobody tells."""
    perhaps: int = 0
    """Sent, and nobody knows whether they were bought: in no other sum of money."""
    perhaps_usd: float = 0.0
    """What those are expected to cost if they were,"""
    perhaps_untold: int = 0
    """and of how many nobody tells it."""

    @property
    def all_usd(self) -> float:
        """Charged and estimated; quota at the vendor's own rate."""
        return in_usd(self.quota, "quota") + self.usd + self.estimated_usd

    def add(self, job: Spent) -> None:
        self.jobs += 1
        self.failed += job.state in _REFUSED
        if job.state == S.NOT_ACCEPTED or job.refunded:
            return
        if job.state in PERHAPS_BOUGHT:
            self._add_perhaps(job)
            return
        self.bought += 1
        charged, expected = _sane(job.quota), _sane(job.expected_cost)
        if charged is not None and job.unit == "quota":
            self.quota += charged
        elif charged is not None:
            self.usd += charged
        elif expected is not None:
            self.estimated_usd += in_usd(expected, job.unit)
        else:
            self.untold += 1

    def _add_perhaps(self, job: Spent) -> None:
        self.perhaps += 1
        expected = _sane(job.expected_cost)
        self.perhaps_usd += in_usd(expected or 0.0, job.unit)
        self.perhaps_untold += expected is None


def perhaps_words(jobs: int, usd: float, untold: int) -> str:
    """Such as `2 perhaps bought (0.01 USD if so)`; nothing for none."""
    prices = [f"{usd:.4g} USD"] if usd or untold < jobs else []
    prices += [f"{untold} without a known price"] if untold else []
    return f"{jobs} perhaps bought ({' + '.join(prices)} if so)" if jobs else ""


def _sane(figure: float | None) -> float | None:
    """An absurd figure, such as a provider may say, is none."""
    return figure if figure is not None and 0.0 <= figure <= MOST else None


@dataclass
class Spending:
    """What was spent since a time."""

    since: datetime
    until: datetime
    total: Sum = field(default_factory=Sum)
    by_day: defaultdict[str, Sum] = field(default_factory=lambda: defaultdict(Sum))
    """Days in UTC."""
    by_operation: defaultdict[str, Sum] = field(default_factory=lambda: defaultdict(Sum))
    by_account: defaultdict[str, Sum] = field(default_factory=lambda: defaultdict(Sum))
    """By the account's fingerprint and its provider."""
    by_tag: defaultdict[str, Sum] = field(default_factory=lambda: defaultdict(Sum))
    """A job with two tags stands in both."""
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often an operation failed for a reason, in the provider's words."""
    seconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """From acceptance to end, of each operation's finished jobs."""

    def add(self, job: Spent) -> None:
        day = datetime.fromtimestamp(job.created_at, UTC).date().isoformat()
        account = f"{job.account} {'TTAPI' if job.unit == 'quota' else 'Novita'}"
        sums = [self.total, self.by_day[day], self.by_operation[job.operation], self.by_account[account]]
        for each in [*sums, *(self.by_tag[tag] for tag in job.tags)]:
            each.add(job)
        if job.state in _REFUSED:
            reason = job.operation, title(job.reason, LONGEST_REASON) or "no reason given"
            full = reason not in self.reasons and len(self.reasons) >= MOST_REASONS
            self.reasons["", MORE_REASONS] += full
            self.reasons[reason] += not full
        if job.state in (S.SUCCEEDED, S.STORED) and job.submitted_at and job.finished_at:
            self.seconds[job.operation].append(max(0.0, job.finished_at - job.submitted_at))

    @property
    def groups(self) -> dict[str, dict[str, Sum]]:
        """The sums by day (the newest first), and by operation, account and tag (the dearest first)."""
        by = {"operation": self.by_operation, "account": self.by_account, "tag": self.by_tag}
        dearest = {
            name: dict(sorted(sums.items(), key=lambda each: (-each[1].all_usd, -each[1].jobs, each[0])))
            for name, sums in by.items()
        }
        return {"day": dict(sorted(self.by_day.items(), reverse=True)), **dearest}

    @property
    def failures(self) -> list[tuple[str, str, int]]:
        """Operation, reason and how often, the most frequent first."""
        return [(*reason, times) for reason, times in self.reasons.most_common() if times]

    @property
    def times(self) -> dict[str, tuple[int, float, float]]:
        """Of each operation: how many finished, and the seconds within which a half and nine of ten did."""
        return {
            name: (len(taken), percentile(taken, 0.5), percentile(taken, 0.9))
            for name, taken in sorted(self.seconds.items())
        }


def percentile(figures: Iterable[float], share: float) -> float:
    """The smallest of the figures that this share of them does not exceed."""
    ordered = sorted(figures)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def spending_since(days: int) -> Spending:
    """What was asked for in the last so many days. Blocking. Raises LedgerError, ConfigurationError."""
    from prefect_genmedia.ledger import ledger_to_read  # and SQLAlchemy with it

    settings = read_settings()
    ledger = ledger_to_read(settings.ledger_url, settings.lease_seconds)
    now = ledger.now()
    since = now - days * DAY
    spending = Spending(datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(now, UTC))
    for job in ledger.spent(since):
        spending.add(job)
    return spending


def spending_csv(spending: Spending) -> str:
    """One line for each day, operation, account and tag, and for each reason of failures (how often: jobs)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEAD)
    writer.writerows(_lines(spending))
    return text.getvalue()


def _lines(spending: Spending) -> Iterator[list[object]]:
    for by, sums in {"total": {"": spending.total}, **spending.groups}.items():
        for name, each in sums.items():
            _, *taken = spending.times.get(name, (0, "", "")) if by == "operation" else (0, "", "")
            figures = (each.quota, each.usd, each.estimated_usd)
            yield [by, _plain(name), each.jobs, each.bought, each.failed, *map(_figure, figures), each.untold,
                   *(f"{second:.1f}" if isinstance(second, float) else "" for second in taken),
                   each.perhaps, _figure(each.perhaps_usd)]  # fmt: skip
    for operation, reason, times in spending.failures:
        yield ["reason", _plain(f"{operation}: {reason}"), times, "", times, "", "", "", "", "", "", "", ""]


def _figure(value: float) -> str:
    return f"{value:.6g}"


def _plain(name: str) -> str:
    """A spreadsheet takes what begins like this for a formula."""
    text = title(name, 2 * LONGEST_REASON)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text

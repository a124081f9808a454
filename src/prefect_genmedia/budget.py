"""Budget: a gate before the POST. What counts as spent is read from the ledger's own rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from prefect_genmedia.checking import check_name, check_number
from prefect_genmedia.errors import ConfigurationError

Unit = Literal["quota", "USD"]
MOST = 1e9
"""No limit is larger; 10,000,000 USD in TTAPI's quota."""
LEAST_COST = 1e-6
"""A job that counts nothing would pass any limit."""


@dataclass(frozen=True)
class Budget:
    """Limits in one provider's own unit: TTAPI quota (100 are 1 USD) or USD. None is no limit.

    Raises ConfigurationError for a limit that is no number from nought up: it could not guard anything.
    """

    unit: Unit | None = None
    """None: the unit of whatever job it is asked about."""
    per_run: float | None = None
    per_day: float | None = None
    per_tag: Mapping[str, float] = field(default_factory=dict)
    """For all jobs that ever carried this tag, such as a campaign's."""
    timezone: str = "UTC"
    """Where the day begins."""
    unknown_cost: float | None = None
    """What a job counts whose price is not known before it is bought."""
    minimum_balance: float | None = None
    """The account keeps at least this much; asked for before each purchase."""

    def __post_init__(self) -> None:
        if self.unit is not None and self.unit not in get_args(Unit):
            raise ConfigurationError("the budget's unit must be quota or USD, or none: then it follows the job")
        amounts = {"per_flow_run": self.per_run, "per_day": self.per_day, "minimum_balance": self.minimum_balance}
        for tag, limit in self.per_tag.items():
            check_name("a tag of the budget", tag)
            check_number(f"the budget's limit for the tag {tag!r}", limit, 0, MOST)
        for name, amount in amounts.items():
            if amount is not None:
                check_number(name, amount, 0, MOST)
        if self.unknown_cost is not None:
            check_number("unknown_cost", self.unknown_cost, LEAST_COST, MOST)
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):
            raise ConfigurationError(
                f"{self.timezone!r} is no time zone", advice="It should look like Europe/Berlin."
            ) from None

    def require_unit(self, unit: str) -> None:
        """Raises ConfigurationError when this budget counts in another unit than the job: it would not guard it."""
        if self.unit not in (None, unit):
            raise ConfigurationError(
                f"the budget counts in {self.unit}, and what it should guard is paid in {unit}: it would guard nothing",
                advice="Leave the budget's unit out: it then follows the provider.",
            )

    def day_start(self, now: float) -> float:
        local = datetime.fromtimestamp(now, ZoneInfo(self.timezone))
        return local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()

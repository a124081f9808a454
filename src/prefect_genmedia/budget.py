"""Budget: a gate before the POST. What counts as spent is read from the ledger's own rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from prefect_genmedia.errors import ConfigurationError


@dataclass(frozen=True)
class Budget:
    """Limits in one provider's own unit: TTAPI quota (100 are 1 USD) or USD. None is no limit."""

    unit: str = "quota"
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
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):
            raise ConfigurationError(
                f"{self.timezone!r} is no time zone", advice="It should look like Europe/Berlin."
            ) from None

    def day_start(self, now: float) -> float:
        local = datetime.fromtimestamp(now, ZoneInfo(self.timezone))
        return local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()

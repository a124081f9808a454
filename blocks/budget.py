"""Budget block: what may be spent, by all workers together."""

from __future__ import annotations

from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints, field_validator, model_validator

from prefect_genmedia.blocks.logo import logo
from prefect_genmedia.blocks.strict import StrictBlock
from prefect_genmedia.budget import LEAST_COST, MOST, Unit
from prefect_genmedia.budget import Budget as Limits
from prefect_genmedia.checking import Finite
from prefect_genmedia.errors import ConfigurationError

Amount = Annotated[Finite, Field(ge=0, le=MOST)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class Budget(StrictBlock):
    """Limits on what the paid tasks may spend. Give it to a credentials block: it then guards every job of that key.

    Each job is counted in the ledger before it is sent, so that many workers together stay within the limit;
    the provider's own figure replaces the estimate, and what is refunded no longer counts. What could guard
    nothing is refused: no limit at all, a limit below nought, a unit that the provider does not count in.

    Example:
        ```python
        from prefect_genmedia.blocks import Budget

        budget = Budget.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "GenMedia Budget"
    _block_type_slug = "genmedia-budget"
    _logo_url = logo("budget")
    _documentation_url = "https://docs.ttapi.io/grids/en/faq/billing"  # type: ignore[assignment]

    unit: Unit | None = Field(
        default=None,
        description="What the limits count: TTAPI's quota (100 are 1 USD), or USD for Novita AI. "
        "Without it, what the provider of the credentials counts in.",
    )
    per_flow_run: Amount | None = Field(default=None, description="At most this much in one flow run.")
    per_day: Amount | None = Field(default=None, description="At most this much in one day.")
    per_tag: dict[Tag, Amount] = Field(
        default_factory=dict, description="At most this much for all runs that ever carried the tag."
    )
    timezone: str = Field(default="UTC", description="Where the day begins, such as Europe/Berlin.")
    unknown_cost: Annotated[Amount, Field(ge=LEAST_COST)] | None = Field(
        default=None, description="What a job counts whose price is not known before it is bought; more than nothing."
    )
    minimum_balance: Amount | None = Field(
        default=None, description="What the account is to keep; asked for before each purchase."
    )

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("is no time zone; it should look like Europe/Berlin") from None
        return value

    @model_validator(mode="after")
    def _guards_something(self) -> Self:
        limits = (self.per_flow_run, self.per_day, self.minimum_balance)
        if all(limit is None for limit in limits) and not self.per_tag:
            raise ConfigurationError(
                "the budget has no limit and would guard nothing",
                advice="Give per_flow_run, per_day, per_tag or minimum_balance, or no budget at all.",
            )
        return self

    def limits(self) -> Limits:
        """The limits as the core takes them. Raises ConfigurationError."""
        return Limits(
            unit=self.unit,
            per_run=self.per_flow_run,
            per_day=self.per_day,
            per_tag=self.per_tag,
            timezone=self.timezone,
            unknown_cost=self.unknown_cost,
            minimum_balance=self.minimum_balance,
        )

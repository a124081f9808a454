"""Budget block: what may be spent, by all workers together."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo

from prefect.blocks.core import Block
from prefect.client.schemas.objects import BlockType
from pydantic import Field, field_validator

from prefect_genmedia.blocks.logo import logo, without_logo
from prefect_genmedia.budget import Budget as Limits


class Budget(Block):
    """Limits on what the paid tasks may spend. Give it to a credentials block: it then guards every job of that key.

    Each job is counted in the ledger before it is sent, so that many workers together stay within the limit;
    the provider's own figure replaces the estimate, and what is refunded no longer counts.

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

    unit: Literal["quota", "USD"] = Field(
        default="quota", description="TTAPI counts in quota (100 are 1 USD), Novita AI in USD."
    )
    per_flow_run: float | None = Field(default=None, ge=0, description="At most this much in one flow run.")
    per_day: float | None = Field(default=None, ge=0, description="At most this much in one day.")
    per_tag: dict[str, float] = Field(
        default_factory=dict, description="At most this much for all runs that ever carried the tag."
    )
    timezone: str = Field(default="UTC", description="Where the day begins, such as Europe/Berlin.")
    unknown_cost: float | None = Field(
        default=None, ge=0, description="What a job counts whose price is not known before it is bought."
    )
    minimum_balance: float | None = Field(
        default=None, ge=0, description="What the account is to keep; asked for before each purchase."
    )

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{value!r} is no time zone; it should look like Europe/Berlin") from None
        return value

    @classmethod
    def _to_block_type(cls) -> BlockType:
        return without_logo(super()._to_block_type())

    def limits(self) -> Limits:
        """The limits as the core takes them."""
        return Limits(
            unit=self.unit,
            per_run=self.per_flow_run,
            per_day=self.per_day,
            per_tag=self.per_tag,
            timezone=self.timezone,
            unknown_cost=self.unknown_cost,
            minimum_balance=self.minimum_balance,
        )

"""Novita's free read of the account's balance.

Sources: novita.ai/docs/api-reference/basic-get-user-balance; basic-get-user-info for servers of the older API.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from prefect_genmedia.errors import ApiError, ResponseFormatError
from prefect_genmedia.operation import Account
from prefect_genmedia.providers.words import number
from prefect_genmedia.wire.http import http_pool

OLDER_PATH = "/v3/user"
TEN_THOUSANDTHS = 10_000


class Balance(BaseModel):
    """What the account has, in USD."""

    model_config = ConfigDict(frozen=True)

    available: float
    """What can be spent."""
    cash: float | None = None
    credit_limit: float | None = None
    outstanding_invoices: float | None = None


async def read_balance(account: Account) -> Balance:
    """The account's balance; from the older page where there is no newer one. Free.

    Raises ApiError, TransportError, ResponseFormatError.
    """
    async with http_pool() as pool:
        try:
            body = (await pool.fetch(account, account.provider.balance_path, {})).body
        except ApiError as missing:
            if missing.http_status not in (404, 410):
                raise
            body = {"availableBalance": (await pool.fetch(account, OLDER_PATH, {})).body.get("credit_balance")}
    available = _usd(body.get("availableBalance"))
    if available is None:
        raise ResponseFormatError("the balance page names no available balance", provider="novita")
    return Balance(
        available=available,
        cash=_usd(body.get("cashBalance")),
        credit_limit=_usd(body.get("creditLimit")),
        outstanding_invoices=_usd(body.get("outstandingInvoices")),
    )


def _usd(value: Any) -> float | None:
    """The page counts in 0.0001 USD, as text."""
    usd = number(value)
    return None if usd is None else usd / TEN_THOUSANDTHS

"""What an account has left: a free read, which a wrong key does not pass."""

from __future__ import annotations

import email.utils
import time
from dataclasses import dataclass

from prefect_genmedia.operation import Account
from prefect_genmedia.wire.http import Pool, http_pool


@dataclass(frozen=True)
class Balance:
    """What an account's page said."""

    left: float
    """In the unit of the provider's prices."""
    ahead_seconds: float | None
    """How far this machine's clock is ahead of the provider's; None where its answer has no date."""


async def read_account(account: Account) -> Balance:
    """Ask the provider; costs nothing.

    Raises AuthenticationError where the key is wrong, or may not do this; ApiError, TransportError and
    ResponseFormatError where the provider does not tell; ConfigurationError where its address leads elsewhere.
    """
    async with http_pool() as pool:
        return await read_balance(account, pool)


async def read_balance(account: Account, pool: Pool) -> Balance:
    """The same by a pool that is open already."""
    answer = await pool.fetch(account, account.provider.balance_path, {})
    return Balance(account.provider.balance(answer.body), _ahead(answer.date))


def _ahead(date: str | None) -> float | None:
    try:
        return time.time() - email.utils.parsedate_to_datetime(date or "").timestamp()
    except (ValueError, TypeError, OverflowError):
        return None

"""What an account has left: a free read, which a wrong key does not pass."""

from __future__ import annotations

from prefect_genmedia.operation import Account
from prefect_genmedia.wire.http import Pool, http_pool


async def balance(account: Account) -> float:
    """What it has left, in the unit of its provider's prices. Costs nothing.

    Raises AuthenticationError where the key is wrong, or may not do this; ApiError, TransportError and
    ResponseFormatError where the provider does not tell; ConfigurationError where its address leads elsewhere.
    """
    async with http_pool() as pool:
        return await read_balance(account, pool)


async def read_balance(account: Account, pool: Pool) -> float:
    """The same by a pool that is open already."""
    provider = account.provider
    return provider.balance((await pool.fetch(account, provider.balance_path, {})).body)

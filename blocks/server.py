"""Is Prefect's API there? Asked before a command needs it, so that nobody reads a traceback."""

from __future__ import annotations

from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL

from prefect_genmedia.errors import ConfigurationError


def server_url() -> str | None:
    """The API that the settings name; without one, Prefect starts a server for as long as it is needed."""
    url: str | None = PREFECT_API_URL.value()
    return url


async def require_server() -> None:
    """Raises ConfigurationError when Prefect's API does not answer."""
    async with get_client() as client:
        if await client.api_healthcheck() is not None:
            raise ConfigurationError(
                f"Prefect's API at {server_url() or 'the temporary server'} does not answer",
                advice="Start it (prefect server start), or set PREFECT_API_URL. Nothing was changed there.",
            )

"""Is Prefect's API there? Asked before a command needs it, so that nobody waits in silence or reads a traceback."""

from __future__ import annotations

from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL

from prefect_genmedia.cli.terminal import say
from prefect_genmedia.errors import ConfigurationError


async def require_prefect() -> None:
    """Raises ConfigurationError when the API that the settings name does not answer."""
    url = PREFECT_API_URL.value()
    if url is None:
        say("No Prefect server is set (PREFECT_API_URL): starting a temporary one, which takes some seconds")
    async with get_client() as client:
        if await client.api_healthcheck() is not None:
            raise ConfigurationError(
                f"Prefect's API at {url or 'the temporary server'} does not answer",
                advice="Start it (prefect server start), or set PREFECT_API_URL. Nothing was changed there.",
            )

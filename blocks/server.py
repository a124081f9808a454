"""What a command asks of Prefect's API: is it there, which keys are saved, who works."""

from __future__ import annotations

from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL

from prefect_genmedia.blocks.credentials import NovitaCredentials, TTAPICredentials
from prefect_genmedia.errors import ConfigurationError, GenMediaError


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


async def saved_blocks() -> list[tuple[str, TTAPICredentials | NovitaCredentials | Exception]]:
    """Every saved credentials block by its name, or why it cannot be read."""
    found: list[tuple[str, TTAPICredentials | NovitaCredentials | Exception]] = []
    async with get_client() as client:
        for kind in (TTAPICredentials, NovitaCredentials):
            for document in await client.read_block_documents_by_type(kind.get_block_type_slug()):
                name = document.name or ""
                try:
                    found.append((name, await kind.aload(name)))
                except (ValueError, GenMediaError) as failure:
                    found.append((name, failure))
    return found


async def workers_online() -> dict[str, int]:
    """The work pools, each with how many of its workers are online."""
    async with get_client() as client:
        pools = [pool.name for pool in await client.read_work_pools()]
        workers = {name: await client.read_workers_for_work_pool(name) for name in pools}
    return {name: sum(worker.status == "ONLINE" for worker in found) for name, found in workers.items()}

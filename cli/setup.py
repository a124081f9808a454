"""`genmedia setup`: the ledger, the blocks, the keys."""

from __future__ import annotations

import asyncio
import os

import typer

from prefect_genmedia.cli.terminal import require_prefect, say
from prefect_genmedia.jobs import open_store, remember_store
from prefect_genmedia.jobs.buying import ledger_of
from prefect_genmedia.ledger import Database
from prefect_genmedia.settings import read_settings


def set_up(ttapi: str | None, novita: str | None, new_media_store: bool) -> None:
    """Idempotent: may be run at every deployment."""
    settings = read_settings()
    database = Database(settings.ledger_url)
    database.migrate()
    say(f"Ledger: {database.name}, schema {database.schema()}")
    if new_media_store:
        remember_store(settings)
    store = open_store(settings, ledger_of(settings))
    say(f"Media store: {store.root}")
    asyncio.run(_blocks(ttapi, novita))


async def _blocks(ttapi: str | None, novita: str | None) -> None:
    from prefect_genmedia.blocks import NovitaCredentials, TTAPICredentials

    await require_prefect()
    for block, name, variable in (
        (TTAPICredentials, ttapi, "TTAPI_API_KEY"),
        (NovitaCredentials, novita, "NOVITA_API_KEY"),
    ):
        await block.aregister_type_and_schema()
        said = f"Block type: {block.get_block_type_name()}"
        if name is not None:
            key = os.environ.get(variable) or typer.prompt(f"{block.get_block_type_name()} key", hide_input=True)
            base_url = os.environ.get(variable.replace("API_KEY", "BASE_URL"))
            values = {"api_key": key, **({"base_url": base_url} if base_url else {})}
            await block(**values).asave(name, overwrite=True)
            said += f", saved as {name!r}"
        say(said)

"""`genmedia setup`: the ledger, the store, the blocks, the keys, the work pool, the deployments, the automations."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import typer

from prefect_genmedia.cli.terminal import patiently, require_prefect, say
from prefect_genmedia.errors import GenMediaError
from prefect_genmedia.jobs import open_store, remember_store
from prefect_genmedia.jobs.buying import ledger_of
from prefect_genmedia.jobs.turns.balance import read_account
from prefect_genmedia.ledger import Database
from prefect_genmedia.settings import read_settings


def set_up(
    ttapi: str | None, novita: str | None, base_url: str | None, notify: str | None, new_media_store: bool
) -> None:
    """Idempotent: may be run at every deployment."""
    settings = read_settings()
    database = Database(settings.ledger_url)
    with patiently("Preparing the ledger"):
        database.migrate()
    say(f"Ledger: {database.name}, schema {database.schema()}")
    if new_media_store:
        remember_store(settings)
    with patiently("Opening the media store"):
        store = open_store(settings, ledger_of(settings))
    say(f"Media store: {store.root}")
    asyncio.run(_at_prefect(ttapi, novita, base_url, notify))


async def _at_prefect(ttapi: str | None, novita: str | None, base_url: str | None, notify: str | None) -> None:
    from prefect_genmedia.blocks import Budget, NovitaCredentials, SigningCertificate, TTAPICredentials

    await require_prefect()
    await Budget.aregister_type_and_schema()
    await SigningCertificate.aregister_type_and_schema()
    for block, name, variable in (
        (TTAPICredentials, ttapi, "TTAPI_API_KEY"),
        (NovitaCredentials, novita, "NOVITA_API_KEY"),
    ):
        await block.aregister_type_and_schema()
        say(f"Block type: {block.get_block_type_name()}")
        if name is not None:
            await _save_key(block, name, variable, base_url)
    await _deployments(notify)


async def _save_key(block: Any, name: str, variable: str, base_url: str | None) -> None:
    """Save a key; what else the block held, such as its budget, stays."""
    key = os.environ.get(variable) or typer.prompt(f"{block.get_block_type_name()} key", hide_input=True)
    base_url = base_url or os.environ.get(variable.replace("API_KEY", "BASE_URL"))
    try:
        there = await block.aload(name)
        kept = {field: getattr(there, field) for field in ("base_url", "account_name", "budget")}
    except (ValueError, GenMediaError):
        kept = {}
    saved = block(**{**kept, "api_key": key, **({"base_url": base_url} if base_url else {})})
    await saved.asave(name, overwrite=True)
    account = saved.get_client()
    say(f"Key: saved as {name!r}, for {account.base_url}")
    try:
        with patiently(f"Asking {account.base_url} whether it takes the key"):
            left = (await read_account(account)).left
        say(f"Key: accepted, {left:g} left")
    except GenMediaError as failure:
        say(("Key: ", "bold yellow"), f"not tried, or not accepted: {failure}")


async def _deployments(notify: str | None) -> None:
    from prefect_genmedia.deployments.automations import make_automations
    from prefect_genmedia.deployments.shipped import POOL, deploy_all, make_work_pool

    with patiently("Registering the deployments"):
        made = await make_work_pool()
        deployed = await deploy_all()
    say(f"Work pool: {POOL}, {'made' if made else 'was there'}; a worker: prefect worker start --pool {POOL}")
    for name, done in deployed.items():
        say(f"Deployment: {name}, {done}")
    if notify is None:
        say("Automations: none; with --notify TYPE/NAME of a notification block they are made, switched off")
        return
    for name, done in (await make_automations(notify)).items():
        say(f"Automation: {name!r}, {done}")

"""What a run checks before its first purchase, and what its places are called."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import prefect.runtime.flow_run
from prefect import get_run_logger
from prefect.events import emit_event
from slugify import slugify

from prefect_genmedia import quoting
from prefect_genmedia.blocks import NovitaCredentials, TTAPICredentials
from prefect_genmedia.errors import AuthenticationError, ConfigurationError, GenMediaError
from prefect_genmedia.forecast import Forecast, Wanted, forecast
from prefect_genmedia.jobs import open_store
from prefect_genmedia.jobs.buying import ledger_of
from prefect_genmedia.jobs.history.inventory import ANOTHER_LEDGERS, ANOTHER_LEDGERS_ADVICE, of_another_ledger
from prefect_genmedia.jobs.turns.balance import read_account
from prefect_genmedia.providers import OPERATIONS
from prefect_genmedia.providers.facts import Price, in_usd
from prefect_genmedia.settings import read_settings
from prefect_genmedia.tasks.paying.prices import variable_prices
from prefect_genmedia.tasks.publishing.signing import check_signing

Credentials = TTAPICredentials | NovitaCredentials
LOW_SHARE = 0.2  # of a day's limit
LOOK_SECONDS = 15.0  # how long a provider may take to say whether a key is right


def check_store() -> None:
    """Raises ConfigurationError when nothing could be kept. Blocking."""
    settings = read_settings()
    ledger = ledger_of(settings)
    store = open_store(settings, ledger)
    if of_another_ledger(ledger, store):
        get_run_logger().warning("%s. %s", ANOTHER_LEDGERS, ANOTHER_LEDGERS_ADVICE)


async def load_block(block: Any, name: str) -> Any:
    """A saved block. Raises ConfigurationError that says how to save one."""
    try:
        return await block.aload(name)
    except ValueError:
        raise ConfigurationError(
            f"there is no {block.get_block_type_name()} block called {name!r}",
            advice=f"Save one in the UI, or: genmedia setup --{block.get_block_type_slug().partition('-')[0]} {name}",
        ) from None


def headline(collection: object, what: str) -> str:
    """What a run is called in Prefect's lists, which say the flow's own name before it."""
    return f"{quoting.title(str(collection))}: {what}" if collection else what


def name_of(collection: str | None, started: datetime) -> str:
    """What a run's collection is called: by default as nobody else's, by the day and the run."""
    return collection or f"{started:%Y-%m-%d}-{str(prefect.runtime.flow_run.id)[:8]}"


async def before_buying(wanted: Iterable[Wanted], *blocks: Credentials | None) -> None:
    """The last look before the first purchase: each block's budget can count what it will be asked for, its key is
    accepted, and what is published can be signed, where it is to be. Costs nothing.

    `wanted` holds a request of each kind that the run may buy; pictures in them are not read. A provider that cannot be
    asked now is a warning in the log: a run can wait for it. Raises AuthenticationError, ConfigurationError.
    """
    await check_signing()
    given, requests = [block for block in blocks if block is not None], list(wanted)
    prices = await variable_prices()
    for block in given:
        await asyncio.to_thread(_check_budget, block, requests, prices)
    for block in given:
        await _check_key(block)
        await asyncio.to_thread(_tell_of_budget, block)


def _check_budget(block: Credentials, requests: Sequence[Wanted], prices: Sequence[Price] | None) -> None:
    if block.budget is None or block.budget.unknown_cost is not None:
        return
    account = block.get_client()
    unpriced = _unpriced(forecast(requests, account=account, prices=prices), account.provider.name)
    if unpriced:
        raise ConfigurationError(
            f"the budget of {_named(block)} cannot count {', '.join(unpriced)}: no source names a price",
            advice="Set unknown_cost in the budget: what such a job is to count. Or name a price of your own: "
            "GENMEDIA_PRICES.",
        )


def _unpriced(expected: Forecast, provider: str) -> list[str]:
    """The operations of this provider of which some job has no price."""
    priced = [(each.operation, each.kind) for each in expected.figures if each.of == "price"]
    return sorted(
        {
            each.operation
            for each in expected.figures
            if (each.operation, each.kind) not in priced and OPERATIONS[each.operation].provider.name == provider
        }
    )


async def _check_key(block: Credentials) -> None:
    account, refused, left = block.get_client(), "", None
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            left = (await read_account(account)).left
    except AuthenticationError as refusal:
        refused = refusal.message
    except ConfigurationError:
        raise
    except (GenMediaError, TimeoutError) as away:
        get_run_logger().warning(
            "%s at %s cannot be asked now (%s): whether its key is right is not known. The run waits for it.",
            account.provider.name,
            account.base_url,
            quoting.one_line(away.message if isinstance(away, GenMediaError) else "no answer in time"),
        )
    if refused:
        raise AuthenticationError(
            f"the key of {_named(block)} is not accepted: {refused}",
            provider=account.provider.name,
            advice=f"Save the right key: {_setup(block)}; then run again.",
        )
    if left is not None and in_usd(left, _unit(block)) <= read_settings().low_balance_usd:
        says = f"{_named(block)} has {left:g} {_unit(block)} left: what costs more is refused. Top it up."
        _tell("genmedia.balance.low", block, says)


def _tell_of_budget(block: Credentials) -> None:
    if block.budget is None or block.budget.per_day is None:
        return
    limits, unit = block.budget.limits(), _unit(block)
    left = ledger_of(read_settings()).left_today(limits, unit)
    if left is not None and left < LOW_SHARE * block.budget.per_day:
        says = f"the budget of {_named(block)} has {max(left, 0.0):g} of {block.budget.per_day:g} {unit} left today."
        _tell("genmedia.budget.low", block, says)


def _tell(event: str, block: Credentials, says: str) -> None:
    """In the run's log, and to whoever has switched that automation on (genmedia setup --notify)."""
    get_run_logger().warning("%s", says)
    account = {"prefect.resource.id": f"genmedia.account.{block.get_client().fingerprint}"}
    emit_event(event, resource=account, payload={"says": says})


def _unit(block: Credentials) -> str:
    return "quota" if isinstance(block, TTAPICredentials) else "USD"


def _named(block: Credentials) -> str:
    name = block._block_document_name
    return f"the {block.get_block_type_name()} block" + (f" {name!r}" if name else "")


def _setup(block: Credentials) -> str:
    """What saves it anew."""
    kind = block.get_block_type_slug().partition("-")[0]
    return f"genmedia setup --{kind} {block._block_document_name or 'NAME'}"


def shared_key(flow: str, collection: str | None) -> str | None:
    """The request_key of all runs of one collection. Names that share a folder share their jobs."""
    return f"{flow}:{folder_name(collection)}" if collection else None


def folder_name(collection: str) -> str:
    """The folder of a collection, each its own: a name that no folder can have as it is gets a mark of its own too."""
    plain = slugify(quoting.one_line(collection), max_length=80)
    if plain == re.sub(r"[\s_-]+", "-", collection.strip().lower()):
        return plain
    mark = hashlib.sha256(collection.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{plain}-{mark}" if plain else mark

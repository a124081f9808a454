"""`genmedia live-check` on a terminal: what it would buy, what it found, what to change."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from prefect_genmedia.budget import Budget
from prefect_genmedia.cli.asking.price import own_prices_here
from prefect_genmedia.cli.live.candidates import Offer
from prefect_genmedia.cli.live.checking import Check, check
from prefect_genmedia.cli.live.recording import make_room, write
from prefect_genmedia.cli.terminal import cell, console, require_prefect, say
from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.forecast import rate
from prefect_genmedia.operation import Account

NO_LOOK = "no look was in time, or nothing was bought that tells"
COLOURS = {"held": "green", "did not hold": "bold red", "not tried": "dim"}


def live_check(provider: str, spend: float | None, yes: bool, block: str | None, copy: int, to: Path | None) -> None:
    """Ends with 1 where any fails. Raises ConfigurationError, LedgerError, AuthenticationError, NotDeliveredError."""
    file = to or Path(f"live-check-{provider}-{time.strftime('%Y%m%d-%H%M%S')}.json")
    prices = own_prices_here()

    def agreed(offers: list[Offer]) -> bool:
        _show_offers(offers, spend or 0.0)
        return yes or typer.confirm("Buy these?")

    async def all_of_it() -> Check:
        account, budget = await _account(provider, block)
        return await check(account, spend=spend, prices=prices, agreed=agreed, copy=copy, budget=budget)

    make_room(file)
    try:
        made = asyncio.run(all_of_it())
    except BaseException:  # also when it was not answered, or interrupted
        file.unlink()
        raise
    write(file, made.recording())
    _show(made)
    say(f"Recorded, with keys, links and prompts taken out: {file}")
    if any(each.outcome == "did not hold" for each in made.findings.rows()):
        raise typer.Exit(1)


async def _account(provider: str, block: str | None) -> tuple[Account, Budget | None]:
    """The account of a block, and the budget that guards it."""
    from prefect_genmedia.blocks import NovitaCredentials, TTAPICredentials

    await require_prefect()
    kind: Any = TTAPICredentials if provider == "ttapi" else NovitaCredentials
    name = block or provider
    try:
        credentials = await kind.aload(name)
    except ValueError:
        raise ConfigurationError(
            f"there is no {kind.get_block_type_name()} block called {name!r}",
            advice=f"Save one: genmedia setup --{provider} {name}",
        ) from None
    return credentials.get_client(), None if credentials.budget is None else credentials.budget.limits()


def _show_offers(offers: list[Offer], spend: float) -> None:
    table = Table("Would be bought", "Price", "USD", "By", box=None, pad_edge=False)
    for offer in offers:
        row = (offer.candidate.label, offer.said, f"{offer.usd:.3f}", offer.source)
        table.add_row(*map(cell, row))
    console.print(table)
    whole = sum(offer.usd for offer in offers)
    say(f"{whole:.3f} USD in all, of {spend:g} that may be spent, if these prices are right; {rate()}.")
    say("What the ledger has already is not bought again.")


def _together(keys: list[str]) -> str:
    """Assumptions of one purchase in one."""
    parts: dict[str, list[str]] = {}
    for key in keys:
        subject, _, part = key.partition(": ")
        parts.setdefault(subject, []).append(part)
    return "; ".join(f"{subject}: {', '.join(each)}" if any(each) else subject for subject, each in parts.items())


def _show(made: Check) -> None:
    table = Table("Assumption", "", "Seen", "Where it does not hold, change", box=None, pad_edge=False)
    rows = made.findings.rows()
    untried: dict[str, list[str]] = {}
    for each in rows:
        if each.outcome == "not tried":
            untried.setdefault(each.seen, []).append(each.assumption.key)
            continue
        words = f"{each.assumption.key}: {each.assumption.says}"
        change = each.assumption.setting if each.outcome == "did not hold" else ""
        table.add_row(cell(words), cell(each.outcome, COLOURS[each.outcome]), cell(each.seen), cell(change))
    for why, keys in untried.items():
        table.add_row(cell(_together(keys)), cell("not tried", COLOURS["not tried"]), cell(why or NO_LOOK))
    console.print(table)
    counts = {outcome: sum(each.outcome == outcome for each in rows) for outcome in COLOURS}
    say(", ".join(f"{count} {outcome}" for outcome, count in counts.items()) + f"; {made.spent_usd:.3f} USD spent.")

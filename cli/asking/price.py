"""`genmedia price`: what each operation is expected to cost, and who says so."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from rich.table import Table

from prefect_genmedia.cli.reading import lacking_ledger
from prefect_genmedia.cli.terminal import cell, console, errors, say, say_json
from prefect_genmedia.errors import ConfigurationError, LedgerError
from prefect_genmedia.jobs.buying import ledger_of
from prefect_genmedia.jobs.figures import seen
from prefect_genmedia.ledger import Ledger, Past
from prefect_genmedia.providers import OPERATIONS, find_operation
from prefect_genmedia.providers.facts import VARIABLE, Price, kind_of, prices_in_file, shipped_prices
from prefect_genmedia.settings import read_settings


def show_prices(operation: str | None, as_json: bool) -> None:
    """Raises ConfigurationError."""
    own, ledger = own_prices_here(), _ledger()
    wanted = None if operation is None else find_operation(operation)
    if operation is not None and wanted is None:
        raise ConfigurationError(f"there is no operation {operation!r}", advice="genmedia price lists them all.")
    rows: list[dict[str, Any]] = []
    for name, each in OPERATIONS.items():
        if wanted is None or wanted is each:
            yours, theirs = ([price for price in prices if find_operation(price.operation) is each]
                             for prices in (own, shipped_prices()))  # fmt: skip
            found = [_row(name, each.unit, price) for price in yours]
            found += [] if ledger is None else _seen_rows(name, each.unit, ledger.past(name))
            found += [_row(name, each.unit, price) for price in theirs]
            rows += found or [_row(name, each.unit, None)]
    if as_json:
        say_json(rows)
        return
    table = Table("Operation", "When", "Price", "Source", "Of", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(cell(row[name] or "") for name in ("operation", "when", "said", "source", "date")))
    console.print(table)
    say("The first row that fits counts. Yours go first: GENMEDIA_PRICES names their file, or variable:NAME;")
    say("then what such jobs cost lately, by the ledger.")


def _ledger() -> Ledger | None:
    """None where there is none that answers: what pages say can be told all the same."""
    if (file := lacking_ledger()) is not None:
        say(f"Without the ledger's own figures: there is none at {file.absolute()} yet", to=errors)
        return None
    try:
        return ledger_of(read_settings())
    except LedgerError as away:
        say(f"Without the ledger's own figures: {away.message}", to=errors)
        return None


def _seen_rows(operation: str, unit: str, past: list[Past]) -> list[dict[str, Any]]:
    """A row for each kind of which the ledger knows enough jobs."""
    kinds = {json.dumps(kind_of(each.request), sort_keys=True): kind_of(each.request) for each in past}
    rows = []
    for kind in kinds.values():
        if costs := seen(past, kind).costs:
            least, most = min(costs), max(costs)
            rows.append(
                {
                    "operation": operation,
                    "when": _when(kind),
                    "price": most,
                    "times": None,
                    "unit": unit,
                    "said": f"{least:g}" + (f" to {most:g}" if most > least else "") + f" {unit}",
                    "source": f"the ledger: the last {len(costs)} jobs of this kind",
                    "date": None,
                }
            )
    return rows


def _when(fields: dict[str, Any]) -> str | None:
    return ", ".join(f"{name}={_said(value)}" for name, value in fields.items()) or None


def _row(operation: str, unit: str, price: Price | None) -> dict[str, Any]:
    if price is None:
        return dict.fromkeys(("when", "price", "times", "date")) | {
            "operation": operation,
            "unit": unit,
            "said": "not documented",
            "source": None,
        }
    return {
        "operation": operation,
        "when": _when(price.when),
        "price": price.price,
        "times": price.times,
        "unit": unit,
        "said": f"{price.price:g} {unit}" + (f" for each of {price.times}" if price.times else ""),
        "source": price.source,
        "date": None if price.date is None else price.date.isoformat(),
    }


def _said(value: Any) -> str:
    if isinstance(value, list):
        return " or ".join(_said(each) for each in value)
    return "(left out)" if value is None else str(value)


def own_prices_here() -> tuple[Price, ...]:
    """The user's own, from a file or a Prefect variable. Raises ConfigurationError."""
    setting = read_settings().prices
    if not setting:
        return ()
    if setting.startswith(VARIABLE):
        from prefect_genmedia.tasks.paying.prices import variable_prices

        return asyncio.run(variable_prices()) or ()
    return prices_in_file(setting)

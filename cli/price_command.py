"""`genmedia price`: what each operation is expected to cost, and who says so."""

from __future__ import annotations

import asyncio
from typing import Any

from rich.table import Table

from prefect_genmedia.cli.terminal import cell, console, say, say_json
from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.providers import OPERATIONS, find_operation
from prefect_genmedia.providers.facts import VARIABLE, Price, prices_in_file, shipped_prices
from prefect_genmedia.settings import read_settings


def show_prices(operation: str | None, as_json: bool) -> None:
    """Raises ConfigurationError."""
    own = _own()
    wanted = None if operation is None else find_operation(operation)
    if operation is not None and wanted is None:
        raise ConfigurationError(f"there is no operation {operation!r}", advice="genmedia price lists them all.")
    rows: list[dict[str, Any]] = []
    for name, each in OPERATIONS.items():
        if wanted is None or wanted is each:
            found = [price for price in (*own, *shipped_prices()) if find_operation(price.operation) is each]
            rows += [_row(name, each.unit, price) for price in found] or [_row(name, each.unit, None)]
    if as_json:
        say_json(rows)
        return
    table = Table("Operation", "When", "Price", "Source", "Of", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(cell(row[name] or "") for name in ("operation", "when", "said", "source", "date")))
    console.print(table)
    say("The first row that fits counts. Yours go first: GENMEDIA_PRICES names their file, or variable:NAME.")


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
        "when": ", ".join(f"{name}={_said(value)}" for name, value in price.when.items()) or None,
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


def _own() -> tuple[Price, ...]:
    setting = read_settings().prices
    if not setting:
        return ()
    if setting.startswith(VARIABLE):
        from prefect_genmedia.tasks.prices import variable_prices

        return asyncio.run(variable_prices()) or ()
    return prices_in_file(setting)

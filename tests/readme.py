"""The README's tables of operations, made from the operations and providers/facts.yaml: `python -m tests.readme`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from prefect_genmedia.operation import Operation
from prefect_genmedia.providers import OPERATIONS
from prefect_genmedia.providers.facts import Price, gives, limits, shipped_prices

README = Path(__file__).parent.parent / "README.md"
MARKS = ("<!-- operations: made by python -m tests.readme -->\n", "<!-- end of operations -->\n")


def tables() -> str:
    rows = [
        ("task", "gives", "path", "expected price", "tells of a lost reply", "what is known of it"),
        ("---",) * 6,
        *(_operation(operation) for operation in OPERATIONS.values()),
    ]
    bounds = [
        ("operations", "at once", "results live", "source", "of"),
        ("---",) * 5,
        *((_names(each.operations), each.at_once, each.results, each.source, str(each.date)) for each in limits()),
    ]
    return f"{_lines(rows)}\n\nLimits and retention; the first row that fits an operation counts:\n\n{_lines(bounds)}\n"


def _operation(operation: Operation[Any, Any]) -> tuple[str, ...]:
    path = "the path you give" if operation.submit.path == "/" else f"`{operation.submit.path}`"
    prices = [each for each in shipped_prices() if each.operation == operation.name]
    return (
        f"`{operation.name}`",
        gives()[operation.name],
        path,
        "; ".join(_price(each, operation.unit) for each in prices) or "not documented",
        _heard(operation),
        operation.lifecycle,
    )


def _price(price: Price, unit: str) -> str:
    shown = {name: value[0] if isinstance(value, list) else value for name, value in price.when.items()}
    when = ", ".join(f"{name} {value}" for name, value in shown.items() if value is not None)
    return f"{price.price:g} {unit}" + (f" ({when})" if when else "")


def _heard(operation: Operation[Any, Any]) -> str:
    if operation.callback_switch:
        return "a callback, if you switch it on"
    if operation.callback_field:
        return "a callback, if you name its field"
    heard = ["the job list"] * bool(operation.witness) + ["a callback"] * bool(operation.callback)
    return ", ".join(heard) or "nobody"


def _names(operations: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}*`" if name[-1] in "._" else f"`{name}`" for name in operations)


def _lines(rows: list[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def written(readme: str) -> str:
    """The README with its tables as they should be."""
    start, end = (re.escape(mark) for mark in MARKS)
    return re.sub(f"({start}).*?({end})", lambda found: f"{found[1]}{tables()}{found[2]}", readme, flags=re.DOTALL)


if __name__ == "__main__":
    README.write_text(written(README.read_text()))

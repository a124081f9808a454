"""The tables of the docs that are made from the code: `python -m tests.readme` writes them into their pages."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer.main

from prefect_genmedia.cli.commands import app
from prefect_genmedia.emulator.fault_kinds import SUBJECTS
from prefect_genmedia.operation import Operation
from prefect_genmedia.providers import OPERATIONS
from prefect_genmedia.providers.facts import Price, gives, limits, shipped_prices
from prefect_genmedia.settings import Settings

MADE = {  # where the code makes it at run time
    "ledger_url": "an SQLite file under Prefect's home",
    "media_store": "a folder under Prefect's home",
    "imaging_threads": "the cores",
    "user_agent": "`prefect-genmedia/` and the version",
}
REFERENCE = Path(__file__).parent.parent / "docs" / "reference"


def operations() -> str:
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


def settings() -> str:
    rows = [("variable", "default", "what it is"), ("---",) * 3]
    # Their docstrings: the model itself does not keep them.
    said = dict(re.findall(r'^    (\w+): .*?\n    """(.*?)"""', inspect.getsource(Settings), re.MULTILINE | re.DOTALL))
    for name, field in Settings.model_fields.items():
        default = "none" if field.default in (None, "") else f"`{str(field.default).lower()}`"
        rows.append((f"`GENMEDIA_{name.upper()}`", MADE.get(name, default), " ".join(said[name].split())))
    return _lines(rows) + "\n"


def commands() -> str:
    return "\n".join(_command(typer.main.get_command(app), "genmedia"))


def _command(command: Any, name: str) -> Iterator[str]:
    # Typer has classes of click of its own: they are told by what they hold.
    if hasattr(command, "commands"):
        for each in sorted(command.commands):
            yield from _command(command.commands[each], f"{name} {each}")
        return
    given = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option" and each.name != "help"]
    usage = " ".join([name, *map(_argument, given), *["[OPTIONS]"] * bool(options)])
    yield f"## {name}\n\n`{usage}`\n\n{inspect.cleandoc(command.help or '')}\n"
    rows = [(f"`{', '.join(each.opts)}`", _default(each), each.help or "") for each in options]
    if rows:
        yield _lines([("option", "default", "what it does"), ("---",) * 3, *rows]) + "\n"


def _argument(argument: Any) -> str:
    word = argument.name.upper() + ("…" if argument.nargs == -1 else "")
    return word if argument.required else f"[{word}]"


def _default(option: Any) -> str:
    return "" if option.is_flag or option.default in (None, [], ()) else f"`{option.default}`"


def faults() -> str:
    parts = []
    for subject, kinds in SUBJECTS.items():
        rows = [("fault", "what happens", "its parameters"), ("---",) * 3]
        for name, kind in kinds.items():
            rows.append(
                (f"`{name}`", kind.does, ", ".join(f"`{key}={value!r}`" for key, value in kind.parameters.items()))
            )
        parts.append(f"### {subject}\n\n{_lines(rows)}\n")
    return "\n".join(parts)


def _lines(rows: list[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)


TABLES: dict[str, tuple[Path, Callable[[], str]]] = {
    "operations": (REFERENCE / "operations.md", operations),
    "settings": (REFERENCE / "settings.md", settings),
    "commands": (REFERENCE / "cli.md", commands),
    "faults": (REFERENCE / "emulator.md", faults),
}


def marks(name: str) -> tuple[str, str]:
    return f"<!-- {name}: made by python -m tests.readme -->\n", f"<!-- end of {name} -->"


def written(name: str, page: str) -> str:
    """The page with its table as it should be."""
    start, end = (re.escape(mark) for mark in marks(name))
    made = TABLES[name][1]()
    return re.sub(f"({start}).*?({end})", lambda found: f"{found[1]}\n{made}\n{found[2]}", page, flags=re.DOTALL)


if __name__ == "__main__":
    for name, (path, _) in TABLES.items():
        path.write_text(written(name, path.read_text()))

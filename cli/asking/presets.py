"""`genmedia presets`: the sizes that have a name."""

from __future__ import annotations

import asyncio

from rich.table import Table

from prefect_genmedia.cli.terminal import cell, console, say, say_json
from prefect_genmedia.tasks.publishing.presets import known_presets


def show_presets(as_json: bool) -> None:
    """Raises ConfigurationError."""
    found = asyncio.run(known_presets())
    if as_json:
        say_json({name: preset.model_dump(mode="json") for name, preset in found.items()})
        return
    table = Table("Name", "Size", "Format", "For", "Source", "Of", box=None, pad_edge=False)
    for name, each in found.items():
        size = f"{each.width or '?'}×{each.height or '?'}"
        weight = f" ≤ {each.max_bytes / 1e6:g} MB" if each.max_bytes else ""
        date = each.date.isoformat() if each.date else ""
        table.add_row(*(cell(fact) for fact in (name, size, each.format + weight, each.use, each.source, date)))
    console.print(table)
    say("Yours go first: GENMEDIA_PRESETS names their file, or variable:NAME.")

"""`genmedia jobs list`: which jobs, what became of them, what they cost."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from prefect_genmedia.cli.terminal import cell, console, say
from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.jobs.history.spending import Sum, perhaps_words
from prefect_genmedia.ledger import JobRow, LedgerState, Spent, ledger_to_read
from prefect_genmedia.quoting import counted, one_line, title
from prefect_genmedia.settings import read_settings

COLOURS = {
    "STORED": "green",
    "FAILED": "red",
    "EXPIRED": "red",
    "UNKNOWN": "bold yellow",
    "NOT_ACCEPTED": "dim",
}
FACTS = ("id", "state", "operation", "title", "job_id", "quota", "unit", "account", "created_at", "reason", "run")
COLUMNS = {"Job": True, "State": True, "Operation": False, "What": False, "Cost": True, "Bought": True, "Why": False,
           "Provider's id": True}  # fmt: skip
"""Which of them are never broken: what is copied."""
LEAST_WORDS = 16
"""Letters of a column that is broken; where a terminal is too narrow it breaks the lines itself."""


def colour(row: JobRow) -> str:
    return COLOURS.get(row.state, "cyan")


def local_time(at: float | None) -> str:
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M:%S") if at else ""


def cost_of(row: JobRow) -> str:
    """What the provider says that it charged, in its own unit."""
    if row.state == LedgerState.NOT_ACCEPTED:
        return "0"
    if row.quota is None:
        return "returned" if row.refunded else ""
    returned = " returned" if row.refunded else ""
    return f"{row.quota:g} {row.unit}{returned}"


def list_jobs(
    states: list[str], limit: int, as_json: bool, run: str | None, since: datetime | None, operation: str | None,
    account: str | None,
) -> None:  # fmt: skip
    """Print them, newest first, and their sums. Raises ConfigurationError, LedgerError."""
    known = {str(state) for state in LedgerState}
    wanted = [state.upper() for state in states]
    if strange := [state for state in wanted if state not in known]:
        raise ConfigurationError(f"{strange[0]} is no state", advice=f"The states are {', '.join(sorted(known))}.")
    settings = read_settings()
    rows = ledger_to_read(settings.ledger_url, settings.lease_seconds).rows(
        wanted,
        run=run if run is None or ":" in run else f"flow:{run}",
        since=since.timestamp() if since is not None else 0,
        limit=limit,
        operation=operation,
        account=account,
    )
    if as_json:
        for row in rows:
            print(json.dumps({name: _exact(getattr(row, name)) for name in FACTS}))
    elif rows:
        _show(rows)
        more = f" (the newest {limit}: more by --limit)" if len(rows) == limit else ""
        say(f"{_sums(rows)}{more}")
    else:
        say("No jobs.")


def _show(rows: Sequence[JobRow]) -> None:
    lines = [_line(row) for row in rows]
    table = Table(box=None, pad_edge=False)
    width = 0
    for place, (name, whole) in enumerate(COLUMNS.items()):
        least = max(len(name), *(cell_len(line[place].plain) for line in lines)) if whole else LEAST_WORDS
        table.add_column(name, no_wrap=whole, overflow="fold", min_width=least)
        width += least + 2
    for line in lines:
        table.add_row(*line)
    if width > console.width:
        table.width = width
    console.print(table, crop=False, soft_wrap=True)


def _line(row: JobRow) -> list[Text]:
    bought = local_time(row.submitted_at or row.sent_at) if row.job_id else ""
    rest = (row.operation, row.title, cost_of(row), bought, title(row.reason, 120), row.job_id or "")
    return [cell(row.id[:12]), cell(row.state, colour(row)), *map(cell, rest)]


def _sums(rows: Sequence[JobRow]) -> str:
    whole = Sum()
    for row in rows:
        whole.add(Spent(*(getattr(row, name) for name in Spent._fields if name != "tags")))
    said = [f"{whole.quota:g} quota"] if whole.quota else []
    said += [f"{whole.usd:.4g} USD"] if whole.usd else []
    said += [f"about {whole.estimated_usd:.4g} USD by prices"] if whole.estimated_usd else []
    said += [f"{whole.untold} of which nobody tells the price"] if whole.untold else []
    perhaps = perhaps_words(whole.perhaps, whole.perhaps_usd, whole.perhaps_untold)
    counts = [counted(whole.jobs, "job"), f"{whole.bought} bought", perhaps, f"{whole.failed} without a result"]
    return one_line(f"{', '.join(filter(None, counts))}: {' + '.join(said) or 'nothing'}.")


def _exact(value: Any) -> Any:
    """For scripts: NaN and infinity, which no JSON has, as null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value

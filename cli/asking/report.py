"""`genmedia report`: what was spent, as a page to open or as CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from prefect_genmedia.cli.reading import require_ledger
from prefect_genmedia.cli.terminal import say
from prefect_genmedia.errors import ConfigurationError


def report(
    days: Annotated[int, typer.Option(help="How far back to count.", min=1, max=3660)] = 30,
    to: Annotated[Path, typer.Option(help="Where the page is written.")] = Path("genmedia-report.html"),
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the sums as CSV instead.")] = False,
) -> None:
    """What was spent, by day, operation, account and tag; what failed and why; how long jobs took. Buys nothing."""
    from prefect_genmedia.jobs.history.spending import spending_csv, spending_since

    require_ledger()
    spending = spending_since(days)
    if as_csv:
        typer.echo(spending_csv(spending), nl=False)
        return
    from prefect_genmedia.flows.spending import spending_html, summary_of

    try:
        to.write_text(spending_html(spending), encoding="utf-8")
    except OSError as failure:
        raise ConfigurationError(f"{to} cannot be written: {failure.strerror or failure}") from None
    say(f"{summary_of(spending)}.")
    say(("Written", "bold"), f" {to.absolute().as_uri()}")

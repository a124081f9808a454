"""`genmedia ledger`: its old history, moved out."""

from __future__ import annotations

import time
from pathlib import Path

from prefect_genmedia.cli.terminal import say
from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.jobs.buying import ledger_of
from prefect_genmedia.ledger import Ledger, count_old, move_old
from prefect_genmedia.settings import read_settings


def prune(older_than_seconds: float, to: Path | None, dry_run: bool) -> None:
    ledger = ledger_of(read_settings())
    if dry_run:
        say(f"{count_old(ledger, older_than_seconds):,} lines of history would be moved. Nothing was changed.")
        return
    file = to or _beside(ledger)
    say(f"Moving to {file}")
    moved = 0
    try:
        for count in move_old(ledger, older_than_seconds, file):
            moved += count
    finally:
        say(f"{moved:,} lines of history moved out of the ledger. All jobs are still in it: none is bought twice.")
        if not moved and file.exists() and not file.stat().st_size:
            file.unlink()


def _beside(ledger: Ledger) -> Path:
    if not ledger.database.sqlite:
        raise ConfigurationError("say where the history goes", advice="For example --to /srv/genmedia/2026.jsonl.gz.")
    return Path(str(ledger.database.url.database)).parent / f"history-{time.strftime('%Y%m%d-%H%M%S')}.jsonl.gz"

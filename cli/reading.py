"""Commands that read the ledger, or work on what is in it: they make none."""

from __future__ import annotations

from pathlib import Path

from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.settings import read_settings


def lacking_ledger() -> Path | None:
    """Where the ledger should be, and nothing is. Raises ConfigurationError."""
    from prefect_genmedia.ledger import lacking_file

    return lacking_file(read_settings().ledger_url)


def require_ledger() -> None:
    """Raises ConfigurationError where there is no ledger yet: a mistyped path is told, and nothing is made there."""
    if (file := lacking_ledger()) is not None:
        raise ConfigurationError(
            f"there is no ledger at {file.absolute()}",
            advice="If there should be one, set GENMEDIA_LEDGER_URL to where it is. genmedia setup makes a new one, as "
            "does the first paid task.",
        )

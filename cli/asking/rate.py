"""`genmedia rate`: stars for pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prefect_genmedia.cli.terminal import say
from prefect_genmedia.errors import MediaError
from prefect_genmedia.jobs import script_run
from prefect_genmedia.jobs.buying import ledger_of
from prefect_genmedia.jobs.history.lineage import Lineage
from prefect_genmedia.media import MediaStore
from prefect_genmedia.media.places import sha256_of
from prefect_genmedia.settings import read_settings


def rate_files(files: Sequence[Path], stars: int, by: str, why: str) -> None:
    """Known by their bytes, from any copy; a size's stars are its picture's too. Raises MediaError, LedgerError."""
    settings = read_settings()
    ledger = ledger_of(settings)
    lineage = Lineage(ledger, MediaStore(settings.media_store))
    known = []
    for file in files:
        try:
            origin = lineage.of(sha256_of(file), size=file.stat().st_size)
        except OSError as failure:
            raise MediaError(f"{file} cannot be read: {failure.strerror or failure}") from None
        if origin.kind == "unknown":
            raise MediaError(f"neither the ledger nor the media store knows {file}", advice="Nothing was rated.")
        known.append(origin)
    for origin in known:
        source = origin.parents[0].sha256 if "rendition" in origin.step and origin.parents else None
        ledger.rate(script_run().name, origin.sha256, stars, by, why, source)
    say(f"{len(known)} rated {stars} of 5 by {by}.")

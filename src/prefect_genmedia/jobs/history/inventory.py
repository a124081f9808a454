"""The ledger's files against the store's: what is gone, cut, changed, or there without a row. Changes nothing.

Everything here blocks.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from prefect_genmedia.errors import ConfigurationError, MediaError
from prefect_genmedia.jobs.buying import STORE_FACT, ledger_of
from prefect_genmedia.jobs.values import media_file_of
from prefect_genmedia.ledger import JobRow, Ledger, LedgerState, MediaRow
from prefect_genmedia.media import MediaFile, MediaStore
from prefect_genmedia.media.places import INCOMING
from prefect_genmedia.settings import read_settings

AT_WORK_SECONDS = 3600.0  # of a job that changed so lately, files may be on their way
Kind = Literal["missing", "cut", "changed", "unreadable", "elsewhere", "without a row", "left over"]
_BOUGHT = re.compile(r"[\w.-]+/\d{4}-\d\d-\d\d/([0-9a-f]{32})-\d+\.\w+")  # <operation>/<day>/<row>-<place>.<kind>


@dataclass(frozen=True)
class Finding:
    """One file that is not as it should be, and what to type."""

    kind: Kind
    where: str
    """The file's URI, or its key in the store."""
    says: str
    advice: str
    job: str | None = None


@dataclass
class Inventory:
    """The files that were looked at so far. `findings` does the work while it is read."""

    store: str
    files: int = 0
    bytes: int = 0

    def findings(self, ledger: Ledger, store: MediaStore, read_bytes: bool) -> Iterator[Finding]:
        sizes = dict(store.files())  # some 200 bytes a file: a million files take 200 MB
        for row in ledger.all_media():
            file = media_file_of(row)
            self.files += 1
            self.bytes += file.bytes
            if (finding := _look_at(row, file, store, sizes, read_bytes)) is not None:
                yield finding
        for key in sizes:
            if (finding := _look_at_rest(key, ledger, store)) is not None:
                yield finding


def fsck(read_bytes: bool = False) -> tuple[Inventory, Iterator[Finding]]:
    """Look at every file that the ledger knows, and at every bought file in the store. Buys and changes nothing.

    Sizes are compared, of a bucket from its listing alone; with `read_bytes` every file is read and its sha256
    compared. Raises ConfigurationError when the store is not the ledger's, MediaError when it cannot be listed,
    LedgerError.
    """
    settings = read_settings()
    ledger, store = ledger_of(settings), MediaStore(settings.media_store)
    known = ledger.find_fact(STORE_FACT)
    if known is None:
        raise ConfigurationError(
            "the ledger knows no media store: nothing was stored yet", advice="See: genmedia jobs list"
        )
    store.prepare(known)
    inventory = Inventory(store.root)
    return inventory, inventory.findings(ledger, store, read_bytes)


def of_another_ledger(ledger: Ledger, store: MediaStore) -> bool:
    """Was the store filled by another ledger? This one holds no job, and bought files are there all the same."""
    if ledger.rows(limit=1):
        return False
    try:
        return any(_BOUGHT.fullmatch(key) for key, _ in store.files())
    except MediaError:
        return False  # some stores cannot be listed


ANOTHER_LEDGERS = "this ledger holds no job, and the media store holds files that were bought"
ANOTHER_LEDGERS_ADVICE = (
    "Where is the ledger that knows them? GENMEDIA_LEDGER_URL names it; else all of it is bought again."
)


def _look_at(
    row: MediaRow, file: MediaFile, store: MediaStore, sizes: dict[str, int], read_bytes: bool
) -> Finding | None:
    """A file that the ledger knows; it is taken out of `sizes`."""
    key = store.key_of(file)
    size = None if key is None else sizes.pop(key, None)
    again = f"Bring it in again, if the provider still has it: genmedia jobs resume {row.job[:12]}"

    def finding(kind: Kind, says: str, advice: str = again) -> Finding:
        return Finding(kind, file.uri, says, advice, row.job)

    if key is not None and size is None:
        return finding("missing", "it is no longer in the store")
    if size is not None and size < file.bytes:
        return finding("cut", f"it has {size} of its {file.bytes} bytes")
    if size is not None and size > file.bytes:
        return finding("changed", f"it has {size} bytes, and {file.bytes} were stored")
    if key is not None and not read_bytes:
        return None
    try:
        state = store.look_at(file, thorough=read_bytes)
    except MediaError as failure:
        return finding("unreadable", failure.message, failure.advice or "Is it mounted, and may it be read here?")
    if state == "here":
        return None if key is not None else finding("elsewhere", "it is whole, in another store than this", "")
    return finding(state, {"missing": "it is gone", "cut": "it is cut"}.get(state, "its bytes are not those stored"))


def _look_at_rest(key: str, ledger: Ledger, store: MediaStore) -> Finding | None:
    """A file of the store that no row names: is it one that was bought, and is nobody about to name it?"""
    if key.startswith(f"{INCOMING}/"):
        says = "a worker that was killed left it more than a day ago"
        return Finding("left over", key, says, "It may be deleted.") if store.is_old(key) else None
    bought = _BOUGHT.fullmatch(key)
    if bought is None:
        return None  # renditions, inputs, galleries: made here, and made again for nothing
    row = ledger.get(bought[1])
    if row is None:
        says = "no job of this ledger is its own"
        return Finding("without a row", key, says, "Another ledger's? It is kept; delete it if nobody needs it.")
    if row.state != LedgerState.STORED and time.time() - row.updated_at < AT_WORK_SECONDS:
        return None
    return Finding("without a row", key, f"job {row.id[:12]} ({row.state}) does not name it", _advice(row), row.id)


def _advice(row: JobRow) -> str:
    if row.state == LedgerState.STORED:
        return "The job's files came again under another name: this one may be deleted."
    return f"Its run was killed while it brought it in: genmedia jobs resume {row.id[:12]}"

"""Files that came inside of an answer and that the store did not take: kept on this machine until it does.

Nobody can be asked for such a file again, and the ledger keeps none. All of it blocks.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from prefect_genmedia.settings import home


def _folders() -> Iterator[Path]:
    """One disk may have room where the other has none."""
    yield home() / "rescued"
    yield Path(tempfile.gettempdir()) / f"genmedia-rescued-{os.getuid()}"


def _is_ours(folder: Path) -> bool:
    """In a temporary folder anybody may have put one of this name, with pictures of his own in it."""
    try:
        facts = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid() and not facts.st_mode & 0o022


def rescue(row_id: str, place: int, text: str) -> bool:
    """Keep the file as the answer had it, for its owner alone. Is it kept?"""
    for folder in _folders():
        part = folder / f"{row_id}-{place}.part"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _is_ours(folder):
                continue
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(text)
            part.replace(part.with_suffix(""))
            return True
        except OSError:
            with suppress(OSError):
                part.unlink(missing_ok=True)
    return False


def rescued(row_id: str) -> dict[int, str]:
    """What was kept of this job, by place."""
    found = {}
    for folder in filter(_is_ours, _folders()):
        for file in folder.glob(f"{row_id}-*"):
            place = file.name.removeprefix(f"{row_id}-")
            if place.isdecimal():
                with suppress(OSError):
                    found[int(place)] = file.read_text()
    return found


def let_go(row_id: str, place: int) -> None:
    """It is in the store."""
    for folder in filter(_is_ours, _folders()):
        with suppress(OSError):
            (folder / f"{row_id}-{place}").unlink(missing_ok=True)

"""What a run checks before its first purchase, and what its places are called."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Any

import prefect.runtime.flow_run
from slugify import slugify

from prefect_genmedia import quoting
from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.jobs import open_store
from prefect_genmedia.jobs.buying import ledger_of
from prefect_genmedia.settings import read_settings


def check_store() -> None:
    """Raises ConfigurationError when nothing could be kept. Blocking."""
    settings = read_settings()
    open_store(settings, ledger_of(settings))


async def load_block(block: Any, name: str) -> Any:
    """A saved block. Raises ConfigurationError that says how to save one."""
    try:
        return await block.aload(name)
    except ValueError:
        raise ConfigurationError(
            f"there is no {block.get_block_type_name()} block called {name!r}",
            advice=f"Save one in the UI, or: genmedia setup --{block.get_block_type_slug().partition('-')[0]} NAME",
        ) from None


def name_of(collection: str | None, started: datetime) -> str:
    """What a run's collection is called: by default as nobody else's, by the day and the run."""
    return collection or f"{started:%Y-%m-%d}-{str(prefect.runtime.flow_run.id)[:8]}"


def folder_name(collection: str) -> str:
    """The folder of a collection, each its own: a name that no folder can have as it is gets a mark of its own too."""
    plain = slugify(quoting.one_line(collection), max_length=80)
    if plain == re.sub(r"[\s_-]+", "-", collection.strip().lower()):
        return plain
    mark = hashlib.sha256(collection.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{plain}-{mark}" if plain else mark

"""`genmedia open`: the newest gallery page."""

from __future__ import annotations

import webbrowser

from prefect_genmedia.cli.terminal import console, patiently, say
from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.media import MediaStore
from prefect_genmedia.settings import read_settings

PAGE = "index.html"
PUBLISHED = "published"


def open_page(collection: str | None) -> None:
    """Print where it is; on a terminal show it. Raises ConfigurationError, MediaError."""
    settings = read_settings()
    store = MediaStore(settings.media_store)
    with patiently(f"Looking through {store.root}"):
        key = store.newest(f"{PUBLISHED}/{_folder(collection)}/{PAGE}")
    if key is None:
        which = "no run" if collection is None else f"no run of the collection {collection!r}"
        raise ConfigurationError(
            f"{which} has left a gallery page in {store.root}",
            advice="illustrate writes one at its end. Is GENMEDIA_MEDIA_STORE the store of the worker that ran it?",
        )
    if settings.media_public_url:
        address = f"{settings.media_public_url.rstrip('/')}/{key}"
    else:
        address = f"{store.root}/{key}" if store.local is None else (store.local / key).absolute().as_uri()
    say(address)
    if console.is_terminal and address.startswith(("file:", "http:", "https:")):
        webbrowser.open(address)


def _folder(collection: str | None) -> str:
    if collection is None:
        return "*"
    from prefect_genmedia.flows.runs.beforehand import folder_name  # and Prefect with it

    return folder_name(collection)

"""What a file is given as: a path, an address or a media file; and what it is called."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Annotated
from urllib.parse import unquote

from pydantic import StringConstraints
from slugify import slugify

from prefect_genmedia import quoting
from prefect_genmedia.checking import A_MODEL, A_TEXT, TEXT_OR_MODEL
from prefect_genmedia.flows.runs.parameters import Tabs
from prefect_genmedia.media import MediaFile

Source = Annotated[
    Annotated[str, StringConstraints(min_length=1, max_length=4096), A_TEXT] | Annotated[MediaFile, A_MODEL],
    TEXT_OR_MODEL,
    Tabs("Path or address", "Media file"),
]
SourceOrNone = Annotated[Source | None, Tabs("Path or address", "Media file", "None")]


def reference(given: str | MediaFile) -> str:
    return given if isinstance(given, str) else given.uri


def file_name(given: str | MediaFile) -> str:
    """The end of its address, which may be a signed link."""
    return PurePosixPath(unquote(quoting.one_line(reference(given))).rstrip("/")).name or "a picture"


def stems_of(names: Sequence[str]) -> list[str]:
    """What each one's files are called: by its own name; where another's would be called the same, with a mark of it.

    The mark is the name's, so that a picture that comes in between renames none. Equal names are numbered.
    """
    stems = [slugify(name, max_length=80) or "picture" for name in names]
    times, nth = Counter(stems), Counter[str]()
    own = []
    for stem, name in zip(stems, names, strict=True):
        nth[name] += 1
        mark = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:6]
        number = f"-{nth[name]}" if nth[name] > 1 else ""
        own.append(stem if times[stem] == 1 else f"{stem}-{mark}{number}")
    return own

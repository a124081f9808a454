"""The name of a store: a file in it that says which store it is, and moves with its files. All of it blocks."""

from __future__ import annotations

import os
import re
import uuid
from pathlib import Path
from typing import Any

from prefect_genmedia.media.places import is_local

MARK = ".genmedia-store"
"""The file that holds a store's identity. It moves with the store's files."""

_IDENTITY = re.compile(r"[0-9a-f]{32}")


def read_mark(fs: Any, path: str) -> str | None:
    """The identity at `path`; None where there is none. Raises ValueError when it is damaged, and what `fs` raises."""
    try:
        # It is read before each file that is kept: fsspec's own way to a local file takes several times as long.
        content = Path(path).read_bytes() if is_local(fs) else fs.cat_file(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    identity = content.decode("ascii", "replace").strip()
    if not _IDENTITY.fullmatch(identity):
        raise ValueError("damaged")
    return str(identity)


def write_mark(fs: Any, path: str, incoming: Path) -> None:
    """Write a new identity, unless there is one already. Raises what `fs` raises."""
    content = uuid.uuid4().hex.encode()
    try:
        if is_local(fs):
            _link(Path(path), content, incoming / Path(path).name)
        else:
            fs.pipe_file(path, content, mode="create")
    except FileExistsError:
        pass


def _link(mark: Path, content: bytes, aside: Path) -> None:
    aside.write_bytes(content)
    try:
        # Unlike a rename, a link does not replace what is there; and it is there whole.
        os.link(aside, mark)
    except FileExistsError:
        raise
    except OSError:  # some network drives have no links
        with mark.open("xb") as file:
            file.write(content)

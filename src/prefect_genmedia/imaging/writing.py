"""Files that were made: named, and in place whole or not at all."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from prefect_genmedia.errors import MediaError


@dataclass(frozen=True)
class Rendered:
    """A file that was made: where it is and what it is. Pixels and bytes."""

    name: str
    path: Path
    width: int
    height: int
    media_type: str
    bytes: int
    sha256: str


def targets(source: Path, folder: Path, stem: str | None, endings: Iterable[str]) -> list[Path]:
    """Where files made of `source` go: `folder/{stem}-{ending}`; the stem is the source's own unless given.

    Raises ValueError when `stem` is no file name, or when a file would replace the source.
    """
    stem = source.stem if stem is None else stem
    if stem in ("", ".", "..") or Path(stem).name != stem:
        raise ValueError(f"{stem!r} is no stem for a file name")
    paths = [folder / f"{stem}-{ending}" for ending in endings]
    for path in paths:
        if path.resolve() == source.resolve():
            raise ValueError(f"{path} is the source itself, and would be replaced")
    return paths


def write(data: bytes, name: str, size: tuple[int, int], media_type: str, path: Path) -> Rendered:
    """Put a file in place, whole or not at all. Raises MediaError that names it and says why."""
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(data)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise MediaError(f"{path} cannot be written: {error.strerror or error}") from error
    return Rendered(
        name=name,
        path=path,
        width=size[0],
        height=size[1],
        media_type=media_type,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )

"""What was made goes into the media store."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path, PurePosixPath
from typing import Any

from prefect_genmedia.errors import MediaError
from prefect_genmedia.imaging import Rendered
from prefect_genmedia.media import MediaFile, MediaStore

log = logging.getLogger("prefect_genmedia")


def write_manifest(store: MediaStore, incoming: Path, key: str, text: bytes) -> None:
    """Keep the JSON of the file that will be `key`; before the file, so that none is there without its origin.

    A file of that name that was bought with other jobs, or made of other pictures, is set aside: it may be all that
    somebody has of what they paid for. Its new name has a mark of its bytes. Raises MediaError.
    """
    if store.holds(f"{key}.json") and store.holds(key):
        before = _read(store.read(f"{key}.json"))
        ours, theirs = _origin(_read(text)), _origin(before)
        if ours and theirs and not ours & theirs:
            path = PurePosixPath(key)
            aside = str(path.with_name(f"{path.stem}.{str(before.get('sha256'))[:8]}{path.suffix}"))
            store.rename(key, aside)
            told = json.dumps({**before, "file": PurePosixPath(aside).name}, indent=2, ensure_ascii=False)
            write(store, incoming, f"{aside}.json", told.encode("utf-8", "replace") + b"\n")
            log.warning("%s is another picture now; the one that was there is %s", key, aside)
    write(store, incoming, f"{key}.json", text)


def _read(manifest: bytes) -> dict[str, Any]:
    try:
        said = json.loads(manifest)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _origin(manifest: dict[str, Any]) -> set[str]:
    """The jobs that a file was bought with; of what no job is known, the files that it was made of."""
    for several, name in (("jobs", "ledger_id"), ("parents", "sha256")):
        listed = manifest.get(several)
        each = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
        if found := {str(entry[name]) for entry in each if entry.get(name)}:
            return found
    return set()


def write(store: MediaStore, incoming: Path, key: str, content: bytes) -> str:
    """Keep content under a key; its address. Raises MediaError."""
    part = incoming / hashlib.sha256(key.encode()).hexdigest()
    try:
        part.write_bytes(content)
    except OSError as failure:
        raise MediaError(f"{key} could not be kept: {failure.strerror or failure}") from None
    return store.keep(part, key)


def keep(store: MediaStore, made: Rendered, folder: str) -> MediaFile:
    """Keep a picture that was made, under its own name. Raises MediaError."""
    return file_of(made, store.keep(made.path, f"{folder}/{made.path.name}"))


def file_of(made: Rendered, uri: str) -> MediaFile:
    """A picture that was made, as what lies at an address."""
    return MediaFile(
        uri=uri,
        sha256=made.sha256,
        media_type=made.media_type,
        bytes=made.bytes,
        width=made.width,
        height=made.height,
        role=made.name,
    )

"""What was made goes into the media store."""

from __future__ import annotations

import hashlib
from pathlib import Path

from prefect_genmedia.errors import MediaError
from prefect_genmedia.imaging import Rendered
from prefect_genmedia.media import MediaFile, MediaStore


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

"""The media store: a folder, local or on any fsspec filesystem, that files enter whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem

from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.media.files import MediaFile, found
from prefect_genmedia.quoting import one_line

LEAST_FREE_BYTES = 64 * 1024**2


class MediaStore:
    """A folder, local or on any fsspec filesystem, that files enter whole or not at all."""

    def __init__(self, location: str) -> None:
        try:
            self._fs, root = fsspec.core.url_to_fs(location)
        except (ValueError, ImportError) as failure:
            raise ConfigurationError(
                f"the media store {one_line(location)!r} cannot be used: {one_line(failure)}",
                advice="Set GENMEDIA_MEDIA_STORE to a folder or an fsspec URL.",
            ) from None
        self.root = str(root).rstrip("/")
        self.local = Path(self.root) if isinstance(self._fs, LocalFileSystem) else None

    def prepare(self, expected: str | None) -> str:
        return expected or "x"

    def check(self) -> None:
        """Raises ConfigurationError when nothing could be kept here: to be called before money is spent."""
        where = self.local or Path(tempfile.gettempdir())
        advice = "Set GENMEDIA_MEDIA_STORE to a folder that can be written."
        try:
            with self.incoming() as folder:
                (folder / "probe").write_bytes(b"genmedia")
        except OSError as failure:
            raise ConfigurationError(
                f"the media store {where} cannot be written: {failure.strerror or failure}", advice=advice
            ) from None
        free = shutil.disk_usage(where).free
        if free < LEAST_FREE_BYTES:
            raise ConfigurationError(f"the disk of {where} is full ({free // 1024**2} MB left)", advice=advice)

    @contextmanager
    def incoming(self) -> Iterator[Path]:
        """A temporary folder on the same disk as the store, so that a finished file enters by a rename."""
        parent = None
        if self.local is not None:
            parent = self.local / ".incoming"
            parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=parent, ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    def keep(self, file: Path, key: str) -> str:
        """Move a verified file into the store under `key`; its URI. Raises OSError."""
        if self.local is not None:
            (self.local / key).parent.mkdir(parents=True, exist_ok=True)
            with file.open("rb") as handle:
                os.fsync(handle.fileno())
            return file.replace(self.local / key).absolute().as_uri()
        target = f"{self.root}/{key}"
        self._fs.put_file(str(file), target)
        return str(self._fs.unstrip_protocol(target))

    def key_of(self, file: MediaFile) -> str:
        """Under which key a file of this store was kept."""
        if self.local is not None:
            return file.path.relative_to(self.local.absolute()).as_posix()
        return file.uri.rpartition(self.root + "/")[2]

    def has(self, file: MediaFile) -> bool:
        """Is the file still there, at its full length?"""
        try:
            fs, path = found(file)
            return bool(fs.size(path) == file.bytes)
        except (OSError, ValueError, ImportError):
            return False

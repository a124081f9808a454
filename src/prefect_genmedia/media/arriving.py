"""A file on its way into the store: in memory while it is small, then on the store's own disk, so that it enters by a
rename. Nothing here works on files in the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from pathlib import Path

from prefect_genmedia.media.store import MediaStore

HELD_BYTES = 1024**2
"""Held of each download before it is written: most pictures are written once, and a film costs no memory."""


class Arriving:
    """What has come of one file."""

    def __init__(self, store: MediaStore) -> None:
        self._store = store
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._digest = hashlib.sha256()
        self._path: Path | None = None
        self._is_unwanted = False
        self._is_written = False
        self.size = 0

    async def add(self, piece: bytes) -> None:
        """Raises OSError when the disk does not take it."""
        self.hold(piece)
        if self._held_bytes >= HELD_BYTES:
            await asyncio.to_thread(self._write)

    def hold(self, piece: bytes) -> None:
        self._held.append(piece)
        self._held_bytes += len(piece)
        self.size += len(piece)

    def whole(self) -> Path:
        """The file with all that has come. Blocking. Raises OSError."""
        return self._write()

    @property
    def sha256(self) -> str:
        """Of what stands in the file: to be asked after `whole`."""
        return self._digest.hexdigest()

    def _write(self) -> Path:
        if self._path is None:
            self._path = self._store.new_part()
        try:
            with self._path.open("ab") as out:
                for piece in self._held:
                    self._digest.update(piece)
                    out.write(piece)
        finally:
            self._is_written = True
            if self._is_unwanted:  # by whoever was stopped while this went on in its thread
                self.discard()
        self._held.clear()
        self._held_bytes = 0
        return self._path

    def discard(self) -> None:
        """Nothing stays of what was not kept, also of what is being written now. Blocking where something is there."""
        self._is_unwanted = True
        if self._path is not None and self._is_written:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
                self._is_written = False

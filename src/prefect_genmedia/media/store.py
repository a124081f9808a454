"""The media store: a folder, local or on any fsspec filesystem, that files enter whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem

from prefect_genmedia.errors import ConfigurationError, MediaError
from prefect_genmedia.media.files import MediaFile, found
from prefect_genmedia.quoting import one_line

LEAST_FREE_BYTES = 64 * 1024**2
MARK = ".genmedia-store"
"""The file that holds a store's identity. It moves with the store's files."""

_IDENTITY = re.compile(r"[0-9a-f]{32}")


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
        self._prepared: str | None = None

    def prepare(self, expected: str | None) -> str:
        """The store's identity, given to it at its first use. Blocking; to be called before anything else.

        `expected` is what the ledger remembers, None when it remembers none. Raises ConfigurationError when the store
        is not that one, or cannot be asked: it is not mounted, or this machine has a folder of its own.
        """
        found = self.identity()
        if expected is not None and found is None:
            raise ConfigurationError(
                f"the media store {self.root} is not the one that the ledger knows: it has no {MARK}",
                advice="Is it mounted? If its files have moved, move that file with them. If you mean a new store: "
                "genmedia setup --new-media-store",
            )
        if expected is not None and found != expected:
            raise ConfigurationError(
                f"the media store {self.root} is another one than the ledger knows",
                advice="All machines that share a ledger need one media store: set GENMEDIA_MEDIA_STORE. If you mean a "
                "new one: genmedia setup --new-media-store",
            )
        self._prepared = found or self._mark()
        return self._prepared

    def identity(self) -> str | None:
        """Which store this is; None when it was never used. Blocking. Raises ConfigurationError when it cannot tell."""
        try:
            content = self._fs.cat_file(self._at(MARK))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except Exception as failure:  # each kind of store has errors of its own
            raise self._unusable("read", failure) from None
        identity = content.decode("ascii", "replace").strip()
        if not _IDENTITY.fullmatch(identity):
            raise ConfigurationError(f"{MARK} in the media store {self.root} is damaged")
        return str(identity)

    def _mark(self) -> str:
        """Give the store an identity; what another gave it in the same moment counts."""
        content = uuid.uuid4().hex.encode()
        try:
            if self.local is None:
                self._fs.pipe_file(self._at(MARK), content, mode="create")
            else:
                self._mark_folder(self.local, content)
        except FileExistsError:
            pass
        except Exception as failure:  # each kind of store has errors of its own
            raise self._unusable("written", failure) from None
        identity = self.identity()
        if identity is None:
            raise ConfigurationError(f"the media store {self.root} does not keep what is written")
        return identity

    def _mark_folder(self, folder: Path, content: bytes) -> None:
        with self.incoming() as incoming:
            (incoming / MARK).write_bytes(content)
            try:
                # Unlike a rename, a link does not replace what is there; and it is there whole.
                os.link(incoming / MARK, folder / MARK)
            except FileExistsError:
                raise
            except OSError:  # some network drives have no links
                with (folder / MARK).open("xb") as mark:
                    mark.write(content)

    def _at(self, key: str) -> str:
        return f"{self.root}/{key}"

    def _unusable(self, what: str, failure: Exception) -> ConfigurationError:
        said = getattr(failure, "strerror", None) or type(failure).__name__
        return ConfigurationError(
            f"the media store {self.root} cannot be {what}: {said}",
            advice="Set GENMEDIA_MEDIA_STORE to a store that can be read and written.",
        )

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
        """Move a file into the store under `key`; its URI. Raises OSError."""
        if self.local is not None:
            (self.local / key).parent.mkdir(parents=True, exist_ok=True)
            with file.open("rb") as handle:
                os.fsync(handle.fileno())
            return file.replace(self.local / key).absolute().as_uri()
        target = self._at(key)
        try:
            self._fs.put_file(str(file), target)
        except OSError:
            raise
        except Exception as failure:  # each kind of store has errors of its own
            raise OSError(f"{type(failure).__name__} of the store") from None
        return str(self._fs.unstrip_protocol(target))

    def key_of(self, file: MediaFile) -> str:
        """Under which key a file of this store was kept."""
        if self.local is not None:
            return file.path.relative_to(self.local.absolute()).as_posix()
        return file.uri.rpartition(self.root + "/")[2]

    def has(self, file: MediaFile) -> bool:
        """Is the file still there, at its full length? Blocking.

        Raises MediaError when that cannot be told: False is said only of what is surely gone.
        """
        try:
            fs, path = found(file)
            fs.invalidate_cache()  # another process may have written it since
            return bool(fs.size(path) == file.bytes)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except Exception as failure:  # each kind of store has errors of its own
            why = getattr(failure, "strerror", None) or type(failure).__name__
            raise MediaError(f"whether {file.uri} is still there cannot be told: {why}") from None
        if self._prepared is not None and self.identity() != self._prepared:
            raise MediaError(f"the media store {self.root} is no longer there")
        return False

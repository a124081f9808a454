"""The media store: a folder, a bucket, anything that fsspec or a Prefect block reaches; files enter it whole."""

from __future__ import annotations

import glob
import logging
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from prefect_genmedia.errors import ConfigurationError, MediaError
from prefect_genmedia.media.files import MediaFile, found
from prefect_genmedia.media.identity import MARK, read_mark, write_mark
from prefect_genmedia.media.places import (
    INCOMING,
    WRITTEN,
    facts_of,
    flush,
    is_local,
    keeps_sha256,
    kind,
    open_place,
    put,
    reason,
    sha256_in,
    telling,
    tidy_location,
)

LEAST_FREE_BYTES = 64 * 1024**2
HASHED_BYTES = 64 * 1024**2
"""A file of a folder up to this size is read again before it is handed out again: 0.7 ms a megabyte."""
RUN_AGAIN = "Is the store there, and is there room in it? Then run again: what is bought is not bought again."
PROBE = ".genmedia-probe"
PROBED_SECONDS = 300.0
State = Literal["here", "missing", "cut", "changed"]

log = logging.getLogger("prefect_genmedia")
_written: dict[str, float] = {}  # remote stores that took a file lately, by time.monotonic()


class MediaStore:
    """A folder, or a place of any kind that fsspec or a Prefect block reaches.

    `location` is a path, a URL such as s3://bucket/prefix, or block:TYPE/NAME. With `thorough`, bytes are compared
    wherever a file is asked for. Raises ConfigurationError when there is no such kind of store, or its library is
    missing. All of it blocks.
    """

    def __init__(self, location: str, *, thorough: bool = False) -> None:
        uri = tidy_location(location)
        try:
            self._fs, base = open_place(uri)
        except ConfigurationError as failure:
            raise ConfigurationError(
                f"the media store cannot be used: {failure.message}",
                advice=f"{failure.advice} GENMEDIA_MEDIA_STORE says where it is.",
            ) from None
        self._base = base.rstrip("/")
        self.local = Path(self._base) if is_local(self._fs) else None
        self.root = self._base if self.local else uri
        """What it is called in messages: its path, or its address."""
        self.thorough = thorough
        self._prepared: str | None = None

    def prepare(self, expected: str | None, *, new: bool = False) -> str:
        """The store's identity, given to it at its first use. Blocking; to be called before anything else.

        `expected` is what the ledger remembers, None when it remembers none. With `new`, a store that cannot tell
        whether it has one (some Prefect blocks) gets one. Raises ConfigurationError when the store is not that one, or
        cannot be asked: it is not mounted, or this machine has a folder of its own.
        """
        try:
            found = self.identity()
        except ConfigurationError:
            if not new or self.local is not None:
                raise
            found = None
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
            return read_mark(self._fs, self._at(MARK))
        except ValueError:
            raise ConfigurationError(f"{MARK} in the media store {self.root} is damaged") from None
        except Exception as failure:  # each kind of store has errors of its own
            raise self._unusable("read", failure) from None

    def _mark(self) -> str:
        """Give the store an identity; what another gave it in the same moment counts."""
        try:
            with self.incoming() as incoming:
                write_mark(self._fs, self._at(MARK), incoming)
        except Exception as failure:  # each kind of store has errors of its own
            raise self._unusable("written", failure) from None
        identity = self.identity()
        if identity is None:
            raise ConfigurationError(f"the media store {self.root} does not keep what is written")
        return identity

    def _at(self, key: str) -> str:
        return f"{self._base}/{key}" if self._base else key

    def _unusable(self, what: str, failure: Exception) -> ConfigurationError:
        return ConfigurationError(
            f"the media store {self.root} cannot be {what}: {reason(failure)}",
            advice="Set GENMEDIA_MEDIA_STORE to a store that can be read and written."
            + (" If it is a new one: genmedia setup --new-media-store" if what == "read" and not self.local else ""),
        )

    def check(self) -> None:
        """Raises ConfigurationError when nothing could be kept here: to be called before money is spent."""
        where = self.local or Path(tempfile.gettempdir())
        advice = "Set GENMEDIA_MEDIA_STORE to a folder that can be written."
        try:
            probe = self.new_part()
            probe.write_bytes(b"genmedia")
            probe.unlink()
        except OSError as failure:
            raise ConfigurationError(
                f"the media store {where} cannot be written: {failure.strerror or failure}", advice=advice
            ) from None
        free = shutil.disk_usage(where).free
        if free < LEAST_FREE_BYTES:
            raise ConfigurationError(f"the disk of {where} is full ({free // 1024**2} MB left)", advice=advice)
        if self.local is None and time.monotonic() > _written.get(self.root, -PROBED_SECONDS) + PROBED_SECONDS:
            self._probe()

    def _probe(self) -> None:
        try:
            self._fs.pipe_file(self._at(PROBE), b"genmedia")
        except Exception as failure:  # each kind of store has errors of its own
            raise self._unusable("written", failure) from None
        with suppress(Exception):  # who may write may not always delete
            self._fs.rm_file(self._at(PROBE))
        _written[self.root] = time.monotonic()

    def new_part(self) -> Path:
        """A name for a file that is to enter the store by a rename: on its disk, and nobody else's. Blocking."""
        folder = Path(tempfile.gettempdir())
        if self.local is not None:
            folder = self.local / INCOMING
            # One that was there is not made anew: it is not mounted.
            folder.mkdir(parents=self._prepared is None, exist_ok=True)
        return folder / f"genmedia-{uuid.uuid4().hex}"

    @contextmanager
    def incoming(self) -> Iterator[Path]:
        """A temporary folder on the same disk as the store, so that a finished file enters by a rename."""
        parent = None
        if self.local is not None:
            parent = self.local / INCOMING
            parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=parent, ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    def keep(self, file: Path, key: str) -> str:
        """Move a file into the store under `key`; its URI. Raises MediaError with `in_store`."""
        with telling(f"{key} could not be kept in {self.root}", in_store=True, advice=RUN_AGAIN):
            if self.local is None:
                put(self._fs, file, self._at(key), self._base)
                return self.uri_of(key)
            # Unmounted since the purchase: below its mount point a file would be lost as soon as it is back.
            if self._prepared is not None and self.identity() != self._prepared:
                raise MediaError(f"the media store {self.root} is no longer there", in_store=True, advice=RUN_AGAIN)
            flush(file)
            place = self.local / key
            try:
                file.replace(place)
            except FileNotFoundError:  # the day's first
                place.parent.mkdir(parents=True, exist_ok=True)
                file.replace(place)
            return self.uri_of(key)

    def rename(self, key: str, to: str) -> None:
        """Give a kept file another name; in a bucket it also stays where it was. Raises MediaError."""
        with telling(f"{key} of {self.root} cannot be renamed", in_store=True):
            if self.local is not None:
                (self.local / key).replace(self.local / to)
            elif kind(self._fs) == WRITTEN:
                self._fs.pipe_file(self._at(to), self._fs.cat_file(self._at(key)))
            else:
                self._fs.cp_file(self._at(key), self._at(to))

    def uri_of(self, key: str) -> str:
        """Where a file of this key is, or would be."""
        return f"{self.root}/{key}" if self.local is None else (self.local / key).absolute().as_uri()

    def key_of(self, file: MediaFile) -> str | None:
        """Under which key a file was kept; None for a file that is not in this store."""
        if self.local is None:
            key = file.uri.removeprefix(f"{self.root}/")
            return key if key != file.uri else None
        if not file.is_local or not file.path.is_relative_to(self.local.absolute()):
            return None
        return file.path.relative_to(self.local.absolute()).as_posix()

    def has(self, file: MediaFile) -> bool:
        """Is the file still there as it was kept? Blocking.

        Raises MediaError when that cannot be told: False is said only of what is surely gone, or surely another.
        """
        state = self.look_at(file)
        if state in ("cut", "changed"):
            log.warning("%s is %s since it was stored: it is brought in again.", file.uri, state)
        return state == "here"

    def look_at(self, file: MediaFile, *, thorough: bool | None = None) -> State:
        """What became of a file: by its length, and by its bytes where that is cheap or `thorough`. Raises MediaError.

        Cheap: a folder's file up to HASHED_BYTES is read; S3 and GCS tell the sha256 that the file was kept with.
        """
        thorough = self.thorough if thorough is None else thorough
        with telling(f"whether {file.uri} is still there cannot be told", in_store=True):
            fs, path = self._place_of(file)
            with suppress(FileNotFoundError, NotADirectoryError):
                size, sha256 = facts_of(fs, path)
                if size != file.bytes:
                    return "cut" if size < file.bytes else "changed"
                # Of a bucket, only what another program has written lacks it.
                cheap = is_local(fs) or (keeps_sha256(fs) and sha256 is None)
                if thorough or (cheap and size <= HASHED_BYTES):
                    sha256 = sha256_in(fs, path)
                return "here" if sha256 in (None, file.sha256) else "changed"
        if self._prepared is not None and self.identity() != self._prepared:
            raise MediaError(f"the media store {self.root} is no longer there", in_store=True, advice=RUN_AGAIN)
        return "missing"

    def _place_of(self, file: MediaFile) -> tuple[object, str]:
        key = self.key_of(file) if self.local is None else None
        return found(file) if key is None else (self._fs, self._at(key))

    def holds(self, key: str) -> bool:
        """Is there a file under `key`? Raises MediaError when that cannot be told.

        A Prefect block that only reads and writes may raise what it likes for a file that is not there: that is False.
        """
        try:
            self._fs.invalidate_cache()
            return bool(self._fs.exists(self._at(key)))
        except Exception as failure:  # each kind of store has errors of its own
            if kind(self._fs) == WRITTEN:
                return False
            error = MediaError(f"whether {key} is in {self.root} cannot be told: {reason(failure)}", in_store=True)
        raise error

    def read(self, key: str) -> bytes:
        """The bytes kept under `key`. Raises MediaError."""
        with telling(f"{key} of {self.root} cannot be read", in_store=True):
            content: bytes = self._fs.cat_file(self._at(key))
        return content

    def is_old(self, key: str) -> bool:
        """Has nobody written this file for a day? False where the store cannot tell."""
        try:
            return bool(datetime.now(UTC) - self._fs.modified(self._at(key)) > timedelta(days=1))
        except Exception:  # each kind of store has errors of its own
            return False

    def newest(self, pattern: str) -> str | None:
        """The key of the file that was written last, among those like `pattern`; None for none. Raises MediaError."""
        with telling(f"the files of {self.root} cannot be listed"):
            self._fs.invalidate_cache()
            base = glob.escape(self._base)
            paths = [str(path) for path in self._fs.glob(f"{base}/{pattern}" if base else pattern)]
            found = max(paths, key=self._fs.modified, default=None)
        root = str(self._fs._strip_protocol(self._base))
        return None if found is None else found.removeprefix(root).lstrip("/")

    def files(self, below: str = "") -> Iterator[tuple[str, int]]:
        """Key and size of every file in the store, or below a folder of it. Of a bucket, one listing for each thousand.

        Raises MediaError.
        """
        with telling(f"the files of {self.root} cannot be listed"):
            self._fs.invalidate_cache()
            base = self._fs._strip_protocol(self._base)
            for path, facts in self._fs.find(self._at(below) if below else self._base, detail=True).items():
                yield str(path).removeprefix(base).lstrip("/"), int(facts["size"] or 0)

"""Result files: download, verify, keep. A file counts only when it is in the store and decodes."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import fsspec
from fsspec.implementations.local import LocalFileSystem
from pydantic import BaseModel, ConfigDict

from .errors import ConfigurationError, MediaError, MediaExpiredError, MediaInvalidError
from .http import Pool
from .imaging import inspect
from .operation import Link

MAX_DOWNLOAD_BYTES = 2 * 1024**3
LEAST_FREE_BYTES = 64 * 1024**2

EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/gif": "gif",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/wav": "wav",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
}


class MediaFile(BaseModel):
    """A verified picture, video or sound in the media store. Travels instead of its bytes."""

    model_config = ConfigDict(frozen=True)

    uri: str
    sha256: str
    media_type: str
    bytes: int
    width: int | None = None
    height: int | None = None
    role: str = "image"

    @property
    def path(self) -> Path:
        """The local path. Raises MediaError when the store is not a local folder."""
        if not self.is_local:
            raise MediaError(f"{self.uri} is not a local file", advice="Use media.local_copy.")
        return Path(unquote(self.uri.removeprefix("file://")))

    @property
    def is_local(self) -> bool:
        return self.uri.startswith("file://")


class MediaStore:
    """A folder, local or on any fsspec filesystem, that files enter whole or not at all."""

    def __init__(self, location: str) -> None:
        try:
            self._fs, root = fsspec.core.url_to_fs(location)
        except (ValueError, ImportError) as failure:
            raise ConfigurationError(
                f"the media store {location!r} cannot be used: {failure}",
                advice="Set GENMEDIA_MEDIA_STORE to a folder or an fsspec URL.",
            ) from None
        self.root = str(root).rstrip("/")
        self.local = Path(self.root) if isinstance(self._fs, LocalFileSystem) else None

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
            fs, path = _found(file)
            return bool(fs.size(path) == file.bytes)
        except (OSError, ValueError, ImportError):
            return False


def _found(file: MediaFile) -> tuple[Any, str]:
    # fsspec takes a file URI as it stands; ours are encoded like any other program's.
    found: tuple[Any, str] = fsspec.core.url_to_fs(str(file.path) if file.is_local else file.uri)
    return found


def open_media(file: MediaFile) -> Any:
    """The bytes of a media file, checked against its sha256. Raises MediaError, MediaInvalidError."""
    try:
        fs, path = _found(file)
        content = fs.cat_file(path)
    except OSError as failure:
        raise MediaError(f"cannot read {file.uri}: {failure.strerror or type(failure).__name__}") from None
    except (ValueError, ImportError):
        raise MediaError(f"cannot read {file.uri}: there is no such kind of store here") from None
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise MediaInvalidError(f"{file.uri} has changed since it was stored")
    return content


@contextmanager
def local_copy(file: MediaFile) -> Iterator[Path]:
    """A local path with the file's bytes; a temporary copy when the store is remote."""
    if file.is_local:
        yield file.path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / Path(file.uri).name
        copy.write_bytes(open_media(file))
        yield copy


async def download(pool: Pool, link: Link, store: MediaStore, key: str) -> MediaFile:
    """Fetch one result file, verify it, keep it under `key` plus its extension.

    Raises MediaExpiredError (the link is dead), MediaInvalidError (not what it should be),
    MediaError (the transfer broke, or the store cannot take it).
    """
    try:
        with store.incoming() as folder:
            part = folder / "part"
            digest, declared = await _transfer(pool, link.url, part)
            media_type, width, height = await asyncio.to_thread(_verify, part, link, declared)
            size = part.stat().st_size
            name = f"{key}.{EXTENSIONS.get(media_type, 'bin')}"
            uri = await asyncio.to_thread(store.keep, part, name)
    except OSError as failure:
        raise MediaError(
            f"the file could not be kept in {store.root}: {failure.strerror or failure}",
            advice="The job is paid and safe: free some space and run again, it will be downloaded then.",
        ) from None
    return MediaFile(
        uri=uri, sha256=digest, media_type=media_type, bytes=size, width=width, height=height, role=link.role
    )


async def _transfer(pool: Pool, url: str, part: Path) -> tuple[str, str]:
    digest, size = hashlib.sha256(), 0
    async with pool.stream(url) as response:
        if response.status_code in (401, 403, 404, 410):
            raise MediaExpiredError(f"the result link answers HTTP {response.status_code}")
        if not response.is_success:
            raise MediaError(f"the result link answers HTTP {response.status_code}")
        declared = response.headers.get("content-type", "").split(";")[0].strip().lower()
        with part.open("wb") as out:
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > MAX_DOWNLOAD_BYTES:
                    raise MediaInvalidError("the file is larger than 2 GiB")
                digest.update(chunk)
                out.write(chunk)
    if size == 0:
        raise MediaInvalidError("the file is empty")
    return digest.hexdigest(), declared


def _verify(part: Path, link: Link, declared: str) -> tuple[str, int | None, int | None]:
    if declared.startswith("text/") or declared in ("application/xml", "application/json"):
        raise MediaInvalidError(f"the result link gave {declared} instead of the {link.kind}")
    if link.kind != "image":
        return _recording_type(part, link), link.width, link.height
    facts = inspect(part)
    for name, wanted, got in (("width", link.width, facts.width), ("height", link.height, facts.height)):
        if wanted is not None and wanted > 0 and abs(got - wanted) > link.tolerance:
            raise MediaInvalidError(f"the picture's {name} is {got} pixels; {wanted} were due")
    return facts.media_type, facts.width, facts.height


def _recording_type(part: Path, link: Link) -> str:
    with part.open("rb") as handle:
        head = handle.read(16)
    if head[4:8] == b"ftyp":
        return "audio/mp4" if link.kind == "audio" else "video/mp4"
    for magic, kind in (
        (b"\x1aE\xdf\xa3", "video/webm"),
        (b"GIF8", "image/gif"),
        (b"ID3", "audio/mpeg"),
        (b"fLaC", "audio/flac"),
        (b"OggS", "audio/ogg"),
    ):
        if head.startswith(magic):
            return kind
    # An MPEG audio frame begins with eleven set bits.
    if link.kind == "audio" and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return "audio/mpeg"
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "audio/wav"
    raise MediaInvalidError(f"the bytes are no {link.kind} of a known kind")

"""One media file, wherever it lies: its facts, and how to read its bytes again."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import fsspec
from pydantic import BaseModel, ConfigDict

from prefect_genmedia.errors import MediaError, MediaInvalidError


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
    remarks: tuple[str, ...] = ()
    """What looked odd when it came in. It is whole all the same."""

    @property
    def path(self) -> Path:
        """The local path. Raises MediaError when the store is not a local folder."""
        if not self.is_local:
            raise MediaError(f"{self.uri} is not a local file", advice="Use media.local_copy.")
        return Path(unquote(self.uri.removeprefix("file://")))

    @property
    def is_local(self) -> bool:
        return self.uri.startswith("file://")


def found(file: MediaFile) -> tuple[Any, str]:
    # fsspec takes a file URI as it stands; ours are encoded like any other program's.
    found: tuple[Any, str] = fsspec.core.url_to_fs(str(file.path) if file.is_local else file.uri)
    return found


def open_media(file: MediaFile) -> Any:
    """The bytes of a media file, checked against its sha256. Raises MediaError, MediaInvalidError."""
    try:
        fs, path = found(file)
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

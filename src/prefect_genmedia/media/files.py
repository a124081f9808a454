"""One media file, wherever it lies: its facts, and how to read its bytes again."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from html import escape
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote

from pydantic import AfterValidator, BaseModel, ConfigDict

from prefect_genmedia.errors import GenMediaError, MediaError, MediaInvalidError
from prefect_genmedia.media.places import open_place, sha256_of, telling


class _Remarks(tuple[str, ...]):
    """A tuple, and never the one empty tuple that Python has."""

    __slots__ = ()


def _own(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass")


# Prefect tells by identity which task's result a parameter is of. A text that two results share, such as "image/png",
# and the empty tuple would make it draw an arrow from a task that has nothing to do with the file.
OwnText = Annotated[str, AfterValidator(_own)]
Remarks = Annotated[tuple[str, ...], AfterValidator(_Remarks)]


class MediaFile(BaseModel):
    """A verified picture, video or sound in the media store. Travels instead of its bytes."""

    model_config = ConfigDict(frozen=True, validate_default=True)

    uri: OwnText
    sha256: OwnText
    media_type: OwnText
    bytes: int
    width: int | None = None
    height: int | None = None
    role: OwnText = "image"
    position: int = 0
    """Its place among the files of its job: the others keep theirs when one is missing."""
    remarks: Remarks = ()
    """What is odd about it, and was no reason to hold it back."""

    @property
    def path(self) -> Path:
        """The local path. Raises MediaError when the store is not a local folder."""
        if not self.is_local:
            raise MediaError(f"{self.uri} is not a local file", advice="Use media.local_copy.")
        return Path(unquote(self.uri.removeprefix("file://")))

    @property
    def is_local(self) -> bool:
        return self.uri.startswith("file://")

    def _repr_html_(self) -> str:
        """In a notebook: the picture, small, and its facts. Made anew each time, and kept nowhere."""
        from prefect_genmedia.imaging import thumbnail  # and Pillow with it

        facts = f"{self.role}, {self.media_type}, {self.bytes} bytes"
        facts += f", {self.width}x{self.height}" if self.width else ""
        shown = ""
        if self.media_type.startswith("image/"):
            with suppress(GenMediaError), local_copy(self) as path:
                shown = f'<img src="{thumbnail(path)}" alt="{escape(self.role)}"><br>'
        return f"<figure>{shown}<figcaption>{escape(facts)}<br><code>{escape(self.uri)}</code></figcaption></figure>"


def found(file: MediaFile) -> tuple[Any, str]:
    """Where it lies. Blocking. Raises ConfigurationError."""
    # fsspec takes a file URI as it stands; ours are encoded like any other program's.
    return open_place(str(file.path) if file.is_local else file.uri)


def open_media(file: MediaFile) -> bytes:
    """The bytes of a media file, checked against its sha256. Blocking. Raises MediaError, MediaInvalidError."""
    with telling(f"cannot read {file.uri}"):
        fs, path = found(file)
        content: bytes = fs.cat_file(path)
    _refuse_changed(file, hashlib.sha256(content).hexdigest())
    return content


@contextmanager
def local_copy(file: MediaFile) -> Iterator[Path]:
    """A local path with the file's bytes; where the store is remote a temporary copy, checked against its sha256.

    Blocking. Raises MediaError, MediaInvalidError.
    """
    if file.is_local:
        yield file.path
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / Path(file.uri).name
        with telling(f"cannot read {file.uri}"):
            fs, path = found(file)
            fs.get_file(path, str(copy))
        _refuse_changed(file, sha256_of(copy))
        yield copy


@contextmanager
def local_copies(files: Sequence[MediaFile]) -> Iterator[list[Path]]:
    """As `local_copy`, of several at once."""
    with ExitStack() as copies:
        yield [copies.enter_context(local_copy(file)) for file in files]


def _refuse_changed(file: MediaFile, sha256: str) -> None:
    if sha256 != file.sha256:
        raise MediaInvalidError(
            f"{file.uri} has changed since it was stored", advice="To see what else has: genmedia fsck --bytes"
        )

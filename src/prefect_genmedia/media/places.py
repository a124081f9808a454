"""Where media files lie: a folder, a bucket, whatever fsspec or a Prefect block reaches. Everything here blocks."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import posixpath
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec
from fsspec.config import conf
from fsspec.implementations.local import LocalFileSystem
from fsspec.spec import AbstractFileSystem

from prefect_genmedia.errors import ConfigurationError, GenMediaError, MediaError
from prefect_genmedia.media.kinds import EXTENSIONS
from prefect_genmedia.media.parts import PART_BYTES, put_in_parts
from prefect_genmedia.quoting import title

# By name: fsspec imports it when a path in a Prefect block is opened; without one, nothing here needs Prefect.
fsspec.register_implementation("block", "prefect_genmedia.blocks.filesystem.BlockFileSystem", clobber=True)

INCOMING = ".incoming"
"""The folder of a store for what is not whole yet."""
EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}
S3 = ("s3", "s3a")
GCS = ("gs", "gcs")
WRITTEN = "written"
"""The kind of a Prefect block that only reads and writes."""
# A dead address is said in seconds. s3fs repeats what may pass; botocore's own tries would multiply with these.
S3_PATIENCE = {"connect_timeout": 5, "read_timeout": 60, "retries": {"max_attempts": 1, "mode": "standard"}}
# What the libraries of stores say without words of their own.
SAID = {
    "NoCredentialsError": "no credentials were found",
    "PartialCredentialsError": "its credentials are not complete",
    "EndpointConnectionError": "it does not answer",
    "ConnectTimeoutError": "it does not answer",
    "ReadTimeoutError": "it does not answer",
    "ConnectionClosedError": "the connection broke",
    "ClientPayloadError": "the connection broke",
    "NotImplementedError": "this kind of store cannot do that",
    "RecursionError": "it says that the bucket is in another region",
}
_BLOCK = re.compile(r"block:(?://)?(?P<block>[\w-]+/[\w-]+)(?:/(?P<below>.*))?", re.DOTALL)


def tidy_location(location: str) -> str:
    """A folder, or a URL without a slash at its end. Raises ConfigurationError for one that holds a secret."""
    location = location.strip()
    if found := _BLOCK.fullmatch(location):
        return f"block://{found['block']}/{found['below'] or ''}".rstrip("/")
    scheme, address = _split(location)
    if scheme in ("", "file"):
        return location
    if ":" in address.split("/", 1)[0].rpartition("@")[0] or "?" in address:
        raise ConfigurationError(
            f"the media store {title(location, 200)} has a password or a query in its address",
            advice="It would be kept with each file. Save it as a Prefect block and set GENMEDIA_MEDIA_STORE to "
            "block:remote-file-system/NAME",
        )
    return f"{scheme}://{address}".rstrip("/")


def open_place(uri: str) -> tuple[Any, str]:
    """The file system that reaches `uri`, and the path in it.

    Raises ConfigurationError when there is no such kind, when its library is missing, or when its block cannot be had.
    """
    scheme, _ = _split(uri)
    try:
        fs, path = fsspec.core.url_to_fs(uri, **_options(scheme))
    except ImportError:
        raise ConfigurationError(
            f"{title(uri, 200)} needs a library that is not installed", advice=_install(scheme)
        ) from None
    except ValueError:
        raise ConfigurationError(
            f"{title(uri, 200)}: there is no such kind of store here",
            advice="Give a folder, block:TYPE/NAME, or an address such as s3://bucket/prefix.",
        ) from None
    return fs.behind(path) if kind(fs) == "block" else (fs, str(path))


def _install(scheme: str) -> str:
    extra = EXTRAS.get(scheme)
    return f'pip install "prefect-genmedia[{extra}]"' if extra else f"Install what fsspec needs for {scheme}://"


def _options(scheme: str) -> dict[str, Any]:
    if scheme not in S3:
        return {}
    own = conf.get("s3", {}).get("config_kwargs", {})  # FSSPEC_S3, or fsspec's own files
    # With cached listings a file that another process wrote would be said to be missing.
    return {"use_listings_cache": False, "config_kwargs": {**S3_PATIENCE, **own}}


def _split(uri: str) -> tuple[str, str]:
    scheme, found, rest = uri.partition("://")
    return (scheme.lower(), rest) if found else ("", uri)


def is_local(fs: Any) -> bool:
    return isinstance(fs, LocalFileSystem)


def kind(fs: Any) -> str:
    """The first name of a file system's protocol, such as s3."""
    return str(fs.protocol if isinstance(fs.protocol, str) else fs.protocol[0])


def reason(failure: BaseException) -> str:
    """Why a store did not do what it was asked to, in its own words where it has any."""
    if isinstance(failure, GenMediaError):
        return failure.message
    if isinstance(failure, OSError) and not failure.strerror:
        if isinstance(failure, FileNotFoundError):
            return "there is no such file or bucket"
        if isinstance(failure, PermissionError):
            return "access is denied"
    name = type(failure).__name__
    return str(getattr(failure, "strerror", None) or SAID.get(name) or name)


@contextmanager
def telling(what: str, *, in_store: bool = False, advice: str | None = None) -> Iterator[None]:
    """Whatever goes wrong inside is a MediaError: `what`, and why; `in_store`, when it is the media store's fault."""
    try:
        yield
    except MediaError:
        raise
    except GenMediaError as failure:
        error = MediaError(f"{what}: {failure.message}", advice=failure.advice or advice, in_store=in_store)
    except Exception as failure:  # each kind of store has errors of its own
        error = MediaError(f"{what}: {reason(failure)}", advice=advice, in_store=in_store)
    else:
        return
    raise error from None


def flush(file: Path) -> None:
    """What it holds is on the disk, and not only on its way there."""
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def put(fs: Any, source: Path, path: str, root: str) -> None:
    """Write a file so that it is seen whole or not at all. Raises what the store raises."""
    if kind(fs) in S3:
        told = {"ContentType": content_type(path), "Metadata": {"sha256": sha256_of(source)}}
        if source.stat().st_size >= 2 * PART_BYTES:
            put_in_parts(fs, source, path, told)
        else:
            fs.put_file(str(source), path, chunksize=2 * PART_BYTES, **told)
    elif kind(fs) in GCS:
        fs.put_file(str(source), path, content_type=content_type(path), metadata={"sha256": sha256_of(source)})
    elif renames(fs):
        _put_aside(fs, source, path, f"{root}/{INCOMING}/{uuid.uuid4().hex}")
    else:  # it shows what was written when it is closed, or can do no better
        fs.makedirs(posixpath.dirname(path), exist_ok=True)
        fs.put_file(str(source), path)


def _put_aside(fs: Any, source: Path, path: str, aside: str) -> None:
    fs.makedirs(posixpath.dirname(aside), exist_ok=True)
    fs.makedirs(posixpath.dirname(path), exist_ok=True)
    fs.put_file(str(source), aside)
    try:
        fs.mv(aside, path)
    except OSError:  # some do not rename onto what is there
        fs.invalidate_cache()
        if not fs.exists(path):
            raise
        fs.rm_file(path)
        fs.mv(aside, path)


def renames(fs: Any) -> bool:
    """Does it show a file while it is written, and can it rename one? (SFTP, SMB, WebHDFS; not what only copies.)"""
    return type(fs).mv is not AbstractFileSystem.mv


def keeps_sha256(fs: Any) -> bool:
    """Does a file carry the sha256 that it was kept with?"""
    return kind(fs) in S3 + GCS


def facts_of(fs: Any, path: str) -> tuple[int, str | None]:
    """A file's size, and the sha256 that was kept with it where the store keeps one. Raises FileNotFoundError."""
    if kind(fs) in S3:
        bucket, key, _ = fs.split_path(path)
        head = fs.call_s3("head_object", Bucket=bucket, Key=key)
        return int(head["ContentLength"]), (head.get("Metadata") or {}).get("sha256")
    fs.invalidate_cache()  # another process may have written it since
    info = fs.info(path)
    if info.get("type") == "directory":
        raise FileNotFoundError(path)
    kept = info.get("metadata") if kind(fs) in GCS else None
    return int(info["size"]), (kept or {}).get("sha256")


def sha256_in(fs: Any, path: str) -> str:
    """The sha256 of a file's bytes: all of it is read."""
    with fs.open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def content_type(name: str) -> str:
    """What a browser is to take the file for."""
    ending = posixpath.splitext(name)[1].removeprefix(".")
    ours = next((kind for kind, extension in EXTENSIONS.items() if extension == ending), None)
    return ours or mimetypes.guess_type(name)[0] or "application/octet-stream"

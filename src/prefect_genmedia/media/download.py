"""Result files: download, look at, keep. A file counts only when it has come whole and is in the store."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from pathlib import Path

from prefect_genmedia.errors import MediaError, MediaExpiredError, MediaInvalidError
from prefect_genmedia.media.files import MediaFile
from prefect_genmedia.media.links import inline_content, resolve
from prefect_genmedia.media.store import MediaStore
from prefect_genmedia.media.verification import Seen, verify
from prefect_genmedia.operation import Link
from prefect_genmedia.wire.downloads import Incoming
from prefect_genmedia.wire.http import Pool
from prefect_genmedia.wire.retry import parse_retry_after

MAX_DOWNLOAD_BYTES = 2 * 1024**3
_RANGE = re.compile(r"bytes 0-(\d+)/(\d+)")


@dataclass(frozen=True)
class _Came:
    """What came: its sha256, and what it was labelled as."""

    sha256: str
    label: str
    broke: MediaError | None = None
    """How the transfer ended before all bytes had come that were announced."""


async def download(
    pool: Pool,
    link: Link,
    store: MediaStore,
    key: str,
    *,
    deadline: float,
    base_url: str,
    strict: bool = False,
) -> MediaFile:
    """Fetch one result file, look at it, keep it under `key` plus its extension.

    `deadline` is of time.monotonic(), and ends a transfer that drips. `base_url` is the account's: what links without
    a host are relative to, and the only reason to follow one into our own network. What looks odd of a whole file is
    in its `remarks`; with `strict` it is a MediaInvalidError.

    Raises MediaExpiredError (the link is dead, or not alive yet), MediaInvalidError (empty, cut, or an error page),
    MediaError (the transfer broke or took too long, the link may not be followed, or the store cannot take it).
    """
    try:
        with store.incoming() as folder:
            part = folder / "part"
            came = await _bring(pool, link.url, part, deadline, base_url)
            looking = asyncio.to_thread(verify, part, link, came.label)
            seen = await (looking if came.broke is None else _whole_all_the_same(looking, came.broke))
            if strict and seen.remarks:
                raise MediaInvalidError("; ".join(seen.remarks))
            size = part.stat().st_size
            uri = await asyncio.to_thread(store.keep, part, f"{key}.{seen.extension}")
    except OSError as failure:
        raise _not_kept(f"the file could not be kept in {store.root}: {failure.strerror or failure}") from None
    except MediaError as failure:
        if not failure.in_store:
            raise
        raise _not_kept(failure.message) from None
    return MediaFile(
        uri=uri,
        sha256=came.sha256,
        media_type=seen.media_type,
        bytes=size,
        width=seen.width,
        height=seen.height,
        role=link.role,
        remarks=seen.remarks,
    )


async def _whole_all_the_same(looking: Awaitable[Seen], broke: MediaError) -> Seen:
    """A picture that is there to its last byte, whatever length was announced. Raises MediaError for another."""
    try:
        seen = await looking
    except MediaInvalidError:
        raise broke from None
    if seen.remarks or not seen.media_type.startswith("image/") or seen.width is None:
        raise broke
    return replace(seen, remarks=("more bytes were announced than came; the picture is whole",))


def _not_kept(what: str) -> MediaError:
    advice = "The job is paid and safe: free some space and run again, it will be downloaded then."
    return MediaError(what, advice=advice, in_store=True)


async def _bring(pool: Pool, text: str, part: Path, deadline: float, base_url: str) -> _Came:
    inline = await asyncio.to_thread(_write_inline, text, part)
    return inline or await _transfer(pool, resolve(text, base_url), part, deadline, base_url)


def _write_inline(text: str, part: Path) -> _Came | None:
    """The file that the answer itself holds; None where it holds a link."""
    inline = inline_content(text)
    if inline is None:
        return None
    part.write_bytes(inline[0])
    return _Came(hashlib.sha256(inline[0]).hexdigest(), inline[1])


async def _transfer(pool: Pool, url: str, part: Path, deadline: float, base_url: str) -> _Came:
    size, digest, label = 0, hashlib.sha256(), ""
    try:
        async with asyncio.timeout(deadline - time.monotonic()), pool.stream(url, base_url=base_url) as incoming:
            _check(incoming)
            label = incoming.headers.get("content-type", "").split(";")[0].strip().lower()
            with part.open("wb") as out:
                async for piece in incoming.pieces:
                    size += len(piece)
                    if size > MAX_DOWNLOAD_BYTES:
                        raise _too_large()
                    digest.update(piece)
                    out.write(piece)
    except TimeoutError:
        raise MediaError(f"the download did not end before our deadline; {size} bytes had come") from None
    except MediaError as failure:
        if not failure.is_cut or not size:
            raise
        return _Came(digest.hexdigest(), label, failure)
    return _Came(digest.hexdigest(), label)


def _check(incoming: Incoming) -> None:
    """Is it the file that is coming? Raises MediaError."""
    status, headers = incoming.status, incoming.headers
    if status in (400, 401, 403, 404, 410):  # storages say 400 of a signature that is no longer valid
        raise MediaExpiredError(f"the result link answers HTTP {status}", http_status=status)
    part = _RANGE.fullmatch(headers.get("content-range", "").strip())
    whole = status in (200, 203) or (status == 206 and part is not None and int(part[1]) + 1 == int(part[2]))
    if not whole:
        raise MediaError(
            f"the result link answers HTTP {status}",
            http_status=status,
            retry_after=parse_retry_after(headers.get("retry-after"), headers.get("date")),
        )
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > MAX_DOWNLOAD_BYTES:
        raise _too_large()


def _too_large() -> MediaInvalidError:
    return MediaInvalidError(f"the file is larger than {MAX_DOWNLOAD_BYTES // 1024**3} GiB")

"""Result files: download, look at, keep. A file counts only when it has come whole and is in the store."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import re
import time
from dataclasses import dataclass, replace
from pathlib import Path

from prefect_genmedia.errors import MediaError, MediaExpiredError, MediaInvalidError
from prefect_genmedia.media.arriving import Arriving
from prefect_genmedia.media.files import MediaFile
from prefect_genmedia.media.links import inline_content, resolve
from prefect_genmedia.media.store import MediaStore
from prefect_genmedia.media.verification import Seen, verify
from prefect_genmedia.operation import Link
from prefect_genmedia.wire.downloads import Incoming
from prefect_genmedia.wire.http import Pool
from prefect_genmedia.wire.retry import parse_retry_after

MAX_DOWNLOAD_BYTES = 2 * 1024**3
LONGEST_LINK = 8192  # characters
_RANGE = re.compile(r"bytes 0-(\d+)/(\d+)")


@dataclass(frozen=True)
class _Came:
    """What the server said of what came."""

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

    A file whose bytes are damaged is fetched once more: it may have been the way here.

    Raises MediaExpiredError (the link is dead, or not alive yet), MediaInvalidError (empty, cut, or an error page),
    MediaError (the transfer broke or took too long, the link may not be followed, or the store cannot take it).
    """
    file, is_damaged = await _once(pool, link, store, key, deadline, base_url, strict)
    if is_damaged and len(link.url) <= LONGEST_LINK and time.monotonic() < deadline:
        with contextlib.suppress(MediaError):  # what is no better leaves the first one where it is
            file, _ = await _once(pool, link, store, key, deadline, base_url, strict=True)
    return file


async def _once(
    pool: Pool, link: Link, store: MediaStore, key: str, deadline: float, base_url: str, strict: bool
) -> tuple[MediaFile, bool]:
    """The file, and whether its bytes are damaged."""
    arriving = Arriving(store)
    try:
        came = await _bring(pool, link.url, arriving, deadline, base_url)
        return await asyncio.to_thread(_keep, arriving, came, link, store, key, strict)
    except OSError as failure:
        is_full = failure.errno in (errno.ENOSPC, errno.EDQUOT)
        mend = "Make room (free some space)" if is_full else "See that the store is there and can be written"
        raise MediaError(
            f"the file could not be kept in {store.root}: {failure.strerror or failure}",
            advice=f"{mend}, then run again: its files come then, for nothing.",
            in_store=True,
        ) from None
    finally:
        arriving.discard()


def _keep(
    arriving: Arriving, came: _Came, link: Link, store: MediaStore, key: str, strict: bool
) -> tuple[MediaFile, bool]:
    """Look at what has come and move it into the store. Blocking."""
    try:
        return _kept(arriving, came, link, store, key, strict)
    finally:
        arriving.discard()  # here, where it holds nobody up


def _kept(
    arriving: Arriving, came: _Came, link: Link, store: MediaStore, key: str, strict: bool
) -> tuple[MediaFile, bool]:
    part = arriving.whole()
    seen = _looked_at(part, link, came)
    if strict and seen.remarks:
        raise MediaInvalidError("; ".join(seen.remarks))
    file = MediaFile(
        uri=store.keep(part, f"{key}.{seen.extension}"),
        sha256=arriving.sha256,
        media_type=seen.media_type,
        bytes=arriving.size,
        width=seen.width,
        height=seen.height,
        role=link.role,
        remarks=seen.remarks,
    )
    return file, seen.is_damaged


def _looked_at(part: Path, link: Link, came: _Came) -> Seen:
    """Of a transfer that broke, only a picture that is there to its last byte, whatever length was announced."""
    if came.broke is None:
        return verify(part, link, came.label)
    try:
        seen = verify(part, link, came.label)
    except MediaInvalidError:
        raise came.broke from None
    if seen.remarks or not seen.media_type.startswith("image/") or seen.width is None:
        raise came.broke
    return replace(seen, remarks=("its transfer did not end as announced; the picture is whole",))


async def _bring(pool: Pool, text: str, arriving: Arriving, deadline: float, base_url: str) -> _Came:
    # A link is short; a file within the answer may be megabytes of base64.
    looking = asyncio.to_thread(inline_content, text) if len(text) > LONGEST_LINK else None
    inline = inline_content(text) if looking is None else await looking
    if inline is None:
        return await _transfer(pool, resolve(text, base_url), arriving, deadline, base_url)
    arriving.hold(inline[0])
    return _Came(inline[1])


async def _transfer(pool: Pool, url: str, arriving: Arriving, deadline: float, base_url: str) -> _Came:
    label = ""
    try:
        async with asyncio.timeout(deadline - time.monotonic()), pool.stream(url, base_url=base_url) as incoming:
            _check(incoming)
            label = incoming.headers.get("content-type", "").split(";")[0].strip().lower()
            async for piece in incoming.pieces:
                await arriving.add(piece)
                if arriving.size > MAX_DOWNLOAD_BYTES:
                    raise _too_large()
    except TimeoutError:
        late = MediaError(f"the download did not end before our deadline; {arriving.size} bytes had come")
        if not arriving.size:
            raise late from None
        return _Came(label, late)
    except MediaError as failure:
        if not failure.is_cut or not arriving.size:
            raise
        return _Came(label, failure)
    return _Came(label)


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

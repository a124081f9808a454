"""Result files: download, verify, keep. A file counts only when it is in the store and is what it should be."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

from prefect_genmedia.errors import MediaError, MediaExpiredError, MediaInvalidError
from prefect_genmedia.media.files import MediaFile
from prefect_genmedia.media.store import MediaStore
from prefect_genmedia.media.verification import EXTENSIONS, verify
from prefect_genmedia.operation import Link
from prefect_genmedia.wire.http import Pool

MAX_DOWNLOAD_BYTES = 2 * 1024**3


async def download(
    pool: Pool, link: Link, store: MediaStore, key: str, *, deadline: float, base_url: str, strict: bool
) -> MediaFile:
    """Fetch one result file, verify it, keep it under `key` plus its extension.

    Raises MediaExpiredError (the link is dead), MediaInvalidError (not what it should be),
    MediaError (the transfer broke, or the store cannot take it).
    """
    try:
        with store.incoming() as folder:
            part = folder / "part"
            digest, declared = await _transfer(pool, link.url, part)
            media_type, width, height = await asyncio.to_thread(verify, part, link, declared)
            size = part.stat().st_size
            name = f"{key}.{EXTENSIONS.get(media_type, 'bin')}"
            uri = await asyncio.to_thread(store.keep, part, name)
    except OSError as failure:
        raise MediaError(
            f"the file could not be kept in {store.root}: {failure.strerror or failure}",
            advice="The job is paid and safe: free some space and run again, it will be downloaded then.",
            in_store=True,
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

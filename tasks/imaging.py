"""Steps before and after the provider: take a picture in, cut a grid, cut to sizes. Free."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any, cast

from prefect import task

from prefect_genmedia import quoting
from prefect_genmedia.errors import nothing_bought
from prefect_genmedia.imaging import Rendition
from prefect_genmedia.imaging import quadrants as cut_quadrants
from prefect_genmedia.imaging import render as render_files
from prefect_genmedia.imaging.workers import beside_the_loop
from prefect_genmedia.jobs.buying import ledger_of
from prefect_genmedia.jobs.moderation import refuse_quarantined, refuse_rejected
from prefect_genmedia.media import MediaFile, MediaStore, local_copy
from prefect_genmedia.media.names import check_place
from prefect_genmedia.media.pictures import ANY_PICTURE, Picture, load_picture
from prefect_genmedia.media.verification import EXTENSIONS
from prefect_genmedia.provenance import Signer, packet_for
from prefect_genmedia.settings import read_settings
from prefect_genmedia.tasks.publishing.keeping import file_of, keep, write, write_manifest
from prefect_genmedia.tasks.publishing.manifests import manifest_bytes
from prefect_genmedia.tasks.publishing.marking import mark_for
from prefect_genmedia.tasks.publishing.signing import sign_pictures, the_signer
from prefect_genmedia.wire.http import http_pool

__all__ = ["Rendition", "quadrants", "render", "take_in"]

QUADRANTS = ("top left", "top right", "bottom left", "bottom right")


def _name(parameters: dict[str, Any]) -> str:
    sizes = quoting.counted(len(parameters["renditions"]), "size")
    return f"render: {quoting.title(parameters['stem'] or '') or 'a picture'} in {sizes}"


def _taken_in(parameters: dict[str, Any]) -> str:
    name = quoting.title(str(parameters["picture"])).rstrip("/").rpartition("/")[2]
    return f"take in {name or 'a picture'}"


@task(name="imaging.render", task_run_name=cast(Any, _name), retries=1, retry_delay_seconds=2)
async def render(
    source: MediaFile,
    renditions: Sequence[Rendition],
    *,
    folder: str = "renditions",
    stem: str | None = None,
    manifest: dict[str, Any] | None = None,
) -> list[MediaFile]:
    """Cut one picture to sizes, from one decode, into `folder` of the media store. Free.

    Files are named `<stem>-<rendition name>`, `stem` defaulting to the start of the picture's sha256. With a
    `manifest`, a JSON of it and of the file's facts lies beside each; links in it lose their queries. Each file says
    that it is generated, where a job made the picture (GENMEDIA_MARK), and is signed where a certificate is named
    (GENMEDIA_SIGNING_CERTIFICATE). Raises MediaError, MediaInvalidError; ConfigurationError for a folder or a stem that
    is no name of one.
    """
    check_place(folder, stem)
    named = stem or source.sha256[:16]
    return await beside_the_loop(_render, source, renditions, folder, named, manifest, await the_signer())


def _render(
    source: MediaFile,
    renditions: Sequence[Rendition],
    folder: str,
    stem: str,
    manifest: dict[str, Any] | None,
    signer: Signer | None,
) -> list[MediaFile]:
    settings = read_settings()
    store = MediaStore(settings.media_store)
    refuse_quarantined(source, store)
    refuse_rejected(source, ledger_of(settings))
    sizes = {size.name: size for size in renditions}
    with local_copy(source) as path, store.incoming() as incoming:
        files = []
        content = path.read_bytes()
        xmp = packet_for(mark_for([source], manifest, settings), content)
        for made in sign_pictures(render_files(path, renditions, incoming, stem, xmp=xmp), signer, [content]):
            file_name = made.path.name
            if manifest is not None:  # first, so that whoever is killed leaves no file of which nobody knows the origin
                step = {"rendition": sizes[made.name].model_dump(mode="json", exclude_none=True)}
                text = manifest_bytes(file_name, file_of(made, ""), source, manifest, **step)
                write_manifest(store, incoming, f"{folder}/{file_name}", text)
            files.append(keep(store, made, folder))
    return files


@task(name="imaging.quadrants", task_run_name="cut the grid in four")
async def quadrants(grid: MediaFile) -> list[MediaFile]:
    """Cut a 2x2 grid into its four pictures, without loss. Free. Raises MediaError, MediaInvalidError."""
    return await beside_the_loop(_quadrants, grid)


def _quadrants(grid: MediaFile) -> list[MediaFile]:
    settings = read_settings()
    store = MediaStore(settings.media_store)
    with local_copy(grid) as path, store.incoming() as incoming:
        xmp = packet_for(mark_for([grid], None, settings), path.read_bytes())
        files = []
        for made in cut_quadrants(path, incoming, grid.sha256[:16], xmp=xmp):
            text = manifest_bytes(made.path.name, file_of(made, ""), grid, {}, cut="quadrants")
            write(store, incoming, f"quadrants/{made.path.name}.json", text)
            files.append(keep(store, made, "quadrants"))
    return [file.model_copy(update={"role": role}) for file, role in zip(files, QUADRANTS, strict=True)]


@task(name="imaging.take_in", task_run_name=cast(Any, _taken_in), retries=1, retry_delay_seconds=2)
async def take_in(picture: str) -> MediaFile:
    """Bring a picture from a path, an s3:// address or an https URL into the media store, as it is. Free.

    What was taken in stays what it is: a picture that changes at its URL is another request from then on, and this one
    is not. Raises MediaError, MediaInvalidError.
    """
    with nothing_bought("Mend this picture or give another, then run again."):
        async with http_pool() as pool:
            loaded = await load_picture(Picture(source=picture, prepare="nothing"), ANY_PICTURE, pool)
    store = MediaStore(read_settings().media_store)
    digest = await asyncio.to_thread(lambda: hashlib.sha256(loaded.content).hexdigest())
    key = f"inputs/{digest[:32]}.{EXTENSIONS.get(loaded.media_type, 'bin')}"

    def keep() -> str:
        with store.incoming() as incoming:
            return write(store, incoming, key, loaded.content)

    return MediaFile(
        uri=await asyncio.to_thread(keep),
        sha256=digest,
        media_type=loaded.media_type,
        bytes=len(loaded.content),
        width=loaded.width,
        height=loaded.height,
        role="photograph",
    )

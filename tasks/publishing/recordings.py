"""One film or sound made of another: marked, signed, its manifest beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from prefect_genmedia.errors import MediaInvalidError
from prefect_genmedia.imaging import header
from prefect_genmedia.imaging.workers import beside_the_loop
from prefect_genmedia.jobs.moderation import refuse_quarantined
from prefect_genmedia.media import MediaFile, MediaStore, local_copy
from prefect_genmedia.media.names import check_place
from prefect_genmedia.provenance import Signer, marked, tags_for
from prefect_genmedia.recording import probe as probe_file
from prefect_genmedia.recording import require_ffmpeg
from prefect_genmedia.recording import tag as tag_file
from prefect_genmedia.settings import read_settings
from prefect_genmedia.tasks.publishing.keeping import write_manifest
from prefect_genmedia.tasks.publishing.manifests import manifest_bytes
from prefect_genmedia.tasks.publishing.marking import mark_for
from prefect_genmedia.tasks.publishing.signing import sign_content, the_signer

_UNMARKED = "it does not say that it is generated: a file of its kind has no place for that which is known here"


async def make_recording(*asked: Any) -> MediaFile:
    """What `_made` makes, beside the event loop."""
    return await beside_the_loop(_made, await the_signer(), *asked)


def _made(
    signer: Signer | None,
    source: MediaFile,
    folder: str,
    role: str,
    ending: str | None,
    step: dict[str, Any],
    make: Callable[[Path, Path], tuple[str, ...]],
    stem: str | None = None,
    manifest: dict[str, Any] | None = None,
    other: MediaFile | None = None,
) -> MediaFile:
    """Make one file of `source`, and of an `other`, into the store, its manifest first.

    The same step on the same bytes has one name.
    """
    require_ffmpeg()
    check_place(folder, stem)
    store = MediaStore(read_settings().media_store)
    sources = [source] if other is None else [source, other]
    for each in sources:
        refuse_quarantined(each, store)
    words = hashlib.sha256(json.dumps(step, sort_keys=True).encode()).hexdigest()[:8]
    with local_copy(source) as path, store.incoming() as incoming:
        name = f"{stem or f'{source.sha256[:16]}-{role}-{words}'}.{ending or path.suffix.removeprefix('.')}"
        target = incoming / name
        remarks = (*make(path, target), *_mark(path, target, sources, manifest))
        content, unsigned = sign_content(target.read_bytes(), signer, [path.read_bytes()])
        target.write_bytes(content)
        kind, width, height = _seen(target, ending, source)
        made = MediaFile(
            uri="",
            sha256=hashlib.sha256(content).hexdigest(),
            media_type=kind,
            bytes=len(content),
            width=width,
            height=height,
            role=role,
            remarks=(*remarks, *unsigned),
        )
        text = manifest_bytes(name, made, sources, manifest or {}, **step)
        write_manifest(store, incoming, f"{folder}/{name}", text)
        return made.model_copy(update={"uri": store.keep(target, f"{folder}/{name}")})


def _seen(made: Path, ending: str | None, source: MediaFile) -> tuple[str, int | None, int | None]:
    """Media type, width and height of what was made."""
    if ending is None:
        return source.media_type, source.width, source.height
    if ending == "mp4":
        film = probe_file(made)
        return "video/mp4", film.width, film.height
    picture = header(made)
    return picture.media_type, picture.width, picture.height


def _mark(source: Path, made: Path, bought: Sequence[MediaFile], manifest: dict[str, Any] | None) -> tuple[str, ...]:
    """Let a file say what it is, and what its source said; a kind without a place for that is kept all the same."""
    mark, content, before = mark_for(bought, manifest, read_settings()), made.read_bytes(), source.read_bytes()
    if tags := tags_for(content, mark, before):
        plain = made.replace(made.with_stem(f"{made.stem}-plain"))
        tag_file(plain, made, tags)
        return ()
    try:
        made.write_bytes(marked(content, mark, before))
    except MediaInvalidError as failure:
        return (_UNMARKED if "of this kind" in failure.message else failure.message,)
    return ()

"""Several pictures in one, and what can be told of pictures without a model. Free."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal, TypeVar

from prefect import task

from prefect_genmedia.checking import check_number
from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.imaging.drawing import face_for
from prefect_genmedia.imaging.judging import (
    Fault,
    PaletteColour,
    Quality,
    faults_of,
    fingerprint,
    near_duplicates,
    small,
    thumbhash,
)
from prefect_genmedia.imaging.judging import palette as palette_of
from prefect_genmedia.imaging.sheets import comparison_of, sheet_of
from prefect_genmedia.imaging.workers import beside_the_loop
from prefect_genmedia.imaging.writing import Rendered
from prefect_genmedia.media import MediaFile, MediaStore, local_copy
from prefect_genmedia.media.names import check_place
from prefect_genmedia.provenance import Signer
from prefect_genmedia.settings import read_settings
from prefect_genmedia.tasks.publishing.keeping import file_of, keep, write_manifest
from prefect_genmedia.tasks.publishing.manifests import manifest_bytes
from prefect_genmedia.tasks.publishing.marking import packet_for_several
from prefect_genmedia.tasks.publishing.signing import sign_pictures, the_signer

__all__ = [
    "Fault",
    "Quality",
    "alike",
    "before_and_after",
    "check_captions",
    "contact_sheet",
    "faults",
    "palette",
    "placeholder",
]

T = TypeVar("T")
Maker = Callable[[list[Path], Path, bytes | None], Rendered]


@task(name="sheets.contact_sheet", task_run_name="a contact sheet")
async def contact_sheet(
    pictures: Sequence[MediaFile],
    captions: Sequence[str] = (),
    *,
    columns: int = 4,
    cell: int = 320,
    folder: str = "sheets",
    stem: str = "contact-sheet",
    manifest: dict[str, Any] | None = None,
) -> MediaFile:
    """All pictures in one JPEG, each in a cell of so many pixels, with its caption. Free.

    It says that it is generated where one of them is. With a `manifest`, a JSON of it, of the file's facts and of all
    that it shows lies beside it. Raises MissingGlyphError for a caption that no font can write,
    MediaError, MediaInvalidError; ConfigurationError without a picture.
    """
    if not pictures or not 1 <= columns <= 50 or not 16 <= cell <= 2048:
        raise ConfigurationError("a contact sheet needs a picture, 1 to 50 columns, and cells of 16 to 2048 pixels")
    fonts = read_settings().font_files

    def made(paths: list[Path], target: Path, xmp: bytes | None) -> Rendered:
        return sheet_of(paths, target, captions, fonts=fonts, columns=columns, cell=cell, xmp=xmp)

    step = {"sheet": {"captions": list(captions), "columns": columns, "cell": cell}}
    return await beside_the_loop(_together, await the_signer(), pictures, folder, stem, made, manifest, step)


def check_captions(captions: Sequence[str]) -> None:
    """Raises MissingGlyphError for what no font can write on a sheet: to be called before money is spent. Blocking."""
    face_for("".join(captions) + "...", read_settings().font_files)


@task(name="sheets.before_and_after", task_run_name="before and after")
async def before_and_after(
    before: MediaFile,
    after: MediaFile,
    *,
    style: Literal["beside", "split"] = "beside",
    folder: str = "sheets",
    stem: str | None = None,
) -> MediaFile:
    """Two states of a picture in one JPEG: beside each other, or half and half. Free. Raises MediaError."""

    def made(paths: list[Path], target: Path, xmp: bytes | None) -> Rendered:
        return comparison_of(paths[0], paths[1], target, style, xmp=xmp)

    named = stem or f"{after.sha256[:16]}-before-after"
    return await beside_the_loop(_together, await the_signer(), [before, after], folder, named, made)


@task(name="sheets.faults", task_run_name="look for faults")
async def faults(picture: MediaFile, asked: Quality | None = None) -> list[Fault]:
    """What is wrong with a picture: blank, blurred, too small, of the wrong shape. Free. Raises MediaError."""
    return await beside_the_loop(_with_path, picture, lambda path: faults_of(path, asked))


@task(name="sheets.alike", task_run_name="look for pictures that are alike")
async def alike(pictures: Sequence[MediaFile]) -> list[list[MediaFile]]:
    """Groups of pictures that look the same, in another size or quality too. Free. Raises MediaError."""
    prints = [await beside_the_loop(_with_path, each, lambda path: fingerprint(small(path).image)) for each in pictures]
    return [[pictures[place] for place in group] for group in near_duplicates(prints)]


@task(name="sheets.placeholder", task_run_name="a placeholder")
async def placeholder(picture: MediaFile) -> str:
    """A picture's ThumbHash in base64, about 25 bytes: shown in its place while it loads. Free. Raises MediaError."""
    return await beside_the_loop(_with_path, picture, lambda path: thumbhash(small(path).image))


@task(name="sheets.palette", task_run_name="the colours of a picture")
async def palette(picture: MediaFile, colours: int = 5) -> list[PaletteColour]:
    """The colours (#rrggbb) that say most of a picture and their shares, the most frequent first. Free.

    Raises MediaError; ConfigurationError for less than 1 colour or more than 64.
    """
    check_number("colours", colours, 1, 64, whole=True)
    return await beside_the_loop(_with_path, picture, lambda path: palette_of(small(path).image, colours))


def _with_path(picture: MediaFile, look: Callable[[Path], T]) -> T:
    with local_copy(picture) as path:
        return look(path)


def _together(
    signer: Signer | None,
    pictures: Sequence[MediaFile],
    folder: str,
    stem: str,
    make: Maker,
    manifest: dict[str, Any] | None = None,
    step: dict[str, Any] | None = None,
) -> MediaFile:
    check_place(folder, stem)
    settings = read_settings()
    store = MediaStore(settings.media_store)
    with ExitStack() as copies, store.incoming() as incoming:
        paths = [copies.enter_context(local_copy(picture)) for picture in pictures]
        contents = [path.read_bytes() for path in paths]
        xmp = packet_for_several(pictures, contents, settings)
        (made,) = sign_pictures([make(paths, incoming / f"{stem}.jpg", xmp)], signer, contents)
        if manifest is not None:
            text = manifest_bytes(made.path.name, file_of(made, ""), pictures, manifest, **(step or {}))
            write_manifest(store, incoming, f"{folder}/{made.path.name}", text)
        return keep(store, made, folder)

"""Recipes: steps after the provider as data. Checked before money is spent, done once for a picture. Free."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from prefect import task

from prefect_genmedia import quoting
from prefect_genmedia.errors import MediaError, RecipeError
from prefect_genmedia.imaging.drawing import Face
from prefect_genmedia.imaging.recipes import Keep, Label, Materials, Recipe, Text, make, read_recipe
from prefect_genmedia.imaging.recipes import check as check_recipe
from prefect_genmedia.imaging.recipes.checking import face_of
from prefect_genmedia.imaging.workers import beside_the_loop
from prefect_genmedia.jobs.buying import ledger_of
from prefect_genmedia.jobs.moderation import refuse_quarantined, refuse_rejected
from prefect_genmedia.media import MediaFile, MediaStore, local_copy
from prefect_genmedia.media.names import check_place
from prefect_genmedia.media.pictures import ANY_PICTURE, Picture, load_picture
from prefect_genmedia.media.references import read_reference
from prefect_genmedia.provenance import Mark, Signer, marked, packet_for
from prefect_genmedia.settings import read_settings
from prefect_genmedia.tasks.publishing.keeping import file_of, keep, write, write_manifest
from prefect_genmedia.tasks.publishing.manifests import manifest_bytes
from prefect_genmedia.tasks.publishing.marking import mark_for
from prefect_genmedia.tasks.publishing.presets import known_presets
from prefect_genmedia.tasks.publishing.signing import sign_pictures, the_signer
from prefect_genmedia.wire.http import http_pool

__all__ = ["Prepared", "Recipe", "apply", "check", "prepare", "read_recipe"]

_LONGEST_RECORD = 1_000_000


@dataclass(frozen=True)
class Prepared:
    """A recipe with all that it needs, read once for all pictures of a run."""

    recipe: Recipe
    materials: Materials
    digest: str
    """What it is, as sha256: its steps, its pictures, its fonts."""


async def prepare(recipe: Recipe | str | Sequence[Any] | Mapping[str, Any]) -> Prepared:
    """Read a recipe, look up its presets, read its pictures and fonts, and check all that no picture decides.

    Raises RecipeError, ConfigurationError, MediaError. Nothing is bought.
    """
    finished = read_recipe(recipe)
    if not finished.is_finished:
        finished = finished.finished(await known_presets())
    materials = Materials(await _overlays(finished), read_settings().font_files)
    await asyncio.to_thread(check_recipe, finished, materials)
    return Prepared(finished, materials, await asyncio.to_thread(_digest, finished, materials))


async def check(recipe: Prepared, sizes: Sequence[tuple[int, int]]) -> None:
    """Raises RecipeError when the recipe cannot work on pictures of these sizes: before the first purchase of a run."""
    for size in dict.fromkeys(sizes):
        try:
            await asyncio.to_thread(check_recipe, recipe.recipe, recipe.materials, size)
        except RecipeError as failure:
            failure.args = (f"the recipe cannot work on a picture of {size[0]}×{size[1]}: {failure.message}",)
            raise


def _name(parameters: dict[str, Any]) -> str:
    return f"recipe: {quoting.title(parameters['stem'] or '') or 'a picture'}"


@task(name="recipes.apply", task_run_name=cast(Any, _name), retries=1, retry_delay_seconds=2)
async def apply(
    source: MediaFile,
    recipe: Recipe | str | Sequence[Any] | Mapping[str, Any],
    *,
    folder: str = "renditions",
    stem: str | None = None,
    manifest: dict[str, Any] | None = None,
) -> list[MediaFile]:
    """Do a recipe on one picture, into `folder` of the media store. Free.

    `recipe` is a Recipe, its steps, YAML or JSON of them, or the path of such a file. Files, manifests and marks are as
    `imaging.render` has them; the manifest also holds the recipe's sha256. The same recipe on the same picture, for the
    same place and with the same mark, is done once: the files that are there are given again. Raises RecipeError,
    ConfigurationError, MediaError, MediaInvalidError.
    """
    check_place(folder, stem)
    prepared = await prepare(recipe)
    named = stem or source.sha256[:16]
    return await beside_the_loop(_apply, source, prepared, folder, named, manifest, await the_signer())


def _apply(
    source: MediaFile,
    prepared: Prepared,
    folder: str,
    stem: str,
    manifest: dict[str, Any] | None,
    signer: Signer | None,
) -> list[MediaFile]:
    settings = read_settings()
    store = MediaStore(settings.media_store)
    refuse_quarantined(source, store)
    refuse_rejected(source, ledger_of(settings))
    recipe = prepared.recipe
    mark = mark_for([source], manifest, settings, laid_over=recipe.lays_over)
    record = f"recipes/{_key(source, prepared, folder, stem, mark, signer)}.json"
    if (done := _done_before(store, record, manifest is not None)) is not None:
        return done
    with local_copy(source) as path, store.incoming() as incoming:
        content = path.read_bytes()
        materials = replace(prepared.materials, xmp=packet_for(mark, content), kept=_kept(recipe, content, mark))
        step = {"recipe_sha256": prepared.digest, **recipe.model_dump(mode="json", exclude_none=True)}
        files = []
        for made in sign_pictures(make(path, recipe, incoming, stem, materials), signer, [content]):
            file_name = made.path.name
            if manifest is not None:
                text = manifest_bytes(file_name, file_of(made, ""), source, manifest, **step)
                write_manifest(store, incoming, f"{folder}/{file_name}", text)
            files.append(keep(store, made, folder))
        said = json.dumps([file.model_dump(mode="json") for file in files])
        write(store, incoming, record, said.encode())
    return files


def _kept(recipe: Recipe, content: bytes, mark: Mark | None) -> bytes | None:
    """The file as it came, for a recipe that keeps it."""
    if not isinstance(recipe.steps[0], Keep):
        return None
    # A text that a later step writes is not in this file.
    return marked(content, mark)


def _key(
    source: MediaFile, prepared: Prepared, folder: str, stem: str, mark: Mark | None, signer: Signer | None
) -> str:
    """What makes two pieces of work the same. Not when: a mark's time is that of the first."""
    facts = None if mark is None else {**asdict(mark), "made_at": ""}
    said = [source.sha256, prepared.digest, folder, stem, facts, *([signer.sha256] if signer is not None else [])]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _done_before(store: MediaStore, record: str, with_manifest: bool) -> list[MediaFile] | None:
    """The files of the same work, where all of them are still there, and whole; and their manifests, where wanted."""
    place = str(store.local / record) if store.local is not None else f"{store.root}/{record}"
    try:
        files = [MediaFile.model_validate(each) for each in json.loads(read_reference(place, _LONGEST_RECORD))]
        there = all(map(store.has, files)) and (not with_manifest or all(_is_told(store, file) for file in files))
        return files if there else None
    except (MediaError, ValueError, TypeError, KeyError):
        return None  # not yet, or not to be told: it is done anew, which costs nothing


def _is_told(store: MediaStore, file: MediaFile) -> bool:
    """Is there a manifest of this file beside it? Raises MediaError, ValueError where it cannot be read."""
    told = json.loads(store.read(f"{store.key_of(file)}.json"))
    return bool(told["sha256"] == file.sha256)


async def _overlays(recipe: Recipe) -> dict[str, bytes]:
    found = {}
    async with http_pool() as pool:
        for reference in recipe.overlays:
            picture = Picture(source=reference, prepare="nothing")
            try:
                found[reference] = (await load_picture(picture, ANY_PICTURE, pool)).content
            except MediaError as failure:
                failure.args = (f"the recipe's overlay {failure.message}",)
                raise
    return found


def _digest(recipe: Recipe, materials: Materials) -> str:
    parts = {name: hashlib.sha256(content).hexdigest() for name, content in materials.overlays.items()}
    for step in recipe.steps:
        if isinstance(step, Text | Label):
            face = face_of(step, materials)
            parts[f"font of {step.text}"] = _font_digest(face)
    return recipe.digest(parts)


def _font_digest(face: Face) -> str:
    if face.path is None:
        return "the font that Pillow brings"
    path = Path(face.path)
    found = path.stat()
    return f"{_file_digest(path, found.st_mtime_ns, found.st_size)}#{face.index}"


@lru_cache(maxsize=64)
def _file_digest(path: Path, changed: int, size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

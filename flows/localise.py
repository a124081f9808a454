"""One picture, many languages: each text laid over it, in every size; nothing is generated anew, nothing is bought."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Annotated, Any
from urllib.parse import unquote

import prefect.runtime.flow_run
from prefect import flow, get_run_logger
from prefect.artifacts import acreate_markdown_artifact
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from slugify import slugify

from prefect_genmedia import quoting
from prefect_genmedia.checking import Asked
from prefect_genmedia.errors import ConfigurationError, RecipeError
from prefect_genmedia.flows.pages.gallery import GalleryPicture, GallerySection, GalleryStep, gallery_markdown
from prefect_genmedia.flows.runs.beforehand import check_store, folder_name
from prefect_genmedia.flows.runs.failing import log_failure, run_failure, sentences_of
from prefect_genmedia.flows.runs.parameters import Given, Renditions, Usual
from prefect_genmedia.flows.runs.sources import Source
from prefect_genmedia.flows.steps.reviewing import file_at, key_in, manifest_of
from prefect_genmedia.imaging.recipes import Recipe, Sizes, Text
from prefect_genmedia.imaging.recipes.presets import USUAL
from prefect_genmedia.media import MediaFile, MediaStore
from prefect_genmedia.settings import read_settings
from prefect_genmedia.tasks import imaging, recipes
from prefect_genmedia.tasks.publishing.signing import check_signing

ORIGIN = ("prompt", "jobs", "cost", "model", "made_at", "photograph_sha256")
"""What the master's manifest says of where it comes from: it goes on."""


class Wording(Asked):
    """What is written in one language."""

    language: str = Field(
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$", description="Such as fr, pt-BR or zh-Hant."
    )
    text: str = Field(min_length=1, max_length=2000, description="What is written. A new line starts a new line.")
    font: str | None = Field(
        default=None, max_length=4096, description="The path of a font file; without it, GENMEDIA_FONTS."
    )


class Lettering(Text):
    """Where the text goes, and how it looks: as in a recipe's text step."""

    text: str = Field(default="-", max_length=1, description="The wordings say it.")

    def of(self, wording: Wording) -> Text:
        """The step for one language."""
        own = {"text": wording.text, "font": wording.font or self.font}
        return Text.model_validate({**self.model_dump(), **own})


class Localised(BaseModel):
    """What was made, by language."""

    model_config = ConfigDict(frozen=True)

    name: str
    languages: dict[str, list[MediaFile]]


def _run_name() -> str:
    asked = prefect.runtime.flow_run.parameters
    name = asked.get("collection") or _name_of(asked.get("master") or "")
    return f"{quoting.title(str(name))} in {quoting.counted(len(asked.get('wordings') or ()), 'language')}"


@flow(name="localise", flow_run_name=_run_name)
async def localise(
    master: Given[Source],
    wordings: Given[Annotated[list[Wording], Field(min_length=1, max_length=200)]],
    lettering: Given[Usual[Lettering]] = "usual",
    renditions: Given[Renditions] = list(USUAL),  # noqa: B006 (never changed; Prefect shows defaults in its form)
    collection: Given[Annotated[str, StringConstraints(max_length=200)] | None] = None,
) -> Localised:
    """Lay a text over one picture in many languages, and publish each in every size. Costs nothing.

    The text is laid over each size by itself, as large as it fits its box there. Before anything is made, every text
    is tried in every size: a font that lacks a sign, or a text that does not fit, is an error that names its language.
    Files go to published/<collection>/<language>, each with a manifest that names the picture and what was bought for
    it. The same again is done once: the files that are there are given again.

        await localise("published/winter/hero.png", collection="winter sale", wordings=[
            {"language": "en", "text": "Winter sale"}, {"language": "ar", "text": "تخفيضات الشتاء"},
            {"language": "ja", "text": "冬のセール"}])

    Args:
        master: The picture: a path, an address, a media file. Without any text on it.
        wordings: What is written, language by language.
        lettering: Where it goes, and how it looks.
        renditions: The sizes to publish: names of presets (genmedia presets), or sizes of your own.
        collection: The folder below published/ in the media store. By default the picture's name.
    """
    await asyncio.to_thread(check_store)
    await check_signing()
    if twice := [name for name, times in Counter(each.language.lower() for each in wordings).items() if times > 1]:
        raise ConfigurationError(f"{twice[0]} is given twice")
    if not renditions:
        raise ConfigurationError("there are no renditions", advice="Give a size.")
    name = collection or _name_of(master)
    store = MediaStore(read_settings().media_store)
    picture, origin = await _master(store, master)
    if isinstance(lettering, str):
        lettering = Lettering()
    made = {each.language: Recipe(steps=(Sizes(sizes=tuple(renditions)), lettering.of(each))) for each in wordings}
    await _tried(made, picture)
    languages: dict[str, list[MediaFile]] = {}
    failed: list[tuple[str, str]] = []
    for each in wordings:
        folder = f"published/{folder_name(name)}/{each.language}"
        manifest = {**origin, "language": each.language, "text": each.text}
        stem = slugify(_name_of(master), max_length=80) or "picture"
        try:
            recipe = made[each.language]
            languages[each.language] = await recipes.apply(picture, recipe, folder=folder, stem=stem, manifest=manifest)
        except Exception as failure:  # one language's failure takes no other with it
            log_failure(each.language, failure)
            failed.append((each.language, sentences_of(failure)))
    shown = Localised(name=name, languages=languages)
    text = await asyncio.to_thread(_gallery, shown)
    await acreate_markdown_artifact(text, key="localise-gallery", description=f"{len(languages)} languages")
    files = sum(map(len, languages.values()))
    get_run_logger().info("%s: %d files in %d languages.", quoting.title(name), files, len(languages))
    if failed:
        raise run_failure("languages", failed, len(wordings), files)
    return shown


async def _master(store: MediaStore, given: str | MediaFile) -> tuple[MediaFile, dict[str, Any]]:
    """The picture in the store, and where it comes from. Raises MediaError."""
    reference = given if isinstance(given, str) else given.uri
    key = await asyncio.to_thread(key_in, store, reference)
    if key is None:
        return await imaging.take_in(reference), {}
    told = await asyncio.to_thread(manifest_of, store, key)
    return await asyncio.to_thread(file_at, store, key), {word: told[word] for word in ORIGIN if word in told}


async def _tried(made: dict[str, Recipe], picture: MediaFile) -> None:
    """Every text in every size. Raises RecipeError that names each language; MissingGlyphError where a sign lacks."""
    wrong: list[RecipeError] = []
    for language, recipe in made.items():
        try:
            prepared = await recipes.prepare(recipe)
            await recipes.check(prepared, [(picture.width or 1, picture.height or 1)])
        except RecipeError as failure:
            failure.args = (f"{language}: {failure.message}",)
            wrong.append(failure)
    if wrong:
        wrong[0].args = ("; ".join(each.message for each in wrong),)
        raise wrong[0]


def _name_of(given: Any) -> str:
    """The end of its path or address, without the suffix."""
    text = given.get("uri", "") if isinstance(given, dict) else given.uri if isinstance(given, MediaFile) else given
    return PurePosixPath(unquote(quoting.one_line(text)).rstrip("/")).stem or "picture"


def _gallery(made: Localised) -> str:
    settings = read_settings()
    sections = [_section(language, files, settings.media_public_url) for language, files in made.languages.items()]
    return gallery_markdown(made.name, sections, {"Languages": str(len(made.languages))})


def _section(language: str, files: Sequence[MediaFile], public: str | None) -> GallerySection:
    store = MediaStore(read_settings().media_store)
    base = f"{public.rstrip('/')}/" if public else ""
    pictures = [
        GalleryPicture(label=file.role, href=f"{base}{store.key_of(file)}" if base else "", file=file) for file in files
    ]
    return GallerySection(
        title=language, steps=(GalleryStep(title="Published", pictures=tuple(pictures), thumbnails=1),)
    )

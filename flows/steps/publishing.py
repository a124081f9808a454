"""What is published of each picture of a run; and whether it can be, asked before anything is bought."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from prefect_genmedia.errors import ConfigurationError, MediaError
from prefect_genmedia.flows.runs.parameters import Photograph, Refinement
from prefect_genmedia.imaging import Rendition, header
from prefect_genmedia.imaging.recipes import Recipe, Sizes
from prefect_genmedia.media import MediaFile
from prefect_genmedia.media.pictures import ANY_PICTURE, Picture
from prefect_genmedia.media.references import read_reference
from prefect_genmedia.providers.ttapi.prompt import aspect_of
from prefect_genmedia.tasks import imaging, recipes

Size = tuple[int, int]


@dataclass(frozen=True)
class Publishing:
    """A recipe, or sizes only; for pictures that come out of this refinement."""

    prepared: recipes.Prepared
    sizes_only: bool
    refinement: Refinement | None

    @classmethod
    async def of(
        cls, recipe: Recipe | str | None, renditions: Sequence[str | Rendition], refinement: Refinement | None
    ) -> Self:
        """Raises RecipeError, ConfigurationError, MediaError where it can never work, or would publish nothing."""
        wanted = Recipe(steps=()) if recipe is None else recipes.read_recipe(recipe)
        if not wanted.names and renditions:
            wanted = Recipe(steps=(*wanted.steps, Sizes(sizes=tuple(renditions))))
        if not wanted.steps:
            raise ConfigurationError(
                "there are no renditions: nothing would be published of what is bought", advice="Give a size."
            )
        return cls(await recipes.prepare(wanted), recipe is None, refinement)

    @property
    def names(self) -> list[str]:
        """What the files of a picture are called, behind its own name."""
        return self.prepared.recipe.names

    async def check(self, prompts: Sequence[str], photographs: Sequence[Photograph]) -> None:
        """Raises RecipeError where it cannot work on a picture of the run, as far as its size can be told."""
        await self.check_sizes(await asyncio.to_thread(expected_sizes, prompts, photographs, self.refinement))

    async def check_sizes(self, sizes: Sequence[Size]) -> None:
        """The same of pictures of these sizes."""
        await recipes.check(self.prepared, sizes)

    async def check_photograph(self, picture: MediaFile) -> None:
        """The same of one that has been taken in."""
        if picture.width and picture.height:
            await self.check_sizes([finished_size((picture.width, picture.height), self.refinement)])

    async def publish(self, file: MediaFile, folder: str, stem: str, manifest: dict[str, Any]) -> list[MediaFile]:
        recipe = self.prepared.recipe
        if self.sizes_only:
            return await imaging.render(file, recipe.renditions, folder=folder, stem=stem, manifest=manifest)
        return await recipes.apply(file, recipe, folder=folder, stem=stem, manifest=manifest)


def expected_sizes(
    prompts: Sequence[str], photographs: Sequence[Photograph], refinement: Refinement | None
) -> list[Size]:
    """Of the finished pictures; those that nobody can tell are left out. Blocking.

    Without a refinement, Midjourney decides how large a prompt's pictures are; a photograph on the web is seen once it
    is taken in.
    """
    sizes = []
    for prompt in prompts if refinement is not None else ():
        with suppress(ValueError):  # a wrong prompt is refused by its name, when it is asked for
            sizes.append(finished_size(aspect_of(prompt), refinement))
    seen = filter(None, map(_photograph_size, photographs))
    return sizes + [finished_size(size, refinement) for size in seen]


def finished_size(size: Size, refinement: Refinement | None) -> Size:
    """How large a picture of this size, or shape, comes out."""
    return size if refinement is None else refinement.size_of(*size)


def _photograph_size(photograph: Photograph) -> Size | None:
    if Picture(source=photograph.picture).web_address is not None:
        return None
    try:
        found = header(read_reference(photograph.picture, ANY_PICTURE.bytes))
    except MediaError:  # said when it is taken in, of that picture alone
        return None
    return found.width, found.height

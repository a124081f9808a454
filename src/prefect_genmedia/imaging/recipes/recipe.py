"""A recipe: its steps in order, read from data or from text."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from prefect_genmedia.checking import refusal
from prefect_genmedia.errors import RecipeError
from prefect_genmedia.imaging.recipes.presets import Preset
from prefect_genmedia.imaging.recipes.steps import Keep, Overlay, Save, Sizes, Step, Text
from prefect_genmedia.imaging.renditions import Rendition

VERSION = 2
"""Part of a recipe's hash: a new one where the same steps come to give other pixels."""

_LONGEST = 1_000_000


class Recipe(BaseModel):
    """What is done to a picture after the provider. Without a step that says which files: one JPEG at the end."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    steps: tuple[Step, ...] = Field(max_length=100, description="What is done, in this order.")

    @model_validator(mode="before")
    @classmethod
    def _from_steps(cls, value: Any) -> Any:
        return {"steps": value} if isinstance(value, list | tuple) else value

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        kinds = [each.step for each in self.steps]
        if "keep" in kinds[1:]:
            raise ValueError("'keep' is of the file as it came: it can only be the first step")
        if kinds.count("sizes") > 1:
            raise ValueError("'sizes' can be there only once")
        if "sizes" in kinds and {"save", "check"} & set(kinds[kinds.index("sizes") :]):
            raise ValueError("'save' and 'check' stand before 'sizes'")
        twice = [name for name, times in Counter(self.names).items() if times > 1]
        if twice:
            raise ValueError(f"two files are called {twice[0]}; one would replace the other")
        return self

    @property
    def names(self) -> list[str]:
        """Of the files that it makes, in order."""
        names = []
        for each in self.steps:
            if isinstance(each, Keep | Save):
                names.append(each.name)
            elif isinstance(each, Sizes):
                names += [size if isinstance(size, str) else size.name for size in each.sizes]
        return names

    @property
    def renditions(self) -> list[Rendition]:
        """The sizes of its own; presets that were looked up are among them."""
        found = [size for each in self.steps if isinstance(each, Sizes) for size in each.sizes]
        return [size for size in found if isinstance(size, Rendition)]

    @property
    def lays_over(self) -> bool:
        """Does it add what no model made: a text, another picture? A label only says what the picture is."""
        return any(isinstance(each, Text | Overlay) for each in self.steps)

    @property
    def overlays(self) -> list[str]:
        """The pictures that it needs, each once."""
        return list(dict.fromkeys(each.picture for each in self.steps if isinstance(each, Overlay)))

    @property
    def is_finished(self) -> bool:
        """Does it name its files, and no presets?"""
        sizes = [size for each in self.steps if isinstance(each, Sizes) for size in each.sizes]
        return bool(self.names) and not any(isinstance(size, str) for size in sizes)

    def finished(self, presets: Mapping[str, Preset]) -> Recipe:
        """The same with its presets looked up, and at least one file. Raises RecipeError for a name that is none."""
        steps = [_looked_up(each, presets) if isinstance(each, Sizes) else each for each in self.steps]
        if not self.names:
            steps.append(Save())
        return Recipe(steps=tuple(steps))

    def digest(self, materials: Mapping[str, str]) -> str:
        """What it is, as sha256: of its steps, and of the sha256 of each picture and font that it uses."""
        said = {"version": VERSION, "steps": self.model_dump(mode="json")["steps"], "materials": dict(materials)}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def read_recipe(given: object) -> Recipe:
    """A recipe from its steps, as data or as YAML or JSON; or from a .yaml, .yml or .json file. Raises RecipeError."""
    if isinstance(given, Recipe):
        return given
    error: RecipeError
    try:
        value = _parsed(given) if isinstance(given, str) else given
        return Recipe.model_validate(value)
    except ValidationError as failure:
        error = RecipeError(refusal(failure, within="recipe").message)
    except yaml.YAMLError as failure:
        error = RecipeError(f"the recipe is no YAML: {str(failure).splitlines()[0]}")
    raise error


def _parsed(text: str) -> Any:
    name = text.strip()
    if "\n" not in name and name.lower().endswith((".yaml", ".yml", ".json")) and name[:1] not in "[{-":
        path = Path(name.removeprefix("file://"))
        try:
            if path.stat().st_size > _LONGEST:
                raise RecipeError(f"the recipe {path} is longer than a megabyte")
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as failure:
            raise RecipeError(f"the recipe {path} cannot be read: {getattr(failure, 'strerror', failure)}") from None
    return yaml.safe_load(dedent(text))


def _looked_up(step: Sizes, presets: Mapping[str, Preset]) -> Sizes:
    return Sizes(sizes=tuple(preset_of(size, presets) if isinstance(size, str) else size for size in step.sizes))


def preset_of(name: str, presets: Mapping[str, Preset]) -> Rendition:
    """The size behind a name. Raises RecipeError that says which come near."""
    found = presets.get(name)
    if found is None:
        near = [each for each in presets if name.split("-")[0] in each][:5] or list(presets)[:8]
        raise RecipeError(
            f"there is no preset called {name!r}", advice=f"There are {', '.join(near)}; genmedia presets"
        )
    return found.rendition(name)

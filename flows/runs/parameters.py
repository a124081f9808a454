"""What the flows are asked for. What cannot be used is refused by its name, and never shown."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from prefect_genmedia import quoting
from prefect_genmedia.checking import (
    A_MODEL,
    A_TEXT,
    NO_TRUTH_VALUE,
    TEXT_OR_MODEL,
    Asked,
    Finite,
    Whole,
    refusal,
)
from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.imaging import Rendition
from prefect_genmedia.imaging.recipes import Recipe
from prefect_genmedia.imaging.recipes.presets import VARIABLE, presets_in_file, shipped_presets
from prefect_genmedia.media import MediaFile
from prefect_genmedia.media.pictures import Picture
from prefect_genmedia.settings import read_settings
from prefect_genmedia.tasks import novita

T = TypeVar("T")


def _refused_by_name(value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    # As a ConfigurationError, for a ValidationError makes Prefect log all parameters as they were given.
    error: ConfigurationError
    try:
        return handler(value)
    except ValidationError as failure:
        error = refusal(failure, within=info.field_name or "")
    raise error


Given = Annotated[T, WrapValidator(_refused_by_name)]

Seconds = Given[Annotated[Finite, Field(ge=0, le=366 * 86400)]]
Count = Given[Annotated[Whole, Field(ge=1, le=10_000)]]
Called = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$")]
Name = Given[Called]

Pick = Annotated[Literal["sharpest", "all", 1, 2, 3, 4], NO_TRUTH_VALUE]
LONGEST_TITLE = 240


class Photograph(Asked):
    """An existing picture to refine, without Midjourney before it."""

    picture: str = Field(description="A path, an s3:// address or an https URL.", min_length=1)
    prompt: str = Field(description="What to make of it.", min_length=1, max_length=1024)

    @property
    def title(self) -> str:
        """The picture's name, which may be the end of a signed link, and what is to be made of it."""
        name = quoting.one_line(self.picture).rstrip("/").rpartition("/")[2]
        return quoting.title(f"{name or 'a picture'}: {self.prompt}", LONGEST_TITLE)

    def __repr__(self) -> str:
        return f"Photograph({self.title!r})"

    __str__ = __repr__


class Refinement(Asked):
    """How Novita's img2img redraws a picture."""

    model_config = ConfigDict(protected_namespaces=())

    model_name: str = Field(
        default="sd_xl_base_1.0.safetensors", min_length=1, max_length=255, description="The checkpoint's sd_name."
    )
    strength: Finite = Field(default=0.45, ge=0, le=1, description="How far from the input: 0 keeps it, 1 ignores it.")
    longest_side: Whole = Field(default=1024, ge=128, le=2048, description="Longest side of the result in pixels.")
    steps: Whole = Field(default=25, ge=1, le=100, description="Denoising steps.")
    guidance_scale: Finite = Field(default=7.5, ge=1, le=30, description="How closely the prompt is followed.")
    sampler_name: novita.Sampler = Field(default="DPM++ 2M Karras", description="The denoising algorithm.")
    negative_prompt: str | None = Field(default=None, max_length=1024, description="What to leave out.")
    image_num: Whole = Field(default=1, ge=1, le=8, description="Results a picture; each is billed.")
    seed: Whole = Field(default=-1, ge=-1, le=2**32 - 1, description="-1 draws a seed.")

    def of(self, picture: MediaFile | str, prompt: str, width: int, height: int) -> novita.Img2ImgRequest:
        """The request for one picture of this size, its shape kept and its sides multiples of 8."""
        width, height = self.size_of(width, height)
        return novita.Img2ImgRequest(
            **self.model_dump(exclude={"longest_side"}),
            image=Picture(source=picture, prepare="fit"),  # it is redrawn smaller than any limit
            prompt=prompt[:1024],
            width=width,
            height=height,
        )

    def size_of(self, width: int, height: int) -> tuple[int, int]:
        """How large a picture of this size comes back."""
        scale = self.longest_side / max(width, height)
        return _side(width * scale), _side(height * scale)


def _offered() -> JsonSchemaValue:
    """The names that there are, as far as they are known when a form is made."""
    try:
        setting = read_settings().presets or ""
        if setting.startswith(VARIABLE):
            return {}  # it may hold others by the time a run is asked for
        return {"enum": list({**shipped_presets(), **(presets_in_file(setting) if setting else {})})}
    except ConfigurationError:
        return {}


def _named_apart(renditions: list[str | Rendition]) -> list[str | Rendition]:
    names = Counter(each if isinstance(each, str) else each.name for each in renditions)
    if twice := [name for name, times in names.items() if times > 1]:
        raise ValueError(f"two renditions are called {twice[0]}; one file would replace the other")
    return renditions


class _TwoForms:
    """In a form: names to choose from, or sizes of one's own among them."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        own = {**handler(schema), "title": "Sizes of your own"}
        names = {"type": "array", "items": {"type": "string", "title": "Preset", **_offered()}, "title": "Presets"}
        return {"anyOf": [names, own]}


class Tabs:
    """In a form: a tab for each of what may be given, called so."""

    def __init__(self, *titles: str) -> None:
        self._titles = titles

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        members = _members(handler(schema))
        return {"anyOf": [{**each, "title": title} for each, title in zip(members, self._titles, strict=True)]}


class Lists:
    """In a form: a list of the one kind or of the other, called so; items of two kinds are a field of JSON there."""

    def __init__(self, *titles: str) -> None:
        self._titles = titles

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        whole = handler(schema)
        kinds = zip(_members(whole["items"]), self._titles, strict=True)
        return {"anyOf": [{**whole, "items": each, "title": title} for each, title in kinds]}


def _members(schema: JsonSchemaValue) -> list[JsonSchemaValue]:
    inner = schema.get("anyOf") or schema.get("oneOf")
    if "const" in schema:  # a form says of it that it "is a const and cannot be changed"
        schema = {"enum": [schema["const"]], "type": "string"}
    return [schema] if inner is None else [member for each in inner for member in _members(each)]


_Usual = Annotated[Annotated[Literal["usual"], A_TEXT] | Annotated[T, A_MODEL], TEXT_OR_MODEL]
# A form shows one line until somebody wants to set what is in the model; open, it would be the longest part of it.
Usual = Annotated[_Usual[T], Tabs("As usual", "Set")]
UsualOrNone = Annotated[_Usual[T] | None, Tabs("As usual", "Set", "None")]


SizeGiven = Annotated[
    Annotated[str, StringConstraints(min_length=1, max_length=64), A_TEXT] | Annotated[Rendition, A_MODEL],
    TEXT_OR_MODEL,
]
Renditions = Annotated[list[SizeGiven], Field(max_length=64), AfterValidator(_named_apart), _TwoForms()]
GivenRecipe = Annotated[
    Annotated[str, StringConstraints(max_length=100_000), A_TEXT] | Annotated[Recipe, A_MODEL], TEXT_OR_MODEL
]
RecipeOrNone = Annotated[GivenRecipe | None, Tabs("YAML, or a file's path", "Steps", "None")]


def _side(pixels: float) -> int:
    return min(2048, max(128, round(pixels / 8) * 8))

"""Can a recipe work on the picture that will come? Asked before anything is bought for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from prefect_genmedia.errors import MediaError, RecipeError
from prefect_genmedia.imaging.drawing import Face, Look, face_for, fitted
from prefect_genmedia.imaging.drawing.labels import label_size
from prefect_genmedia.imaging.geometry import Size, layout
from prefect_genmedia.imaging.reading import header
from prefect_genmedia.imaging.recipes.placing import check_canvas, crop_box, padded, resized, text_box, text_sizes
from prefect_genmedia.imaging.recipes.recipe import Recipe
from prefect_genmedia.imaging.recipes.steps import (
    Check,
    Crop,
    Label,
    Overlay,
    Pad,
    Resize,
    Save,
    Sizes,
    Step,
    Text,
    ratio,
)
from prefect_genmedia.imaging.renditions import Rendition


@dataclass(frozen=True)
class Materials:
    """What a recipe needs besides the picture."""

    overlays: Mapping[str, bytes] = field(default_factory=dict)
    """The pictures of its overlays, by what the steps call them."""
    fonts: tuple[str, ...] = ()
    """Paths, the first that has every sign of a text counts."""
    xmp: bytes | None = None
    """The packet that goes into every file that is made."""
    kept: bytes | None = None
    """The file as it came, with its mark, for a recipe that keeps it."""


def check(recipe: Recipe, materials: Materials, size: Size | None = None) -> None:
    """Raises RecipeError that names the step, when the recipe cannot work on a picture of this size.

    Where the size is not known, only what does not depend on it is checked. The recipe is a `finished` one.
    """
    sizes: list[Size | None] = [size]
    for number, step in enumerate(recipe.steps, 1):
        try:
            sizes = [after for before in sizes for after in _after(step, before, materials)]
        except MediaError as failure:
            error = RecipeError(f"step {number} ({step.step}): {failure.message}", advice=failure.advice)
        except RecipeError as failure:
            # The same kind of error, for a missing sign is told from a box that is too small.
            failure.args = (f"step {number} ({step.step}): {failure.message}",)
            error = failure
        else:
            continue
        raise error


def face_of(step: Text | Label, materials: Materials) -> Face:
    """The font that has every sign of the step's text. Raises MissingGlyphError, RecipeError."""
    return face_for(step.text, [step.font] if step.font else materials.fonts)


def look_of(step: Text) -> Look:
    return Look(
        colour=step.colour,
        outline=step.outline,
        outline_colour=step.outline_colour,
        shadow=step.shadow,
        shadow_colour=step.shadow_colour,
        align=step.align,
        upright=step.upright,
        spacing=step.spacing,
    )


def _after(step: Step, size: Size | None, materials: Materials) -> list[Size | None]:
    """How large the picture is after the step: several sizes where it becomes several. Raises RecipeError."""
    if isinstance(step, Text | Label):
        _check_letters(step, size, materials)
    elif isinstance(step, Overlay):
        if step.picture not in materials.overlays:
            raise RecipeError("its picture cannot be found")
        header(materials.overlays[step.picture])
    elif isinstance(step, Sizes):
        return [_canvas(size, wanted) for wanted in step.sizes if isinstance(wanted, Rendition)]
    elif size is None:
        return [_unseen(step)]
    elif isinstance(step, Crop):
        left, top, right, bottom = crop_box(step, size)
        return [(round(right - left), round(bottom - top))]
    elif isinstance(step, Resize):
        return [resized(step, size)[0].canvas]
    elif isinstance(step, Pad):
        return [padded(step, size)]
    elif isinstance(step, Save):
        check_canvas(size, step)
    elif isinstance(step, Check):
        _check_size(step, size)
    return [size]


def _unseen(step: Step) -> Size | None:
    """The size after a step, whatever the picture: where the step itself says it."""
    if isinstance(step, Crop) and step.width is not None and step.height is not None:
        return step.width, step.height
    if isinstance(step, Resize) and step.width is not None and step.height is not None:
        return (step.width, step.height) if step.fit == "contain" or (step.fit == "cover" and step.enlarge) else None
    return None


def _canvas(size: Size | None, wanted: Rendition) -> Size | None:
    if size is not None:
        canvas = layout(size, wanted).canvas
        check_canvas(canvas, wanted)
        return canvas
    if wanted.width is None or wanted.height is None or wanted.fit == "inside":
        return None
    return (wanted.width, wanted.height) if wanted.fit == "contain" or wanted.enlarge else None


def _check_letters(step: Text | Label, size: Size | None, materials: Materials) -> None:
    face = face_of(step, materials)
    if size is None:
        return
    if isinstance(step, Label):
        label_size(size, step.text, face, step.size)
    else:
        left, top, right, bottom = text_box(step, size)
        fitted(step.text, face, (right - left, bottom - top), text_sizes(step, size), look_of(step))


def _check_size(step: Check, size: Size) -> None:
    width, height = size
    if width < step.least_width or height < step.least_height:
        raise RecipeError(f"{step.least_width}×{step.least_height} are asked; the picture will be {width}×{height}")
    if step.aspect is not None and abs(width / height / ratio(step.aspect) - 1) > 0.02:
        raise RecipeError(f"the shape {step.aspect} is asked; the picture will be {width}×{height}")

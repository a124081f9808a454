"""Where the steps of a recipe put things, in pixels: the same numbers when it is checked and when it is made."""

from __future__ import annotations

from prefect_genmedia.errors import RecipeError
from prefect_genmedia.imaging.geometry import Box, Layout, Size, around, layout
from prefect_genmedia.imaging.reading import MAX_PIXELS
from prefect_genmedia.imaging.recipes.steps import Crop, Pad, Resize, Save, Text, ratio
from prefect_genmedia.imaging.renditions import LONGEST_SIDE, Rendition

LEAST_LETTERS = 8
"""Pixels. Below, letters are no letters."""


def crop_box(step: Crop, size: Size) -> Box:
    """What is cut out, in whole pixels. Raises RecipeError when it is larger than the picture."""
    width, height = size
    if step.aspect is None:
        wanted = (step.width or width, step.height or height)
        if wanted[0] > width or wanted[1] > height:
            raise RecipeError(
                f"a crop of {wanted[0]}×{wanted[1]} is larger than the picture, which is {width}×{height}",
                advice="Crop to an aspect, or make it larger first: step: resize.",
            )
    else:
        shape = ratio(step.aspect)
        wanted = (min(width, max(1, round(height * shape))), min(height, max(1, round(width / shape))))
    left, top, *_ = map(round, around(step.focus, size, wanted))
    return left, top, left + wanted[0], top + wanted[1]


def resized(step: Resize, size: Size) -> tuple[Layout, Rendition]:
    """How the picture comes to its other size."""
    width, height = step.width, step.height
    if step.scale is not None:
        width, height = max(1, round(size[0] * step.scale)), max(1, round(size[1] * step.scale))
    if max(width or 0, height or 0) > 16384 or (width or 0) * (height or 0) > MAX_PIXELS:
        raise RecipeError(f"{size[0]}×{size[1]} pixels times {step.scale} are too many")
    wanted = Rendition(
        name="picture",
        width=width,
        height=height,
        fit=step.fit,
        format="png",
        focus=step.focus,
        background=step.background,
        enlarge=step.enlarge,
    )
    plan = layout(size, wanted)
    check_canvas(plan.canvas, wanted)
    return plan, wanted


def padded(step: Pad, size: Size) -> Size:
    """How large it is with room around it; it stands in the middle."""
    border = round(step.border * min(size))
    width, height = size[0] + 2 * border, size[1] + 2 * border
    if step.aspect is not None:
        shape = ratio(step.aspect)
        width, height = max(width, round(height * shape)), max(height, round(width / shape))
    if max(width, height) > 16384 or width * height > MAX_PIXELS:
        raise RecipeError(f"a picture of {size[0]}×{size[1]} with its padding would be {width}×{height}, too large")
    return width, height


def text_box(step: Text, size: Size) -> tuple[int, int, int, int]:
    left, top, right, bottom = step.box
    width, height = size
    return round(left * width), round(top * height), round(right * width), round(bottom * height)


def text_sizes(step: Text, size: Size) -> tuple[int, int]:
    """The letters' smallest and largest size."""
    return max(LEAST_LETTERS, round(step.smallest * min(size))), max(LEAST_LETTERS, round(step.largest * min(size)))


def check_canvas(canvas: Size, wanted: Rendition | Save) -> None:
    """Raises RecipeError when no file of this format can be so large."""
    width, height = canvas
    if max(width, height) > LONGEST_SIDE[wanted.format] or width * height > MAX_PIXELS:
        raise RecipeError(f"as {wanted.name!r} the picture would be {width}×{height}, too large")

"""What is done to a picture after the provider, as data: steps, recipes, presets; checked before money is spent."""

from prefect_genmedia.imaging.recipes.checking import Materials, check
from prefect_genmedia.imaging.recipes.making import make
from prefect_genmedia.imaging.recipes.presets import Preset, read_presets, shipped_presets
from prefect_genmedia.imaging.recipes.recipe import Recipe, read_recipe
from prefect_genmedia.imaging.recipes.steps import (
    Check,
    Colour,
    Crop,
    Keep,
    Label,
    Overlay,
    Pad,
    Resize,
    Save,
    Sharpen,
    Sizes,
    Step,
    Text,
)

__all__ = [
    "Check",
    "Colour",
    "Crop",
    "Keep",
    "Label",
    "Materials",
    "Overlay",
    "Pad",
    "Preset",
    "Recipe",
    "Resize",
    "Save",
    "Sharpen",
    "Sizes",
    "Step",
    "Text",
    "check",
    "make",
    "read_presets",
    "read_recipe",
    "shipped_presets",
]

"""What Midjourney does with a prompt: sizes, prices, and which action may follow which."""

from __future__ import annotations

import math
import re
from typing import Any

from prefect_genmedia.emulator.drawing import pictures

SPEEDS = {"relax": 1, "fast": 2, "turbo": 4}  # quota per job; only fast's 2 is documented
SMALL = 1  # quota for a description, for a seed; made up

GRID = [
    *(f"upsample{n}" for n in range(1, 5)),
    "reroll",
    *(f"variation{n}" for n in range(1, 5)),
]
_AROUND = ["zoom_out_2", "zoom_out_1_5", "pan_left", "pan_right", "pan_up", "pan_down"]
_LARGER = ["upscale_subtle", "upscale_creative", "upscale2", "upscale4"]
_REDO = {
    "subtle": ["redo_upscale_subtle", "redo_upscale_creative"],
    "creative": ["redo_upscale_subtle", "redo_upscale_creative"],
    "2": ["redo_upscale2", "redo_upscale4"],
    "4": ["redo_upscale2", "redo_upscale4"],
}
ACTIONS = [
    *GRID,
    *_LARGER,
    "low_variation",
    "high_variation",
    *_AROUND,
    "make_square",
    "redo_upscale_subtle",
    "redo_upscale_creative",
    "redo_upscale2",
    "redo_upscale4",
]
BLEND_SHAPES = {"PORTRAIT": (2, 3), "SQUARE": (1, 1), "LANDSCAPE": (3, 2)}
EDIT_SHAPES = ((1, 1), (1, 2), (2, 1), (2, 3), (3, 2), (3, 4), (4, 3), (9, 16), (16, 9))
SINGLE = ("upsample", "upscale", "redo_upscale")  # these end in one picture, not in a grid


def is_grid(action: str) -> bool:
    return not action.startswith(SINGLE)


def components(action: str, size: tuple[int, int]) -> list[str]:
    """What may be done with a finished job."""
    if is_grid(action):
        return list(GRID)
    square = [] if size[0] == size[1] else ["make_square"]
    if action.startswith("upsample"):
        return [*_LARGER, "low_variation", "high_variation", *_AROUND, *square]
    redo = _REDO[action.removeprefix("redo_").removeprefix("upscale").lstrip("_")]
    return [*redo, *_AROUND, *square]


def size_after(action: str, parent: tuple[int, int], before: tuple[int, int] | None) -> tuple[int, int]:
    """The size of the result; `before`: that of the parent's own parent (a redo starts from there)."""
    if action == "make_square":
        side = min(1024, max(parent))
        return (side, side)
    if action.startswith("redo_upscale"):
        return _doubled(before or parent)
    if action.startswith("upscale"):
        return _doubled(parent)
    # Whatever makes a grid of an upscaled picture goes back to a grid's size.
    return _bounded(parent, 1024 * 1024)


def grid_size(prompt: str) -> tuple[int, int]:
    """About a megapixel in the shape that `--ar W:H` asks for, and in exactly that ratio where it can be."""
    found = re.search(r"--(?:ar|aspect)\s+(\d+):(\d+)", prompt)
    return pictures.shaped(int(found[1]), int(found[2])) if found else pictures.shaped(1, 1)


def snapped(size: tuple[int, int]) -> tuple[int, int]:
    """The nearest of the shapes that an edit can have."""
    shape = size[0] / size[1]
    return min(EDIT_SHAPES, key=lambda pair: abs(math.log(pair[0] / pair[1] / shape)))


def wrong_parameter(prompt: str) -> str | None:
    """The vendor's own check: `--ar` wants a blank and W:H after it."""
    for found in re.finditer(r"--(?:ar|aspect)(?![a-z])(.*)", prompt):
        ratio = re.match(r"\s+([1-9]\d{0,3}):([1-9]\d{0,3})(?!\d)", found[1])
        if not ratio or not 1 / 14 <= int(ratio[1]) / int(ratio[2]) <= 14:
            return "--ar"
    return None


def timeout_fits(value: Any) -> bool:
    """Seconds; the vendor's pages type it an integer and print it as a string."""
    if value is None or value == "":
        return True
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,6}", str(value)):
        return False
    return 300 <= int(value) <= 1200


def _doubled(size: tuple[int, int]) -> tuple[int, int]:
    # The real upscales go further; 2048 keeps a test's picture small.
    factor = min(2.0, 2048 / max(size))
    return (round(size[0] * factor), round(size[1] * factor))


def _bounded(size: tuple[int, int], pixels: int) -> tuple[int, int]:
    factor = min(1.0, math.sqrt(pixels * 1.1 / (size[0] * size[1])))
    return (round(size[0] * factor) // 2 * 2, round(size[1] * factor) // 2 * 2)

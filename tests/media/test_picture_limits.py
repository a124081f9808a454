"""Which pictures each operation takes: said at its field, in the docs, and in no third place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from prefect_genmedia.media.pictures import PictureLimit, pictures_in
from prefect_genmedia.providers import OPERATIONS
from tests.contract.cases import CASES

TABLE = (Path(__file__).parents[2] / "docs" / "guides" / "pictures.md").read_text()
# A limit that no page names is the pack's own; that page says which.
DOCUMENTED = {
    "novita.img2img": {PictureLimit(megapixels=16, megabytes=10)},
    "novita.img2video": {PictureLimit(megapixels=2048 * 2048 / 1e6, longest_side=2048)},
    "midjourney.edit": {PictureLimit(formats=("PNG", "JPEG", "BMP", "WEBP"))},
}


def limits(name: str) -> set[PictureLimit]:
    request: Any = CASES[name].fullest
    return {limit for _, _, limit in pictures_in(request)}


TAKING = [name for name in OPERATIONS if limits(name)]


def test_the_operations_that_take_pictures_are_known() -> None:
    assert {"midjourney.blend", "midjourney.describe", "midjourney.inpaint", "novita.minimax_hailuo_02"} < set(TAKING)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_vendors_limits_are_those_of_the_fields(name: str) -> None:
    assert limits(name) == DOCUMENTED[name]


@pytest.mark.parametrize("name", TAKING)
def test_the_docs_say_what_each_takes(name: str) -> None:
    (limit,) = limits(name)
    (row,) = re.findall(rf"^\| [^|]*`{name}`[^|]* \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", TABLE, re.MULTILINE)
    side = f", {limit.longest_side} pixels a side" if limit.longest_side else ""
    assert row == (limit.format_names, f"{limit.megapixels:.2g}{side}", f"{limit.megabytes:g}")

"""Pages that everybody can read: contrast in both schemes, and tables that the keyboard can move. `tests/looks/axe.py`
asks axe-core for more."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from prefect_genmedia import flows

PAGES = ("pages/gallery.html", "pages/lineage.html", "spending.html")
LEAST = 4.5  # WCAG 2.1, AA, for text of any size


def luminance(colour: str) -> float:
    digits = "".join(sign * 2 for sign in colour) if len(colour) == 3 else colour
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def template(name: str) -> str:
    return (Path(flows.__file__).parent / name).read_text()


@pytest.mark.parametrize("name", PAGES)
def test_words_stand_out_in_both_schemes(name: str) -> None:
    found = re.findall(r":root \{(.*?)\}", template(name), re.DOTALL)
    schemes = [dict(re.findall(r"--([\w-]+): #([0-9a-f]{3,6});", each)) for each in found]
    assert len(schemes) == 2
    for colours in schemes:
        grounds = [colours[ground] for ground in ("paper", "card", "mat") if ground in colours]
        for ground in grounds:
            assert min(contrast(colours[word], ground) for word in ("ink", "quiet")) >= LEAST


def test_a_table_that_is_too_wide_is_moved_by_the_keyboard() -> None:
    boxes = re.findall(r'<div class="wide"[^>]*>', template("spending.html"))
    assert boxes and all('tabindex="0"' in box and "aria-label=" in box for box in boxes)

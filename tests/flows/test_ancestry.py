"""Why a file exists, as a picture: one file that stands alone, and says to everybody what it shows."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from prefect_genmedia.flows.pages.ancestry import MOST_BOXES, drawn, lineage_html, lineage_svg
from prefect_genmedia.jobs.history.lineage import Job, Origin
from prefect_genmedia.media import MediaStore

SVG = "{http://www.w3.org/2000/svg}"
SECRET = "https://cdn.example.com/a.png?X-Amz-Signature=s3cret"


@pytest.fixture
def store(tmp_path: Path, photos: Path) -> MediaStore:
    (tmp_path / "inputs").mkdir()
    shutil.copy(photos / "coffee.png", tmp_path / "inputs" / "coffee.png")
    return MediaStore(str(tmp_path))


def job(id: str, operation: str, charged: float | None) -> Job:
    request = {"prompt": "<script>alert(1)</script> & \x1b", "image": SECRET}
    return Job(id * 32, operation, f"id-{id}", "STORED", "t", request, "flow:1", 1.7e9, "quota", charged, 3.0)


def family(store: MediaStore) -> Origin:
    at = (store.local / "inputs" / "coffee.png").as_uri()  # type: ignore[operator]
    grid = Origin("a" * 64, "bought", "grid", (at,), job=job("a", "midjourney.imagine", 6.0))
    photograph = Origin("b" * 64, "taken in", where=("inputs/coffee.png",))
    drawing = Origin("c" * 64, "bought", "image", ("inputs/gone.png",), job=job("b", "novita.img2img", None),
                     parents=(grid, photograph))  # fmt: skip
    step = {"rendition": {"name": "square", "width": 96, "height": 96, "format": "jpeg"}}
    return Origin("d" * 64, "made", "square", (at,), step, "a <b>lighthouse</b>", parents=(drawing, grid))


def test_each_file_is_a_box_once_and_parents_lead_to_children(store: MediaStore):
    drawing = drawn(family(store), "some.jpg", store)
    assert [box.lines[0] for box in drawing.boxes] == ["some.jpg", "image", "grid", "a file"]
    child, image, grid, photograph = drawing.boxes
    assert grid.x == photograph.x < image.x < child.x, "what was first is on the left"
    assert len(drawing.paths) == 4 and child.last and not image.last
    assert [bool(box.thumbnail) for box in drawing.boxes] == [True, False, True, True]
    assert "6 quota" in grid.says and "midjourney.imagine" in grid.lines and "2023-11" in grid.says
    assert "price not told, 3 quota expected" in image.says and "rendition square 96×96 jpeg" in child.says
    for box in drawing.boxes:
        assert 0 < box.x < drawing.width and 0 < box.y < drawing.height


def test_the_svg_stands_alone_and_is_read_by_keyboard_and_aloud(store: MediaStore):
    text = lineage_svg(family(store), 'a "name" <x>.jpg', store)
    root = ET.fromstring(text)
    boxes = [each for each in root.iter(f"{SVG}g") if each.get("role") == "listitem"]
    assert len(boxes) == 4 and all(box.get("tabindex") == "0" and box.get("aria-label") for box in boxes)
    assert all(box.find(f"{SVG}title") is not None for box in boxes)
    links = re.findall(r'(?:href|src)="([^"]*)"', text) + re.findall(r"url\(([^)]*)\)", text)
    assert links and all(link.startswith(("data:image/", "#tip")) for link in links), "nothing is fetched"
    assert "prefers-color-scheme: dark" in text and "<script" not in text


def test_the_page_holds_it_and_the_requests_without_what_nobody_may_see(store: MediaStore):
    page = lineage_html(family(store), "some.jpg", store)
    assert page.count("<details>") == 2 and page.count('role="listitem"') == 4
    assert "Cost: 6 quota + 1 job of which the provider does not say it." in page
    assert "<script" not in page and "&lt;script&gt;" in page and "s3cret" not in page and "\x1b" not in page


def test_a_file_of_very_many_is_drawn_in_part_and_one_of_none_alone(store: MediaStore):
    many = tuple(Origin(f"{number:064x}", "unknown") for number in range(MOST_BOXES + 50))
    drawing = drawn(Origin("f" * 64, "made", parents=many), "sheet.jpg", store)
    assert len(drawing.boxes) == MOST_BOXES and drawing.left_out == 51
    alone = drawn(Origin("f" * 64, "unknown"), "x.jpg", store)
    assert len(alone.boxes) == 1 and not alone.paths and alone.boxes[0].thumbnail == ""

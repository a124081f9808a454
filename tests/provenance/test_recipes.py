"""The mark goes through every step there is, and every recipe of the docs, from every format into every format."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from PIL import Image

from prefect_genmedia.imaging.recipes.steps import Step
from prefect_genmedia.imaging.renditions import Format
from prefect_genmedia.media import MediaFile
from prefect_genmedia.provenance import marked, marks_in
from prefect_genmedia.tasks import recipes
from tests import PHOTOS
from tests.docs.pages import all_blocks
from tests.provenance.test_marks import MARK

LOGO = str(PHOTOS / "chelsea.png")
STEPS: list[dict[str, Any]] = [
    {"step": "crop", "aspect": "4:5", "attention": True},
    {"step": "resize", "width": 200},
    {"step": "pad", "aspect": "16:9", "background": "#00000000"},
    {"step": "overlay", "picture": LOGO, "place": "top-left", "width": 0.15},
    {"step": "text", "text": "Sale", "box": [0.1, 0.6, 0.9, 0.9]},
    {"step": "label"},
    {"step": "sharpen"},
    {"step": "colour", "saturation": 0.5},
    {"step": "check", "blank": True},
]
FILES: list[dict[str, Any]] = [{"step": "save", "name": f"as-{kind}", "format": kind} for kind in get_args(Format)]
SIZES = {
    "step": "sizes",
    "sizes": [{"name": f"small-{kind}", "width": 90, "height": 160, "format": kind} for kind in get_args(Format)],
}


def recipes_of_the_docs() -> list[list[dict[str, Any]]]:
    found = []
    for block in all_blocks("yaml"):
        told = yaml.safe_load(block.text)
        steps = told.get("steps") if isinstance(told, dict) else told
        if isinstance(steps, list) and all(isinstance(step, dict) and "step" in step for step in steps):
            found.append([{**step, "picture": LOGO} if step["step"] == "overlay" else step for step in steps])
    return found


def test_every_step_is_tried() -> None:
    known = {get_args(each.model_fields["step"].annotation)[0] for each in get_args(get_args(Step)[0])}
    assert {step["step"] for step in STEPS} | {"keep", "save", "sizes"} == known
    assert recipes_of_the_docs(), "the docs show a recipe"


@pytest.mark.parametrize("kind", get_args(Format))
@pytest.mark.sampled(2)
async def test_the_mark_survives(kind: str, prepared: Path, tmp_path: Path) -> None:
    picture = BytesIO()
    with Image.open(PHOTOS / "coffee.png") as photograph:
        photograph.convert("RGB").resize((300, 200)).save(picture, kind.upper())
    path = tmp_path / f"bought.{kind}"
    path.write_bytes(marked(picture.getvalue(), MARK))
    content = path.read_bytes()
    source = MediaFile(
        uri=path.as_uri(),
        sha256=hashlib.sha256(content).hexdigest(),
        media_type=f"image/{kind}",
        bytes=len(content),
        width=300,
        height=200,
        role="image",
    )
    # Along all steps, a file of each format after each; then the docs' own.
    along = [{"step": "keep", "name": "kept"}]
    for number, step in enumerate(STEPS):
        along += [step, *({**file, "name": f"{number}-{file['name']}"} for file in FILES)]
    for recipe in ([*along, SIZES], *recipes_of_the_docs()):
        files = await recipes.apply.fn(source, recipe)
        assert len(files) > 2
        for file in files:
            found = marks_in(file.path.read_bytes())
            assert found.generated and found.jobs == MARK.jobs and found.made_at == MARK.made_at, file.uri

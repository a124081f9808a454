"""Photographs in one style: every one bought once, failures told apart."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from prefect_genmedia.blocks import NovitaCredentials
from prefect_genmedia.errors import ConfigurationError, GenMediaError
from prefect_genmedia.flows import Steering, Style, restyle
from prefect_genmedia.flows.runs.sources import stems_of
from prefect_genmedia.imaging import Rendition
from prefect_genmedia.settings import Settings
from prefect_genmedia.tasks import imaging
from tests.orchestration.saving import save

SQUARE = [Rendition(name="square", width=96, height=96)]
STYLE = Style(
    longest_side=128,
    loras=[{"model_name": "add_detail"}],
    controlnet=[Steering(model_name="controlnet-canny-sdxl-1.0", preprocessor="canny")],
)


@pytest.fixture
async def block(novita: NovitaCredentials) -> dict[str, dict[str, Any]]:
    await save(novita, "n")
    return {"advanced": {"novita_credentials": "n"}}


@pytest.fixture
def folder(tmp_path: Path, photos: Path) -> Path:
    for name in ("chelsea.png", "coffee.png"):
        shutil.copy(photos / name, tmp_path / name)
    (tmp_path / "notes.txt").write_text("not a picture")
    return tmp_path


def published(collection: str) -> list[str]:
    return sorted(path.name for path in (Path(Settings().media_store) / "published" / collection).glob("*.jpg"))


async def test_a_folder_is_redrawn_once_and_what_comes_new_alone_is_bought_later(emulator, block, folder, photos):
    asked = {"folder": str(folder), "style": STYLE, "renditions": SQUARE, "collection": "oil", **block}
    report = await restyle("in oil", **asked)
    assert published("oil") == ["chelsea-square.jpg", "coffee-square.jpg"] and report.files == 2
    assert emulator.billed("novita.img2img") == 2
    taken = await imaging.take_in(str(photos / "coffee.png"))
    (folder / "coffee.png").rename(folder / "espresso.png")
    again = await restyle("in oil", photographs=[taken], **asked)
    assert [each.state for each in again.outcomes] == ["already there"] * 3
    changed = await restyle("in ink", **asked)
    assert [each.state for each in changed.outcomes] == ["bought"] * 2
    assert emulator.billed() == 4


async def test_the_style_goes_out_with_the_photograph_as_what_steers(block):
    request = STYLE.of("a.png", "in oil", 512, 512)
    assert [lora.model_name for lora in request.loras] == ["add_detail"] and request.strength == 0.45
    assert request.controlnet.units[0].image.source == "a.png" == request.image.source
    assert request.controlnet.units[0].preprocessor == "canny"


@pytest.mark.slow
async def test_one_that_cannot_be_read_is_told_apart(emulator, block, folder):
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    with pytest.raises(GenMediaError, match=r"1 of 3 photographs failed: 1: broken.jpg: ") as caught:
        await restyle("in oil", folder=str(folder), style=STYLE, renditions=SQUARE, collection="b", **block)
    assert "What could be published is published." in str(caught.value)
    assert len(published("b")) == 2 == emulator.billed()


async def test_a_dry_run_and_a_folder_without_pictures_buy_nothing(emulator, block, folder, tmp_path):
    expected = await restyle("in oil", folder=str(folder), style=STYLE, dry_run=True, **block)
    assert expected.jobs == 2 and "novita.img2img" in expected.unknown[0]
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "IMG_1.HEIC").write_bytes(b"-")
    with pytest.raises(ConfigurationError, match=r"there are no photographs.*1 picture left out.*IMG_1\.HEIC"):
        await restyle("in oil", folder=str(tmp_path / "empty"), **block)
    with pytest.raises(ConfigurationError, match="the recipe cannot work"):
        await restyle("in oil", folder=str(folder), recipe="steps: [{step: crop, width: 4000, height: 4000}]", **block)
    assert emulator.billed() == 0


def test_two_that_would_be_called_the_same_keep_their_names_whatever_comes_between():
    before = dict(zip(["beach 1.png", "beach-1.png"], stems_of(["beach 1.png", "beach-1.png"]), strict=True))
    names = ["aaa.png", "beach 1.png", "middle.png", "beach-1.png", "beach-1.png"]
    after = stems_of(names)
    assert after[1] == before["beach 1.png"] and after[3] == before["beach-1.png"]
    assert len(set(after)) == len(names)


async def test_names_that_share_a_folder_share_their_jobs(emulator, block, folder):
    for collection in ("winter ", "Winter", "winter"):
        await restyle("in oil", folder=str(folder), style=STYLE, renditions=SQUARE, collection=collection, **block)
    assert emulator.billed() == 2


async def test_a_folder_that_is_not_there_is_told_with_where_it_was_looked_for(
    emulator, block, monkeypatch, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GenMediaError, match=f"there is no photographs in {tmp_path}"):
        await restyle("in oil", folder="photographs", **block)
    assert emulator.billed() == 0

"""One character in several poses: each bought once, all of one seed, on one sheet with what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from prefect_genmedia.blocks import TTAPICredentials
from prefect_genmedia.errors import ConfigurationError, GenMediaError, MissingGlyphError
from prefect_genmedia.flows import Drawing, character_sheet
from prefect_genmedia.provenance import marks_in
from prefect_genmedia.settings import Settings
from tests.orchestration.saving import save

SMALL = Drawing(width=128, height=192, least_sharpness=0)


@pytest.fixture
async def block(ttapi: TTAPICredentials) -> dict[str, dict[str, Any]]:
    await save(ttapi, "t")
    return {"advanced": {"ttapi_credentials": "t"}}


def published(collection: str) -> list[str]:
    return sorted(path.name for path in (Path(Settings().media_store) / "published" / collection).iterdir())


def asked_for(emulator) -> list[dict]:
    return [job for job in emulator.jobs()["jobs"] if job["billed"]]


async def test_every_pose_is_bought_once_of_one_seed_and_is_on_the_sheet(emulator, block, photos):
    asked = {"character": "1girl, red hair", "drawing": SMALL, "collection": "mia", **block}
    asked["reference"] = str(photos / "coffee.png")
    made = await character_sheet(poses=["front view", "laughing!"], **asked)
    names = ["contact-sheet.jpg", "front-view-original.png", "laughing-original.png"]
    assert published("mia") == sorted([*names, *(f"{name}.json" for name in names), "index.html"])
    assert emulator.jobs()["counts"] == {"novelai.text_to_image": 2}
    requests = []
    for files in made.pictures.values():
        manifest = json.loads(Path(f"{files[0].path}.json").read_text())
        requests.append(manifest["jobs"][0]["request"])
        assert marks_in(files[0].path.read_bytes()).source_type == "trainedAlgorithmicMedia"
    assert {request["seed"] for request in requests} == {made.seed}
    assert [request["prompt"] for request in requests] == ["1girl, red hair, front view", "1girl, red hair, laughing!"]
    assert requests[0]["vibe_transfer"] and requests[0]["n_samples"] == 1
    sheet = json.loads(Path(f"{made.sheet.path}.json").read_text())
    assert [each["sha256"] for each in sheet["parents"]] == [files[0].sha256 for files in made.pictures.values()]
    assert sheet["sheet"]["captions"] == ["front view", "laughing!"] and len(sheet["jobs"]) == 2
    again = await character_sheet(poses=["laughing!", "front view", "from above"], **asked)
    assert [each.state for each in again.report.outcomes] == ["already there", "already there", "bought"]
    assert emulator.billed() == 3


async def test_a_fault_is_on_the_sheet_and_in_the_manifest_and_holds_nothing_back(emulator, block):
    sharp = SMALL.model_copy(update={"least_sharpness": 1000.0})
    made = await character_sheet("a knight", ["front view"], drawing=sharp, **block)
    assert made.faults == {"front view": ["blurred"]}
    assert json.loads(Path(f"{made.sheet.path}.json").read_text())["sheet"]["captions"] == ["front view (blurred)"]
    manifest = json.loads(Path(f"{made.pictures['front view'][0].path}.json").read_text())
    assert "at least 1000 is asked" in manifest["faults"][0]


@pytest.mark.slow
async def test_a_pose_that_fails_leaves_the_others_and_the_sheet(emulator, block):
    emulator.add_faults({"kind": "job_fails", "times": 1, "message": "odd"})
    asked = {"character": "a knight", "poses": ["front", "side", "back"], "drawing": SMALL, "collection": "k", **block}
    with pytest.raises(GenMediaError, match="1 of 3 pictures failed: ") as caught:
        await character_sheet(**asked)
    assert "The quota was returned." in str(caught.value) and "is published." in str(caught.value)
    with Image.open(Path(Settings().media_store) / "published/k/contact-sheet.jpg") as sheet:
        assert sheet.width == 16 + 2 * 336
    made = await character_sheet(**{**asked, "advanced": {**block["advanced"], "attempts": 2}})
    assert [each.state for each in made.report.outcomes].count("bought") == 1
    kept = [job for job in emulator.jobs()["jobs"] if job["billed"] and not job["refunded"]]
    assert len(kept) == 3 == len(made.pictures)


async def test_what_can_be_known_is_said_before_anything_is_bought(emulator, block):
    for more, said in (
        ({"poses": ["front", "front"]}, "two are the same"),
        ({"recipe": "steps: [{step: crop, width: 4000, height: 4000}]"}, "the recipe cannot work"),
        ({"renditions": ["no-such-preset"]}, "no-such-preset"),
        ({"advanced": {"ttapi_credentials": "nowhere"}}, "genmedia setup --ttapi"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            await character_sheet("a knight", **{"drawing": SMALL, **block, **more})
    with pytest.raises(MissingGlyphError):
        await character_sheet("a knight", ["\u0e01"], **block)
    assert emulator.requests()["requests"] == {}

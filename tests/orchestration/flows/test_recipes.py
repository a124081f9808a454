"""Recipes in flows: refused before the first purchase, done once, told in the manifest, marked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from prefect.utilities.callables import parameter_schema
from prefect.variables import Variable

from prefect_genmedia.errors import ConfigurationError, MissingGlyphError, RecipeError
from prefect_genmedia.flows import Photograph, Refinement, illustrate
from prefect_genmedia.imaging.recipes import shipped_presets
from prefect_genmedia.imaging.recipes.presets import USUAL
from prefect_genmedia.media import MediaFile
from prefect_genmedia.provenance import Mark, marked, marks_in
from prefect_genmedia.tasks import imaging, recipes
from tests.orchestration.saving import save

REFINE = Refinement(longest_side=256)
SMALL = {"name": "small", "width": 120, "height": 120}


@pytest.fixture
async def blocks(ttapi, novita):
    await save(ttapi, "t")
    await save(novita, "n")
    return {"advanced": {"ttapi_credentials": "t", "novita_credentials": "n"}}


@pytest.fixture
async def coffee(photos) -> MediaFile:
    return await imaging.take_in(str(photos / "coffee.png"))


@pytest.mark.parametrize(
    ("recipe", "error", "said"),
    [
        ([{"step": "crop", "width": 300, "height": 200}], RecipeError, "a picture of 256×168: step 1"),
        ([{"step": "text", "text": "\u0e01\u0e02"}], MissingGlyphError, r"U\+0E01"),
        ([{"step": "label", "font": "/nowhere/sans.ttf"}], RecipeError, "cannot be read"),
        ([{"step": "overlay", "picture": "/nowhere/logo.png"}], Exception, "the recipe's overlay cannot read"),
        ([{"step": "sizes", "sizes": ["nowhere"]}], RecipeError, "no preset called 'nowhere'"),
    ],
)
async def test_a_recipe_that_cannot_work_is_refused_before_anything_is_bought(emulator, blocks, recipe, error, said):
    with pytest.raises(error, match=said):
        await illustrate(prompts=["a kite --ar 3:2"], refinement=REFINE, recipe=json.dumps(recipe), **blocks)
    assert emulator.billed() == 0 and emulator.requests()["requests"] == {}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"recipe": {"steps": [{"step": "crop", "width": 0, "height": 9}]}}, r"recipe\.steps\.0\.crop\.width: Input"),
        ({"recipe": [{"step": "sizes", "sizes": [{"name": "a", "width": 0}]}]}, r"sizes\.sizes\.0\.width: Input"),
        ({"recipe": 7}, "recipe: "),
        ({"renditions": ["square", {"name": "a", "width": 0}]}, r"renditions\.1\.width: Input"),
        ({"renditions": ["square", "square"]}, "two renditions are called square"),
    ],
)
async def test_what_is_wrong_is_named_by_its_place_alone(emulator, asked, said):
    with pytest.raises(ConfigurationError, match=said) as caught:
        await illustrate(prompts=["a kite"], refinement=None, **asked)
    assert "; re" not in caught.value.message, "one thing is wrong, and one is said"
    assert emulator.requests()["requests"] == {}


async def test_a_photograph_decides_too(emulator, blocks, photos):
    photographs = [Photograph(picture=str(photos / "coffee.png"), prompt="in ink")]
    recipe = '[{"step": "check", "aspect": "1:1"}]'
    with pytest.raises(RecipeError, match="the shape 1:1 is asked; the picture will be 256×168"):
        await illustrate(prompts=["a kite"], photographs=photographs, refinement=REFINE, recipe=recipe, **blocks)
    assert emulator.billed() == 0


async def test_illustrate_does_a_recipe_and_says_so(emulator, blocks, tmp_path):
    Image.new("RGBA", (60, 30), (255, 0, 0, 255)).save(tmp_path / "logo.png")
    recipe = f"""
    - step: keep
    - {{step: crop, aspect: "1:1"}}
    - {{step: overlay, picture: {tmp_path}/logo.png, place: top-left}}
    - {{step: sizes, sizes: [thumb, {{name: small, width: 160, format: webp}}]}}
    - {{step: label, size: 0.07}}
    """
    made = await illustrate(prompts=["a kite"], refinement=REFINE, recipe=recipe, **blocks)
    kept, thumb, small = made.items[0].published[0]
    refined = made.items[0].refined[0]
    assert [file.role for file in (kept, thumb, small)] == ["original", "thumb", "small"]
    assert (thumb.width, thumb.height, small.width) == (400, 400, 160)
    manifest = json.loads(Path(f"{thumb.path}.json").read_text())
    assert manifest["recipe_sha256"] == (await recipes.prepare(recipe)).digest and manifest["jobs"]
    for file in (kept, thumb, small):
        found = marks_in(file.path.read_bytes())
        assert found.source_type == "compositeWithTrainedAlgorithmicMedia" and len(found.jobs) == 2
    with Image.open(kept.path) as one, Image.open(refined.path) as other:
        assert one.tobytes() == other.tobytes() and one.format == other.format, "no pixel of it has changed"


async def test_the_same_recipe_on_the_same_picture_is_done_once(coffee, photos):
    recipe = [{"step": "sizes", "sizes": [SMALL]}, {"step": "label", "size": 0.08}]
    first = await recipes.apply(coffee, recipe, stem="one", manifest={"by": "me"})
    inode = first[0].path.stat().st_ino
    assert await recipes.apply(coffee, recipe, stem="one", manifest={"by": "me"}) == first
    assert first[0].path.stat().st_ino == inode, "the file itself, not one like it"
    (elsewhere,) = await recipes.apply(coffee, recipe, stem="two")
    assert elsewhere.uri != first[0].uri and elsewhere.sha256 == first[0].sha256
    (other,) = await recipes.apply(coffee, [recipe[0]], stem="one")
    assert other.sha256 != first[0].sha256
    first[0].path.unlink()
    assert (await recipes.apply(coffee, recipe, stem="one", manifest={"by": "me"}))[0].sha256 == first[0].sha256


async def test_another_logo_under_the_same_name_is_another_recipe(coffee, tmp_path):
    recipe = [{"step": "overlay", "picture": f"{tmp_path}/logo.png"}, {"step": "save", "format": "png"}]
    digests = set()
    for colour in ("red", "blue"):
        Image.new("RGB", (60, 30), colour).save(tmp_path / "logo.png")
        (file,) = await recipes.apply(coffee, recipe)
        digests.add(file.sha256)
    assert len(digests) == 2


async def test_a_file_that_is_kept_keeps_what_it_brought(photos, tmp_path):
    brought = tmp_path / "brought.png"
    brought.write_bytes(marked((photos / "coffee.png").read_bytes(), Mark(system="another's model")))
    file = await imaging.take_in(str(brought))
    (kept, small) = await recipes.apply(file, [{"step": "keep"}, {"step": "sizes", "sizes": [SMALL]}])
    assert kept.sha256 == file.sha256, "nothing of ours to add"
    assert marks_in(small.path.read_bytes()).system == "another's model"


# -- presets ----------------------------------------------------------------------------------------


async def test_sizes_by_name_and_ones_own_from_a_file_or_a_variable(emulator, blocks, tmp_path, monkeypatch):
    asked = {"prompts": ["a kite"], "refinement": None, "advanced": {**blocks["advanced"], "request_key": "sizes"}}
    made = await illustrate(renditions=["thumb", SMALL], **asked)
    assert [file.role for file in made.items[0].published[0]] == ["thumb", "small"]
    with pytest.raises(RecipeError, match="no preset called 'banner'"):
        await illustrate(renditions=["banner"], **asked)
    (tmp_path / "mine.yaml").write_text("banner: {width: 300, height: 100}\n")
    monkeypatch.setenv("GENMEDIA_PRESETS", str(tmp_path / "mine.yaml"))
    made = await illustrate(renditions=["banner"], **asked)
    assert made.items[0].published[0][0].width == 300
    await Variable.aset("my_sizes", {"banner": {"width": 330, "height": 110}}, overwrite=True)
    monkeypatch.setenv("GENMEDIA_PRESETS", "variable:my_sizes")
    made = await illustrate(renditions=["banner"], **asked)
    assert made.items[0].published[0][0].width == 330
    monkeypatch.setenv("GENMEDIA_PRESETS", "variable:nowhere")
    with pytest.raises(ConfigurationError, match="no Prefect variable 'nowhere'"):
        await illustrate(renditions=["banner"], **asked)
    assert emulator.billed() == 1


def test_the_form_shows_names(tmp_path, monkeypatch):
    def asked() -> dict:
        return parameter_schema(illustrate.fn).model_dump()["properties"]["renditions"]

    assert asked()["default"] == list(USUAL)
    assert asked()["anyOf"][0]["items"]["enum"] == list(shipped_presets())
    (tmp_path / "mine.yaml").write_text("banner: {width: 300, height: 100}\n")
    monkeypatch.setenv("GENMEDIA_PRESETS", str(tmp_path / "mine.yaml"))
    assert asked()["anyOf"][0]["items"]["enum"][-1] == "banner"
    monkeypatch.setenv("GENMEDIA_PRESETS", "variable:my_sizes")  # it may hold any by the time of a run
    assert "enum" not in asked()["anyOf"][0]["items"]


async def test_without_a_size_nothing_is_bought_that_nobody_would_see(emulator, blocks):
    with pytest.raises(ConfigurationError, match="there are no renditions: nothing would be published"):
        await illustrate(prompts=["a kite"], refinement=None, renditions=[], **blocks)
    assert emulator.billed() == 0

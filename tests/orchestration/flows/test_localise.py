"""One picture, many languages: nothing is bought, and what cannot be written is said before anything is made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, features

from prefect_genmedia.errors import ConfigurationError, MissingGlyphError, RecipeError
from prefect_genmedia.flows import localise
from prefect_genmedia.imaging import Rendition
from prefect_genmedia.provenance import marks_in
from prefect_genmedia.settings import Settings
from prefect_genmedia.tasks import imaging, midjourney

SIZES = [Rendition(name="square", width=200, height=200), Rendition(name="wide", width=320, height=120)]
WORDINGS = [{"language": "en", "text": "Winter sale"}, {"language": "pt-BR", "text": "Saldos de inverno"}]
NOTO = Path("/usr/share/fonts")
FONTS = [
    NOTO / "truetype/noto/NotoSans-Regular.ttf",
    NOTO / "truetype/noto/NotoSansArabic-Regular.ttf",
    NOTO / "opentype/noto/NotoSansCJK-Regular.ttc",
]


def published(collection: str) -> list[str]:
    folder = Path(Settings().media_store) / "published" / collection
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def lower_half_differs(one: Path, other: Path) -> bool:
    with Image.open(one) as first, Image.open(other) as second:
        box = ImageChops.difference(first.convert("L"), second.convert("L")).point([0] * 64 + [255] * 192).getbbox()
    return box is not None and box[1] >= first.height // 2 - 2


async def test_each_language_has_its_folder_and_says_where_the_picture_came_from(emulator, ttapi):
    grid = await midjourney.imagine(midjourney.ImagineRequest(prompt="a snowy street"), ttapi)
    manifest = {"prompt": "a snowy street", "jobs": [{"operation": "midjourney.imagine", "job_id": grid.job.job_id}]}
    (master,) = await imaging.render(grid.media[0], SIZES[:1], folder="published/hero", stem="hero", manifest=manifest)
    asked: dict[str, Any] = {"master": master.path.as_posix(), "wordings": WORDINGS, "renditions": SIZES}
    made = await localise(**asked, collection="winter")
    files = [
        f"{tag}/hero-square-{size}.jpg{end}"
        for tag in ("en", "pt-BR")
        for size in ("square", "wide")
        for end in ("", ".json")
    ]
    assert published("winter") == sorted(files)
    english, portuguese = (made.languages[tag][0] for tag in ("en", "pt-BR"))
    assert lower_half_differs(english.path, portuguese.path)
    told = json.loads(Path(f"{portuguese.path}.json").read_text())
    assert (told["language"], told["text"], told["prompt"]) == ("pt-BR", WORDINGS[1]["text"], "a snowy street")
    assert told["parents"][0]["sha256"] == master.sha256 and told["jobs"] == manifest["jobs"]
    assert marks_in(english.path.read_bytes()).source_type == "compositeWithTrainedAlgorithmicMedia"
    inode = english.path.stat().st_ino
    again = await localise(**asked, collection="winter")
    assert again == made and english.path.stat().st_ino == inode, "the same again is done once"
    assert emulator.billed() == 1


async def test_what_cannot_be_written_is_said_before_anything_is_made(photos):
    asked: dict[str, Any] = {"master": str(photos / "coffee.png"), "renditions": SIZES, "collection": "c"}
    others = [
        {"language": "ja", "text": "冬のセール"},
        {"language": "ar", "text": "تخفيضات"},
    ]  # Pillow's own font is Latin
    with pytest.raises(MissingGlyphError, match=r"^ja: step 2 .*; ar: step 2 "):
        await localise(**asked, wordings=[*WORDINGS, *others])
    with pytest.raises(RecipeError, match=r"en: step 2 .*does not fit"):
        await localise(**asked, wordings=WORDINGS, lettering={"smallest": 0.5, "largest": 0.5})
    with pytest.raises(ConfigurationError, match="en is given twice"):
        await localise(**asked, wordings=[WORDINGS[0], {"language": "EN", "text": "Sale"}])
    with pytest.raises(ConfigurationError, match="there are no renditions"):
        await localise(**{**asked, "renditions": []}, wordings=WORDINGS)
    assert not (Path(Settings().media_store) / "published").exists()


@pytest.mark.skipif(not all(font.exists() for font in FONTS), reason="Noto's fonts are not installed")
@pytest.mark.skipif(not features.check("raqm"), reason="Pillow has no Raqm")
async def test_scripts_from_the_right_and_of_east_asia(photos, monkeypatch):
    monkeypatch.setenv("GENMEDIA_FONTS", ":".join(map(str, FONTS)))
    wordings = [{"language": "ar", "text": "تخفيضات الشتاء"}, {"language": "zh-Hant", "text": "冬季特賣"}, WORDINGS[0]]
    made = await localise(str(photos / "coffee.png"), wordings, renditions=SIZES[:1], lettering={"align": "start"})
    arabic, chinese, english = (files[0].path for files in made.languages.values())
    assert published("coffee")[:1] == ["ar/coffee-square.jpg"]
    assert lower_half_differs(arabic, chinese) and lower_half_differs(chinese, english)

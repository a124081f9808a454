"""Several pictures in one file, and what is told of them."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image, ImageFilter

from prefect_genmedia.errors import ConfigurationError, MissingGlyphError
from prefect_genmedia.media import MediaFile
from prefect_genmedia.provenance import Mark, marked, marks_in
from prefect_genmedia.tasks import imaging, midjourney, sheets
from tests import PHOTOS


@pytest.fixture
async def taken() -> list[MediaFile]:
    return [await imaging.take_in(str(PHOTOS / name)) for name in ("coffee.png", "chelsea.png", "rocket.jpg")]


async def test_a_sheet_says_that_it_is_generated_where_one_of_its_pictures_is(taken, tmp_path, emulator, ttapi):
    plain = await sheets.contact_sheet(taken, ["coffee", "cat"], cell=100)
    with Image.open(plain.path) as sheet:
        assert sheet.size == (plain.width, plain.height) == (16 + 3 * 116, 16 + 67 + 12 + 16)
    assert marks_in(plain.path.read_bytes()).source_type == ""
    (tmp_path / "made.png").write_bytes(marked((PHOTOS / "coffee.png").read_bytes(), Mark(system="a model")))
    made = await imaging.take_in(str(tmp_path / "made.png"))
    grid = (await midjourney.imagine(midjourney.ImagineRequest(prompt="a kite"), ttapi)).media[0]
    for sheet in (
        await sheets.contact_sheet([taken[0], made]),
        await sheets.before_and_after(taken[1], made, style="split"),
        await sheets.before_and_after(taken[1], grid),
    ):
        assert marks_in(sheet.path.read_bytes()).source_type == "compositeWithTrainedAlgorithmicMedia"


async def test_what_cannot_be_a_sheet_is_said(taken):
    with pytest.raises(ConfigurationError, match="needs a picture"):
        await sheets.contact_sheet([])
    with pytest.raises(MissingGlyphError):
        await sheets.contact_sheet(taken, ["\u0e01"])


async def test_faults_likeness_and_a_placeholder(taken, tmp_path):
    assert await sheets.faults(taken[0]) == []
    Image.open(PHOTOS / "coffee.png").convert("RGB").filter(ImageFilter.GaussianBlur(3)).save(tmp_path / "soft.jpg")
    soft = await imaging.take_in(str(tmp_path / "soft.jpg"))
    assert [fault.kind for fault in await sheets.faults(soft, sheets.Quality(least_width=900))] == [
        "too small",
        "blurred",
    ]
    assert await sheets.alike([*taken, soft]) == [[taken[0], soft]]
    assert len(await sheets.placeholder(taken[0])) == 28
    assert Image.open(BytesIO(soft.path.read_bytes())).format == "JPEG"

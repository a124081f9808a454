"""A calendar of wishes: checked and priced before anything is bought, bought once, the failed ones told apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.settings import PREFECT_API_URL

from prefect_genmedia.blocks import NovitaCredentials, TTAPICredentials
from prefect_genmedia.errors import ConfigurationError, GenMediaError
from prefect_genmedia.flows import Refinement, content_calendar
from prefect_genmedia.imaging import Rendition
from prefect_genmedia.media import MediaFile
from prefect_genmedia.settings import Settings
from tests.orchestration.keys import NOVITA_KEY, TTAPI_KEY
from tests.orchestration.saving import save
from tests.patience import PATIENCE

SQUARE = [Rendition(name="square", width=96, height=96)]
SHEET = """\ufeffPrompt;count;folder;file;request_key;mode
a kite --ar 3:2;;toys;kite;;
a drum;2;toys;drum;;relax

a kite --ar 3:2;;;;sku-7;
"""


@pytest.fixture
async def blocks(ttapi: TTAPICredentials, novita: NovitaCredentials) -> dict[str, dict[str, Any]]:
    await save(ttapi, "t")
    await save(novita, "n")
    return {"advanced": {"ttapi_credentials": "t", "novita_credentials": "n"}}


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "december.csv"
    path.write_text(SHEET)
    return path


def published(calendar: str = "december") -> list[str]:
    folder = Path(Settings().media_store) / "published" / calendar
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.jpg"))


def artifact(key: str) -> str:
    found = httpx.get(f"{PREFECT_API_URL.value()}/artifacts/{key}/latest", timeout=PATIENCE).json()
    return found["data"]


async def test_a_sheet_becomes_files_where_its_rows_say_and_again_buys_nothing(emulator, blocks, sheet):
    first = await content_calendar(source=str(sheet), renditions=SQUARE, **blocks)
    assert first.sums | {"time": ""} == {
        "asked": "4",
        "delivered": "4 (4 files)",
        "bought now": "4 (4 jobs in all)",
        "already there": "0",
        "failed": "0",
        "cost": first.sums["cost"],
        "time": "",
    }
    assert published()[-3:] == ["toys/drum-1-square.jpg", "toys/drum-2-square.jpg", "toys/kite-square.jpg"]
    assert len(published()) == 4 == emulator.billed("midjourney.imagine")
    assert "row 2 (2 of 2): a drum" in artifact("calendar-report")
    # Another row above them: the others are found by their words.
    sheet.write_text(SHEET.replace("a kite", "a hoop;;;;;\na kite", 1))
    second = await content_calendar(source=str(sheet), renditions=SQUARE, **blocks)
    assert [each.state for each in second.outcomes] == ["bought", *["already there"] * 4]
    assert second.outcomes[1].cost == "nothing" != second.outcomes[0].cost
    assert emulator.billed() == 5


@pytest.mark.slow
async def test_a_dry_run_says_what_is_missing_would_cost_and_buys_nothing(emulator, blocks, sheet):
    expected = await content_calendar(source=str(sheet), refinement=Refinement(), dry_run=True, **blocks)
    assert expected.jobs == 8 and expected.quota is not None and expected.usd.least > 0
    assert any("novita.img2img" in each for each in expected.unknown)
    assert emulator.billed() == 0 and "jobs to buy | 8" in artifact("calendar-forecast")
    await content_calendar(rows=[{"prompt": "a drum", "count": 2, "mode": "relax"}], calendar="december", **blocks)
    expected = await content_calendar(source=str(sheet), dry_run=True, **blocks)
    assert expected.jobs == 2 == emulator.billed()
    assert "already there | 2" in artifact("calendar-forecast")


async def test_one_failed_row_is_told_apart_and_the_next_run_buys_it_alone(emulator, blocks):
    emulator.add_faults({"kind": "job_fails", "operation": "midjourney.imagine", "times": 1, "message": "[Internal]"})
    rows = [{"prompt": f"kite {number}"} for number in range(3)]
    asked = {"rows": rows, "calendar": "nightly", "renditions": SQUARE}
    one = {**blocks["advanced"], "at_once": 1}
    with pytest.raises(GenMediaError, match="1 of 3 wishes failed: row 1: kite 0: ") as caught:
        await content_calendar(**asked, advanced=one)
    for sentence in ("it failed: [Internal]", "The quota was returned.", "ask for attempts=2", "is published."):
        assert sentence in str(caught.value)
    report = artifact("calendar-report")
    assert "| failed | 1 |" in report and "ask for attempts=2" in report
    assert len(published("nightly")) == 2
    assert (await content_calendar(**asked, advanced=one, dry_run=True)).jobs == 0
    said = artifact("calendar-forecast")
    assert "| already there | 2 |" in said and "| failed before, not bought again | 1 " in said
    assert (await content_calendar(**asked, advanced={**one, "attempts": 2}, dry_run=True)).jobs == 1
    again = await content_calendar(**asked, advanced={**one, "attempts": 2})
    assert [each.state for each in again.outcomes] == ["bought", "already there", "already there"]
    assert emulator.requests()["requests"]["POST /midjourney/v1/imagine"] == 4


@pytest.mark.parametrize("recipe", [None, "steps: [{step: sharpen}]"])
@pytest.mark.slow
async def test_a_damaged_published_file_is_the_same_again_after_the_next_run(emulator, blocks, recipe):
    asked = {"rows": [{"prompt": "a kite", "file": "kite"}], "calendar": "damaged", "renditions": SQUARE}
    (outcome,) = (await content_calendar(**asked, recipe=recipe, **blocks)).outcomes
    file = MediaFile.model_construct(uri=outcome.files[0]).path
    for path in (file, Path(f"{file}.json")):
        whole = path.read_bytes()
        path.write_bytes(whole[:-50] + bytes(50))  # as long as it was
        await content_calendar(**asked, recipe=recipe, **blocks)
        assert path.read_bytes() == whole
    assert emulator.billed() == 1


@pytest.mark.slow
async def test_a_pictures_failure_leaves_the_others_of_its_grid_and_counts_what_was_bought(emulator, blocks):
    emulator.add_faults({"kind": "job_fails", "operation": "novita.img2img", "times": 1, "message": "odd"})
    asked = {"rows": [{"prompt": "a kite", "file": "kite"}], "calendar": "four", "renditions": SQUARE, "pick": "all"}
    with pytest.raises(GenMediaError, match="1 of 1 wishes failed"):
        await content_calendar(**asked, refinement=Refinement(longest_side=128), **blocks)
    assert len(published("four")) == 3
    assert "1 (5 jobs in all)" not in artifact("calendar-report")  # the row is no delivered one
    assert "0 (5 jobs in all)" in artifact("calendar-report")


async def test_what_is_wrong_is_said_by_row_before_anything_is_bought(emulator, blocks, tmp_path):
    sheet = tmp_path / "sheet.jsonl"
    rows = [
        {"prompt": "a kite", "file": "kite"},
        {"prompt": ""},
        {"prompt": "a drum", "folder": "../out"},
        {"prompt": "a drum", "count": 0, "colour": "red"},
        {"prompt": "a drum", "recipe": "steps: [{step: dance}]"},
        {"prompt": "a drum", "renditions": ["no-such-preset"]},
        {"prompt": "a drum", "renditions": []},
    ]
    sheet.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(ConfigurationError) as caught:
        await content_calendar(source=str(sheet), **blocks)
    said = str(caught.value)
    places = ("row 2: prompt: ", "row 3: folder ", "row 4: count: ", "; colour: there is no such field")
    assert all(place in said for place in places) and "row 1" not in said and "row 5" not in said
    sheet.write_text("\n".join(map(json.dumps, [rows[0], *rows[4:]])))
    with pytest.raises(ConfigurationError) as caught:
        await content_calendar(source=str(sheet), **blocks)
    said = str(caught.value)
    assert "row 1:" not in said and all(f"row {number}:" in said for number in (2, 3)), said
    assert "row 4: there are no renditions" in said
    with pytest.raises(ConfigurationError, match="row 2: its files would be called as those of row 1"):
        await content_calendar(rows=[rows[0], {"prompt": "a drum", "file": "Kite"}], **blocks)
    with pytest.raises(ConfigurationError, match="a source or rows"):
        await content_calendar(**blocks)
    with pytest.raises(ConfigurationError, match="genmedia setup --ttapi"):
        await content_calendar(rows=rows[:1], advanced={"ttapi_credentials": "nowhere"})
    assert emulator.billed() == 0


@pytest.mark.slow
async def test_shards_together_are_the_calendar(emulator, blocks):
    rows = [{"prompt": f"kite {number}"} for number in range(5)]
    made = []
    for shard in ("1/2", "2/2"):
        report = await content_calendar(
            rows=rows,
            calendar="shards",
            renditions=SQUARE,
            advanced={**blocks["advanced"], "shard": shard, "at_once": 2},
        )
        made.append([each.title for each in report.outcomes])
    assert made == [[f"row {n}: kite {n - 1}" for n in (1, 3, 5)], [f"row {n}: kite {n - 1}" for n in (2, 4)]]
    assert emulator.billed() == 5
    with pytest.raises(ConfigurationError, match="there is no shard 3/2"):
        await content_calendar(rows=rows, advanced={**blocks["advanced"], "shard": "3/2"})


async def test_nothing_secret_reaches_the_artifacts(emulator, blocks, sheet):
    await content_calendar(source=str(sheet), renditions=SQUARE, **blocks)
    text = httpx.post(f"{PREFECT_API_URL.value()}/artifacts/filter", json={"limit": 200}, timeout=PATIENCE).text
    assert not [secret for secret in (TTAPI_KEY, NOVITA_KEY, "X-Amz-Signature") if secret in text]

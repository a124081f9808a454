"""Why a file exists: from any copy of it, back to the requests that were paid for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from prefect_genmedia.blocks import NovitaCredentials, TTAPICredentials
from prefect_genmedia.cli import main
from prefect_genmedia.flows import Photograph, Refinement, illustrate
from prefect_genmedia.imaging import Rendition
from prefect_genmedia.jobs.buying import ledger_of
from prefect_genmedia.jobs.history.lineage import Lineage, Origin
from prefect_genmedia.media import MediaStore
from prefect_genmedia.settings import read_settings
from prefect_genmedia.tasks import imaging, midjourney
from tests.orchestration.saving import save

SQUARE = [Rendition(name="square", width=96, height=96)]


def origin_of(sha256: str, size: int | None = None) -> Origin:
    settings = read_settings()
    return Lineage(ledger_of(settings), MediaStore(settings.media_store)).of(sha256, size=size)


async def test_a_published_file_is_followed_back_to_what_was_paid_for_it(
    emulator, ttapi: TTAPICredentials, novita: NovitaCredentials, photos: Path, tmp_path: Path, capsys
):
    await save(ttapi, "t")
    await save(novita, "n")
    made = await illustrate(
        prompts=["a lighthouse"],
        photographs=[Photograph(picture=str(photos / "chelsea.png"), prompt="in oil")],
        refinement=Refinement(longest_side=256),
        renditions=SQUARE,
        advanced={"ttapi_credentials": "t", "novita_credentials": "n"},
    )
    drawn, photograph = made.items
    file = drawn.published[0][0]
    manifest = json.loads(Path(f"{file.path}.json").read_text())
    assert manifest["parents"] == [{"sha256": drawn.refined[0].sha256, "role": "image"}]
    assert manifest["rendition"]["width"] == 96
    assert drawn.picked[0].sha256 in manifest["jobs"][1]["request"].values()
    assert manifest["cost"]["quota"] == drawn.purchases[0].quota and manifest["cost"]["jobs_not_told"] == 1

    origin = origin_of(file.sha256, file.bytes)
    (refined,) = origin.parents
    (picked,) = refined.parents
    assert (origin.kind, refined.kind, picked.kind) == ("made", "bought", "bought")
    assert [job.operation for job in origin.jobs.values()] == ["novita.img2img", "midjourney.imagine"]
    assert origin.cost == {"quota": drawn.purchases[0].quota} and origin.jobs_not_told == 1

    below = origin_of(photograph.published[0][0].sha256).parents[0].parents
    assert [each.kind for each in below] == ["taken in"]

    copy = shutil.copy(file.path, tmp_path / "some name.jpg")
    capsys.readouterr()
    main_ends(0, "lineage", str(copy), "--json")
    said = json.loads(capsys.readouterr().out)
    assert said["sha256"] == file.sha256 and said["parents"][0]["job"]["id"] == drawn.purchases[1].job.id
    main_ends(0, "lineage", str(copy))
    words = capsys.readouterr().out
    assert "a lighthouse" in words and "Cost: " in words and drawn.purchases[0].job.id[:12] in words
    page, picture = tmp_path / "why.html", tmp_path / "why.svg"
    main_ends(0, "lineage", str(copy), "--html", str(page), "--svg", str(picture))
    for each in (page, picture):  # the file, the refined one, the one that was picked; each with its thumbnail
        assert each.read_text().count('role="listitem"') == 3 == each.read_text().count("data:image/webp")
    copy.write_bytes(b"another")
    main_ends(1, "lineage", str(copy))
    assert "neither the ledger nor the media store knows it" in capsys.readouterr().out
    main_ends(1, "lineage", str(tmp_path / "none.jpg"))
    assert emulator.billed() == 3


async def test_a_quadrant_is_of_its_grid_and_an_upscale_of_the_job_before_it(emulator, ttapi: TTAPICredentials):
    grid = await midjourney.imagine(midjourney.ImagineRequest(prompt="a cat"), ttapi)
    quarter = (await imaging.quadrants(grid.media[0]))[2]
    request = midjourney.ActionRequest(job_id=grid.job.job_id, action="upsample3")
    large = await midjourney.action(request, ttapi)
    assert origin_of(quarter.sha256).parents[0].job.id == grid.job.id
    upscaled = origin_of(large.media[0].sha256)
    assert [parent.job.id for parent in upscaled.parents] == [grid.job.id]
    assert upscaled.cost == {"quota": (grid.quota or 0) + (large.quota or 0)}


def main_ends(code: int, *arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert (ended.value.code or 0) == code

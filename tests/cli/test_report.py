"""`genmedia report`: what the emulator billed is what the page and the CSV say."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from prefect_genmedia.cli import main
from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import JobFailedError
from prefect_genmedia.jobs import Run
from prefect_genmedia.jobs.history.spending import percentile
from prefect_genmedia.operation import Account
from tests.shop import buy, imagine, img2img

TAG = "<script>alert(1)</script>"
ODD = "=HYPERLINK() <b>odd</b> https://files.test/a.png?X-Amz-Signature=deadbeef"


def report(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["report", *arguments])
    assert not ended.value.code
    return capsys.readouterr().out


@pytest.fixture
async def bought(emulator: Emulator, ttapi: Account, novita: Account) -> None:
    """A grid, a picture, and a grid that failed and was refunded."""
    run = Run("script:none", tags=(TAG, "spring"))
    await buy(imagine(), ttapi, run_as=run)
    await buy(img2img(), novita, run_as=run)
    emulator.add_faults({"kind": "job_fails", "operation": "midjourney.imagine", "times": 1, "message": ODD})
    with pytest.raises(JobFailedError):
        await buy(imagine("a drum"), ttapi)


async def test_the_csv_counts_what_was_billed(
    bought: None, emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = list(csv.DictReader(report(capsys, "--csv").splitlines()))
    total = lines[0]
    kept = [job for job in emulator.jobs()["jobs"] if job["billed"] and not job["refunded"]]
    assert (total["jobs"], total["bought"], total["failed"]) == ("3", "2", "1") and len(kept) == 2
    by = {(line["by"], line["name"]): line for line in lines}
    grids = by["operation", "midjourney.imagine"]
    assert (grids["jobs"], grids["bought"]) == ("2", "1") and float(grids["quota"]) > 0
    assert float(grids["p50_seconds"]) <= float(grids["p90_seconds"])
    assert by["operation", "novita.img2img"]["untold"] == "1"
    assert by["tag", "spring"]["jobs"] == "2" == by["tag", TAG]["bought"]
    (reason,) = (line for line in lines if line["by"] == "reason")
    assert reason["name"].startswith("midjourney.imagine: ") and "odd" in reason["name"]
    assert "X-Amz-Signature" not in str(lines)


async def test_the_page_stands_alone_and_others_words_are_text(
    bought: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = report(capsys, "--to", str(tmp_path / "page.html"), "--days", "7")
    assert "3 jobs, 2 bought, 1 failed" in said and (tmp_path / "page.html").as_uri() in said
    page = (tmp_path / "page.html").read_text()
    assert "<script" not in page and "&lt;script&gt;" in page and "<b>odd" not in page and "&lt;b&gt;odd" in page
    assert "X-Amz-Signature" not in page and 'src="' not in page and 'href="' not in page
    assert "prefers-color-scheme: dark" in page
    for heading in ("By day", "By operation", "By account", "By tag", "Failures", "Seconds from acceptance"):
        assert f"<h2>{heading}" in page


def test_a_place_that_cannot_be_written_is_told(prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["report", "--to", str(tmp_path)])
    assert ended.value.code == 1 and "cannot be written" in capsys.readouterr().err


def test_percentiles_are_figures_that_were_seen():
    assert [percentile(range(1, 11), share) for share in (0.5, 0.9, 1.0)] == [5, 9, 10]
    assert percentile([7.0], 0.9) == 7.0

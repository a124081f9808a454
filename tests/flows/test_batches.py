"""Many in one run: how many at once, what is told of them, and how much of it fits."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from prefect_genmedia.errors import SubmitOutcomeUnknown
from prefect_genmedia.flows.pages.showing import Illustration, Purchase
from prefect_genmedia.flows.restyle import pictures_in
from prefect_genmedia.flows.runs.batches import (
    MARKDOWN_BYTES,
    BatchReport,
    Outcome,
    a_few_at_a_time,
    outcome_of,
    report_markdown,
)
from prefect_genmedia.jobs import JobRef, Run
from tests.shop import img2img, refusal

JOB = JobRef(id="a" * 32, operation="midjourney.imagine", base_url="https://api.example", account="b")


async def test_no_more_at_once_than_asked_and_taken_only_as_there_is_room() -> None:
    running, most, taken = 0, 0, 0

    def each():
        nonlocal taken
        for number in range(20):
            taken += 1
            assert taken <= running + number + 1
            yield number

    async def work(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return number * number

    assert await a_few_at_a_time(work, each(), 3) == [number * number for number in range(20)]
    assert most == 3


async def test_a_ledger_that_is_away_takes_the_report_of_one_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GENMEDIA_LEDGER_URL", f"sqlite:///{tmp_path}")  # a folder is no database
    made = Illustration(number=1, title="a kite", prompt="a kite", purchases=[Purchase(job=JOB, quota=2.0)])
    outcome = await outcome_of("row 1", made, "flow:1", 0.0)
    assert outcome.state == "failed" and "What it cost could not be read" in (outcome.error or "")


async def test_what_a_run_has_perhaps_bought_is_in_its_report_and_in_no_sum_of_money(emulator, novita) -> None:
    emulator.add_faults({"kind": "submit_lose_reply", "times": 1})
    lost = await refusal(img2img(), novita, run_as=Run("flow:1"))
    assert isinstance(lost, SubmitOutcomeUnknown)
    made = Illustration(number=1, title="a kite", prompt="a kite", failed_jobs=[lost.job], error=str(lost))
    outcome = await outcome_of("row 1", made, "flow:1", 0.0)
    assert (outcome.bought, outcome.usd, outcome.perhaps) == (0, 0.0, 1)
    assert outcome.cost == "1 perhaps bought (1 without a known price if so)"
    priced = outcome.model_copy(update={"usd": 0.5, "perhaps_usd": 0.002, "perhaps_untold": 0})
    report = BatchReport(name="one", outcomes=[outcome, priced], seconds=1.0)
    assert report.sums["cost"] == "0.5 USD + 2 perhaps bought (0.002 USD + 1 without a known price if so)"
    assert report.sums["cost"] in report_markdown(report) and report.sums["cost"] in report.summary
    earlier = await outcome_of("row 1", made, "flow:2", 0.0)
    assert earlier.perhaps == 0  # of another run


def test_a_folder_s_pictures_of_other_kinds_are_told_and_hidden_files_are_none(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", "._a.png", ".c.jpg", "IMG_1.HEIC", "raw.dng", "notes.txt"):
        (tmp_path / name).write_bytes(b"-")
    found, left_out = pictures_in(str(tmp_path))
    assert [path.rpartition("/")[2] for path in found] == ["a.png", "b.JPG"]
    assert left_out == ["IMG_1.HEIC", "raw.dng"]
    text = report_markdown(BatchReport(name="oil", outcomes=[], seconds=1.0, left_out=left_out))
    assert "2 pictures left out, of kinds that are not read here: IMG_1.HEIC, raw.dng." in text


def test_ten_thousand_rows_fit_into_the_artifact_and_what_does_not_is_counted() -> None:
    reason = "midjourney.imagine: refused | <b> [x](javascript:1). Nothing was bought. Correct it. " * 3
    outcomes = [
        Outcome(title=f"row {n}: a kite", state="failed" if n % 2 else "bought", files=[], jobs=["c" * 32], bought=1,
                quota=2.0, error=reason if n % 2 else None)
        for n in range(10_000)
    ]  # fmt: skip
    text = report_markdown(BatchReport(name="big", outcomes=outcomes, seconds=1.0))
    assert len(text.encode()) < MARKDOWN_BYTES + 1000 and text.count("\n… and ") == 2
    assert "| asked | 10000 |" in text and "| failed | 5000 |" in text
    assert "20000 TTAPI quota (200.00 USD)" in text and "<b>" not in text and "](javascript" not in text

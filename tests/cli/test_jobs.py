"""`genmedia jobs list` and `show`, and `genmedia open`: which jobs, what they cost, what to type for each."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from rich.console import Console

from prefect_genmedia.cli import main, terminal
from prefect_genmedia.errors import GenMediaError, JobFailedError
from prefect_genmedia.flows.spending import summary_of
from prefect_genmedia.jobs import Run
from prefect_genmedia.jobs.history.spending import spending_since
from prefect_genmedia.jobs.history.telling import sentences
from prefect_genmedia.ledger import LedgerState
from prefect_genmedia.settings import Settings
from tests.shop import buy, imagine, img2img, refusal, the_ledger


def genmedia(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert not ended.value.code
    return capsys.readouterr().out


async def test_a_list_has_whole_ids_sums_and_reasons_and_can_be_narrowed(emulator, ttapi, novita, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    grid = await buy(imagine(), ttapi, run_as=Run("flow:11111111-2222-3333-4444-555555555555"))
    await buy(img2img(), novita)
    emulator.add_faults({"kind": "job_fails", "times": 1, "message": "[Internal error] Something"})
    await refusal(imagine("a drum"), ttapi)
    emulator.add_faults({"kind": "submit_refuse", "status": 401, "times": 1})
    await refusal(imagine("a kite"), ttapi)
    said = genmedia(capsys, "jobs", "list")
    rows = {row.title: row for row in the_ledger().rows()}
    assert all(row.id[:12] in said and (row.job_id or "") in said for row in rows.values())
    assert "[Internal" in said and "error]" in said and " returned " in said
    assert "4 jobs, 2 bought, 2 without a result: 2 quota + 1 of which nobody tells the price." in said
    refused = next(line for line in said.splitlines() if rows["a kite"].id[:12] in line)
    assert "20" not in refused.replace(rows["a kite"].id[:12], "")  # it has no day on which it was bought
    only = genmedia(capsys, "jobs", "list", "--run", "11111111-2222-3333-4444-555555555555")
    assert grid.job.id[:12] in only and "1 job, 1 bought" in only
    assert "1 job, " in genmedia(capsys, "jobs", "list", "--operation", "novita.img2img")
    assert "3 jobs" in genmedia(capsys, "jobs", "list", "--account", ttapi.fingerprint)
    assert genmedia(capsys, "jobs", "list", "--since", "2999-01-01").strip() == "No jobs."


async def test_what_nobody_knows_to_be_bought_is_counted_apart(emulator, novita, capsys, monkeypatch):
    emulator.add_faults({"kind": "submit_lose_reply", "times": 1})
    monkeypatch.setenv("GENMEDIA_RECONCILE_SECONDS", "0.1")
    await refusal(img2img(), novita)
    said = genmedia(capsys, "jobs", "list")
    assert said.endswith(
        "1 job, 0 bought, 1 perhaps bought (1 without a known price if so), 1 without a result: nothing.\n"
    )
    assert "1 job, 0 bought, 1 perhaps bought (1 without a known price if so), 1 failed" in summary_of(
        spending_since(1)
    )


async def test_show_ends_with_the_three_sentences_and_folds_what_is_said_again(emulator, ttapi, capsys):
    done = await buy(imagine(), ttapi)
    assert "Nothing is to be done" in genmedia(capsys, "jobs", "show", done.job.id).splitlines()[-1]
    emulator.add_faults({"kind": "job_fails", "times": 1, "message": "Banned prompt detected"})
    failed = await refusal(imagine("a drum"), ttapi)
    assert isinstance(failed, JobFailedError)
    last = genmedia(capsys, "jobs", "show", failed.job.id).splitlines()[-3:]
    assert [line.partition("  ")[2].strip() for line in map(str.strip, last)] == failed.sentences
    emulator.add_faults({"kind": "submit_refuse", "status": 429, "times": 5})
    lost = await refusal(imagine("a kite"), ttapi, deadline_seconds=4.0)
    said = genmedia(capsys, "jobs", "show", the_ledger().rows()[0].id)
    assert isinstance(lost, GenMediaError) and "Nothing was bought." in said.splitlines()[-2]


@pytest.mark.parametrize("state", list(LedgerState))
async def test_every_state_has_three_sentences(emulator, ttapi, state):
    await buy(imagine(), ttapi)
    row = the_ledger().rows()[0]
    row.state, row.reason = state, "why"
    happened, money, advice = sentences(row)
    assert happened.endswith(".") and money.endswith(".") and advice.endswith(".")
    assert ("Nothing was bought." in money) == (state == LedgerState.NOT_ACCEPTED)


def test_open_names_the_newest_gallery_or_that_of_a_collection(prepared, capsys):
    pages = [Path(Settings().media_store) / "published" / name / "index.html" for name in ("older [1]", "newer")]
    for page in pages:
        page.parent.mkdir(parents=True)
        page.write_text("a gallery")
    import os

    os.utime(pages[0], (1, 1))
    assert genmedia(capsys, "open").strip() == pages[1].as_uri()
    (pages[0].parent).rename(pages[0].parent.with_name("older"))
    assert genmedia(capsys, "open", "Older").strip().endswith("/published/older/index.html")


def test_what_takes_long_says_what_it_waits_for(monkeypatch):
    """By a line where there is no terminal; more than once."""
    said = io.StringIO()
    monkeypatch.setattr(terminal, "errors", Console(file=said, markup=False))
    monkeypatch.setattr(terminal, "QUIET_SECONDS", 0.01)
    monkeypatch.setattr(terminal, "TOLD_SECONDS", 0.01)
    from tests.patience import until

    with terminal.patiently("Asking the provider"):
        until(lambda: said.getvalue().count("Asking the provider") >= 2, "two lines")


@pytest.mark.parametrize("command", [["jobs", "adopt"], ["live-check", "--provider", "ttapi"]])
def test_what_needs_prefect_says_so_when_it_is_away(prepared, command, capsys, monkeypatch):
    monkeypatch.chdir(prepared.parent)
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:1/api"}), pytest.raises(SystemExit) as ended:
        main(command)
    said = capsys.readouterr().err
    assert ended.value.code and "Traceback" not in said
    assert "Prefect's API at http://127.0.0.1:1/api does not answer" in said and "prefect server start" in said

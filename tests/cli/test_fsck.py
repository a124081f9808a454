"""`genmedia fsck` as it is typed: plain sentences, an exit code, and nothing changed."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from prefect_genmedia.cli import main
from prefect_genmedia.cli.doctor import _ledger_and_store
from prefect_genmedia.emulator import Emulator
from prefect_genmedia.flows.runs import beforehand
from prefect_genmedia.operation import Account
from prefect_genmedia.settings import Settings
from tests.shop import buy, img2img


def fsck(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["fsck", *arguments])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out + said.err


async def test_fsck_says_what_it_looked_at(
    emulator: Emulator, novita: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = fsck(capsys)
    assert code == 1 and "nothing was stored yet" in said
    result = await buy(img2img(), novita)
    (file,) = result.media
    code, said = fsck(capsys)
    assert (code, "1 files" in said, "nothing amiss" in said) == (0, True, True)
    before = file.path.read_bytes()
    changed = before[:-1] + b"\0"
    file.path.write_bytes(changed)
    assert fsck(capsys)[0] == 0
    code, said = fsck(capsys, "--bytes")
    assert code == 1 and file.uri in said.replace("\n", "")
    assert f"genmedia jobs resume {result.job.id[:12]}" in said and "1 changed" in said
    code, said = fsck(capsys, "--bytes", "--json")
    (line,) = said.splitlines()
    assert json.loads(line)["kind"] == "changed" and json.loads(line)["job"] == result.job.id
    assert file.path.read_bytes() == changed
    assert emulator.billed() == 1


def test_fsck_of_a_store_that_is_away_is_one_sentence(
    emulator: Emulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENMEDIA_MEDIA_STORE", "nosuch://bucket")
    code, said = fsck(capsys)
    assert code == 1 and "Traceback" not in said and "GENMEDIA_MEDIA_STORE" in said


async def test_a_new_ledger_beside_another_ones_files_is_noticed(
    emulator: Emulator,
    novita: Account,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What it does not know is bought again: doctor says so, and each run before it buys."""

    monkeypatch.setattr(beforehand, "get_run_logger", lambda: logging.getLogger("a run's"))

    def said() -> tuple[list[str], str]:
        caplog.clear()
        beforehand.check_store()
        return [each.advice for each in _ledger_and_store(Settings()) if each.level == "warn"], caplog.text

    assert said() == ([], "")  # the store is new too
    await buy(img2img(), novita)
    assert said() == ([], "")
    monkeypatch.setenv("GENMEDIA_LEDGER_URL", f"sqlite:///{tmp_path}/another.db")
    for _ in range(2):  # also when the ledger has been opened before
        advice, logged = said()
        assert "GENMEDIA_LEDGER_URL" in advice[0]
        assert "holds no job, and the media store holds files that were bought" in logged

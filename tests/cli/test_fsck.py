"""`genmedia fsck` as it is typed: plain sentences, an exit code, and nothing changed."""

from __future__ import annotations

import json

import pytest

from prefect_genmedia.cli import main
from prefect_genmedia.emulator import Emulator
from prefect_genmedia.operation import Account
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

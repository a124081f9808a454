"""`genmedia live-check` as it is typed: it asks before it buys, says what to change, and writes a recording."""

from __future__ import annotations

import io
import json

import pytest

from prefect_genmedia.cli import main
from tests.contract.recordings import read_back
from tests.orchestration.keys import TTAPI_KEY


def said(capsys, *arguments: str, ends: int) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["live-check", *arguments])
    words = "".join(capsys.readouterr())
    assert ended.value.code == ends and "Traceback" not in words, words
    return words


@pytest.mark.slow
def test_live_check_as_it_is_typed(emulator, ttapi, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "250")
    assert "there is no TTAPI Credentials block called 'none'" in said(
        capsys, "--provider", "ttapi", "--block", "none", ends=1
    )
    ttapi.save("live", overwrite=True)
    of = ("--provider", "ttapi", "--block", "live")

    free = said(capsys, *of, ends=0)
    assert "6 held, 0 did not hold" in free and "--spend was not given" in free
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    declined = said(capsys, *of, "--spend", "0.02", "--to", "asked.json", ends=0)
    assert "Buy these?" in declined and "0.020 USD in all, of 0.02" in declined and emulator.submits() == 0
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert "Aborted" in said(capsys, *of, "--spend", "0.02", "--to", "none.json", ends=1)  # nobody there to agree
    assert emulator.submits() == 0 and not (tmp_path / "none.json").exists()

    emulator.add_faults({"kind": "answer_quota", "operation": "ttapi.flux_image", "quota": "2", "at": "fetch"})
    bought = said(capsys, *of, "--spend", "0.03", "--yes", "--to", "recording.json", ends=1)
    assert "1 did not hold" in bought and "GENMEDIA_PRICES" in bought and emulator.billed() == 2
    text = (tmp_path / "recording.json").read_text()
    assert TTAPI_KEY not in text and set(read_back(json.loads(text))) == {"ttapi.flux_image", "ttapi.gemini_video"}
    assert "it is there already" in said(capsys, *of, "--to", "recording.json", ends=1)

"""Where the command prints to, listens and reads from: what fails there is one sentence, and nothing is left behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from prefect_genmedia.cli import main

GENMEDIA = [sys.executable, "-m", "prefect_genmedia.cli"]
READING = (
    ["jobs", "list"],
    ["jobs", "show", "a1"],
    ["jobs", "resume", "a1"],
    ["jobs", "adopt"],
    ["jobs", "accept", "a1"],
    ["report"],
    ["report", "--csv"],
    ["lineage", __file__],
    ["fsck"],
    ["ledger", "prune", "--older-than", "9d"],
)


@pytest.mark.parametrize("typed", [["presets"], ["--help"]])
@pytest.mark.sampled(2)
def test_a_reader_that_goes_away_ends_it_quietly(typed: list[str]):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run([*GENMEDIA, *typed], stdout=writer, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(writer)
    assert (ended.returncode, ended.stderr) == (141, b"")


def test_a_full_disk_below_its_output_is_one_sentence():
    with open("/dev/full", "wb") as full:
        ended = subprocess.run([*GENMEDIA, "presets"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert ended.returncode == 1
    assert ended.stderr == b"What this prints cannot be written: No space left on device.\n"


@pytest.mark.parametrize("command", ["emulator", "receiver"])
def test_a_port_in_use_is_one_sentence(command: str, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SystemExit) as ended:
        main([command, "--port", str(taken.getsockname()[1])])
    assert ended.value.code == 1
    out, said = capsys.readouterr()
    assert out == "" and "Address already in use" in said and "another --port" in said


@pytest.mark.parametrize("typed", READING, ids=" ".join)
def test_what_only_reads_makes_no_ledger_of_a_mistyped_path(typed: list[str], tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setenv("GENMEDIA_LEDGER_URL", f"sqlite:///{tmp_path}/mistyped/ledger.db")
    with pytest.raises(SystemExit) as ended:
        main(typed)
    said = capsys.readouterr().err
    assert ended.value.code == 1 and "GENMEDIA_LEDGER_URL" in said
    assert f"there is no ledger at {tmp_path}/mistyped/ledger.db" in said.replace("\n", "")
    assert not (tmp_path / "mistyped").exists()


def test_prices_are_told_without_a_ledger_and_none_is_made(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setenv("GENMEDIA_LEDGER_URL", f"sqlite:///{tmp_path}/mistyped/ledger.db")
    with pytest.raises(SystemExit) as ended:
        main(["price", "midjourney.imagine"])
    out, said = capsys.readouterr()
    assert ended.value.code == 0 and "midjourney.imagine" in out and "without the ledger" in said.lower()
    assert not (tmp_path / "mistyped").exists()

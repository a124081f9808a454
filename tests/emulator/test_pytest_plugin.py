"""The fixture that other projects use: what a test buys is in no ledger but its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

A_USERS_TEST = """
import asyncio
from prefect_genmedia.jobs import run
from prefect_genmedia.operation import Account
from prefect_genmedia.providers.novita.envelope import NOVITA
from prefect_genmedia.providers.novita.images import TXT2IMG, Txt2ImgRequest


def test_one_picture(genmedia_emulator):
    account = Account(NOVITA, genmedia_emulator.url, "any")
    request = Txt2ImgRequest(model_name="sd_xl_base_1.0.safetensors", prompt="a kitten", width=128, height=128)
    assert asyncio.run(run(TXT2IMG, request, account)).media
    assert genmedia_emulator.billed() == 1
"""


def test_it_needs_no_settings_and_leaves_the_users_ledger_alone(
    tmp_path: Path, isolated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GENMEDIA_LEDGER_URL")
    monkeypatch.delenv("GENMEDIA_MEDIA_STORE")
    monkeypatch.setenv("PREFECT_HOME", str(isolated))
    (tmp_path / "test_mine.py").write_text(A_USERS_TEST)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    assert not (isolated / "genmedia").exists()

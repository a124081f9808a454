"""Against both providers emulated on this machine: nothing is paid, no key is needed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from prefect_genmedia.emulator import Emulator

SCRIPT = Path(__file__).with_name("postcards.py")


def run_it() -> str:
    """What the script says, in a process of its own, as from a shell."""
    return subprocess.check_output([sys.executable, SCRIPT], env=os.environ, text=True)


def test_a_second_run_finds_what_the_first_has_bought(
    genmedia_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for provider in ("TTAPI", "NOVITA"):
        monkeypatch.setenv(f"{provider}_API_KEY", "any")
        monkeypatch.setenv(f"{provider}_BASE_URL", genmedia_emulator.url)
    genmedia_emulator.add_faults({"kind": "submit_lose_reply", "operation": "midjourney.imagine", "times": 1})

    first = run_it()
    assert first.count(": file://") == 2
    assert run_it() == first
    assert genmedia_emulator.jobs()["counts"] == {"midjourney.imagine": 2, "novita.img2img": 2}

"""Three hundred files after the provider, most of them broken: each is looked at, cut to sizes, marked, or refused in
plain words, in a process that has little memory."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.broken import FILES, WHOLE, bombs, heavy, recordings

SCRIPT = Path(__file__).parent.parent / "scripts" / "look_at.py"
MOST_MEMORY = 1_500_000_000  # of addresses, threads and programs included
MOST_NEEDED = 300_000  # kilobytes, Python and its libraries included
ALWAYS_DONE = ("header", "inspect", "render", "thumbnail", "faults", "packet", "verify")


def looked_at(files: Mapping[str, bytes], folder: Path, *, programs: bool = False) -> dict[str, dict[str, str]]:
    for name, content in files.items():
        (folder / name.replace("/", "-")).write_bytes(content)
    command = [sys.executable, str(SCRIPT), str(folder), "programs" if programs else "-", str(MOST_MEMORY)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-500:] + ran.stderr[-2000:]
    *lines, last = [json.loads(line) for line in ran.stdout.splitlines()]
    said = {line["file"]: line["steps"] for line in lines}
    assert len(said) == len(files)
    odd = {name: steps for name, steps in said.items() if set(steps.values()) - {"done", "refused"}}
    assert not odd, odd
    assert last["peak"] < MOST_NEEDED
    return said


def files() -> dict[str, bytes]:
    return {**FILES, **dict(bombs()), **dict(recordings())}


def test_a_tenth_of_them(tmp_path: Path) -> None:
    looked_at(dict(list(files().items())[::11]), tmp_path)


def test_there_are_more_than_three_hundred_and_they_are_the_same_each_time() -> None:
    assert len(files()) >= 400
    assert dict(recordings()) == dict(recordings())


@pytest.mark.slow
def test_all_of_them(tmp_path: Path) -> None:
    said = looked_at({**files(), **dict(heavy())}, tmp_path)
    for name in WHOLE.keys() - {"tiff float beyond"}:
        assert all(said[name][step] == "done" for step in ALWAYS_DONE), (name, said[name])
    for name in dict(bombs()):
        assert said[name]["inspect"] == said[name]["render"] == "refused", name


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffmpeg is not installed")
def test_ffprobe_says_what_each_is_or_it_is_refused(tmp_path: Path) -> None:
    looked_at(dict(recordings()), tmp_path, programs=True)

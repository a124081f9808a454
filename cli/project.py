"""`genmedia init`: a small project to begin with."""

from __future__ import annotations

import json
from pathlib import Path

from prefect_genmedia.cli.terminal import say
from prefect_genmedia.errors import ConfigurationError

STARTER = Path(__file__).parent / "starter"
FILES = ("pictures.py", "test_pictures.py", "prefect.yaml")
PLACE = '"{{ folder }}"'
"""In prefect.yaml, where the project lies: a worker begins there."""


def write_project(folder: Path) -> None:
    """Write it, and say what to type. Raises ConfigurationError where something is there already."""
    folder = folder.resolve()
    if there := [name for name in FILES if (folder / name).exists()]:
        raise ConfigurationError(
            f"{folder} has a {there[0]} already: nothing was written", advice="Give a new folder: genmedia init FOLDER"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            content = (STARTER / name).read_text(encoding="utf-8")
            (folder / name).write_text(content.replace(PLACE, json.dumps(str(folder))), encoding="utf-8")
    except OSError as failure:
        raise ConfigurationError(f"{folder} cannot be written: {failure.strerror or failure}") from None
    say(("Written", "bold"), f" {folder}: {', '.join(FILES)}")
    say("Try it, nothing is paid:  pip install pytest; python -m pytest")
    say("Buy one:                  genmedia setup --ttapi ttapi; python pictures.py")
    say("Each night:               prefect --no-prompt deploy --all; prefect worker start --pool genmedia")

"""Has pyright and `mypy --strict` read user.py and mistakes.py as a user's project.

python tests/typing/check.py [PYTHON]: against the pack that PYTHON can import (this one, unless another is named);
says what is wrong, a line each, and exits 1 if there is anything.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
FILES = ("user.py", "mistakes.py")
Findings = dict[tuple[str, int], str]


def expected() -> set[tuple[str, int]]:
    """The lines that must be refused: the marked ones."""
    text = {name: (HERE / name).read_text().splitlines() for name in FILES}
    return {(name, n) for name in FILES for n, line in enumerate(text[name], 1) if line.endswith("# refused")}


def pyright(project: str, python: str) -> Findings:
    said = _run(project, "-m", "pyright", "--pythonpath", python, "--outputjson", *FILES)
    found = json.loads(said)["generalDiagnostics"]
    return {
        (Path(each["file"]).name, each["range"]["start"]["line"] + 1): each["message"].splitlines()[0]
        for each in found
        if each["severity"] == "error"
    }


def mypy(project: str, python: str) -> Findings:
    # Without pydantic's plugin, for a user has none; a cache of its own, for `make types` has other options.
    cache = HERE.parents[1] / ".mypy_cache" / "typing"
    said = _run(project, "-m", "mypy", "--strict", "--python-executable", python, "--cache-dir", str(cache), *FILES)
    errors = re.findall(r"^(?:.*/)?(\w+\.py):(\d+): error: (.*)$", said, re.MULTILINE)
    return {(name, int(line)): message for name, line, message in errors}


def _run(project: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=project, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stdout + done.stderr)
    return done.stdout


def wrong(checker: str, found: Findings) -> Iterator[str]:
    for name, line in sorted(found.keys() - expected()):
        yield f"tests/typing/{name}:{line}: {checker} refuses it: {found[name, line]}"
    for name, line in sorted(expected() - found.keys()):
        yield f"tests/typing/{name}:{line}: {checker} does not refuse it"


def main(python: str) -> int:
    with tempfile.TemporaryDirectory() as project:  # no settings of this repository count there
        for name in FILES:
            shutil.copy(HERE / name, project)
        found = {"pyright": pyright(project, python), "mypy": mypy(project, python)}
    said = [line for checker, findings in found.items() for line in wrong(checker, findings)]
    print("\n".join(said) or f"as expected: {len(expected())} mistakes refused, nothing else, by pyright and mypy")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:] or [sys.executable]))

"""Has pyright, `mypy --strict`, pyrefly and ty read user.py and mistakes.py as a user's project.

python tests/typing/check.py [PYTHON]: against the pack that PYTHON can import (this one, unless another is named);
says what is wrong, a line each, and exits 1 if there is anything. A wheel's environment must lie outside of the
checkout: pyrefly would read the sources that lie above it for the installed ones.
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


def expected(checker: str = "") -> set[tuple[str, int]]:
    """The lines that must be refused: the marked ones, but for those that this checker is said not to see."""
    marked = set()
    for name in FILES:
        for n, line in enumerate((HERE / name).read_text().splitlines(), 1):
            mark = re.search(r"# refused(?:, not by (\w+)(?: or (\w+))?)?$", line)
            if mark and checker not in mark.groups():
                marked.add((name, n))
    return marked


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


def pyrefly(project: str, python: str) -> Findings:
    # Without settings it looks at less than half; `strict` is what `pyrefly init` writes for who wants to know.
    options = ("--preset", "strict", "--output-format", "json", "--python-interpreter-path", python)
    said = _run(project, "-m", "pyrefly", "check", *options, *FILES)
    errors = json.loads(said)["errors"]
    return {(Path(each["path"]).name, each["line"]): each["concise_description"] for each in errors}


def ty(project: str, python: str) -> Findings:
    said = _run(project, "-m", "ty", "check", "--python", python, "--output-format", "concise", *FILES)
    errors = re.findall(r"^(?:.*/)?(\w+\.py):(\d+):\d+: error(.*)$", said, re.MULTILINE)
    return {(name, int(line)): message for name, line, message in errors}


CHECKERS = (pyright, mypy, pyrefly, ty)


def _run(project: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=project, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stdout + done.stderr)
    return done.stdout


def wrong(checker: str, found: Findings) -> Iterator[str]:
    marked = expected(checker)
    for name, line in sorted(found.keys() - marked):
        yield f"tests/typing/{name}:{line}: {checker} refuses it: {found[name, line]}"
    for name, line in sorted(marked - found.keys()):
        yield f"tests/typing/{name}:{line}: {checker} does not refuse it"


def main(python: str) -> int:
    with tempfile.TemporaryDirectory() as project:  # no settings of this repository count there
        for name in FILES:
            shutil.copy(HERE / name, project)
        said = [line for check in CHECKERS for line in wrong(check.__name__, check(project, python))]
    counts = ", ".join(f"{len(expected(check.__name__))} by {check.__name__}" for check in CHECKERS)
    print("\n".join(said) or f"as expected, of {len(expected())} mistakes: {counts}; nothing else refused")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:] or [sys.executable]))

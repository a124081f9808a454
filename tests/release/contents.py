"""What the wheel holds, weighs and costs to import."""

from __future__ import annotations

import hashlib
import subprocess
import zipfile
from collections import defaultdict
from pathlib import Path, PurePosixPath

from tests.release.wrong import Wrong

MOST_KILOBYTES = 1_600
"""Half of it are the two photographs of the demo; the code is the rest."""
MOST_IMPORT_SECONDS = {"the tasks": 1.2, "the flows": 3.0}
"""Of the processor, beyond Prefect's own import, and what was measured: 0.5 and 1.1 s. A busy machine takes longer."""
STARTER = "prefect_genmedia/cli/starter/"  # the test of a new project: `genmedia init` writes it
READ_BY_OTHERS = {
    "prefect_genmedia/py.typed": "type checkers",
    "prefect_genmedia/ledger/migrations/script.py.mako": "Alembic, for the next migration",
    "prefect_genmedia/cli/photos/CREDITS.md": "people: whose photographs they are",
}
TIMED = """
from time import process_time
import prefect, prefect.blocks.core, prefect.events, prefect.filesystems
begun = process_time()
import prefect_genmedia.blocks, prefect_genmedia.tasks.midjourney, prefect_genmedia.tasks.novita
print(process_time() - begun)
begun = process_time()
import prefect_genmedia.flows
print(process_time() - begun)
"""


def look_through(wheel: Path) -> str:
    """No test, nothing twice, no data that nothing reads, and not too heavy."""
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    code = "\n".join(data.decode() for name, data in files.items() if name.endswith(".py"))
    data = {name: bytes for name, bytes in files.items() if not name.endswith(".py")}
    wrong = [
        *(f"a test: {name}" for name in files if _is_test(name)),
        *(f"the same file {len(names)} times: {', '.join(names)}" for names in _twice(data)),
        *(f"nothing reads {name}" for name in data if not _is_read(name, code)),
    ]
    kilobytes = wheel.stat().st_size // 1000
    if kilobytes > MOST_KILOBYTES:
        wrong.append(f"{kilobytes} kB, more than {MOST_KILOBYTES}")
    if wrong:
        raise Wrong("; ".join(wrong))
    return f"{len(files)} files, {kilobytes} kB of at most {MOST_KILOBYTES}; no test, nothing twice, all data is read"


def _is_test(name: str) -> bool:
    path = PurePosixPath(name)
    return not name.startswith(STARTER) and ("tests" in path.parts or path.name.startswith(("test_", "conftest")))


def _twice(data: dict[str, bytes]) -> list[list[str]]:
    alike = defaultdict(list)
    for name, content in data.items():
        if content:
            alike[hashlib.sha256(content).hexdigest()].append(name)
    return [names for names in alike.values() if len(names) > 1]


def _is_read(name: str, code: str) -> bool:
    """Is it named in the code: itself, without its ending, or its folder where all in it are read alike?"""
    path = PurePosixPath(name)
    words = (path.name, path.name.partition(".")[0], path.parent.name)
    return name in READ_BY_OTHERS or any(f'"{word}' in code or f'{word}"' in code for word in words)


def time_import(python: str) -> str:
    """What our import takes once Prefect's has been paid for: the best of five, unless fewer are good enough."""
    most = list(MOST_IMPORT_SECONDS.values())
    took = _import(python)
    for _ in range(4):
        if _is_within(took, most):
            break
        took = list(map(min, took, _import(python)))
    said = ", ".join(
        f"{what} {seconds:.2f} s of at most {limit}"
        for (what, limit), seconds in zip(MOST_IMPORT_SECONDS.items(), took, strict=True)
    )
    if not _is_within(took, most):
        raise Wrong(said)
    return f"{said}, of the processor and beyond Prefect's own"


def _import(python: str) -> list[float]:
    done = subprocess.run([python, "-c", TIMED], capture_output=True, text=True, check=False, cwd="/")
    if done.returncode:
        raise Wrong(done.stderr.strip().splitlines()[-1])
    return [float(line) for line in done.stdout.split()]


def _is_within(took: list[float], most: list[float]) -> bool:
    return all(seconds <= limit for seconds, limit in zip(took, most, strict=True))

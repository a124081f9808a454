"""Does to each file of a folder what the pack does to files, in little memory; says what came of it, as JSON."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prefect_genmedia import imaging, provenance, recording
from prefect_genmedia.errors import MediaError
from prefect_genmedia.imaging import Rendition
from prefect_genmedia.imaging.judging import faults_of
from prefect_genmedia.media.verification import verify
from prefect_genmedia.operation import Link

MARK = provenance.Mark(system="midjourney.imagine", jobs=("1",))
SIZES = (
    Rendition(name="small", width=64, height=64),
    Rendition(name="wide", width=200, height=20, fit="contain", format="webp", max_bytes=9000),
)


def steps(path: Path, room: Path, programs: bool) -> dict[str, Callable[[], Any]]:
    link = Link(url=f"https://cdn.example/{path.name}", role="file", kind="file")
    found: dict[str, Callable[[], Any]] = {
        "header": lambda: imaging.header(path),
        "inspect": lambda: imaging.inspect(path, mend=True),
        "render": lambda: imaging.render(path, SIZES, room, "made"),
        "quadrants": lambda: imaging.quadrants(path, room, "quarter"),
        "thumbnail": lambda: imaging.thumbnail(path),
        "faults": lambda: faults_of(path),
        "marks": lambda: provenance.marks_in(path.read_bytes()),
        "marked": lambda: provenance.marked(path.read_bytes(), MARK),
        "tags": lambda: provenance.tags_for(path.read_bytes(), MARK),
        "packet": lambda: provenance.packet_for(MARK, path.read_bytes()),
        "verify": lambda: verify(path, link, "application/octet-stream"),
    }
    if programs:
        found["probe"] = lambda: recording.probe(path)
    return found


def main(folder: Path, programs: bool, most_bytes: int) -> None:
    warnings.simplefilter("ignore")
    if most_bytes:
        resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
    for path in sorted(folder.iterdir()):
        said = {}
        with tempfile.TemporaryDirectory() as room:
            for name, step in steps(path, Path(room), programs).items():
                try:
                    step()
                    said[name] = "done"
                except MediaError as refused:
                    said[name] = "refused" if 0 < len(refused.message) < 600 else f"said {refused.message!r}"
                except BaseException as failure:
                    said[name] = repr(failure)[:200]
        print(json.dumps({"file": path.name, "steps": said}), flush=True)
    print(json.dumps({"peak": peak()}))


def peak() -> int:
    """Kilobytes. Not ru_maxrss, which a process takes over from the one that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


main(Path(sys.argv[1]), sys.argv[2] == "programs", int(sys.argv[3]))

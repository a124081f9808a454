"""Eight sizes of a picture beside what others take for them: part of `make bench`.

python -m benchmarks.imaging [--rounds 3] [--only WORD …]

Each contender is a process of its own, which measures its work and not its start; its peak memory is that of all of it.
In each round every contender runs once, in another order. What is written to benchmarks/results/imaging.json is the
median of the rounds, each round, and the machine's load. pyvips is installed into an environment of its own, from
benchmarks/requirements.txt; where that cannot be, it is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from PIL import Image, ImageChops

from benchmarks.imaging_contenders import CONTENDERS, SIZES
from benchmarks.machine import machine

HERE = Path(__file__).parent
OTHERS = HERE.parent / "build" / "bench-imaging"
SCRIPT = HERE / "imaging_contenders.py"
PHOTO = HERE.parent / "tests" / "photos" / "coffee.png"
PICTURES = {
    "2048² PNG": (2048, 2048, "png"),
    "24 MP JPEG": (6000, 4000, "jpg"),
    "3000² cover, JPEG": (3000, 3000, "jpg"),
}
FORMATS = ("jpeg", "webp", "avif")
Runs = dict[str, list[dict[str, float]]]
COLUMNS = {"per_second": "files a second", "cpu_seconds": "CPU, s", "peak_mb": "peak memory, MB", "kb": "files, kB"}


def pictures(folder: Path) -> dict[str, Path]:
    """A photograph made large, with grain, so that it weighs what photographs weigh; the same each time."""
    made, grain = {}, Image.frombytes("L", (512, 512), random.Random(1).randbytes(512 * 512))
    for name, (width, height, ending) in PICTURES.items():
        with Image.open(PHOTO) as photo:
            large = photo.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
        tiled = Image.new("L", (width, height))
        for left in range(0, width, 512):
            for top in range(0, height, 512):
                tiled.paste(grain, (left, top))
        grainy = ImageChops.overlay(large, Image.blend(Image.new("L", tiled.size, 128), tiled, 0.06).convert("RGB"))
        made[name] = folder / f"{width}x{height}.{ending}"
        grainy.save(made[name], quality=92)  # which a PNG does not look at
    return made


def others_are_there() -> bool:
    """pyvips in its own environment, which sees the standard library alone."""
    python = OTHERS / "bin" / "python"
    if not python.exists():
        venv.create(OTHERS, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "-r", str(HERE / "requirements.txt")]
        if subprocess.run(install, check=False).returncode != 0:
            return False
    return subprocess.run([str(python), "-c", "import pyvips"], capture_output=True).returncode == 0


def contend(contender: str, picture: Path, kind: str) -> dict[str, float]:
    """One contender, once."""
    python = str(OTHERS / "bin" / "python") if contender.startswith("pyvips") else sys.executable
    with tempfile.TemporaryDirectory(prefix="genmedia-bench-") as folder:
        load = os.getloadavg()[0]
        command = [python, str(SCRIPT), contender, str(picture), kind, folder]
        ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        cost: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
        return {**cost, "load": load}


def measure(contenders: list[str], picture: Path, kind: str, rounds: int) -> Runs:
    """Every contender, so many times, in turns."""
    found: Runs = {name: [] for name in contenders}
    order = list(contenders)
    for number in range(rounds):
        for contender in order:
            cost = contend(contender, picture, kind)
            found[contender].append(cost)
            said = ", ".join(f"{name} {value:.2f}" for name, value in cost.items())
            print(f"  round {number + 1}, {contender}: {said}", flush=True)
        order.append(order.pop(0))
    return found


def medians(runs: Runs) -> dict[str, dict[str, float]]:
    return {
        contender: {name: statistics.median(run[name] for run in each) for name in each[0]}
        for contender, each in runs.items()
    }


def table(title: str, found: dict[str, dict[str, float]]) -> str:
    """Markdown."""
    lines = [f"| {title} | {' | '.join(COLUMNS.values())} |", f"| --- |{' ---: |' * len(COLUMNS)}"]
    for contender, figures in found.items():
        cells = [
            f"{figures[key]:.{2 if key == 'cpu_seconds' else 1 if key == 'per_second' else 0}f}" for key in COLUMNS
        ]
        lines.append(f"| {contender} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[], help="words that a picture's name or its format holds")
    options = parser.parse_args()
    contenders = list(CONTENDERS)
    if not others_are_there():
        print("pyvips is left out: it could not be installed")
        contenders = [name for name in contenders if not name.startswith("pyvips")]
    told = []
    with tempfile.TemporaryDirectory(prefix="genmedia-bench-") as folder:
        for name, picture in pictures(Path(folder)).items():
            for kind in FORMATS:
                title = f"{len(SIZES)} sizes of a {name} into {kind.upper() if kind != 'webp' else 'WebP'}"
                if not all(word.lower() in title.lower() for word in options.only):
                    continue
                print(title, flush=True)
                runs = measure(contenders, picture, kind, options.rounds)
                told.append({"scenario": title, "medians": medians(runs), "rounds": runs})
                print(f"\n{table(title, medians(runs))}\n", flush=True)
    on = f"{machine()}, Pillow {Image.__version__}"
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    if not options.only:
        (results / "imaging.json").write_text(json.dumps({"machine": on, "scenarios": told}, indent=1) + "\n")


if __name__ == "__main__":
    main()

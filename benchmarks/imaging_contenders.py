"""One contender of `benchmarks.imaging`, in a process of its own: eight files of one picture; its cost as JSON.

python benchmarks/imaging_contenders.py CONTENDER PICTURE FORMAT FOLDER

Sizes, encoders and their settings are the same for all.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SIZES = {
    "portrait": (1080, 1350),
    "square": (1080, 1080),
    "story": (1080, 1920),
    "link": (1200, 628),
    "pin": (1000, 1500),
    "wide": (1600, 900),
    "product": (1200, 1200),
    "thumb": (400, 400),
}
PILLOW: dict[str, dict[str, Any]] = {
    "jpeg": {"quality": 85, "subsampling": "4:2:0", "optimize": True, "progressive": True},
    "webp": {"quality": 80, "method": 4},
    "avif": {"quality": 65, "speed": 8},
}
VIPS: dict[str, dict[str, Any]] = {
    "jpeg": {"Q": 85, "subsample_mode": "on", "optimize_coding": True, "interlace": True},
    "webp": {"Q": 80, "effort": 4},
    "avif": {"Q": 65, "effort": 1, "compression": "av1"},  # effort 1 is the encoder's speed 8
}


def ours(picture: Path, kind: str, folder: Path) -> Callable[[], None]:
    """What the tasks call: one decode, files side by side on all cores."""
    from prefect_genmedia.imaging import Rendition, render
    from prefect_genmedia.imaging.encoding import USUAL_QUALITY

    assert USUAL_QUALITY[kind] == PILLOW[kind]["quality"]  # type: ignore[index]
    renditions = [
        Rendition(name=name, width=width, height=height, format=kind)  # type: ignore[arg-type]
        for name, (width, height) in SIZES.items()
    ]

    def work() -> None:
        render(picture, renditions, folder)

    return work


def pillow_per_size(picture: Path, kind: str, folder: Path) -> Callable[[], None]:
    """The script that a user writes: open, fit, save; eight times."""
    from PIL import Image, ImageOps

    def work() -> None:
        for name, size in SIZES.items():
            with Image.open(picture) as opened:
                upright = ImageOps.exif_transpose(opened).convert("RGB")
            fitted = ImageOps.fit(upright, size, Image.Resampling.LANCZOS)
            fitted.save(folder / f"{name}.{kind}", kind.upper(), **PILLOW[kind])

    return work


def pillow_once(picture: Path, kind: str, folder: Path) -> Callable[[], None]:
    """The same, opened once."""
    from PIL import Image, ImageOps

    def work() -> None:
        with Image.open(picture) as opened:
            upright = ImageOps.exif_transpose(opened).convert("RGB")
        for name, size in SIZES.items():
            fitted = ImageOps.fit(upright, size, Image.Resampling.LANCZOS)
            fitted.save(folder / f"{name}.{kind}", kind.upper(), **PILLOW[kind])

    return work


def pyvips_per_size(picture: Path, kind: str, folder: Path) -> Callable[[], None]:
    """As its documentation has it: `thumbnail` from the file, which decodes a JPEG smaller where it can."""
    import pyvips  # type: ignore[import-not-found, unused-ignore]

    def work() -> None:
        for name, (width, height) in SIZES.items():
            made = pyvips.Image.thumbnail(str(picture), width, height=height, crop="centre")
            made.write_to_file(str(folder / f"{name}.{kind}"), **VIPS[kind])

    return work


def pyvips_once(picture: Path, kind: str, folder: Path) -> Callable[[], None]:
    """Decoded once into memory."""
    import pyvips  # type: ignore[import-not-found, unused-ignore]

    def work() -> None:
        whole = pyvips.Image.new_from_file(str(picture)).copy_memory()
        for name, (width, height) in SIZES.items():
            made = whole.thumbnail_image(width, height=height, crop="centre")
            made.write_to_file(str(folder / f"{name}.{kind}"), **VIPS[kind])

    return work


CONTENDERS = {
    "prefect-genmedia": ours,
    "Pillow, opened per size": pillow_per_size,
    "Pillow, opened once": pillow_once,
    "pyvips, thumbnail per size": pyvips_per_size,
    "pyvips, decoded once": pyvips_once,
}


def peak_mb() -> float:
    """Of this process (Linux). Not ru_maxrss, which begins with what the parent had."""
    return int(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[0]) / 1024


def main() -> None:
    name, picture, kind, folder = sys.argv[1:]
    run = CONTENDERS[name](Path(picture), kind, Path(folder))
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    run()
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    weight = sum(path.stat().st_size for path in Path(folder).iterdir())
    cost = {
        "per_second": len(SIZES) / wall,
        "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "peak_mb": peak_mb(),
        "kb": weight / 1024,
    }
    print(json.dumps(cost))


if __name__ == "__main__":
    main()

"""Is the wheel what the checkout holds? `same_bytes.py dist/NAME.whl`: every file, byte for byte."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "src" / "prefect_genmedia"
LEFT_OUT = ("compose.yaml", "Dockerfile", "Dockerfile.dockerignore", "helm")
"""Of `deployments`: what an image is made with is no part of the wheel."""


def checkout() -> dict[str, bytes]:
    """The package's files by their names in the wheel, through its links."""
    found: dict[str, bytes] = {}
    folders = [PACKAGE]
    while folders:
        for path in folders.pop().iterdir():
            if path.name == "__pycache__" or (path.parent.name == "deployments" and path.name in LEFT_OUT):
                continue
            if path.is_dir():
                folders.append(path)
            else:
                found[path.relative_to(PACKAGE.parent).as_posix()] = path.read_bytes()
    return found


def main(wheel: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    here = checkout()
    differ = sorted(name for name in packed.keys() | here.keys() if packed.get(name) != here.get(name))
    if differ:
        sys.exit(f"the wheel is not what the checkout holds: {', '.join(differ)}")
    print(f"the wheel holds the {len(here)} files of the checkout, byte for byte")


if __name__ == "__main__":
    main(sys.argv[1])

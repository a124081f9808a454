"""Environments of their own for the vendors' official clients; none of them is a dependency of the pack.

What is marked `clients` needs the package indexes of Python and of Node; the latter's tests also need
`node` and `npm`. Without those they are left out, and a warning says so; with GENMEDIA_REQUIRE_CLIENTS=1
they fail instead.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
MINUTES = 5 * 60


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "clients(needs): runs an official client; `needs` are commands it cannot do without"
    )


def missing(item: pytest.Item) -> list[str]:
    marker = item.get_closest_marker("clients")
    return [command for command in (marker.args if marker else ()) if shutil.which(command) is None]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("GENMEDIA_REQUIRE_CLIENTS") == "1":
        return
    left_out = [item for item in items if missing(item)]
    if not left_out:
        return
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    commands = " and no ".join(dict.fromkeys(command for item in left_out for command in missing(item)))
    # A warning, because under xdist nothing else that a worker says at collection is shown.
    text = f"{len(left_out)} tests of official clients were left out: there is no {commands}"
    warnings.warn(pytest.PytestWarning(text), stacklevel=1)


def run(*command: str | Path, **more: str) -> str:
    """What the command prints; if it fails, the test does, with all that it said."""
    environment = {**os.environ, **more}
    done = subprocess.run(
        [str(part) for part in command], env=environment, capture_output=True, text=True, timeout=MINUTES
    )
    if done.returncode != 0:
        pytest.fail(f"{' '.join(map(str, command[:4]))} failed:\n{done.stdout}\n{done.stderr}", pytrace=False)
    return done.stdout


@pytest.fixture(scope="session")
def python_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that has Novita's official client and nothing of ours."""
    folder = tmp_path_factory.mktemp("python-client")
    venv.create(folder)
    python = folder / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
    run(*pip, "install", "--quiet", "-r", HERE / "requirements.txt")
    return python


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of modules that has Novita's official client."""
    if lacking := [command for command in ("node", "npm") if shutil.which(command) is None]:
        pytest.fail(f"official clients are required, and there is no {' and no '.join(lacking)}", pytrace=False)
    folder = tmp_path_factory.mktemp("node-client")
    shutil.copy(HERE / "package.json", folder)
    quiet = ("--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--loglevel=error")
    run("npm", "install", "--prefix", folder, *quiet)
    return folder / "node_modules"


@pytest.fixture
def use_python(python_client: Path) -> Callable[[str], Any]:
    """Runs novita_python.py against a base URL; what it got."""
    return lambda url: json.loads(run(python_client, HERE / "novita_python.py", url))


@pytest.fixture
def use_node(node_modules: Path) -> Callable[[str, str], Any]:
    """Runs novita_node.cjs against a base URL, with a picture in base64; what it got."""
    return lambda url, photo: json.loads(run("node", HERE / "novita_node.cjs", url, photo, NODE_PATH=str(node_modules)))

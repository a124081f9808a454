"""Each example is a whole project: told in the docs, small, with a test, and with deployments that fit its flow."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

from tests.docs.pages import DOCS, ROOT

FOLDERS = sorted(path.parent for path in (ROOT / "examples").glob("*/README.md"))
DEPLOYED = sorted((ROOT / "examples").glob("*/prefect.yaml"))


def test_there_are_some():
    assert len(FOLDERS) == 6 and DEPLOYED


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_an_example_is_told_of_tested_and_small(folder: Path):
    assert f"`examples/{folder.name}`" in (DOCS / "examples.md").read_text()
    told = (folder / "README.md").read_text()
    assert all(part in told for part in ("**What it costs:**", "## On the emulator", "## With a real key"))
    code = {path.name: path.read_text() for path in folder.glob("*.py")}
    (flow,) = (name for name in code if not name.startswith("test_"))
    assert f"test_{flow}" in code and f"python {flow}" in told and len(code[flow].splitlines()) <= 90


@pytest.mark.parametrize("file", DEPLOYED, ids=lambda file: file.parent.name)
def test_a_deployment_fits_its_flow(file: Path):
    for deployment in yaml.safe_load(file.read_text())["deployments"]:
        module, name = deployment["entrypoint"].split(":")
        body = ast.parse((file.parent / module).read_text()).body
        (flow,) = (each for each in body if isinstance(each, ast.AsyncFunctionDef) and each.name == name)
        assert set(deployment["parameters"]) <= {argument.arg for argument in flow.args.args}
        assert not any(schedule["active"] for schedule in deployment.get("schedules", ()))  # it buys

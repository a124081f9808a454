"""What compose.yaml, the Helm values and the Dockerfile say is what the pack knows."""

from __future__ import annotations

import re

import pytest
import yaml

from prefect_genmedia.settings import Settings
from tests.deploying.composed import DEPLOYMENTS, compose

FILES = ["compose.yaml", "Dockerfile", "helm/server.yaml", "helm/worker.yaml", "helm/genmedia.yaml"]


@pytest.mark.parametrize("file", FILES)
def test_every_setting_that_is_set_is_one(file: str) -> None:
    """A misspelt one would be ignored in silence."""
    said = set(re.findall(r"\bGENMEDIA_(\w+)(?=:|$|\s*$)", (DEPLOYMENTS / file).read_text(), re.MULTILINE))
    ours = {name.upper() for name in Settings.model_fields}
    assert said - ours <= {"IMAGE"}


def test_no_secret_stands_in_a_file() -> None:
    """Every password and key comes from outside, and compose stops where one is missing."""
    secret = re.compile(r"(PASSWORD|AUTH|KEY|SECRET)")
    for service in yaml.safe_load(compose())["services"].values():
        for name, value in service.get("environment", {}).items():
            if secret.search(name):
                assert re.fullmatch(r"\$\{\w+:\?\}", value), name
    dockerfile = (DEPLOYMENTS / "Dockerfile").read_text()
    assert not re.search(r"^(ARG|ENV).*(PASSWORD|AUTH|KEY|SECRET)", dockerfile, re.MULTILINE)
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", dockerfile, re.MULTILINE)  # not root, and by number


def test_one_version_of_prefect_is_named_everywhere() -> None:
    (pinned,) = re.findall(r"^prefect==(.+)$", (DEPLOYMENTS.parent / "constraints.txt").read_text(), re.MULTILINE)
    assert f"\nprefect-version: {pinned}\n" in (DEPLOYMENTS / "prefect.yaml").read_text()
    assert f" prefectTag: {pinned}-python" in (DEPLOYMENTS / "helm" / "server.yaml").read_text()

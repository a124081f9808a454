"""The links that make the folders at the top rooms of the package, and the tables of the docs that the code makes."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import prefect_genmedia
from tests.readme import TABLES, marks, written

ROOT = Path(__file__).parent.parent
LINKED = ("blocks", "tasks", "flows", "deployments", "emulator", "webhooks", "cli")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_folder_at_the_top_is_linked_into_the_package():
    package = ROOT / "src" / "prefect_genmedia"
    for folder in LINKED:
        link = package / folder
        assert link.is_symlink() and not link.readlink().is_absolute()
        assert link.resolve() == (ROOT / folder).resolve()


def test_pyright_reads_every_room():
    """It follows no link from src: one that is not named is not read, and nobody is told."""
    read = PROJECT["tool"]["pyright"]["include"]
    assert {f"src/prefect_genmedia/{folder}" for folder in LINKED} <= set(read)


def test_nothing_of_the_pack_lands_outside_its_own_name():
    assert Path(prefect_genmedia.__file__).parent.name == "prefect_genmedia"
    assert PROJECT["project"]["entry-points"]["prefect.collections"] == {"prefect_genmedia": "prefect_genmedia.blocks"}


def test_of_the_deployments_the_wheel_has_what_is_registered_from_it():
    """Image, compose file and charts belong to the checkout, where they are built and changed."""
    assert PROJECT["tool"]["setuptools"]["package-data"]["prefect_genmedia.deployments"] == ["prefect.yaml"]


@pytest.mark.parametrize("name", TABLES)
def test_the_docs_tables_are_made_from_the_code(name: str):
    """python -m tests.readme makes them anew."""
    page = TABLES[name][0].read_text()
    assert all(page.count(mark) == 1 for mark in marks(name))
    assert written(name, page) == page

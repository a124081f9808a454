"""The folder map, and who may import whom."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import prefect_genmedia

ROOT = Path(__file__).parent.parent
MAPPED = ("blocks", "tasks", "flows", "deployments", "emulator", "webhooks", "cli")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def sources() -> Iterator[tuple[str, Path]]:
    """Every module of the package by its room: a mapped folder's name, or core, core.http, core.imaging, ..."""
    for path in sorted((ROOT / "src" / "prefect_genmedia").rglob("*.py")):
        yield "core", path
    for room in MAPPED:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield room, path


def imported(path: Path, room: str) -> Iterator[str]:
    """The modules a file imports, relative ones as prefect_genmedia.<...>; also those inside functions."""
    base = ROOT / "src" / "prefect_genmedia" if room == "core" else ROOT
    package = ["prefect_genmedia", *path.relative_to(base).parent.parts]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*start, *([node.module] if node.module else [])])
            yield from (
                [f"{module}.{alias.name}" for alias in node.names] if module == "prefect_genmedia" else [module]
            )


def test_every_folder_with_code_is_in_the_wheel_and_no_other():
    on_disk = {
        ".".join(["prefect_genmedia", *path.parent.relative_to(ROOT / "src" / "prefect_genmedia").parts])
        for path in (ROOT / "src" / "prefect_genmedia").rglob("*.py")
    }
    for folder in MAPPED:
        on_disk |= {
            ".".join(["prefect_genmedia", *p.parent.relative_to(ROOT).parts]) for p in (ROOT / folder).rglob("*.py")
        }
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == on_disk
    mapped = PROJECT["tool"]["setuptools"]["package-dir"]
    assert mapped == {"prefect_genmedia": "src/prefect_genmedia", **{f"prefect_genmedia.{f}": f for f in MAPPED}}


def test_who_may_import_whom():
    may = {
        "core": set(),
        "blocks": set(),
        "tasks": {"blocks"},
        "flows": {"blocks", "tasks"},
        "deployments": {"flows"},
        "emulator": set(),
        "webhooks": set(),
        "cli": set(MAPPED),
    }
    wrong = []
    for room, path in sources():
        for module in imported(path, room):
            parts = module.split(".")
            if parts[0] == "prefect_genmedia" and len(parts) > 1 and parts[1] in MAPPED:
                other = parts[1]
                if other != room and other not in may[room]:
                    wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    assert not wrong


def test_the_core_never_imports_prefect_and_each_library_has_its_room():
    wrong = []
    for room, path in sources():
        name = str(path.relative_to(ROOT))
        for module in imported(path, room):
            top = module.split(".")[0]
            allowed = {
                "prefect": room not in ("core", "emulator"),
                "httpx": name in ("src/prefect_genmedia/http.py",) or room == "emulator",
                "PIL": "src/prefect_genmedia/imaging/" in name or room == "emulator",
                "sqlalchemy": "src/prefect_genmedia/ledger/" in name,
            }
            if not allowed.get(top, True):
                wrong.append(f"{name} imports {module}")
    assert not wrong


def test_providers_never_import_each_other():
    folder = ROOT / "src" / "prefect_genmedia" / "providers"
    for provider, other in (("ttapi", "novita"), ("novita", "ttapi")):
        for path in (folder / provider).rglob("*.py"):
            assert not [m for m in imported(path, "core") if f"providers.{other}" in m], path


def test_nothing_of_the_pack_lands_outside_its_own_name():
    assert Path(prefect_genmedia.__file__).parent.name == "prefect_genmedia"
    assert PROJECT["project"]["entry-points"]["prefect.collections"] == {"prefect_genmedia": "prefect_genmedia.blocks"}


def test_the_readmes_table_has_every_operation_with_what_is_known_of_it():
    from prefect_genmedia.providers import OPERATIONS

    readme = (ROOT / "README.md").read_text()
    rows = {line.split("`")[1]: line for line in readme.splitlines() if line.startswith("| `") and line.count("|") == 5}
    assert set(rows) >= set(OPERATIONS)
    for name, operation in OPERATIONS.items():
        assert operation.lifecycle in rows[name]
        assert operation.submit.path == "/" or f"`{operation.submit.path}`" in rows[name]

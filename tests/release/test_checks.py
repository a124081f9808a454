"""The release's checks find what they are for."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.release import contents, licences
from tests.release.wrong import Wrong

PACKAGE = "prefect_genmedia"


def wheel(folder: Path, **files: str) -> Path:
    path = folder / "a.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{PACKAGE}/reading.py", 'FILE = "facts.yaml"')
        archive.writestr(f"{PACKAGE}/facts.yaml", "a: 1")
        for name, text in files.items():
            archive.writestr(f"{PACKAGE}/{name.replace('__', '/').replace('_dot_', '.')}", text)
    return path


def test_a_wheel_with_what_is_read_passes(tmp_path: Path) -> None:
    assert "2 files" in contents.look_through(wheel(tmp_path))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"jobs__test_life_dot_py": ""}, "a test: prefect_genmedia/jobs/test_life.py"),
        ({"facts_dot_png": "a: 1"}, "the same file 2 times"),
        ({"schemas__old_dot_json": "{}"}, "nothing reads prefect_genmedia/schemas/old.json"),
    ],
)
def test_what_a_wheel_must_not_hold_is_named(tmp_path: Path, files: dict[str, str], said: str) -> None:
    with pytest.raises(Wrong, match=said):
        contents.look_through(wheel(tmp_path, **files))


@pytest.mark.parametrize(
    ("licence", "passes"),
    [
        ("License-Expression: MIT", True),
        ("License-Expression: GPL-3.0-or-later", False),
        ("Classifier: License :: OSI Approved :: GNU Affero General Public License v3", False),
        ("License-Expression: LGPL-2.1-only", False),  # only psycopg, by name
        ("Keywords: none", False),
    ],
)
def test_copyleft_and_no_licence_at_all_are_named(tmp_path: Path, licence: str, passes: bool) -> None:
    ours = "Requires-Dist: deep>=1\nLicense-Expression: Apache-2.0"
    for name, lines in (("prefect-genmedia", ours), ("deep", licence)):
        folder = tmp_path / f"{name.replace('-', '_')}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{lines}\n")
    if passes:
        assert licences.look_at(tmp_path).startswith("2 distributions")
    else:
        with pytest.raises(Wrong, match="deep"):
            licences.look_at(tmp_path)

"""What the docs say is so: their code runs, their commands exist, and each situation names a test that there is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from prefect_genmedia.cli.commands import app
from tests.docs.pages import DOCS, PAGES, ROOT, Block, all_blocks, blocks_of, run_page

PREFECTLESS = ("index.md", "reference/core.md")
SITUATIONS = (DOCS / "what-happens-when.md").read_text()
TARGETS = set(re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
# What belongs to others is not tried.
OTHERS = {".", "cd", "cp", "curl", "export", "pip", "prefect", "python", "python3", "source", "unset"}
OTHERS |= {"docker", "gh", "helm", "kubectl"}


@pytest.mark.parametrize("name", PREFECTLESS)
async def test_a_page_of_the_core_runs(name: str, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    await run_page(DOCS / name)


def test_every_page_with_python_is_run_by_a_test():
    from tests.orchestration.test_pages import RUN

    pages = {str(block.page.relative_to(ROOT)) for block in all_blocks("python")}
    assert pages == {*RUN, *(f"docs/{name}" for name in PREFECTLESS)}


@pytest.mark.parametrize("block", all_blocks("sh"), ids=lambda block: block.place)
def test_every_command_is_one(block: Block):
    for line in block.text.splitlines():
        words = shlex.split(line, comments=True)
        if words and words[0] == "genmedia":
            command = typer.main.get_command(app)
            rest = words[1:]
            while hasattr(command, "commands"):
                command = command.commands[rest.pop(0)]
            command.make_context(command.name, rest)  # parses, and does nothing
        elif words and words[0] == "make":
            assert {word for word in words[1:] if "=" not in word} <= TARGETS
        else:
            assert not words or words[0] in OTHERS, line


def test_each_situation_says_what_is_seen_paid_and_typed_and_names_a_test():
    situations = re.split(r"^### ", SITUATIONS, flags=re.MULTILINE)[1:]
    assert len(situations) >= 30
    for situation in situations:
        for part in ("You see:", "Do I pay again?", "Type:", "Shown by:"):
            assert situation.count(f"- **{part}**") == 1, situation


@pytest.mark.parametrize("page", [*PAGES, ROOT / "SECURITY.md"], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_test_that_a_page_names_exists(page: Path):
    for file, name in re.findall(r"`(tests/[\w/]+(?:\.py)?)(?:::(\w+))?`", page.read_text()):
        assert (ROOT / file).exists(), f"{page}: there is no {file}"
        if name:
            defined = re.search(rf"^\s*(async )?def {name}\(", (ROOT / file).read_text(), re.MULTILINE)
            assert defined, f"there is no {name} in {file}"


def test_no_block_is_of_an_unknown_language():
    known = {"", "csv", "nginx", "python", "sh", "text", "yaml"}
    assert {block.language for page in PAGES for block in blocks_of(page)} <= known


def test_the_readme_stays_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 130

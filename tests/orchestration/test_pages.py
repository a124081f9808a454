"""The code of the docs that needs Prefect, run as it stands; the blocks that it loads lead to the emulator."""

from __future__ import annotations

import asyncio
import shlex
import shutil
from pathlib import Path

import pytest

from prefect_genmedia.blocks import NovitaCredentials, TTAPICredentials
from prefect_genmedia.cli import main
from prefect_genmedia.emulator import Emulator
from tests.certificates import paper
from tests.docs.pages import DOCS, ROOT, blocks_of, run_page
from tests.orchestration.saving import save

BILLS = {  # what the blocks of a page buy, at the emulator that it finds
    "docs/examples.md": 0,
    "docs/guides/budgets.md": 1,
    "docs/guides/calendar.md": 2,
    "docs/guides/disclosure.md": 0,
    "docs/guides/moderation.md": 0,
    "docs/guides/moving.md": 1,
    "docs/guides/recipes.md": 0,
    "docs/guides/recordings.md": 1,
    "docs/guides/review.md": 0,
}
TRIED = ("README.md", "docs/guides/testing.md", "docs/ten-minutes.md")  # each in a way of its own
RUN = (*BILLS, *TRIED)


@pytest.fixture(autouse=True)
async def saved(ttapi: TTAPICredentials, novita: NovitaCredentials, photos: Path, tmp_path, monkeypatch) -> None:
    await save(ttapi, "ttapi")
    await save(novita, "novita")
    monkeypatch.chdir(tmp_path)
    shutil.copy(photos / "coffee.png", "photograph.png")
    own = paper()
    Path("chain.pem").write_text(own.chain)
    Path("key.pem").write_text(own.key)


SLOW = ("docs/guides/calendar.md", "docs/guides/recordings.md")


@pytest.mark.parametrize("page", [pytest.param(page, marks=[pytest.mark.slow] * (page in SLOW)) for page in BILLS])
async def test_a_page_runs_and_costs_what_it_should(page: str, emulator: Emulator):
    await run_page(ROOT / page)
    assert emulator.billed() == BILLS[page]


async def test_the_readmes_flow_buys_two_pictures(emulator: Emulator):
    defined = await run_page(ROOT / "README.md")
    (wide,) = await defined["hero_picture"]("a lighthouse")
    assert (wide.width, wide.height, emulator.billed()) == (1600, 900, 2)


async def test_the_test_that_users_are_shown_passes(emulator: Emulator):
    defined = await run_page(DOCS / "guides" / "testing.md")
    await asyncio.to_thread(defined["test_my_flow_pays_once"], emulator)


async def test_ten_minutes(emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """All of the page, in its order: the commands that it has marked as well."""
    page = DOCS / "ten-minutes.md"
    defined = await run_page(page)
    for block in blocks_of(page):
        if block.title:
            made = await defined["main"]()
            assert Path(made.page.removeprefix("file://")).exists()
        for line in block.text.splitlines() if block.is_run else ():
            command, *words = shlex.split(line.replace("http://127.0.0.1:8484", emulator.url))
            if command == "export":
                for name, _, value in (word.partition("=") for word in words):
                    monkeypatch.setenv(name, value)
            else:
                assert command == "genmedia"
                with pytest.raises(SystemExit) as ended:
                    await asyncio.to_thread(main, words)
                assert ended.value.code in (None, 0)
    assert emulator.billed() == 2
    said = capsys.readouterr().out
    assert "saved as 'ttapi'" in said and "STORED" in said

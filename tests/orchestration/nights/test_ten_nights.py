"""Nights that failed: what the run's page and `genmedia jobs show` say at 2 a.m., and that it works when it is typed.

Each is one run of `illustrate` on the emulator, whose counters say what was paid for in the end.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from typer.testing import CliRunner

from prefect_genmedia.blocks import NovitaCredentials, TTAPICredentials
from prefect_genmedia.cli.commands import app
from prefect_genmedia.emulator import Emulator
from prefect_genmedia.flows import Refinement, illustrate
from prefect_genmedia.imaging import Rendition
from prefect_genmedia.ledger import JobRow
from tests.orchestration.keys import NOVITA_KEY, TTAPI_KEY
from tests.orchestration.nights.pages import Page, again, at_the_word, page_of
from tests.postgres import Server
from tests.shop import the_ledger
from tests.stand_in import Gate

SAFE = "It was bought once and is safe."
NOTHING = "Nothing was bought."


@dataclass
class Night:
    """One night's surroundings, and who looks at them in the morning."""

    emulator: Emulator
    gate: Gate
    asked: dict[str, Any]

    async def fails(self, **other: Any) -> Page:
        page, _ = await page_of(illustrate, **{**self.asked, **other})
        assert page.state == "FAILED", page
        return page

    async def ends_well(self, page: Page, billed: int = 2) -> None:
        """Retried, the same run delivers; all in all so many were paid for."""
        page = await again(page, illustrate)
        assert page.state == "COMPLETED", page
        await self.is_delivered(billed)

    async def runs_well(self, billed: int, **other: Any) -> None:
        """Another run delivers."""
        page, _ = await page_of(illustrate, **{**self.asked, **other})
        assert page.state == "COMPLETED", page
        await self.is_delivered(billed, len(other["prompts"]))

    async def is_delivered(self, billed: int, pictures: int = 1) -> None:
        assert self.emulator.billed() == billed
        fs, root = fsspec.core.url_to_fs(os.environ["GENMEDIA_MEDIA_STORE"])
        assert len(fs.glob(f"{root}/published/night/*.jpg")) == pictures

    def job(self, state: str) -> JobRow:
        (row,) = the_ledger().rows([state])
        return row


async def genmedia(*typed: str, fails: bool = False, **env: str) -> str:
    """What the command says."""

    def run() -> str:
        done = CliRunner(env={"COLUMNS": "200", **env}).invoke(app, list(typed))
        said = done.output if done.exception is None else f"{done.output}\n{done.exception}"
        assert (done.exit_code != 0) is fails, said
        return said

    return await asyncio.to_thread(run)


def says(page: Page, happened: str, money: str, typed: str) -> None:
    """The state's message has the three sentences, once; so has the log, with no traceback and nobody's insides.

    A paid task says in the log what became of it; the run then sums up.
    """
    sentences = (happened, money, typed)
    assert [page.message.count(each) for each in sentences] == [1, 1, 1], (sentences, page.message)
    errors = [line for level, line in page.log if level in ("ERROR", "CRITICAL")]
    assert [line for line in errors if page.message[40:80] in line] == errors[-1:], errors
    assert sum(happened in line for line in errors) <= 2, errors
    for inside in ("Traceback", "sqlalchemy", "psycopg.", "httpx.", "httpcore"):
        assert inside not in page.loud, page.loud


async def shows(row: JobRow, happened: str, money: str, typed: str) -> None:
    said = (await genmedia("jobs", "show", row.id[:12])).partition("\nNow")[2]
    for label, sentence in (("It", happened), ("Money", money), ("Type", typed)):
        (line,) = [line for line in said.splitlines() if line.strip().startswith(label)]
        assert sentence in line, said


@pytest.fixture
def gate(emulator: Emulator) -> Iterator[Gate]:
    gate = Gate(emulator.url)
    gate.listen(deaf=False)
    yield gate
    gate.close()


@pytest.fixture
async def night(emulator: Emulator, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> Night:
    monkeypatch.setenv("GENMEDIA_OUTAGE_SECONDS", "3")
    await TTAPICredentials(api_key=TTAPI_KEY, base_url=gate.url).asave("night-t", overwrite=True)
    await NovitaCredentials(api_key=NOVITA_KEY, base_url=gate.url).asave("night-n", overwrite=True)
    asked = {
        "prompts": ["a kite"],
        "refinement": Refinement(longest_side=128),
        "renditions": [Rendition(name="square", width=96, height=96)],
        "collection": "night",
        "advanced": {"ttapi_credentials": "night-t", "novita_credentials": "night-n"},
    }
    return Night(emulator, gate, asked)


# -- before anything is bought -------------------------------------------------------------------------------------


@pytest.mark.parametrize("why", ["no block", "wrong key"])
@pytest.mark.slow
async def test_a_block_that_is_not_there_or_has_a_wrong_key(night: Night, why: str) -> None:
    name = "night-n" if why == "wrong key" else "night-new"
    night.emulator.configure(api_key=NOVITA_KEY)  # of both providers, so that TTAPI's block holds it as well
    await TTAPICredentials(api_key=NOVITA_KEY, base_url=night.gate.url).asave("night-t", overwrite=True)
    if why == "wrong key":
        await NovitaCredentials(api_key="mistyped", base_url=night.gate.url).asave(name, overwrite=True)
        happened = "the key of the Novita AI Credentials block 'night-n' is not accepted: "
    else:
        happened = "there is no Novita AI Credentials block called 'night-new'"
    page = await night.fails(advanced={"ttapi_credentials": "night-t", "novita_credentials": name})
    says(page, happened, NOTHING, f"genmedia setup --novita {name}")
    said = await genmedia("setup", "--novita", name, "--base-url", night.gate.url, NOVITA_API_KEY=NOVITA_KEY)
    assert "Key: accepted" in said
    await night.ends_well(page)


@pytest.mark.slow
async def test_no_credit(night: Night) -> None:
    night.emulator.add_faults({"kind": "submit_refuse", "status": 402, "operation": "novita.img2img"})
    page = await night.fails()
    refused = night.job("NOT_ACCEPTED")
    says(page, f"novita.img2img: {refused.reason}", NOTHING, "Top up the Novita account, then run again.")
    await shows(refused, refused.reason, NOTHING, "Mend what it names (a key, credit, the prompt)")
    night.emulator.clear_faults()
    await night.ends_well(page)


@pytest.mark.slow
async def test_the_provider_is_down(night: Night) -> None:
    night.gate.cut()
    page = await night.fails()
    refused = night.job("NOT_ACCEPTED")
    says(page, f"could not reach {night.gate.url}", NOTHING, "Run again when it can be reached.")
    assert len(page.lines("has not answered for", "WARNING")) == 1
    await shows(
        refused, f"could not reach {night.gate.url}", NOTHING, "wait where it was away; then run its flow again"
    )
    night.gate.listen(deaf=False)
    await night.ends_well(page)


# -- what the provider will not make -------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["at the submit", "after acceptance"])
@pytest.mark.slow
async def test_a_banned_prompt(night: Night, when: str) -> None:
    at_once = when == "at the submit"
    page = await night.fails(prompts=["a kite", "forbidden-by-emulator" if at_once else "denied-by-emulator"])
    row = night.job("NOT_ACCEPTED" if at_once else "FAILED")
    money = NOTHING if at_once else "It may have been charged."
    typed = "Change the prompt or the picture"
    says(page, row.reason, money, typed)
    assert "a changed prompt is another run" in page.message
    await shows(row, row.reason, money, "the prompt" if at_once else typed)
    assert night.emulator.billed() == (2 if at_once else 3)
    # Another run takes over what the failed one has, and buys what is new.
    await night.runs_well(4 if at_once else 5, prompts=["a kite", "a drum"])


# -- lost replies --------------------------------------------------------------------------------------------------


async def test_a_lost_reply_of_ttapi_needs_nobody(night: Night) -> None:
    night.emulator.add_faults({"kind": "submit_lose_reply", "operation": "midjourney.imagine", "times": 1})
    page, _ = await page_of(illustrate, **night.asked)
    assert page.state == "COMPLETED" and not page.lines("", "ERROR")
    assert len(page.lines("no usable answer to the submit", "WARNING")) == 1
    assert len(page.lines("the lost submit is found", "INFO")) == 1
    (row,) = the_ledger().rows(operation="midjourney.imagine")
    await shows(row, "it is done, and its files are here", SAFE, "Nothing is to be done.")
    await night.is_delivered(2)


@pytest.mark.slow
async def test_a_lost_reply_of_novita_is_named_by_hand(night: Night) -> None:
    night.emulator.add_faults({"kind": "submit_lose_reply", "operation": "novita.img2img", "times": 1})
    page = await night.fails()
    row = night.job("UNKNOWN")
    typed = f"genmedia jobs adopt {row.id[:12]} --job-id ID, or genmedia jobs adopt {row.id[:12]} --not-accepted"
    says(page, "no usable answer came to its submit", "It may be billed; it is not sent again by itself.", typed)
    await shows(row, "no usable answer", "It may be billed; it is not sent again by itself.", typed)
    (bought,) = [job["id"] for job in night.emulator.jobs()["jobs"] if job["operation"] == "novita.img2img"]
    await genmedia("jobs", "adopt", row.id[:12], "--job-id", bought)
    await night.ends_well(page)


# -- what is bought and does not come ------------------------------------------------------------------------------


@pytest.mark.slow
async def test_an_expired_link(night: Night) -> None:
    night.emulator.add_faults({"kind": "download_expired", "operation": "novita.img2img"})
    page = await night.fails()
    row = night.job("SUCCEEDED")
    typed = f"genmedia jobs resume {row.id[:12]}"
    says(page, "novita.img2img: the result link answers HTTP 403", SAFE, typed)
    await shows(row, "it is done, and its files are not here yet", SAFE, typed)
    night.emulator.clear_faults()
    assert "file://" in await genmedia("jobs", "resume", row.id[:12])
    await night.ends_well(page)


@pytest.mark.slow
async def test_the_provider_is_killed_in_mid_run(night: Night) -> None:
    night.emulator.configure(hold=True)
    with at_the_word("queued", night.gate.cut):
        page = await night.fails()
    row = night.job("SUBMITTED")
    typed = f"genmedia jobs resume {row.id[:12]}"
    says(page, f"could not reach {night.gate.url}", SAFE, typed)
    await shows(row, "the provider has it", SAFE, typed)
    night.emulator.configure(hold=False)
    night.emulator.release()
    night.gate.listen(deaf=False)
    await night.ends_well(page)


# -- our own side --------------------------------------------------------------------------------------------------


class Disk(MemoryFileSystem):  # type: ignore[misc]
    """A store that may be full."""

    protocol = "night-disk"
    is_full = False

    def put_file(self, *given: Any, **options: Any) -> None:
        if Disk.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().put_file(*given, **options)


fsspec.register_implementation("night-disk", Disk, clobber=True)


@pytest.mark.slow
async def test_a_full_disk(night: Night, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Full before the first job's files come."""
    monkeypatch.setenv("GENMEDIA_MEDIA_STORE", f"night-disk://{tmp_path.name}")
    with at_the_word("queued", lambda: setattr(Disk, "is_full", True)):
        page = await night.fails()
    Disk.is_full = False
    row = night.job("SUCCEEDED")
    typed = f"genmedia jobs resume {row.id[:12]}"
    says(page, "No space left on device", SAFE, "Make room (free some space), then run again")
    await shows(row, "it is done", SAFE, typed)
    await genmedia("jobs", "resume", row.id[:12])
    await night.ends_well(page)


@pytest.mark.postgres
@pytest.mark.slow
async def test_the_ledger_is_away(
    night: Night, postgres: Server, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the run, and in its middle for a moment: then it waits, and goes on."""
    monkeypatch.setenv("GENMEDIA_LEDGER_URL", postgres_url)
    postgres.admit(postgres_url, False)
    postgres.disconnect(postgres_url)
    page = await night.fails()
    says(page, "the ledger", "Nothing new is bought without it.", "Run again when the database is back.")
    assert "Run again when the database is back." in await genmedia("jobs", "list", fails=True)
    postgres.admit(postgres_url, True)

    def away() -> None:
        postgres.admit(postgres_url, False)
        postgres.disconnect(postgres_url)

    with at_the_word("queued", away), at_the_word("The ledger is away", lambda: postgres.admit(postgres_url, True)):
        await night.ends_well(page)

"""`genmedia doctor` as on the evening before: each line says what is and what to do, and nothing is bought."""

from __future__ import annotations

import pytest
import typer
from prefect.client.orchestration import get_client

from prefect_genmedia.blocks import NovitaCredentials, TTAPICredentials
from prefect_genmedia.cli.doctor import examine
from tests.orchestration.keys import NOVITA_KEY, TTAPI_KEY


@pytest.fixture
async def only_blocks(ttapi: TTAPICredentials, novita: NovitaCredentials) -> None:
    """No other test's keys are looked at."""
    async with get_client() as client:
        for kind in (TTAPICredentials, NovitaCredentials):
            await kind.aregister_type_and_schema()
            for document in await client.read_block_documents_by_type(kind.get_block_type_slug()):
                await client.delete_block_document(document.id)
    await ttapi.asave("ttapi")
    await novita.asave("novita")


def test_when_all_is_well_each_thing_is_named(emulator, only_blocks, nothing_deployed, capsys):
    examine()
    said = capsys.readouterr().out
    for words in ("schema", "media store", "Pillow brings", "'ttapi'", "accepted, 10000 quota left", "100 USD left"):
        assert words in said, said
    assert "bad  " not in said and TTAPI_KEY not in said and NOVITA_KEY not in said
    assert "genmedia setup" in said  # there is no work pool yet
    assert emulator.submits() == 0


def test_what_is_wrong_is_bad_with_what_to_type_and_the_rest_is_looked_at_all_the_same(
    emulator, only_blocks, capsys, monkeypatch
):
    emulator.configure(api_key=TTAPI_KEY)
    emulator.add_faults({"kind": "clock_skew", "seconds": -7200})
    monkeypatch.setenv("GENMEDIA_MEDIA_STORE", "/proc/nope")
    monkeypatch.setenv("GENMEDIA_FONTS", "/nowhere/sans.ttf")
    with pytest.raises(typer.Exit) as ended:
        examine()
    said = capsys.readouterr().out
    assert ended.value.exit_code == 1 and "3 bad" in said, said
    assert "Save the right key: genmedia setup --novita novita" in said and "'ttapi'" in said
    assert "clock is 7200 s ahead of ttapi's" in said.replace("7201", "7200").replace("7199", "7200")
    assert "/proc/nope" in said and "GENMEDIA_MEDIA_STORE" in said and "sans.ttf cannot be read" in said
    assert emulator.submits() == 0


@pytest.mark.slow
def test_a_provider_and_a_ledger_that_are_away(emulator, only_blocks, capsys, monkeypatch):
    emulator.stop()
    monkeypatch.setenv("GENMEDIA_LEDGER_URL", "sqlite:////proc/nope/ledger.db")
    with pytest.raises(typer.Exit):
        examine()
    said = capsys.readouterr().out
    assert "1 bad" in said and "/proc/nope/ledger.db cannot be written" in said
    assert said.count("cannot be asked: could not reach") == 2 and "Runs wait for it" in said

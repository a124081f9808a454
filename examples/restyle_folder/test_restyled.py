"""Against both providers emulated on this machine: nothing is paid, no key is needed."""

import asyncio
import shutil
from pathlib import Path

import pytest
from pydantic import SecretStr
from restyled import HERE, restyle_folder

from prefect_genmedia.blocks import NovitaCredentials
from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import GenMediaError
from prefect_genmedia.flows import BatchReport


@pytest.mark.usefixtures("genmedia_prefect")
def test_a_photograph_that_cannot_be_read_holds_back_no_other(genmedia_emulator: Emulator, tmp_path: Path) -> None:
    NovitaCredentials(api_key=SecretStr("any"), base_url=genmedia_emulator.url).save("novita", overwrite=True)
    folder = tmp_path / "photographs"
    shutil.copytree(HERE / "photographs", folder)
    (folder / "broken.jpg").write_bytes(b"no picture")

    with pytest.raises(GenMediaError, match=r"1 of 3 photographs failed: 1: broken\.jpg"):
        asyncio.run(restyle_folder(folder=str(folder)))
    assert genmedia_emulator.billed("novita.img2img") == 2

    (folder / "broken.jpg").unlink()
    again = asyncio.run(restyle_folder(folder=str(folder)))
    assert isinstance(again, BatchReport)
    assert [each.state for each in again.outcomes] == ["already there"] * 2
    assert again.files == 4  # square and thumb of both
    assert genmedia_emulator.billed() == 2

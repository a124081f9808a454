"""Against both providers emulated on this machine: nothing is paid, no key is needed."""

import asyncio
import json
from pathlib import Path

import pytest
import yaml
from pose_sheet import HERE, pose_sheet
from pydantic import SecretStr

from prefect_genmedia.blocks import TTAPICredentials
from prefect_genmedia.emulator import Emulator


@pytest.mark.usefixtures("genmedia_prefect")
def test_a_new_pose_alone_is_bought_later(genmedia_emulator: Emulator, tmp_path: Path) -> None:
    TTAPICredentials(api_key=SecretStr("any"), base_url=genmedia_emulator.url).save("ttapi", overwrite=True)
    genmedia_emulator.add_faults({"kind": "download_truncated", "times": 1})

    sheet = asyncio.run(pose_sheet(width=128, height=192))
    assert genmedia_emulator.billed("novelai.text_to_image") == 4
    beside = json.loads(Path(f"{sheet.path}.json").read_text())
    assert len(beside["parents"]) == 4 and beside["sheet"]["captions"][0] == "front view"

    character = yaml.safe_load((HERE / "character.yaml").read_text())
    character["poses"].append("jumping")
    (tmp_path / "more.yaml").write_text(yaml.safe_dump(character))
    asyncio.run(pose_sheet(str(tmp_path / "more.yaml"), width=128, height=192))
    assert genmedia_emulator.billed() == 5

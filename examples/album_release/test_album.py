"""Against both providers emulated on this machine: nothing is paid, no key is needed."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from album import album_release
from pydantic import SecretStr

from prefect_genmedia.blocks import TTAPICredentials
from prefect_genmedia.emulator import Emulator
from prefect_genmedia.flows import Release, Teaser

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not on the PATH")


def release() -> list[Release]:
    """The album of this folder, in a size that is quickly drawn."""
    return asyncio.run(album_release(sizes=["thumb"], teaser=Teaser(duration_seconds=1, side=64)))


@needs_ffmpeg
@pytest.mark.usefixtures("genmedia_prefect")
def test_a_track_that_failed_is_all_that_a_second_run_buys(genmedia_emulator: Emulator) -> None:
    TTAPICredentials(api_key=SecretStr("any"), base_url=genmedia_emulator.url).save("ttapi", overwrite=True)
    genmedia_emulator.add_faults({"kind": "submit_lose_reply", "operation": "midjourney.imagine", "times": 1})

    first, second = release()
    assert genmedia_emulator.jobs()["counts"] == {"suno.music": 2, "midjourney.imagine": 2}
    bundle = json.loads((first.songs[0].path.parent / "release.json").read_text())
    assert {Path(each["file"]).suffix for each in bundle["files"]} == {".mp3", ".jpg", ".mp4"}
    assert second.songs[0].path.parent.name == "last-trains-platform-nine"

    release()
    assert genmedia_emulator.billed() == 4

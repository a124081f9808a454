"""A dry run of a flow that makes one thing: a forecast, as an artifact and as its result, and nothing is bought."""

from __future__ import annotations

import json
import shutil
from typing import Any

import httpx
import pytest
from prefect.settings import PREFECT_API_URL

from prefect_genmedia.flows import character_sheet, clip, release_track
from prefect_genmedia.forecast import Forecast
from tests import PHOTOS
from tests.orchestration.keys import NOVITA_KEY
from tests.patience import PATIENCE

STILL = str(PHOTOS / "coffee.png")
TRACK = {"title": "Night Train", "sound": "synthwave", "cover": "a train --ar 1:1", "stems": True}
T, N = {"ttapi_credentials": "dry-t"}, {"novita_credentials": "dry-n"}
POSES = {"character": "1girl, red hair", "poses": ["front view", "laughing"]}
FLOWS: dict[str, tuple[Any, dict[str, Any], int]] = {
    "clip": (clip, {"still": STILL, "prompt": "steam rises", "advanced": N}, 1),
    "character-sheet": (character_sheet, {**POSES, "advanced": T}, 2),
    "release": (release_track, {**TRACK, "advanced": {**T, **N, "teaser": None, "lufs": None}}, 4),
}


ffmpeg = pytest.mark.skipif(
    not (shutil.which("ffmpeg") and shutil.which("ffprobe")), reason="needs ffmpeg and ffprobe on the PATH"
)


@pytest.mark.parametrize("kind", [pytest.param("clip", marks=ffmpeg), "character-sheet", "release"])
@pytest.mark.sampled(3)
async def test_it_says_what_it_will_cost_and_buys_nothing(emulator, ttapi, novita, kind):
    await ttapi.asave("dry-t", overwrite=True)
    await novita.asave("dry-n", overwrite=True)
    made, asked, jobs = FLOWS[kind]
    expected = await made(**asked, dry_run=True)
    assert isinstance(expected, Forecast) and expected.jobs == jobs
    assert json.loads(expected.model_dump_json())["jobs"] == jobs
    url = f"{PREFECT_API_URL.value()}/artifacts/{kind}-forecast/latest"
    shown = httpx.get(url, trust_env=False, timeout=PATIENCE).json()["data"]
    assert f"jobs to buy | {jobs}" in shown and NOVITA_KEY not in shown
    assert emulator.submits() == 0 == emulator.billed()

"""The deployment file: deployed as a user would, and run by a real worker from a real work pool."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate

import prefect_genmedia.deployments
from prefect_genmedia.settings import Settings
from tests.orchestration.saving import save
from tests.patience import PATIENCE

FILE = Path(prefect_genmedia.deployments.__file__).parent / "prefect.yaml"


def prefect(env: dict[str, str], folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
async def env(ttapi, novita, child_env, tmp_path) -> dict[str, str]:
    """The environment of a worker; the blocks are saved, and all is deployed."""
    await save(ttapi, "ttapi")
    await save(novita, "novita")
    # Its own TMPDIR: Prefect's worker keeps a folder there that belongs to whoever came first.
    env = {**child_env, "PREFECT_WORKER_QUERY_SECONDS": "1", "TMPDIR": str(tmp_path)}
    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name="genmedia", type="process"), overwrite=True)
    await asyncio.to_thread(prefect, env, tmp_path, "deploy", "--prefect-file", str(FILE), "--all")
    return env


async def worker(env: dict[str, str], folder: Path) -> None:
    """A worker that runs what is due, and ends."""
    how = ("--pool", "genmedia", "--run-once", "--install-policy", "never")
    await asyncio.to_thread(prefect, env, folder, "worker", "start", *how)


@pytest.mark.slow
async def test_every_deployment_is_deployed_and_a_worker_runs_illustrate(emulator, env, tmp_path):
    async with get_client() as client:
        deployed = {each.name: each for each in await client.read_deployments()}
        assert set(deployed) == {each["name"] for each in yaml.safe_load(FILE.read_text())["deployments"]}
        nightly = deployed["nightly"]
        assert nightly.schedules[0].schedule.cron == "0 2 * * *" and nightly.schedules[0].active
        assert nightly.parameter_openapi_schema["properties"]["prompts"]["description"]
        for name in ("calendar", "restyle", "clip", "character-sheet", "release-track"):
            assert not deployed[name].schedules[0].active  # a person says first what is wanted
        assert "secret" not in nightly.model_dump_json().lower().replace("secretstr", "")
        parameters = {
            "prompts": ["a tram"],
            "refinement": {"longest_side": 256},
            "renditions": [{"name": "square", "width": 64, "height": 64}],
            "collection": "worker",
        }
        run = await client.create_flow_run_from_deployment(nightly.id, parameters=parameters)
    await worker(env, tmp_path)
    async with get_client() as client:
        state = (await client.read_flow_run(run.id)).state
    assert state.is_completed(), state.message
    published = Path(Settings().media_store) / "published" / "worker"
    assert len(list(published.glob("*.jpg"))) == 1 and (published / "index.html").is_file()
    assert emulator.jobs()["counts"] == {"midjourney.imagine": 1, "novita.img2img": 1}


@pytest.mark.slow
async def test_a_worker_runs_the_flows_of_films_sheets_and_tracks(emulator, env, tmp_path, photos):
    if not (shutil.which("ffmpeg") and shutil.which("ffprobe")):
        pytest.skip("needs ffmpeg and ffprobe on the PATH")
    small = {"longest_side": 128}
    wanted = {
        "clip": {"still": str(photos / "coffee.png"), "prompt": "steam rises"},
        "character-sheet": {"poses": ["front view", "laughing"], "drawing": {"width": 128, "height": 192}},
        "release-track": {"advanced": {"refinement": small, "teaser": {"duration_seconds": 2, "side": 128}}},
    }
    async with get_client() as client:
        deployed = {each.name: each for each in await client.read_deployments()}
        runs = [
            await client.create_flow_run_from_deployment(deployed[name].id, parameters=parameters)
            for name, parameters in wanted.items()
        ]
    await worker(env, tmp_path)
    async with get_client() as client:
        found = [await client.read_flow_run(run.id) for run in runs]
    for run in found:
        assert run.state.is_completed(), run.state.message
    assert [run.name for run in found] == [
        "clips: steam rises, by hailuo",
        "characters: 1girl, red hair, green coat in 2 poses",
        "Night Train",
    ]
    published = Path(Settings().media_store) / "published"
    assert (published / "clips" / "coffee-steam-rises.mp4").is_file()
    assert (published / "characters" / "contact-sheet.jpg").is_file()
    assert (published / "night-train" / "night-train-cover-art.jpg").is_file()
    assert emulator.jobs()["counts"] == {
        "novita.minimax_hailuo_23_fast_i2v": 1,
        "novelai.text_to_image": 2,
        "suno.music": 1,
        "midjourney.imagine": 1,
        "novita.img2img": 1,
    }

"""`genmedia setup` and `genmedia init`: a first hour with the wheel alone; run again, what a person changed stays."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.automations import Automation
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentUpdate

from prefect_genmedia.blocks import Budget, TTAPICredentials
from prefect_genmedia.cli import main
from prefect_genmedia.cli.project import write_project
from prefect_genmedia.deployments.automations import TELLING
from prefect_genmedia.deployments.shipped import FILE, FREE, POOL
from prefect_genmedia.errors import ConfigurationError
from tests.patience import PATIENCE

OLD = {"ttapi_credentials": "a", "novita_credentials": "shop"}  # where versions before `advanced` had them


def setup(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["setup", *arguments])
    said = capsys.readouterr().out
    assert not ended.value.code, said
    return said


async def deployments() -> dict[str, Any]:
    async with get_client() as client:
        return {each.name: each for each in await client.read_deployments() if each.work_pool_name == POOL}


async def change() -> None:
    """What a person does in the UI."""
    async with get_client() as client:
        nightly = (await deployments())["nightly"]
        own = {"attempts": 2, "ttapi_credentials": "ttapi", "advanced": {"mode": "relax"}}
        await client.update_deployment_schedule(nightly.id, nightly.schedules[0].id, active=True, parameters=own)
        mine = DeploymentUpdate(parameters={**nightly.parameters, "prompts": ["mine"], **OLD}, paused=True)
        await client.update_deployment(nightly.id, mine)
        loud = await Automation.aread(name=next(iter(TELLING)))
        loud.enabled = True
        await loud.aupdate()


def test_it_prepares_all_buys_nothing_and_leaves_what_was_changed(emulator, nothing_deployed, capsys, monkeypatch):
    monkeypatch.setenv("TTAPI_API_KEY", "k-4711")
    hook = CustomWebhookNotificationBlock(name="ops", url=f"{emulator.url}/hook", json_data={"text": "{{body}}"})
    hook.save("ops", overwrite=True)
    asked = ("--ttapi", "setup-t", "--base-url", emulator.url, "--notify", "custom-webhook/ops")
    said = setup(capsys, *asked)
    assert "accepted, 10000 left" in said and "k-4711" not in said and f"Work pool: {POOL}" in said
    made = asyncio.run(deployments())
    assert set(made) == {each["name"] for each in yaml.safe_load(FILE.read_text())["deployments"]}
    # What buys waits for a person.
    assert not any(each.active for name in set(made) - set(FREE) for each in made[name].schedules)
    assert made["adopt-orphans"].schedules[0].active and not made["nightly"].pull_steps
    assert all(f"{name!r}, made, switched off" in said for name in TELLING)

    asyncio.run(change())
    guarded = TTAPICredentials.load("setup-t")
    guarded.budget = Budget(per_day=50.0)
    guarded.save("setup-t", overwrite=True)
    monkeypatch.setenv("TTAPI_API_KEY", "k-0815")
    again = setup(capsys, *asked)
    nightly = asyncio.run(deployments())["nightly"]
    assert nightly.schedules[0].active and nightly.paused and nightly.parameters["prompts"] == ["mine"]
    # What the schedule does not name is as the deployment has it: whose account pays, before all.
    own = {"attempts": 2, "mode": "relax", "novita_credentials": "shop"}
    assert nightly.schedules[0].parameters == {"advanced": own}
    assert nightly.parameters["advanced"] == OLD and not set(OLD) & set(nightly.parameters)
    assert "renewed, switched on as it was" in again and again.count("switched off as it was") == len(TELLING) - 1
    kept = TTAPICredentials.load("setup-t")
    assert kept.budget is not None and kept.budget.per_day == 50.0 and kept.api_key.get_secret_value() == "k-0815"
    assert emulator.submits() == 0
    with pytest.raises(SystemExit):
        main(["setup", "--notify", "slack-webhook/nowhere"])
    assert "no notification block called 'slack-webhook/nowhere'" in capsys.readouterr().err.replace("\n", " ")


@pytest.mark.slow
def test_a_new_project_passes_its_test_and_its_flow_runs(emulator, child_env, tmp_path):
    folder = tmp_path / "my pictures"
    write_project(folder)
    with pytest.raises(ConfigurationError, match=r"has a pictures.py already"):
        write_project(folder)
    (step,) = yaml.safe_load((folder / "prefect.yaml").read_text())["pull"][0].values()
    assert step == {"directory": str(folder)}
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GENMEDIA_")}
    assert "1 passed" in ran(folder, plain, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    TTAPICredentials(api_key="any", base_url=emulator.url).save("ttapi", overwrite=True)
    assert ran(folder, child_env, "pictures.py").count("file://") == 2
    assert emulator.billed() == 1


def ran(folder: Path, env: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=env, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

"""The main job: prompts and photographs to published pictures, under failures; and what the API then holds."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from prefect.settings import PREFECT_API_URL

from prefect_genmedia.blocks import NovitaCredentials, TTAPICredentials
from prefect_genmedia.errors import ConfigurationError, GenMediaError
from prefect_genmedia.flows import Photograph, Refinement, illustrate
from prefect_genmedia.imaging import Rendition
from prefect_genmedia.ledger import open_ledger
from prefect_genmedia.settings import Settings
from tests.orchestration.keys import NOVITA_KEY, TTAPI_KEY
from tests.orchestration.saving import save
from tests.patience import PATIENCE, until

SQUARE = [Rendition(name="square", width=96, height=96)]
REFINE = Refinement(longest_side=256)
RUN = Path(__file__).parent / "scripts" / "illustrate_run.py"


@pytest.fixture
async def blocks(ttapi: TTAPICredentials, novita: NovitaCredentials) -> dict[str, dict[str, Any]]:
    await save(ttapi, "t")
    await save(novita, "n")
    return {"advanced": {"ttapi_credentials": "t", "novita_credentials": "n"}}


def files_below(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.rglob(pattern))


async def test_prompts_and_photographs_become_published_files_with_manifests_and_galleries(emulator, blocks, photos):
    made = await illustrate(
        prompts=["a lighthouse --ar 3:2", "a lighthouse --ar 3:2"],
        photographs=[Photograph(picture=str(photos / "chelsea.png"), prompt="in oil")],
        refinement=REFINE,
        renditions=SQUARE,
        collection="Spring Sale",
        **blocks,
    )
    published = Path(Settings().media_store) / "published" / "spring-sale"
    assert len(files_below(published, "*.jpg")) == 3 == len(files_below(published, "*.jpg.json"))
    manifest = json.loads(files_below(published, "*.jpg.json")[0].read_text())
    assert [job["operation"] for job in manifest["jobs"]] == ["midjourney.imagine", "novita.img2img"]
    page = (published / "index.html").read_text()
    assert "data:image/" in page and "http://" not in page and "https://" not in page
    for link in re.findall(r'href="([^"]+)"', page):
        assert (published / link).resolve().is_file(), link
    # Two equal prompts are two wanted pictures: 2 grids, 3 refinements.
    assert emulator.jobs()["counts"] == {"midjourney.imagine": 2, "novita.img2img": 3}
    assert made.items[0].grid != made.items[1].grid
    assert "4 TTAPI quota" in made.summary


@pytest.mark.slow
async def test_a_photograph_too_large_for_the_provider_is_made_smaller(emulator, blocks, tmp_path):
    """It is redrawn at 256 pixels anyway."""
    Image.new("RGB", (6000, 4000), "teal").save(tmp_path / "DSC_0001.jpg")
    photographs = [Photograph(picture=f"{tmp_path}/DSC_0001.jpg ", prompt="in oil")]
    made = await illustrate(photographs=photographs, refinement=REFINE, renditions=SQUARE, **blocks)
    assert (made.items[0].refined[0].width, made.items[0].refined[0].height) == (256, 168)
    assert emulator.billed() == 1


@pytest.mark.parametrize(("pick", "refined"), [("all", 4), (3, 1), ("sharpest", 1)])
@pytest.mark.slow
async def test_which_of_the_four_go_on(emulator, blocks, pick, refined):
    made = await illustrate(prompts=["a kite"], pick=pick, refinement=REFINE, renditions=SQUARE, **blocks)
    assert len(made.items[0].refined) == refined == emulator.billed("novita.img2img")
    if pick == 3:
        assert made.items[0].picked[0].role == "bottom left"


def second_and_fourth(paths: list[Path]) -> list[int]:
    assert all(path.is_file() for path in paths)
    return [1, 3]


@pytest.mark.slow
async def test_a_chooser_of_ones_own_and_upscaling(emulator, blocks):
    made = await illustrate(
        prompts=["a kite"],
        refinement=None,
        renditions=SQUARE,
        advanced={**blocks["advanced"], "chooser": f"{__name__}:second_and_fourth", "upscale": True},
    )
    assert emulator.jobs()["counts"] == {"midjourney.imagine": 1, "midjourney.action": 2}
    assert len(made.items[0].published) == 2


async def test_one_failure_does_not_take_the_others_and_a_retry_pays_only_for_it(emulator, blocks):
    emulator.add_faults(
        {"kind": "job_fails", "operation": "midjourney.imagine", "times": 1, "message": "[Internal error] Something"}
    )
    asked = {"prompts": ["a kite", "a drum"], "refinement": None, "renditions": SQUARE}
    terms = {**blocks["advanced"], "request_key": "retry-me"}
    with pytest.raises(GenMediaError, match="1 of 2 pictures failed") as caught:
        await illustrate(**asked, advanced=terms)
    assert "[Internal error] Something" in str(caught.value)
    assert "What could be published is published." in str(caught.value)
    assert len(files_below(Path(Settings().media_store) / "published", "*.jpg")) == 1
    made = await illustrate(**asked, advanced={**terms, "attempts": 2})
    assert len(made.items) == 2
    kept = [job for job in emulator.jobs()["jobs"] if job["billed"] and not job["refunded"]]
    assert len(kept) == 2 and emulator.requests()["requests"]["POST /midjourney/v1/imagine"] == 3


async def test_where_nothing_was_published_the_end_says_so_and_says_equal_reasons_once(emulator, blocks):
    emulator.add_faults({"kind": "submit_refuse", "status": 401, "times": 2})
    with pytest.raises(GenMediaError, match="2 of 2 pictures failed: a kite, a drum: ") as caught:
        await illustrate(prompts=["a kite", "a drum"], refinement=None, renditions=SQUARE, **blocks)
    said = str(caught.value)
    assert "Nothing was published." in said and "is published" not in said
    assert said.count("Nothing was bought.") == 1 == said.count("Save the right key")
    assert emulator.billed() == 0


async def test_a_missing_block_says_how_to_save_one():
    with pytest.raises(ConfigurationError, match="genmedia setup --ttapi") as caught:
        await illustrate(prompts=["a kite"], advanced={"ttapi_credentials": "nowhere"})
    assert "nowhere" in str(caught.value)


async def test_nothing_secret_reaches_the_prefect_api(emulator, blocks, photos):
    await illustrate(
        prompts=["a quiet harbour"],
        photographs=[Photograph(picture=str(photos / "coffee.png"), prompt="in ink")],
        refinement=REFINE,
        renditions=SQUARE,
        **blocks,
    )
    start = base64.b64encode((photos / "coffee.png").read_bytes()[:60]).decode()[:40]
    secrets = [TTAPI_KEY, NOVITA_KEY, "X-Amz-Signature", "X-Amz-Credential", start]
    api = PREFECT_API_URL.value()
    for path in ("flow_runs/filter", "task_runs/filter", "logs/filter", "artifacts/filter", "block_documents/filter"):
        text = httpx.post(f"{api}/{path}", json={"limit": 200}, timeout=PATIENCE).text
        found = [secret for secret in secrets if secret in text]
        assert not found, f"{found} in {path}"
    for file in Path(os.environ["PREFECT_HOME"], "storage").glob("*"):
        assert not [secret for secret in secrets if secret in file.read_text(errors="replace")], file


def run_until(process: subprocess.Popen, reached) -> None:
    until(lambda: reached() or process.poll() is not None, "what the process was to reach", every=0.02)
    assert process.poll() is None, process.communicate()[0]


@pytest.mark.parametrize("request_key", [None, "nightly-2026-11-21"])
@pytest.mark.slow
def test_every_submits_reply_lost_once_then_killed_while_polling_and_run_again(
    emulator, child_env, photos, receiver, request_key
):
    """The whole promise: every wanted picture is there, and the emulator billed each exactly once."""
    emulator.configure(hold=True)
    emulator.add_faults({"kind": "submit_lose_reply", "times": 3})
    command = [sys.executable, str(RUN), emulator.url, str(photos / "chelsea.png"), *filter(None, [request_key])]
    env = {**child_env, "GENMEDIA_CALLBACK_URL": receiver}
    first = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    ledger = open_ledger(Settings().ledger_url, 60)
    # All three submits are lost; the two Midjourney jobs have been found in the list and are being polled.
    run_until(first, lambda: emulator.billed() == 3 and len(ledger.rows(["SUBMITTED"])) == 2)
    first.send_signal(signal.SIGKILL)
    first.wait()
    emulator.configure(hold=False)
    emulator.release()
    second = subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE)
    assert second.returncode == 0, second.stdout + second.stderr
    assert "3 files published from 2 prompts and 1 photograph" in second.stdout
    # 2 grids, 3 refinements: each billed once, though every first submit's reply was lost.
    assert emulator.jobs()["counts"] == {"midjourney.imagine": 2, "novita.img2img": 3}
    assert {row.state for row in ledger.rows()} == {"STORED"}

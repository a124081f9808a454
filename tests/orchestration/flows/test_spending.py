"""The spending of a week as a flow: an artifact and a page, and nothing bought."""

from __future__ import annotations

from pathlib import Path

import httpx
from prefect.settings import PREFECT_API_URL

from prefect_genmedia.blocks import TTAPICredentials
from prefect_genmedia.flows import illustrate, spend_report
from prefect_genmedia.settings import Settings
from tests.orchestration.keys import TTAPI_KEY
from tests.orchestration.saving import save
from tests.patience import PATIENCE


async def test_what_a_run_has_spent_is_in_the_artifact_and_on_the_page(emulator, ttapi: TTAPICredentials):
    await save(ttapi, "t")
    advanced = {"ttapi_credentials": "t"}
    await illustrate(prompts=["a kite", "a drum"], refinement=None, renditions=["square"], advanced=advanced)
    report = await spend_report(days=7)
    assert (report.jobs, report.bought, report.failed) == (2, emulator.billed(), 0) and report.usd > 0
    found = httpx.get(f"{PREFECT_API_URL.value()}/artifacts/genmedia-spending/latest", timeout=PATIENCE).json()
    assert "| midjourney.imagine | 4 quota |  |  | 2 | 2 | 0 |" in found["data"] and TTAPI_KEY not in found["data"]
    page = Path(Settings().media_store) / "reports" / "spending.html"
    assert page.as_uri() == report.page and "midjourney.imagine" in page.read_text()
    assert emulator.billed() == 2

"""What a person does in Prefect's pages: a click runs a deployment, and its gallery shows the pictures of a bucket."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from prefect_genmedia.emulator import Emulator
from tests import PHOTOS
from tests.chaos.prefect.test_prefect_worker import process_worker
from tests.chaos.rig import PrefectServer
from tests.looks.browser import Page, browser, chromium
from tests.patience import PATIENCE, until
from tests.s3 import S3

SUBMIT = "[...document.querySelectorAll('button')].find(each => each.innerText.trim() == 'Submit')"
PROPERTY = "[...document.querySelectorAll('.schema-form-property')].find(each => each.innerText.startsWith('%s'))"
FIELD = f"{PROPERTY}?.querySelector('textarea, input[type=text]')"
PICTURES = "[...document.images].filter(each => each.src.startsWith('data:image/'))"
FILES = "[...document.links].map(each => each.href).filter(each => each.includes('/published/'))"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(chromium() is None, reason="needs chromium")]


@dataclass(frozen=True)
class Desk:
    """A server with its pages, a worker of all that is shipped, the bucket that it publishes to, and a browser."""

    server: PrefectServer
    emulator: Emulator
    page: Page

    @property
    def ui(self) -> str:
        return self.server.url.removesuffix("/api")

    def send_form(self, name: str, field: str = "", typed: str = "") -> None:
        """The form of a deployment as it stands, but for one field; returns when its run has ended well."""
        deployment = self.server.api("GET", f"/deployments/name/{name}")["id"]
        self.page.look(1440, 900)
        self.page.open(f"{self.ui}/deployments/deployment/{deployment}/run", f"{SUBMIT} && {PROPERTY % ''}")
        assert self.page.ask("document.body.scrollHeight") <= 2 * 900, f"{name}'s form is more than two screens high"
        if field:
            self.page.type_into(FIELD % field, typed)
        # A form knows what was typed, and itself, a moment after it is seen; then it is sent again.
        again = f"(Date.now() - (window.sent ?? 0) > 20000 && (window.sent = Date.now(), {SUBMIT}?.click(), false))"
        self.page.wait(f"!location.pathname.endsWith('/run') || {again}")
        until(lambda: self._ended(deployment), f"the run of {name}'s form", every=0.5)

    def _ended(self, deployment: str) -> bool:
        runs = self.server.api("POST", "/flow_runs/filter", {"deployments": {"id": {"any_": [deployment]}}})
        states = [run["state"] for run in runs]
        assert not any(state["type"] in ("FAILED", "CRASHED", "CANCELLED") for state in states), states
        return any(state["type"] == "COMPLETED" or state["name"] == "Suspended" for state in states)


@pytest.fixture
def desk(s3: S3, bucket: str, tmp_path: Path) -> Iterator[Desk]:
    everybody_may_read(s3, bucket)
    server = PrefectServer(tmp_path / "prefect")
    server.env["PREFECT_UI_ENABLED"] = "true"
    server.start()
    try:
        server.wait()
        with Emulator(job_seconds=0.1, queue_seconds=0.02) as emulator:
            env = {
                **os.environ,
                **server.env,
                "GENMEDIA_MEDIA_STORE": bucket,
                "GENMEDIA_MEDIA_PUBLIC_URL": f"{s3.url}/{bucket.removeprefix('s3://')}",
                **{f"{name}_API_KEY": "of-the-browser" for name in ("TTAPI", "NOVITA")},
                **{f"{name}_BASE_URL": emulator.url for name in ("TTAPI", "NOVITA")},
            }
            setup = [sys.executable, "-m", "prefect_genmedia.cli", "setup", "--ttapi", "ttapi", "--novita", "novita"]
            subprocess.run(setup, env=env, cwd=tmp_path, check=True)
            with process_worker(env, tmp_path / "worker.log"), browser() as page:
                yield Desk(server, emulator, page)
    finally:
        server.close()


def everybody_may_read(s3: S3, bucket: str) -> None:
    """As behind a CDN."""
    name = bucket.removeprefix("s3://").partition("/")[0]
    reads = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [reads]})
    s3.fs().call_s3("put_bucket_policy", Bucket=name, Policy=policy)


def test_illustrate_on_s3_from_the_form_to_the_gallery(desk: Desk) -> None:
    desk.send_form("illustrate/nightly")
    (artifact,) = desk.server.api("POST", "/artifacts/filter", {"artifacts": {"key": {"any_": ["illustrate-gallery"]}}})
    desk.page.open(f"{desk.ui}/artifacts/artifact/{artifact['id']}", f"{PICTURES}.length")
    desk.page.wait(f"{PICTURES}.every(each => each.complete)")
    drawn = desk.page.ask(f"{PICTURES}.filter(each => each.naturalWidth > 1).length")
    assert drawn == desk.page.ask(f"{PICTURES}.length") >= 3
    links = set(desk.page.ask(FILES))
    assert len(links) == 8  # all sizes, though one is shown
    for link in links:
        file = httpx.get(link, timeout=PATIENCE)
        assert file.status_code == 200 and file.headers["content-type"].startswith("image/"), link
    assert desk.emulator.jobs()["counts"] == {"midjourney.imagine": 1, "novita.img2img": 1}


def test_every_flow_by_its_form(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "calendar.csv").write_text("prompt\na kite over a hill\n")
    (tmp_path / "photographs").mkdir()
    shutil.copy(PHOTOS / "coffee.png", tmp_path / "photographs")
    shutil.copy(PHOTOS / "rocket.jpg", tmp_path / "still.jpg")
    # Whole paths: a worker starts each run in a folder of its own.
    desk.send_form("content_calendar/calendar", "source", str(tmp_path / "calendar.csv"))
    desk.send_form("restyle/restyle", "folder", str(tmp_path / "photographs"))
    desk.send_form("clip/clip", "still", str(tmp_path / "still.jpg"))
    desk.send_form("character_sheet/character-sheet")
    desk.send_form("release_track/release-track")
    desk.send_form("variants/variants")
    bought = desk.emulator.billed()
    desk.send_form("adopt_orphans/adopt-orphans")
    desk.send_form("spend_report/spend-report")
    desk.send_form("review/review", "folder", "published/variants")
    desk.send_form("resume_job/resume", "job", desk.emulator.jobs()["jobs"][0]["id"])
    assert desk.emulator.billed() == bought > 6

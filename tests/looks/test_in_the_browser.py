"""What a person does in Prefect's pages: a click runs a deployment, and its gallery shows the pictures of a bucket."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from prefect_genmedia.emulator import Emulator
from tests.chaos.prefect.test_prefect_worker import process_worker
from tests.chaos.rig import PrefectServer
from tests.looks.browser import Page, browser, chromium
from tests.patience import PATIENCE, until
from tests.s3 import S3

SUBMIT = "[...document.querySelectorAll('button')].find(each => each.innerText.trim() == 'Submit')"
PICTURES = "[...document.images].filter(each => each.src.startsWith('data:image/'))"
FILES = "[...document.links].map(each => each.href).filter(each => each.includes('/published/'))"


@pytest.mark.slow
@pytest.mark.skipif(chromium() is None, reason="needs chromium")
def test_illustrate_on_s3_from_the_form_to_the_gallery(s3: S3, bucket: str, tmp_path: Path) -> None:
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
                submit(page, server, "illustrate/nightly")
                gallery(page, server)
            assert emulator.jobs()["counts"] == {"midjourney.imagine": 1, "novita.img2img": 1}
    finally:
        server.close()


def everybody_may_read(s3: S3, bucket: str) -> None:
    """As behind a CDN."""
    name = bucket.removeprefix("s3://").partition("/")[0]
    reads = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [reads]})
    s3.fs().call_s3("put_bucket_policy", Bucket=name, Policy=policy)


def submit(page: Page, server: PrefectServer, name: str) -> None:
    """The form as it stands, sent by its button; returns when the run has ended well."""
    deployment = server.api("GET", f"/deployments/name/{name}")["id"]
    page.look(1400, 1000)
    page.open(f"{server.url.removesuffix('/api')}/deployments/deployment/{deployment}/run", SUBMIT)
    page.ask(f"{SUBMIT}.click()")

    def ended() -> bool:
        by_hand = {
            "deployments": {"id": {"any_": [deployment]}},
            "flow_runs": {"state": {"name": {"not_any_": ["Scheduled"]}}},
        }
        states = [run["state"] for run in server.api("POST", "/flow_runs/filter", by_hand)]
        assert not any(state["type"] in ("FAILED", "CRASHED", "CANCELLED") for state in states), states
        return any(state["type"] == "COMPLETED" for state in states)

    until(ended, f"the run of {name}'s form", every=0.5)


def gallery(page: Page, server: PrefectServer) -> None:
    """Every picture of the artifact is drawn, and every name leads to a file of the bucket."""
    (artifact,) = server.api("POST", "/artifacts/filter", {"artifacts": {"key": {"any_": ["illustrate-gallery"]}}})
    page.open(f"{server.url.removesuffix('/api')}/artifacts/artifact/{artifact['id']}", f"{PICTURES}.length")
    page.wait(f"{PICTURES}.every(each => each.complete)")
    drawn = page.ask(f"{PICTURES}.filter(each => each.naturalWidth > 1).length")
    assert drawn == page.ask(f"{PICTURES}.length") >= 3
    links = set(page.ask(FILES))
    assert len(links) == 8  # all sizes, though one is shown
    for link in links:
        file = httpx.get(link, timeout=PATIENCE)
        assert file.status_code == 200 and file.headers["content-type"].startswith(("image/", "text/html")), link

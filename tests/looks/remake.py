"""Make docs/images anew: pictures, pages and Prefect screens, all by the flows themselves on the emulator.

    make gallery

A Prefect server, a worker and the emulator of its own, in a folder that is gone afterwards; about three minutes.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.looks.browser import Page, browser

REPOSITORY = Path(__file__).parents[2]
IMAGES = REPOSITORY / "docs" / "images"
MOST_BYTES = 1_500_000
PATIENCE = 600.0  # a busy machine
WISHES = """prompt,count,folder,file,renditions
a lighthouse at dawn --ar 3:2,1,week-50,lighthouse,"square, link"
a tram in the rain --ar 1:1,2,week-50,tram,square
a harbour at night --ar 16:9,1,week-51,harbour,story
"""


def runs(here: Path) -> dict[str, dict[str, Any]]:
    """What is run, by its deployment, in this order."""
    photograph = {"picture": str(here / "chelsea.png"), "prompt": "an oil painting of a cat"}
    return {
        "content_calendar/calendar": {"source": str(here / "december.csv"), "refinement": "usual"},
        "illustrate/nightly": {
            "prompts": ["a lighthouse at dawn, gentle fog --ar 3:2", "a tram in the rain --ar 1:1"],
            "photographs": [photograph],
            "collection": "week-50",
        },
        "character_sheet/character-sheet": {
            "character": "1girl, red hair, green coat",
            "poses": ["front view", "side view", "smiling"],
            "collection": "mia",
        },
        "spend_report/spend-report": {"days": 7},
    }


@contextmanager
def running(*command: str, log: Path) -> Iterator[None]:
    with log.open("w") as out:
        process = subprocess.Popen([sys.executable, "-m", *command], stdout=out, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


def free_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


def until_up(address: str) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError(address)


async def run_all(here: Path) -> dict[str, str]:
    """Each run's id, by the name of its flow. Raises RuntimeError where one has not come to its end."""
    from prefect.deployments import run_deployment

    ids = {}
    for name, parameters in runs(here).items():
        made = await run_deployment(name, parameters=parameters, timeout=PATIENCE, as_subflow=False)
        if made.state is None or not made.state.is_completed():
            raise RuntimeError(f"{name}: {made.state}")
        ids[name.partition("/")[0]] = str(made.id)
    asked = await run_deployment(
        "review/review", parameters={"folder": "published/week-50"}, timeout=0, as_subflow=False
    )
    ids["review"] = str(asked.id)
    return ids


async def artifact_id(key: str) -> str:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

    async with get_client() as client:
        found = await client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))
        return str(max(found, key=lambda each: str(each.created)).id)


async def deployment_id(name: str) -> str:
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        return str((await client.read_deployment_by_name(name)).id)


def screens(page: Page, ui: str, ids: dict[str, str]) -> None:
    """Prefect's own pages."""

    def shown(words: str) -> str:
        return f"(document.body?.innerText ?? '').includes({words!r})"

    def keep(name: str, address: str, words: str, height: int) -> None:
        page.look(1200, height)
        page.open(f"{ui}{address}", shown(words))
        time.sleep(3)  # what it draws has no sign by which it is known to be there
        page.keep(IMAGES / f"{name}.webp")

    keep("run", f"/runs/flow-run/{ids['illustrate']}", "Completed", 520)
    for key, height in (("illustrate-gallery", 760), ("calendar-report", 820), ("calendar-forecast", 620)):
        keep(key, f"/artifacts/artifact/{asyncio.run(artifact_id(key))}", key, height)
    form = asyncio.run(deployment_id("clip/clip"))
    keep("form", f"/deployments/deployment/{form}/run", "Additional Options", 1100)
    page.look(1200, 1000)
    page.open(f"{ui}/runs/flow-run/{ids['review']}", shown("Suspended"))
    page.wait("[...document.querySelectorAll('button')].some(each => each.innerText.includes('Resume'))")
    page.ask("[...document.querySelectorAll('button')].find(each => each.innerText.includes('Resume')).click()")
    page.wait(shown("Your name"))
    time.sleep(2)
    page.keep(IMAGES / "approval.webp")


def pages(page: Page, store: Path) -> None:
    """Our own pages."""
    for name, file, width, height, dark in (
        ("page-light", "published/week-50/index.html", 1200, 900, False),
        ("page-phone-dark", "published/week-50/index.html", 390, 844, True),
        ("spending", "reports/spending.html", 1200, 760, False),
    ):
        page.look(width, height, dark=dark)
        page.open((store / file).as_uri())
        page.keep(IMAGES / f"{name}.webp")


def pictures(store: Path) -> None:
    """Published files, as they are on the disk; only smaller."""
    from PIL import Image

    cat = next((store / "published" / "week-50").glob("*cat*-wide.jpg"))
    for name, file in {"published": cat, "contact-sheet": store / "published" / "mia" / "contact-sheet.jpg"}.items():
        with Image.open(file) as opened:
            opened.thumbnail((1000, 1000))
            opened.save(IMAGES / f"{name}.webp", quality=80)


def main() -> None:
    with ExitStack() as stack:
        here = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        shutil.copy(REPOSITORY / "cli" / "photos" / "chelsea.png", here)
        (here / "december.csv").write_text(WISHES)
        api, emulator = free_port(), free_port()
        url = f"http://127.0.0.1:{emulator}"
        store = here / "media"
        os.environ |= {
            "PREFECT_HOME": str(here / "prefect"),
            "PREFECT_API_URL": f"http://127.0.0.1:{api}/api",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "GENMEDIA_LEDGER_URL": f"sqlite:///{here / 'ledger.db'}",
            "GENMEDIA_MEDIA_STORE": str(store),
            **{f"{name}_API_KEY": "any" for name in ("TTAPI", "NOVITA")},
            **{f"{name}_BASE_URL": url for name in ("TTAPI", "NOVITA")},
        }
        serve = ("prefect", "server", "start", "--host", "127.0.0.1", "--port", api)
        stack.enter_context(running(*serve, log=here / "server.log"))
        genmedia = "prefect_genmedia.cli"
        stack.enter_context(running(genmedia, "emulator", "--port", emulator, "--seed", "7", log=here / "emulator.log"))
        until_up(f"http://127.0.0.1:{api}/api/health")
        until_up(f"{url}/__emulator__/jobs")
        setup = [sys.executable, "-m", genmedia, "setup", "--ttapi", "ttapi", "--novita", "novita"]
        subprocess.run(setup, check=True, cwd=here)
        stack.enter_context(running("prefect", "worker", "start", "--pool", "genmedia", log=here / "worker.log"))
        ids = asyncio.run(run_all(here))
        IMAGES.mkdir(exist_ok=True)
        for old in IMAGES.glob("*.webp"):
            old.unlink()
        with browser() as page:
            screens(page, f"http://127.0.0.1:{api}", ids)
            pages(page, store)
        pictures(store)
    size = sum(each.stat().st_size for each in IMAGES.iterdir())
    print(f"{len(list(IMAGES.iterdir()))} pictures, {size / 1000:.0f} kB, in {IMAGES}")
    if size > MOST_BYTES:
        sys.exit(f"more than {MOST_BYTES / 1e6} MB")


if __name__ == "__main__":
    main()

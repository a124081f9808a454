"""The main job on a bucket and on Prefect's filesystem blocks: everything that works on a folder works there."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.filesystems import LocalFileSystem, RemoteFileSystem, WritableFileSystem
from prefect.settings import PREFECT_API_URL

from prefect_genmedia.cli import main
from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.flows import Photograph, Refinement, illustrate
from prefect_genmedia.flows.pages.showing import Illustrations
from prefect_genmedia.imaging import Rendition
from prefect_genmedia.jobs import remember_store
from prefect_genmedia.jobs.history.inventory import fsck
from prefect_genmedia.media import MediaStore, open_media
from prefect_genmedia.media.places import open_place
from prefect_genmedia.settings import Settings
from tests.orchestration.saving import save
from tests.patience import PATIENCE
from tests.s3 import S3, environ_for, forget_connections

SQUARE = [Rendition(name="square", width=96, height=96)]


@pytest.fixture
async def blocks(ttapi: Any, novita: Any) -> dict[str, str]:
    await save(ttapi, "t")
    await save(novita, "n")
    return {"advanced": {"ttapi_credentials": "t", "novita_credentials": "n"}}


class Shelf(WritableFileSystem):
    """A filesystem block of somebody else's: all that is known of it is how it reads and writes."""

    _block_type_name = "Shelf"
    folder: str

    async def read_path(self, path: str) -> bytes:
        try:
            return (Path(self.folder) / path).read_bytes()
        except OSError:
            raise RuntimeError("the shelf says no") from None

    async def write_path(self, path: str, content: bytes) -> None:
        target = Path(self.folder) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


@pytest.fixture(params=["s3", "remote-file-system", "local-file-system", "shelf"])
async def store(request: pytest.FixtureRequest, s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the media store is; only a block knows the key to its bucket."""
    location = f"block:{request.param}/media"
    if request.param == "s3":
        location = f"s3://{s3.new_bucket()}/media"
    elif request.param == "remote-file-system":
        settings = {"endpoint_url": s3.url, "key": "testing", "secret": "testing"}
        await RemoteFileSystem(basepath=f"s3://{s3.new_bucket()}/x", settings=settings).asave("media", overwrite=True)
        for name in environ_for(""):
            monkeypatch.delenv(name)
        forget_connections()
    elif request.param == "local-file-system":
        await LocalFileSystem(basepath=str(tmp_path / "folder")).asave("media", overwrite=True)
    else:
        await Shelf.aregister_type_and_schema()
        await Shelf(folder=str(tmp_path / "shelf")).asave("media", overwrite=True)
    monkeypatch.setenv("GENMEDIA_MEDIA_STORE", location)
    return location


async def make(photos: Path, blocks: dict[str, str]) -> Illustrations:
    """With every step that reads a file: pick by its pixels, redraw, cut to sizes, show."""
    return await illustrate(
        prompts=["a lighthouse --ar 3:2"],
        photographs=[Photograph(picture=str(photos / "chelsea.png"), prompt="in oil")],
        pick="sharpest",
        refinement=Refinement(longest_side=256),
        renditions=SQUARE,
        collection="Spring Sale",
        **blocks,
    )


def artifact(key: str) -> str:
    found = httpx.get(f"{PREFECT_API_URL.value()}/artifacts/{key}/latest", timeout=PATIENCE)
    return str(found.json()["data"]) if found.is_success else ""


@pytest.mark.sampled(4)
async def test_illustrate_from_prompt_to_gallery(emulator, blocks, photos, store, monkeypatch):
    if store.startswith("block:shelf"):  # nobody can tell whether it is new
        with pytest.raises(ConfigurationError, match="setup --new-media-store"):
            await make(photos, blocks)
        assert emulator.billed() == 0
        await asyncio.to_thread(remember_store, Settings())
    made = await make(photos, blocks)
    assert made.page is not None
    assert len(made.items) == 2 and all(not item.error for item in made.items)
    files = [file for item in made.items for sizes in item.published for file in sizes]
    assert len(files) == 2
    fs, root = open_place(MediaStore(store).root)
    root = f"{root}/" if root else ""
    for file in files:
        key = MediaStore(store).key_of(file)
        assert len(open_media(file)) == file.bytes
        assert json.loads(fs.cat_file(f"{root}{key}.json"))["sha256"] == file.sha256
    page = fs.cat_file(f"{root}published/spring-sale/index.html").decode()
    assert page.count("data:image/") == 7  # grid, picked, refined, published; photograph, refined, published
    for link in re.findall(r'href="([^"]+)"', page):
        assert fs.cat_file(f"{root}{link.removeprefix('../../')}"), link
    assert artifact("illustrate-gallery").count("data:image/") == 7
    assert emulator.jobs()["counts"] == {"midjourney.imagine": 1, "novita.img2img": 2}
    if not store.startswith("block:shelf"):
        assert list((await asyncio.to_thread(fsck, True))[1]) == []


@pytest.mark.slow
async def test_links_in_the_prefect_ui_lead_to_the_public_address(emulator, blocks, photos, bucket, monkeypatch):
    """And there alone: nothing is signed, and without a public address nothing is linked."""
    monkeypatch.setenv("GENMEDIA_MEDIA_STORE", bucket)
    await make(photos, blocks)
    assert "](http" not in artifact("illustrate-gallery")
    monkeypatch.setenv("GENMEDIA_MEDIA_PUBLIC_URL", "https://media.example.com/shop/")
    made = await make(photos, blocks)
    shown = artifact("illustrate-gallery")
    store = MediaStore(bucket)
    for item in made.items:
        for file in [*item.refined, *item.published[0]]:
            assert f"(https://media.example.com/shop/{store.key_of(file)})" in shown
    assert artifact("illustrate-page").startswith("[https://media.example.com/shop/published/spring-sale/index.html]")
    assert "[![" not in shown  # Prefect's pages show a picture within a link as its source
    assert "X-Amz" not in shown and "testing" not in shown


async def test_a_store_in_a_block_that_is_not_there_is_told_before_money(emulator, blocks, photos, monkeypatch):
    monkeypatch.setenv("GENMEDIA_MEDIA_STORE", "block:remote-file-system/nowhere")
    with pytest.raises(ConfigurationError, match="there is no Prefect block called 'remote-file-system/nowhere'"):
        await make(photos, blocks)
    assert emulator.requests()["requests"] == {}


@pytest.mark.slow
def test_setup_says_which_store_it_found(bucket, monkeypatch, capsys):
    monkeypatch.setenv("GENMEDIA_MEDIA_STORE", bucket)
    with pytest.raises(SystemExit) as ended:
        main(["setup"])
    assert not ended.value.code
    assert f"Media store: {bucket}" in capsys.readouterr().out

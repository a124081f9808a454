"""Signed links leave by no door: names, logs, files, pages, artifacts, results, errors; parameters are Prefect's."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.settings import PREFECT_API_URL

from prefect_genmedia.blocks import Budget
from prefect_genmedia.errors import ConfigurationError, GenMediaError
from prefect_genmedia.flows import Photograph, illustrate, resume_job
from prefect_genmedia.flows.pages.showing import Illustration, Illustrations
from prefect_genmedia.imaging import Rendition
from prefect_genmedia.media import MediaFile
from prefect_genmedia.settings import Settings
from prefect_genmedia.tasks import imaging
from tests.orchestration.saving import save
from tests.patience import PATIENCE, until

SECRET = "s1gn4tur30123456789"
MEDIA = MediaFile(uri="file:///a.png", sha256="0" * 64, media_type="image/png", bytes=1)
SQUARE = [Rendition(name="square", width=64, height=64)]


@pytest.fixture
def web(photos: Path) -> Iterator[str]:
    """A server of pictures; what is called dead is gone."""
    content = (photos / "coffee.png").read_bytes()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(403 if "dead" in self.path else 200)
            self.send_header("content-type", "image/png")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
async def blocks(ttapi, novita) -> dict[str, str]:
    await save(ttapi, "t")
    await save(novita, "n")
    return {"advanced": {"ttapi_credentials": "t", "novita_credentials": "n"}}


def api(what: str) -> list[dict[str, Any]]:
    """Everything of a kind that the Prefect server holds, without what it was given as parameters."""
    found: list[dict[str, Any]] = []
    while True:
        asked = {"limit": 200, "offset": len(found)}
        page = httpx.post(
            f"{PREFECT_API_URL.value()}/{what}/filter", json=asked, trust_env=False, timeout=PATIENCE
        ).json()
        found += page
        if len(page) < 200:
            return [{name: value for name, value in row.items() if name != "parameters"} for row in found]


def logged(message: str) -> None:
    """Wait until the server has this line of the log: it has all before it too."""
    until(lambda: any(message in row["message"] for row in api("logs")), "the log", every=0.25)


def doors() -> dict[str, str]:
    """All that can be read by others, by the door that it left by."""
    found = {what: json.dumps(api(what)) for what in ("flow_runs", "task_runs", "logs", "artifacts")}
    media = Path(Settings().media_store)
    for file in media.rglob("*"):
        found[f"the name {file.name}"] = str(file.relative_to(media))
        if file.is_file():
            found[f"the file {file.name}"] = file.read_bytes().decode("latin-1")
    for file in Path(os.environ["PREFECT_HOME"], "storage").glob("*"):
        found[f"the result {file.name}"] = file.read_text(errors="replace")
    return found


async def test_links_of_prompts_and_photographs_leave_by_no_door(emulator, blocks, web, capfd):
    ways = {
        "query": f"http://{web}/one.png?X-Amz-Signature={SECRET}",
        "token": f"http://{web}/two.png?token={SECRET}&v=1",
        "fragment": f"http://{web}/three.png#key={SECRET}",
        "password": f"http://user:{SECRET}@{web}/four.png",
        "dead": f"http://{web}/dead.png?sig={SECRET}",
        "no link after all": f"HTTP://{web}/five.png?X-Amz-Signature={SECRET}",
    }
    with pytest.raises(GenMediaError, match="pictures failed") as caught:
        await illustrate(
            prompts=[f"https://cdn.x.io/a.png?ex=1&hm={SECRET} a cat", f"<b>| [x](https://y.io/b?sig={SECRET})"],
            photographs=[
                Photograph(picture=link, prompt=f"{way}, like http://y.io/?k={SECRET}") for way, link in ways.items()
            ],
            pick=1,
            refinement=None,
            renditions=SQUARE,
            collection=f"https://c.io/?X-Amz-Signature={SECRET}",
            **blocks,
        )
    said = str(caught.value)
    assert "dead.png" in said and SECRET not in said
    logged("pictures failed")
    found = doors()
    assert len([name for name in found if name.endswith(".jpg.json")]) >= 6
    assert "imagine: https://cdn.x.io/a.png a cat" in found["task_runs"]
    leaks = [door for door, text in {**found, "the console": "".join(capfd.readouterr())}.items() if SECRET in text]
    assert leaks == [], leaks


async def test_what_failed_stands_escaped_in_artifact_and_page(emulator, blocks):
    nasty = "| [/b] <script>alert(1)</script> [x](javascript:a)\n# head \x1b[31m"
    emulator.add_faults({"kind": "job_fails", "operation": "midjourney.imagine", "times": 1, "message": nasty})
    with pytest.raises(GenMediaError):
        await illustrate(
            prompts=["a <i>zither</i> | **bold**"], refinement=None, renditions=SQUARE, collection="escaped", **blocks
        )
    artifacts = [str(row["data"]) for row in api("artifacts") if row["key"] == "illustrate-gallery"]
    (failed,) = [text.partition("## Failed")[2] for text in artifacts if "zither" in text and "## Failed" in text]
    assert "alert(1)" in failed and "<script" not in failed and "<i>" not in failed and "[x]" not in failed
    assert failed.strip().count("\n") == 0 and "\x1b" not in failed
    page = (Path(Settings().media_store) / "published" / "escaped" / "index.html").read_text()
    assert "&lt;script&gt;alert(1)" in page and "<script" not in page and "\x1b" not in page


async def test_render_takes_no_link_and_no_way_out_for_a_name(photos: Path):
    source = await imaging.take_in(str(photos / "coffee.png"))
    inside = {"folder": "cards/spring 2026", "stem": "Ünique (2)_v1.0"}
    (made,) = await imaging.render(source, SQUARE, **inside, manifest={"from": f"https://h/a?sig={SECRET}", "n": [1]})
    assert Path(made.path).name == "Ünique (2)_v1.0-square.jpg"
    assert SECRET not in Path(f"{made.path}.json").read_text()
    for wrong in (
        {"stem": f"dog.png?X-Amz-Signature={SECRET}"}, {"stem": "../dog"}, {"stem": "a/b"}, {"stem": ""},
        {"folder": "../elsewhere"}, {"folder": "/etc"}, {"folder": "a//b"}, {"folder": ""}, {"folder": "a\x00"},
    ):  # fmt: skip
        with pytest.raises(ConfigurationError, match="must be made of letters") as caught:
            await imaging.render.fn(source, SQUARE, **wrong)  # a task run each would take a second
        assert SECRET not in str(caught.value)
    assert isinstance(made, MediaFile)


# -- parameters ---------------------------------------------------------------------------------------------

PHOTO = {"picture": f"https://h.io/a.png?X-Amz-Signature={SECRET}", "prompt": "in oil"}
HUGE, THOUSAND_DIGITS = 10**400, 10**1000  # of 4300 and more Prefect itself says that it cannot write them down


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"photographs": [{**PHOTO, "promt": "x"}]}, "there is no field 'promt'; did you mean 'prompt'"),
        ({"photographs": [{"picture": PHOTO["picture"]}]}, "photographs.0.prompt"),
        ({"photographs": PHOTO["picture"]}, "photographs"),
        ({"advanced": {"attempts": 0}}, "advanced.attempts"),
        ({"advanced": {"attempts": True}}, "advanced.attempts"),
        ({"advanced": {"attempts": float("nan")}}, "advanced.attempts"),
        ({"advanced": {"attempts": HUGE}}, "advanced.attempts"),
        ({"advanced": {"attempts": THOUSAND_DIGITS}}, "advanced.attempts"),
        ({"pick": True}, "pick"),
        ({"pick": 5}, "pick"),
        ({"advanced": {"mode": "warp"}}, "advanced.mode"),
        ({"prompts": ["a"] * 1001}, "prompts"),
        ({"prompts": [7]}, "prompts.0"),
        ({"advanced": {"request_key": ""}}, "advanced.request_key"),
        ({"collection": "c" * 201}, "collection"),
        ({"advanced": {"ttapi_credentials": ""}}, "advanced.ttapi_credentials"),
        ({"renditions": [{"name": "a", "width": THOUSAND_DIGITS}]}, "renditions.0.width"),
        ({"renditions": [{"name": "a", "width": True}]}, "renditions.0.width"),
        ({"renditions": [{"name": "a", "width": -1}]}, "renditions.0.width"),
        ({"renditions": [{"name": "a", "width": 8, "focus": [float("nan"), 0]}]}, "renditions.0.focus"),
        ({"renditions": [{"name": "a", "width": 8}] * 2}, "two renditions are called a"),
        ({"renditions": [{"name": f"r{n}", "width": 8} for n in range(65)]}, "renditions"),
        ({"refinement": {"strength": float("nan")}}, "refinement.strength"),
        ({"refinement": {"seed": HUGE}}, "refinement.seed"),
        ({"refinement": {"image_num": True}}, "refinement.image_num"),
        ({"refinement": {"stepps": 5}}, "refinement: there is no field 'stepps'; did you mean 'steps'"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
@pytest.mark.sampled(4)
async def test_a_parameter_that_cannot_be_meant_is_named_and_no_parameter_is_shown(wrong, says, capfd):
    asked = {"photographs": [dict(PHOTO)], **wrong}
    with pytest.raises(ConfigurationError, match=says) as caught:
        await illustrate(**asked)
    assert SECRET not in str(caught.value) and SECRET not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"job": ""}, "job"),
        ({"job": "a\x00b"}, "job"),
        ({"job": "a" * 256}, "job"),
        ({"credentials": ""}, "credentials"),
    ],
)
async def test_resume_job_refuses_what_is_no_name(wrong, says):
    with pytest.raises(ConfigurationError, match=says):
        await resume_job(**{"job": "3f9a", **wrong})


@pytest.mark.parametrize("name", ["quiet_seconds", "deadline_seconds", "most"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1, 1e300, HUGE, True], ids=lambda value: str(value)[:6])
@pytest.mark.sampled(4)
async def test_adopt_orphans_refuses_numbers_that_cannot_be_meant(name, value):
    from prefect_genmedia.flows import adopt_orphans

    with pytest.raises(ConfigurationError, match=name):
        await adopt_orphans(**{name: value})


@pytest.mark.slow
async def test_each_collection_has_a_folder_of_its_own(photos: Path):
    published = Path(Settings().media_store) / "published"
    names = ["🎨", "🚀🚀", "///", "..", "⁂⁂", "C++", "C#", "Spring Sale", "x" * 200]
    picture = Photograph(picture=str(photos / "coffee.png"), prompt="x")
    for name in names:
        await illustrate(photographs=[picture], refinement=None, collection=name, renditions=SQUARE)
    pages = {page.parent for page in Path(Settings().media_store).rglob("index.html")}
    assert len(pages) == len(names) and all(page.parent == published for page in pages)
    assert published / "spring-sale" in pages


def test_prefects_forms_know_the_bounds():
    asked = illustrate.parameters.model_dump()["definitions"]["AdvancedIllustrate"]["properties"]["attempts"]
    assert (asked["minimum"], asked["maximum"], asked["type"]) == (1, 5, "integer")
    limit = Budget.model_json_schema()["properties"]["per_day"]["anyOf"][0]
    assert limit["minimum"] == 0 and limit["type"] == "number"


def test_what_illustrate_gives_back_has_no_signature():
    link = f"https://cdn.x.io/a.png?hm={SECRET} a cat"
    item = Illustration(number=1, title=link, prompt=link)
    made = Illustrations(collection=link, items=[item], seconds=1)
    assert SECRET not in made.model_dump_json() and SECRET not in str(item.manifest(MEDIA))

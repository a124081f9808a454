"""People decide: suspended without a worker, resumed by a form, and said in the ledger and beside every file."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.flow_runs import resume_flow_run
from prefect.states import State

from prefect_genmedia.errors import ConfigurationError, GenMediaError, MediaError
from prefect_genmedia.flows import illustrate, review, review_deadline
from prefect_genmedia.imaging import Rendition
from prefect_genmedia.jobs.buying import ledger_of
from prefect_genmedia.jobs.history.lineage import Lineage
from prefect_genmedia.media import MediaFile, MediaStore
from prefect_genmedia.provenance import marks_in
from prefect_genmedia.settings import Settings, read_settings
from prefect_genmedia.tasks import imaging
from tests.orchestration.saving import save

SIZES = [Rendition(name="square", width=96, height=96), Rendition(name="wide", width=160, height=90)]


@pytest.fixture
async def deployed() -> None:
    for flow, name in ((review, "review"), (review_deadline, "review-deadline")):
        await (await flow.ato_deployment(name)).aapply()


@pytest.fixture
async def published(deployed, photos) -> str:
    """Three pictures, each in two sizes, in a folder of the store."""
    for name in ("chelsea", "coffee", "astronaut"):
        picture = await imaging.take_in(str(photos / f"{name}.png"))
        await imaging.render(picture, SIZES, folder="published/toys", stem=name, manifest={"prompt": name})
    return "published/toys"


@pytest.fixture
async def bought(deployed, ttapi) -> str:
    """The same of three prompts."""
    await save(ttapi, "t")
    prompts = ["a kite", "a drum", "a boat"]
    asked = {"refinement": None, "renditions": SIZES, "collection": "toys", "advanced": {"ttapi_credentials": "t"}}
    await illustrate(prompts=prompts, **asked)
    return "published/toys"


@pytest.fixture
def heard() -> Iterator[list[dict[str, str]]]:
    """What a webhook was told, and its address in the first."""
    said: list[dict[str, str]] = []

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Webhook)
    said.append({"url": f"http://127.0.0.1:{server.server_port}/"})
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield said
    server.shutdown()
    server.server_close()


async def start(**asked: Any) -> UUID:
    async with get_client() as client:
        deployment = await client.read_deployment_by_name("review/review")
        return (await client.create_flow_run_from_deployment(deployment.id, parameters=asked)).id


async def process(run: UUID, flow: Any = review) -> State:
    """What a worker's process does with a run, from the top each time."""
    async with get_client() as client:
        found = await client.read_flow_run(run)
    try:
        return await run_flow(flow, flow_run=found, parameters=found.parameters, return_type="state")
    except Pause as left:
        return left.state


async def deadline_runs(run: UUID) -> list[Any]:
    async with get_client() as client:
        # Not all runs: other tests of this server ask for what no JSON holds.
        runs = await client.read_flow_runs(flow_filter=FlowFilter(name=FlowFilterName(any_=["review_deadline"])))
    return [each for each in runs if each.parameters == {"run": str(run)}]


async def answered(run: UUID, **said: Any) -> Any:
    assert (await process(run)).name == "Suspended"
    await resume_flow_run(run, run_input=said)
    return await (await process(run)).aresult()


def manifest(uri: str) -> dict[str, Any]:
    return json.loads(Path(uri.removeprefix("file://") + ".json").read_text())


async def test_decided_in_bulk_and_by_picture_with_who_and_why_kept(emulator, bought, heard):
    hook = CustomWebhookNotificationBlock(name="h", url=heard[0]["url"], json_data={"text": "{{subject}}: {{body}}"})
    await hook.asave("team", overwrite=True)
    run = await start(folder=bought, notifier="custom-webhook/team")
    submits = emulator.submits()
    assert (await process(run)).name == "Suspended"
    assert [each["text"].split(". ")[0] for each in heard[1:]] == [
        "Review wanted: toys: 3 pictures wait for a decision"
    ]
    (watch,) = await deadline_runs(run)
    assert watch.state.is_scheduled()
    ledger = ledger_of(read_settings())
    names = {row.picture: row.file["uri"] for row in ledger.asked(f"flow:{run}")}
    labels = [f"{number} {Path(uri).stem.removesuffix('-wide')}" for number, uri in names.items()]
    await resume_flow_run(
        run,
        run_input={
            "by": "Ana",
            "decision": "approve",
            "why": "for the fair",
            "pictures": [
                {"picture": labels[1], "decision": "ask for changes", "why": "warmer", "stars": 3},
                {"picture": labels[2], "decision": "approve"},
                {"picture": labels[2], "decision": "reject", "why": "a boat has a mast https://x.y/a?sig=abc"},
            ],
        },
    )
    made = await (await process(run)).aresult()
    assert made.summary == "toys: 1 approved, 1 rejected, 1 to be changed, by Ana"
    assert [(each.decision, each.stars, len(each.files), len(each.published)) for each in made.pictures] == [
        ("approved", None, 2, 2),
        ("changes", 3, 2, 0),
        ("rejected", None, 2, 0),
    ]
    said = [manifest(each.files[0])["review"] for each in made.pictures]
    assert [(each["decision"], each["by"], each["why"]) for each in said] == [
        ("approved", "Ana", "for the fair"),
        ("changes", "Ana", "warmer"),
        ("rejected", "Ana", "a boat has a mast https://x.y/a"),
    ]
    assert {each["run"] for each in said} == {f"flow:{run}"} and said[0]["at"].startswith("20")
    copies = made.pictures[0].published
    assert [uri.split("/media/")[1] for uri in copies] == [
        f"approved/toys/{Path(uri).name}" for uri in made.pictures[0].files
    ]
    assert (
        manifest(copies[0])["review"] == said[0]
        and manifest(copies[0])["jobs"] == manifest(made.pictures[0].files[0])["jobs"]
    )
    row = ledger.asked(f"flow:{run}")[2]
    assert (row.decision, row.who, row.why, row.rating) == ("changes", "Ana", "warmer", 3) and row.decided_at
    assert heard[-1]["text"].startswith("Reviewed: toys: 1 approved") and len(heard) == 3
    assert await deadline_runs(run) == [], "nobody waits for the deadline any more"
    assert emulator.submits() == submits, "nothing is bought by a review"


@pytest.mark.slow
async def test_what_is_rejected_is_not_published_until_somebody_approves_it(published):
    first = await answered(await start(folder=published), by="Ana", decision="reject", why="too loud")
    store = MediaStore(Settings().media_store)
    assert not any(key.startswith("approved/") for key, _ in store.files())
    rejected = await imaging.take_in(first.pictures[0].files[0])
    whole = MediaFile.model_validate(
        rejected.model_dump() | {"sha256": manifest(first.pictures[0].files[0])["parents"][0]["sha256"]}
    )
    with pytest.raises(MediaError, match="rejected by Ana"):  # of which that was a size
        await imaging.render.with_options(retries=0)(whole, SIZES)
    with pytest.raises(MediaError, match="rejected by Ana: too loud, and is not published"):
        await imaging.render.with_options(retries=0)(rejected, SIZES)
    again = await answered(await start(files=[first.pictures[0].files[0]], collection="after all"), by="Ben")
    assert again.pictures[0].published[0].split("/media/")[1].startswith("approved/after-all/")
    assert await imaging.render.with_options(retries=0)(rejected, SIZES)


@pytest.mark.slow
async def test_the_files_of_a_run_are_published_with_a_mark_and_their_origin(bought):
    ledger = ledger_of(read_settings())
    run = ledger.rows()[0].run.removeprefix("flow:")
    made = await answered(await start(run=run), by="Ana")
    assert len(made.pictures) == 15 and all(len(each.published) == 1 for each in made.pictures)
    copy = Path(made.pictures[1].published[0].removeprefix("file://"))
    assert marks_in(copy.read_bytes()).system == "midjourney.imagine"
    told = json.loads(Path(f"{copy}.json").read_text())
    origin = Lineage(ledger, MediaStore(Settings().media_store)).of(told["sha256"])
    assert origin.parents[0].job.operation == "midjourney.imagine"


@pytest.mark.slow
async def test_nobody_decides_and_what_was_asked_for_happens(published):
    for default, end in (("approve", "approved"), ("reject", "rejected")):
        run = await start(folder=published, deadline_seconds=0, on_deadline=default)
        assert (await process(run)).name == "Suspended"
        (watch,) = await deadline_runs(run)
        assert await (await process(watch.id, review_deadline)).aresult() == "nobody had decided"
        made = await (await process(run)).aresult()
        assert {each.decision for each in made.pictures} == {end} and made.by == "nobody, by the deadline"
    run = await start(folder=published, deadline_seconds=0)
    assert (await process(run)).name == "Suspended"
    (watch,) = await deadline_runs(run)
    await process(watch.id, review_deadline)
    state = await process(run)
    with pytest.raises(GenMediaError, match="nobody has decided on 3 pictures in time") as caught:
        await state.aresult()
    assert caught.value.sentences[1:] == [
        "A review buys nothing.",
        "Nothing is published. To ask again, start a new run of review/review.",
    ]
    assert await review_deadline(str(run)) == "somebody has decided", "a run that has ended is left alone"
    assert ledger_of(read_settings()).asked(f"flow:{run}")[0].decision is None


async def test_other_bytes_than_were_shown_are_not_published(published):
    run = await start(folder=published, deadline_seconds=None)
    assert (await process(run)).name == "Suspended" and await deadline_runs(run) == []
    row = ledger_of(read_settings()).asked(f"flow:{run}")[0]
    path = Path(row.file["uri"].removeprefix("file://"))
    path.write_bytes(path.read_bytes() + b"\n")
    await resume_flow_run(run, run_input={"by": "Ana"})
    with pytest.raises(GenMediaError, match=r"1 of 3 pictures failed.*has changed since"):
        await (await process(run)).aresult()
    approved = Path(Settings().media_store) / "approved" / "toys"
    assert len(list(approved.glob("*.jpg"))) == 5 and not (approved / path.name).exists()


@pytest.mark.slow
async def test_what_cannot_be_asked_is_said_before_anybody_is(published, ttapi):
    with pytest.raises(ConfigurationError, match=r"only as a run of its deployment.*as_subflow=False"):
        await review(folder=published)
    (Path(Settings().media_store) / "empty").mkdir()
    await save(ttapi, "t")
    wrong = {
        "there is nothing to review": {"folder": "empty"},
        "folder must be made of": {"folder": "../elsewhere"},
        "no block called 'slack-webhook/none'": {"folder": published, "notifier": "slack-webhook/none"},
        "notifies nobody": {"folder": published, "notifier": "ttapi-credentials/t"},
    }
    for words, asked in wrong.items():
        with pytest.raises(ConfigurationError, match=words):
            await (await process(await start(**asked))).aresult()
    run = await start(folder=published)
    await process(run)
    for answer in (
        {},
        {"by": ""},
        {"by": "Ana", "decision": "perhaps"},
        {"by": "Ana", "pictures": [{"picture": "9 x"}]},
    ):
        with pytest.raises(RuntimeError, match="Cannot resume"):
            await resume_flow_run(run, run_input=answer)
    async with get_client() as client:
        assert (await client.read_flow_run(run)).state.name == "Suspended"

"""People decide: a run shows pictures, waits for somebody without a worker, and publishes what is approved."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import prefect.runtime.deployment
import prefect.runtime.flow_run
from prefect import flow, get_run_logger
from prefect.artifacts import acreate_markdown_artifact
from prefect.flow_runs import asuspend_flow_run
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from prefect_genmedia import quoting
from prefect_genmedia.errors import ConfigurationError, GenMediaError
from prefect_genmedia.flows.review_deadline import NOBODY, call_off, schedule
from prefect_genmedia.flows.runs.beforehand import folder_name
from prefect_genmedia.flows.runs.failing import run_failure, sentences_of
from prefect_genmedia.flows.runs.notifying import Notifier
from prefect_genmedia.flows.runs.parameters import Given, Name, Seconds
from prefect_genmedia.flows.runs.sources import Source
from prefect_genmedia.flows.steps.review_form import ReviewForm, form_for, sheet, verdicts_of
from prefect_genmedia.flows.steps.reviewing import (
    Settling,
    Shown,
    asked_about,
    file_at,
    files_below,
    files_of_run,
    key_in,
    names_of,
    shown_of,
)
from prefect_genmedia.jobs import open_store
from prefect_genmedia.jobs.buying import ledger_of
from prefect_genmedia.media import MediaFile, MediaStore
from prefect_genmedia.settings import read_settings
from prefect_genmedia.tasks import imaging
from prefect_genmedia.tasks.publishing.signing import check_signing, the_signer

if TYPE_CHECKING:
    from prefect_genmedia.ledger import DecisionRow, Ledger

OnDeadline = Literal["approve", "reject", "fail"]


class Decided(BaseModel):
    """What became of one picture."""

    model_config = ConfigDict(frozen=True)

    title: str
    decision: str
    """approved, rejected or changes."""
    why: str
    stars: int | None
    files: list[str]
    """Its files, as they were shown."""
    published: list[str]
    """Where they are copied to, where they are approved."""
    error: str | None = None


class Review(BaseModel):
    """What somebody decided."""

    model_config = ConfigDict(frozen=True)

    name: str
    by: str
    pictures: list[Decided]

    @property
    def summary(self) -> str:
        counts = Counter(each.decision for each in self.pictures)
        words = {"approved": "approved", "rejected": "rejected", "changes": "to be changed"}
        said = [f"{counts[key]} {word}" for key, word in words.items() if counts[key]]
        return f"{quoting.title(self.name)}: {', '.join(said)}, by {quoting.title(self.by)}"


def _run_name() -> str:
    asked = prefect.runtime.flow_run.parameters
    files = quoting.counted(len(asked.get("files") or ()), "file")
    of_run = f"the files of run {asked['run']}" if asked.get("run") else files
    return f"review of {quoting.title(str(asked.get('collection') or asked.get('folder') or of_run))}"


@flow(name="review", flow_run_name=_run_name)
async def review(
    folder: Given[Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None] = None,
    files: Given[Annotated[list[Source], Field(max_length=1000)]] = [],  # noqa: B006 (never changed; Prefect shows defaults in its form)
    run: Name | None = None,
    collection: Given[Annotated[str, StringConstraints(max_length=200)] | None] = None,
    deadline_seconds: Seconds | None = 86_400.0,
    on_deadline: Given[OnDeadline] = "fail",
    notifier: Name | None = None,
) -> Review:
    """Show pictures to people, wait until somebody decides on them, and publish what is approved. Costs nothing.

    The run is suspended: no worker waits. Whoever opens it in Prefect's UI and resumes it sees the pictures and says
    for all of them, and for single ones otherwise: approve, reject or ask for changes, and why. Who, when and why go
    into the ledger and into the manifest beside each file. Approved files are copied to approved/<collection> of the
    media store; what is rejected is refused by later renditions and recipes, until somebody approves it. The sizes of
    one picture are shown as one. It runs from its deployment only.

        prefect deployment run review/review -p folder=published/week-50 -p notifier=slack-webhook/team

    Args:
        folder: A folder of the media store and what lies below it, such as published/week-50.
        files: Single files: paths, addresses, media files.
        run: A flow run's id: all files of its jobs.
        collection: The folder below approved/ in the media store. By default the folder's name, or the run's own.
        deadline_seconds: How long people have. None waits for ever.
        on_deadline: What happens when nobody has decided by then: approve all, reject all, or fail.
        notifier: A saved notification block that is told, such as slack-webhook/team.
    """
    here = _this_run()
    ledger, store = await asyncio.to_thread(_opened)
    await check_signing()  # before anybody decides
    told = await Notifier.of(notifier)
    name = collection or (folder or "").strip("/").rpartition("/")[2] or f"{datetime.now(UTC):%Y-%m-%d}-{here[:8]}"
    # Resumed, the run comes here from the top, in a new process: what was asked is in the ledger.
    rows = await asyncio.to_thread(ledger.asked, f"flow:{here}")
    if not rows:
        wanted = await _wanted(store, ledger, folder, files, run)
        asked = await asyncio.to_thread(asked_about, store, wanted)
        if deadline_seconds is not None:
            await schedule(here, datetime.now(UTC) + timedelta(seconds=deadline_seconds))
        await told.tell(f"Review wanted: {quoting.title(name)}", _invitation(len({each.picture for each in asked})))
        await asyncio.to_thread(ledger.ask, f"flow:{here}", asked)
        rows = await asyncio.to_thread(ledger.asked, f"flow:{here}")
    shown = shown_of(rows)
    until = _until(rows, deadline_seconds, on_deadline)
    text = await asyncio.to_thread(sheet, name, shown, store, read_settings().media_public_url, until)
    answer = await asuspend_flow_run(wait_for_input=form_for(shown, text), key="review")
    await call_off(here)
    answer = _with_default(answer, on_deadline, len(shown))
    await asyncio.to_thread(ledger.decide, f"flow:{here}", verdicts_of(shown, answer))
    rows = await asyncio.to_thread(ledger.asked, f"flow:{here}")
    settling = Settling(
        store,
        f"approved/{folder_name(name)}",
        {row.position or 0: row for row in rows},
        names_of(shown),
        await the_signer(),
    )
    pictures = [await asyncio.to_thread(_settled, settling, each) for each in shown]
    return await _reported(Review(name=name, by=answer.by, pictures=pictures), told)


def _this_run() -> str:
    """Its id. Raises ConfigurationError where Prefect cannot suspend it."""
    if prefect.runtime.deployment.id is None or prefect.runtime.flow_run.parent_flow_run_id is not None:
        raise ConfigurationError(
            "a review can be suspended, and resumed, only as a run of its deployment",
            advice="Start it by: prefect deployment run review/review; from a flow by run_deployment(..., timeout=0, "
            "as_subflow=False).",
        )
    return str(prefect.runtime.flow_run.id)


def _opened() -> tuple[Ledger, MediaStore]:
    settings = read_settings()
    ledger = ledger_of(settings)
    return ledger, open_store(settings, ledger)


async def _wanted(
    store: MediaStore, ledger: Ledger, folder: str | None, files: Sequence[str | MediaFile], run: str | None
) -> list[MediaFile]:
    wanted = await asyncio.to_thread(files_below, store, folder) if folder is not None else []
    for each in files:
        reference = each if isinstance(each, str) else each.uri
        key = await asyncio.to_thread(key_in, store, reference)
        if key is None:
            wanted.append(await imaging.take_in(reference))
        else:
            wanted.append(await asyncio.to_thread(file_at, store, key))
    return wanted + (await asyncio.to_thread(files_of_run, ledger, run) if run is not None else [])


def _invitation(pictures: int) -> str:
    return f"{pictures} pictures wait for a decision. Open the run and resume it: {prefect.runtime.flow_run.ui_url}"


def _until(rows: Sequence[DecisionRow], deadline_seconds: float | None, on_deadline: OnDeadline) -> str:
    if deadline_seconds is None:
        return "somebody decides"
    what = {"approve": "all are approved", "reject": "all are rejected", "fail": "this run fails"}[on_deadline]
    return f"{datetime.fromtimestamp(rows[0].asked_at + deadline_seconds, UTC):%Y-%m-%d %H:%M} UTC; after that {what}"


def _with_default(answer: ReviewForm, on_deadline: OnDeadline, pictures: int) -> ReviewForm:
    """The answer; where nobody gave one, what was to happen then. Raises GenMediaError."""
    if answer.by != NOBODY:
        return answer
    if on_deadline == "fail":
        raise GenMediaError(
            f"nobody has decided on {pictures} pictures in time",
            money="A review buys nothing.",
            advice="Nothing is published. To ask again, start a new run of review/review.",
        )
    return answer.model_copy(update={"decision": on_deadline, "pictures": []})


def _settled(settling: Settling, picture: Shown) -> Decided:
    published: list[str] = []
    errors: list[str] = []
    for position, file in picture.files.items():
        try:
            published += settling.settle(position, file)
        except GenMediaError as failure:
            errors.append(sentences_of(failure))
    row = settling.rows[next(iter(picture.files))]
    return Decided(
        title=picture.label,
        decision=row.decision or "",
        why=row.why,
        stars=row.rating,
        files=[file.uri for file in picture.files.values()],
        published=published,
        error=" ".join(dict.fromkeys(errors)) or None,
    )


async def _reported(made: Review, told: Notifier) -> Review:
    """As the run's artifact, in its log, and to whom it may concern. Raises GenMediaError where some failed."""
    lines = ["| picture | decision | why | stars | published |\n| --- | --- | --- | --- | --- |\n"]
    for each in made.pictures:
        cells = (each.title, each.decision, each.error or each.why, each.stars or "", len(each.published) or "")
        lines.append(f"| {' | '.join(quoting.for_markdown(cell) for cell in cells)} |\n")
    text = f"# {quoting.for_markdown(made.name)}\n\n{quoting.for_markdown(made.summary)}\n\n{''.join(lines)}"
    await acreate_markdown_artifact(text, key="review-report", description=made.summary)
    get_run_logger().info("%s", made.summary)
    await told.tell("Reviewed", f"{made.summary}. {prefect.runtime.flow_run.ui_url}")
    if failed := [(each.title, each.error) for each in made.pictures if each.error]:
        raise run_failure("pictures", failed, len(made.pictures), sum(len(each.published) for each in made.pictures))
    return made

"""One character in several poses, by one seed or after one picture: drawn, checked, published, on one sheet."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

import prefect.runtime.flow_run
from prefect import flow, get_run_logger
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from prefect_genmedia import quoting
from prefect_genmedia.blocks import TTAPICredentials
from prefect_genmedia.checking import Asked, Finite, Whole, checked
from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.flows.pages.showing import Illustration, manifest_with_requests
from prefect_genmedia.flows.runs.batches import BatchReport, Outcome, forecast_of, outcome_of, this_run, told
from prefect_genmedia.flows.runs.beforehand import (
    before_buying,
    check_store,
    folder_name,
    headline,
    load_block,
    name_of,
    shared_key,
)
from prefect_genmedia.flows.runs.exhibits import exhibit
from prefect_genmedia.flows.runs.failing import log_failure, sentences_of
from prefect_genmedia.flows.runs.parameters import Given, RecipeOrNone, Renditions, Usual
from prefect_genmedia.flows.runs.sources import SourceOrNone, stems_of
from prefect_genmedia.flows.steps.advanced import AdvancedSheet
from prefect_genmedia.flows.steps.making import failed, failed_once_bought
from prefect_genmedia.flows.steps.publishing import Publishing
from prefect_genmedia.forecast import Forecast
from prefect_genmedia.imaging.recipes import Keep, Recipe
from prefect_genmedia.media import MediaFile
from prefect_genmedia.media.pictures import Picture
from prefect_genmedia.tasks import imaging, novelai, sheets

POSES = ("front view", "side view", "back view", "smiling", "angry", "surprised")
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Poses = Annotated[list[Words], Field(min_length=1, max_length=64)]
SHEET = "contact sheet"
FAULTS = "(too small, wrong aspect, blank, blurred)"


class Drawing(Asked):
    """How NovelAI draws. What is empty is NovelAI's to choose."""

    model_config = ConfigDict(protected_namespaces=())

    width: Whole = Field(default=832, ge=64, le=2048, description="Pixels.")
    height: Whole = Field(default=1216, ge=64, le=2048, description="Pixels.")
    model: str | None = Field(default=None, min_length=1, max_length=255, description="NovelAI's model.")
    negative_prompt: str | None = Field(default=None, min_length=1, max_length=2000, description="What to leave out.")
    steps: Whole | None = Field(default=None, ge=1, le=50, description="Denoising steps.")
    scale: Finite | None = Field(default=None, ge=0, le=30, description="How closely the words are followed.")
    reference_strength: Finite | None = Field(default=None, ge=0, le=1, description="How much the reference counts.")
    least_sharpness: Finite = Field(default=5, ge=0, le=1000, description="Below it a picture is called blurred.")

    @property
    def quality(self) -> sheets.Quality:
        """What is asked of each picture."""
        return sheets.Quality(aspect=self.width / self.height, least_sharpness=self.least_sharpness)


class CharacterSheet(BaseModel):
    """What one run made."""

    model_config = ConfigDict(frozen=True)

    sheet: MediaFile
    pictures: dict[str, list[MediaFile]]
    """Of each pose, as published."""
    seed: int
    faults: dict[str, list[str]]
    """What is wrong with a pose's picture, where something is; it is published all the same."""
    alike: list[list[str]]
    """Poses whose pictures look the same."""
    page: str
    """The gallery page's URI."""
    report: BatchReport


def _run_name() -> str:
    asked = prefect.runtime.flow_run.parameters
    given = asked.get("poses", "usual")
    poses = quoting.counted(len(POSES if isinstance(given, str) else given), "pose")
    return headline(asked.get("collection"), f"{quoting.title(str(asked.get('character', '')))} in {poses}")


@flow(name="character_sheet", flow_run_name=_run_name)
async def character_sheet(
    character: Given[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]],
    poses: Given[Usual[Poses]] = "usual",
    reference: Given[SourceOrNone] = None,
    drawing: Given[Usual[Drawing]] = "usual",
    renditions: Given[Renditions] = [],  # noqa: B006
    recipe: Given[RecipeOrNone] = None,
    collection: Given[Annotated[str, StringConstraints(max_length=200)] | None] = None,
    dry_run: Given[bool] = False,
    advanced: Given[Usual[AdvancedSheet]] = "usual",
) -> CharacterSheet | Forecast:
    """Draw one character in several poses with NovelAI, check the pictures, publish them, and put them on one sheet.

    Each pose is a job of its own, of one picture. A picture in which a fault is found is published as well: the sheet
    says what it is. When some poses fail the others are published and on the sheet, and the run ends as failed.

        await character_sheet("1girl, red hair, green coat", ["front view", "side view", "laughing"], collection="mia")

    Args:
        character: Who it is, in NovelAI's tags; each pose is put behind it.
        poses: Poses and expressions. As usual: front view, side view, back view, smiling, angry, surprised.
        reference: A picture whose looks are taken over (vibe transfer): a path, an address or a media file.
        drawing: Size, model, steps, and what counts as blurred.
        renditions: Sizes to publish: names of presets (genmedia presets), or sizes of your own. By default each picture
            as it came.
        recipe: What is done to each picture.
        collection: The folder below published/ in the media store; runs of the same collection share their jobs. By
            default both are the run's own.
        dry_run: Only say what it will cost and how long it will take.
        advanced: What is seldom changed: the credentials' name, attempts, seed, columns.
    """
    if isinstance(advanced, str):
        advanced = AdvancedSheet()
    started = datetime.now(UTC)
    await asyncio.to_thread(check_store)
    run, since = await asyncio.to_thread(this_run)
    if isinstance(drawing, str):
        drawing = Drawing()
    if isinstance(poses, str):
        poses = list(POSES)
    if len(set(poses)) < len(poses):
        raise ConfigurationError("poses: two are the same; they would be one picture")
    await asyncio.to_thread(sheets.check_captions, [*poses, FAULTS])
    as_it_came = Recipe(steps=(Keep(),)) if recipe is None and not renditions else recipe
    publishing = await Publishing.of(as_it_came, renditions, None)
    await publishing.check_sizes([(drawing.width, drawing.height)])
    name = name_of(collection, started)
    artist = _Artist(
        character=character,
        seed=_seed_of(character) if advanced.seed is None else advanced.seed,
        reference=await imaging.take_in(reference) if isinstance(reference, str) else reference,
        drawing=drawing,
        publishing=publishing,
        folder=f"published/{folder_name(name)}",
        credentials=await load_block(TTAPICredentials, advanced.ttapi_credentials),
        terms={"request_key": shared_key("character", collection), "attempts": advanced.attempts},
    )
    requests = [checked(partial(artist.request, pose), pose) for pose in poses]
    expected = await forecast_of(name, requests, "character-sheet")
    await before_buying(requests[:1], artist.credentials)
    if dry_run:
        return expected
    drawn = await asyncio.gather(*map(artist.draw, range(1, len(poses) + 1), poses, stems_of(poses)))
    outcomes = [await outcome_of(each.item.title, each.item, run, since) for each in drawn]
    there = [each for each in drawn if each.files]
    parts = {each.pose: {"Drawn": each.files} for each in there}
    alike: list[list[str]] = []
    if there:
        try:
            sheet, alike = await artist.together(there, advanced.columns)
            parts = {SHEET: {"Sheet": [sheet]}, **parts}
        except Exception as failure:
            log_failure(SHEET, failure)
            outcomes.append(
                Outcome(title=SHEET, state="failed", files=[], jobs=[], bought=0, error=sentences_of(failure))
            )
    for group in alike:
        get_run_logger().warning("these poses look the same: %s", ", ".join(group))
    report = BatchReport(name=name, outcomes=outcomes, seconds=(datetime.now(UTC) - started).total_seconds())
    page = await exhibit("character-sheet", name, artist.folder, parts, report)
    await told(report, "character-sheet", "pictures")
    return CharacterSheet(
        sheet=parts[SHEET]["Sheet"][0],
        pictures={each.pose: each.files for each in there},
        seed=artist.seed,
        faults={each.pose: each.faults for each in there if each.faults},
        alike=alike,
        page=page,
        report=report,
    )


def _seed_of(character: str) -> int:
    """The same for the same words, so that a run again asks for the same pictures."""
    return int.from_bytes(hashlib.sha256(character.encode("utf-8", "replace")).digest()[:4], "big")


@dataclass
class _Drawn:
    """What came of one pose."""

    item: Illustration
    files: list[MediaFile] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def pose(self) -> str:
        return self.item.title

    @property
    def caption(self) -> str:
        return f"{self.pose} ({', '.join(self.faults)})" if self.faults else self.pose


@dataclass
class _Artist:
    """What all poses of one run share."""

    character: str
    seed: int
    reference: MediaFile | None
    drawing: Drawing
    publishing: Publishing
    folder: str
    credentials: TTAPICredentials
    terms: Any

    def request(self, pose: str) -> novelai.TextToImageRequest:
        """What is asked of NovelAI. Raises ConfigurationError."""
        asked = self.drawing.model_dump(exclude={"reference_strength", "least_sharpness"}, exclude_none=True)
        if self.reference is not None:
            mood = novelai.VibeTransfer(
                image=Picture(source=self.reference, prepare="fit"), strength=self.drawing.reference_strength
            )
            asked["vibe_transfer"] = [mood]
        return novelai.TextToImageRequest(prompt=f"{self.character}, {pose}", seed=self.seed, n_samples=1, **asked)

    async def draw(self, number: int, pose: str, stem: str) -> _Drawn:
        """Bought, looked at, published: one that fails leaves the others alone."""
        request = self.request(pose)
        drawn = _Drawn(Illustration(number=number, title=pose, prompt=request.prompt))
        try:
            bought = await novelai.text_to_image(request, self.credentials, **self.terms)
        except Exception as failure:
            drawn.item = failed(drawn.item, failure)
            return drawn
        drawn.item = drawn.item.with_job(bought)
        try:
            found = await sheets.faults(bought.media[0], self.drawing.quality, wait_for=[bought])
            drawn.faults = [fault.kind for fault in found]
            for nth, picture in enumerate(bought.media, 1):
                manifest = await asyncio.to_thread(manifest_with_requests, drawn.item, picture)
                manifest |= {"seed": self.seed, "faults": [fault.said for fault in found]}
                place = {"folder": self.folder, "stem": stem if nth == 1 else f"{stem}-{nth}"}
                drawn.files += await self.publishing.publish(picture, **place, manifest=manifest)
        except Exception as failure:
            drawn.item = failed_once_bought(drawn.item, bought, failure)
        drawn.item = drawn.item.model_copy(update={"published": [drawn.files]})
        return drawn

    async def together(self, drawn: Sequence[_Drawn], columns: int) -> tuple[MediaFile, list[list[str]]]:
        """The sheet of what came, and which poses look the same. Raises MediaError."""
        pictures = [each.files[0] for each in drawn]
        manifest = {
            "character": self.character,
            "seed": self.seed,
            "prompt": self.character,
            "jobs": [job for each in drawn for job in each.item.manifest(each.files[0])["jobs"]],
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        captions = [each.caption for each in drawn]
        place: Any = {"folder": self.folder, "stem": "contact-sheet", "manifest": manifest}
        sheet = await sheets.contact_sheet(pictures, captions, columns=min(columns, len(drawn)), **place)
        poses = {each.files[0].uri: each.pose for each in drawn}
        return sheet, [[poses[file.uri] for file in group] for group in await sheets.alike(pictures)]

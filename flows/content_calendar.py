"""A calendar of wishes to published pictures: forecast first, each row bought once, the failed ones told apart."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

import prefect.runtime.flow_run
from prefect import flow
from pydantic import Field, ValidationError

from prefect_genmedia import quoting
from prefect_genmedia.blocks import NovitaCredentials, TTAPICredentials
from prefect_genmedia.checking import imported_function, refusal
from prefect_genmedia.errors import ConfigurationError, GenMediaError, nothing_bought
from prefect_genmedia.flows.runs.batches import (
    BatchReport,
    Outcome,
    a_few_at_a_time,
    foretold,
    outcome_of,
    this_run,
    told,
)
from prefect_genmedia.flows.runs.beforehand import (
    before_buying,
    check_store,
    folder_name,
    load_block,
    name_of,
    shared_key,
)
from prefect_genmedia.flows.runs.calendar_rows import (
    CalendarRow,
    Wish,
    checked_rows,
    of_shard,
    refuse,
    refuse_equal_names,
    wishes,
)
from prefect_genmedia.flows.runs.calendar_sheets import read_source
from prefect_genmedia.flows.runs.parameters import (
    Given,
    Name,
    Pick,
    RecipeOrNone,
    Refinement,
    Renditions,
    Usual,
    UsualOrNone,
)
from prefect_genmedia.flows.runs.sources import SourceOrNone
from prefect_genmedia.flows.steps.advanced import AdvancedCalendar
from prefect_genmedia.flows.steps.making import Work
from prefect_genmedia.flows.steps.publishing import Publishing
from prefect_genmedia.forecast import Forecast, Wanted, forecast
from prefect_genmedia.imaging.recipes.presets import USUAL
from prefect_genmedia.jobs.buying import ledger_of
from prefect_genmedia.jobs.purchase import identities
from prefect_genmedia.media import MediaFile
from prefect_genmedia.providers.ttapi.midjourney import IMAGINE
from prefect_genmedia.providers.ttapi.prompt import aspect_of
from prefect_genmedia.settings import read_settings
from prefect_genmedia.tasks import midjourney
from prefect_genmedia.tasks.paying.prices import variable_prices

Standing = Literal["to buy", "there", "given up"]


def _run_name() -> str:
    asked = prefect.runtime.flow_run.parameters
    name = (
        asked.get("calendar") or _name_of(asked.get("source")) or quoting.counted(len(asked.get("rows") or ()), "row")
    )
    advanced = asked.get("advanced")
    part = advanced.get("shard") if isinstance(advanced, dict) else getattr(advanced, "shard", None)
    return (
        f"calendar {quoting.title(str(name))}{f' {part}' if part else ''}{' (dry run)' if asked.get('dry_run') else ''}"
    )


@flow(name="content_calendar", flow_run_name=_run_name)
async def content_calendar(
    source: Given[SourceOrNone] = None,
    rows: Given[Annotated[list[CalendarRow], Field(max_length=1000)]] = [],  # noqa: B006 (never changed; Prefect shows defaults in its form)
    calendar: Name | None = None,
    dry_run: Given[bool] = False,
    pick: Given[Pick] = "sharpest",
    refinement: Given[UsualOrNone[Refinement]] = None,
    renditions: Given[Renditions] = list(USUAL),  # noqa: B006
    recipe: Given[RecipeOrNone] = None,
    advanced: Given[Usual[AdvancedCalendar]] = "usual",
) -> BatchReport | Forecast:
    """Make the pictures of a sheet of wishes; a run again buys only what is missing.

    The columns of the CSV, or the fields of a JSON line: prompt, and if wanted count, folder, file, recipe, renditions
    (names of presets), request_key, mode. All rows, blocks, recipes and the store are checked before the first
    purchase. Failed rows are told apart, with reasons; the others are published, and the run ends as failed.

        prompt,count,folder,file,renditions
        a lighthouse at dawn --ar 3:2,1,week-50,lighthouse,"square, open-graph"

        await content_calendar(source="december.csv", dry_run=True)   # what it will cost and take; buys nothing
        await content_calendar(source="december.csv")

    Args:
        source: A CSV or JSON file: its path, an address such as s3://bucket/december.csv, or a media file.
        rows: Rows given here instead of a file.
        calendar: What the calendar is called: the same words in a calendar of the same name are the same picture, in
            every run. By default the file's name; rows given here without it belong to their run.
        dry_run: Only say what it will cost and how long it will take.
        pick: Which of the four pictures of a grid go on.
        refinement: How Novita redraws the pictures: as usual, or as you set it. None leaves them as they are.
        renditions: The sizes to publish, where a row names none.
        recipe: What is done to each picture before it is cut to sizes, where a row names none.
        advanced: What is seldom changed: the credentials' names, attempts, at_once, shard, mode, upscale, chooser.
    """
    if isinstance(advanced, str):
        advanced = AdvancedCalendar()
    started = datetime.now(UTC)
    await asyncio.to_thread(check_store)
    run, since = await asyncio.to_thread(this_run)
    if (source is None) == (not rows):
        raise ConfigurationError("a calendar is a source or rows", advice="Give one of the two.")
    named = calendar or _name_of(source)
    name = name_of(named, started)
    if isinstance(refinement, str):
        refinement = Refinement()
    with nothing_bought("Name a sheet that can be read, then run again."):
        sheet = rows if source is None else await asyncio.to_thread(read_source, source)
        given = await asyncio.to_thread(checked_rows, sheet)
    work = Work(
        ttapi=await load_block(TTAPICredentials, advanced.ttapi_credentials),
        novita=await load_block(NovitaCredentials, advanced.novita_credentials) if refinement is not None else None,
        folder=f"published/{folder_name(name)}",
        pick=pick,
        chooser=imported_function("chooser", advanced.chooser) if advanced.chooser is not None else None,
        mode=advanced.mode,
        upscale=advanced.upscale,
        refinement=refinement,
        publishing=await Publishing.of(recipe, renditions, refinement),
        terms={"attempts": advanced.attempts},
    )
    plan = _Plan(work, recipe, renditions)
    wanted = wishes(given, shared_key("calendar", named), advanced.mode)
    await plan.check(wanted)
    wanted = of_shard(wanted, advanced.shard)
    expected, there, given_up = await plan.forecast(wanted, advanced.at_once)
    await foretold(name, expected, "calendar", there, given_up)
    await before_buying(work.kinds(wish.row.mode or advanced.mode for wish in wanted), work.ttapi, work.novita)
    if dry_run:
        return expected

    async def make(wish: Wish) -> Outcome:
        made = await plan.work_on(wish).from_prompt(wish.number, wish.row.prompt, wish.copy)
        return await outcome_of(wish.title, made, run, since)

    outcomes = await a_few_at_a_time(make, wanted, advanced.at_once)
    report = BatchReport(name=name, outcomes=outcomes, seconds=(datetime.now(UTC) - started).total_seconds())
    return await told(report, "calendar", "wishes")


def _name_of(source: Any) -> str | None:
    """The file's name without its suffix."""
    if isinstance(source, dict):
        source = source.get("uri")
    text = source.uri if isinstance(source, MediaFile) else source
    return (
        PurePosixPath(quoting.one_line(text).strip("\"' ").replace("\\", "/")).stem if isinstance(text, str) else None
    )


@dataclass
class _Plan:
    """How each row is worked on. What equal rows need is made once."""

    work: Work
    recipe: Any
    renditions: Sequence[Any]
    _publishing: dict[str, Publishing] = field(default_factory=dict)
    _checked: dict[tuple[str, Any], str] = field(default_factory=dict)

    async def check(self, wanted: Iterable[Wish]) -> None:
        """Raises ConfigurationError that names each row that cannot be bought, made or published as it is."""
        wanted = list(wanted)
        said = [(wish.number, await self._wrong_with(wish)) for wish in wanted if wish.nth == 1]
        refuse([f"row {number}: {words}" for number, words in said if words])
        await asyncio.to_thread(refuse_equal_names, wanted, self._most_pictures, self._sizes)

    def _sizes(self, row: CalendarRow) -> Sequence[str]:
        return self._publishing[_key(row)].names

    async def _wrong_with(self, wish: Wish) -> str:
        try:
            replace(self.work, mode=wish.row.mode or self.work.mode).request(wish.row.prompt)
        except ValidationError as failure:
            return refusal(failure).message
        key = _key(wish.row)
        shape = _shape(wish.row.prompt) if self.work.refinement is not None else None
        if (key, shape) not in self._checked:
            self._checked[key, shape] = ""
            try:
                if key not in self._publishing:
                    self._publishing[key] = await self._publish(wish.row)
                await self._publishing[key].check([wish.row.prompt], [])
            except GenMediaError as failure:
                self._checked[key, shape] = failure.message
        return self._checked[key, shape]

    async def _publish(self, row: CalendarRow) -> Publishing:
        if row.recipe is None and row.renditions is None:
            return self.work.publishing
        recipe = self.recipe if row.recipe is None else row.recipe
        renditions = self.renditions if row.renditions is None else row.renditions
        return await Publishing.of(recipe, renditions, self.work.refinement)

    @property
    def _picked(self) -> int:
        """How many of a grid go on, as far as it can be told: a chooser says it later."""
        return 4 if self.work.pick == "all" and self.work.chooser is None else 1

    @property
    def _most_pictures(self) -> int:
        refined = self.work.refinement.image_num if self.work.refinement is not None else 1
        return (4 if self.work.chooser is not None else self._picked) * refined

    def work_on(self, wish: Wish) -> Work:
        row = wish.row
        return replace(
            self.work,
            mode=row.mode or self.work.mode,
            folder="/".join(filter(None, [self.work.folder, row.folder])),
            stem=wish.stem,
            publishing=self._publishing[_key(row)],
            terms={**self.work.terms, "request_key": wish.request_key},
        )

    async def forecast(self, wanted: Sequence[Wish], at_once: int) -> tuple[Forecast, int, int]:
        """What is to be bought, how many grids are bought already, and how many no run buys again. Of refinements all
        are counted, but of those that have no grid."""
        prices = await variable_prices()
        standing = await asyncio.to_thread(self._standing, wanted)
        of = list(zip(wanted, standing, strict=True))
        wants = self._wants([wish for wish, how in of if how == "to buy"], [w for w, how in of if how != "given up"])
        expected = await asyncio.to_thread(forecast, wants, prices=prices, at_once=at_once)
        return expected, standing.count("there"), standing.count("given up")

    def _standing(self, wanted: Sequence[Wish]) -> list[Standing]:
        assert self.work.ttapi is not None
        account, ledger = self.work.ttapi.get_client(), ledger_of(read_settings())
        found: list[Standing] = []
        for wish in wanted:
            canonical = self.work_on(wish).request(wish.row.prompt).canonical({})
            known = identities(IMAGINE, canonical, account, f"key:{wish.request_key}", wish.copy)
            row = ledger.newest([key for _, key in known]) if wish.request_key is not None else None
            found.append("to buy" if row is None else standing_of(row.state, row.attempt, self.work.terms["attempts"]))
        return found

    def _wants(self, missing: Iterable[Wish], wanted: Iterable[Wish]) -> Iterator[Wanted]:
        for wish in missing:
            yield self.work_on(wish).request(wish.row.prompt)
            if self.work.upscale:
                yield from [midjourney.ActionRequest(job_id="-", action="upsample1")] * self._picked
        for wish in wanted if self.work.refinement is not None else ():
            assert self.work.refinement is not None
            yield from [self.work.refinement.of("-", wish.row.prompt, *_shape(wish.row.prompt))] * self._picked


def standing_of(state: str, attempt: int, attempts: int) -> Standing:
    """What a run does about a job of this state, as the ledger will decide it."""
    if state == "NOT_ACCEPTED" or (state == "FAILED" and attempt < attempts):
        return "to buy"
    return "given up" if state in ("FAILED", "EXPIRED") else "there"


def _shape(prompt: str) -> tuple[int, int]:
    try:
        return aspect_of(prompt)
    except ValueError:  # the provider may know better
        return 1, 1


def _key(row: CalendarRow) -> str:
    return f"{row.recipe!r} {row.renditions!r}"

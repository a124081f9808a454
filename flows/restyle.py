"""Photographs to published pictures in one style: img2img, recipe, sizes, a report."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Annotated

import prefect.runtime.flow_run
from prefect import flow, get_run_logger
from pydantic import Field, StringConstraints

from prefect_genmedia import quoting
from prefect_genmedia.blocks import NovitaCredentials
from prefect_genmedia.checking import checked
from prefect_genmedia.errors import ConfigurationError, nothing_bought
from prefect_genmedia.flows.runs.batches import (
    BatchReport,
    Outcome,
    a_few_at_a_time,
    foretold,
    left_out_words,
    outcome_of,
    this_run,
    told,
)
from prefect_genmedia.flows.runs.beforehand import (
    before_buying,
    check_store,
    folder_name,
    headline,
    load_block,
    name_of,
    shared_key,
)
from prefect_genmedia.flows.runs.parameters import Given, Photograph, RecipeOrNone, Renditions, Usual
from prefect_genmedia.flows.runs.sources import Source, file_name, reference, stems_of
from prefect_genmedia.flows.steps.advanced import AdvancedRestyle
from prefect_genmedia.flows.steps.making import Work
from prefect_genmedia.flows.steps.publishing import Publishing
from prefect_genmedia.flows.steps.styles import Style
from prefect_genmedia.forecast import Forecast, forecast
from prefect_genmedia.imaging.recipes.presets import USUAL
from prefect_genmedia.media import MediaFile
from prefect_genmedia.media.places import open_place, telling
from prefect_genmedia.media.references import require_found, tidy
from prefect_genmedia.tasks.paying.prices import variable_prices

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".gif")
OF_OTHER_KINDS = (".heic", ".heif", ".jxl", ".psd", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2")
"""Pictures too, of kinds that are not read here: what a telephone and a camera leave, in small letters."""
MOST = 10_000


def _run_name() -> str:
    asked = prefect.runtime.flow_run.parameters
    photographs = quoting.counted(len(asked.get("photographs") or ()), "photograph")
    what = "a folder" if asked.get("folder") else photographs
    return headline(asked.get("collection") or what, quoting.title(str(asked.get("prompt", ""))))


@flow(name="restyle", flow_run_name=_run_name)
async def restyle(
    prompt: Given[Annotated[str, StringConstraints(min_length=1, max_length=1024)]],
    folder: Given[Annotated[str, StringConstraints(min_length=1, max_length=4096)] | None] = None,
    photographs: Given[Annotated[list[Source], Field(max_length=1000)]] = [],  # noqa: B006 (never changed; Prefect shows defaults in its form)
    style: Given[Usual[Style]] = "usual",
    renditions: Given[Renditions] = list(USUAL),  # noqa: B006
    recipe: Given[RecipeOrNone] = None,
    collection: Given[Annotated[str, StringConstraints(max_length=200)] | None] = None,
    dry_run: Given[bool] = False,
    advanced: Given[Usual[AdvancedRestyle]] = "usual",
) -> BatchReport | Forecast:
    """Redraw photographs in one style, publish them in every size, and report what became of each.

    Everything bought is in the ledger: a retried run, and another of the same collection, buys only what is missing.

        await restyle("an oil painting", folder="photographs", collection="oil",
                      style=Style(strength=0.6, loras=[{"model_name": "add_detail", "strength": 0.5}]))

    Args:
        prompt: What to make of them.
        folder: Where they lie: a path, or an address such as s3://bucket/photographs. Not what lies deeper.
        photographs: Single ones: paths, addresses, media files.
        style: The checkpoint, how far from the photograph, LoRAs, ControlNet.
        renditions: The sizes to publish: names of presets (genmedia presets), or sizes of your own.
        recipe: What is done to each picture before it is cut to sizes, and to each size.
        collection: The folder below published/ in the media store; runs of the same collection share their jobs. By
            default both are the run's own.
        dry_run: Only say what it will cost and how long it will take.
        advanced: What is seldom changed: the credentials' name, attempts, at_once.
    """
    if isinstance(advanced, str):
        advanced = AdvancedRestyle()
    started = datetime.now(UTC)
    await asyncio.to_thread(check_store)
    run, since = await asyncio.to_thread(this_run)
    if isinstance(style, str):
        style = Style()
    with nothing_bought("Name a folder that can be read, then run again."):
        found, left_out = await asyncio.to_thread(pictures_in, folder) if folder is not None else ([], [])
    given = [*photographs, *found]
    if left_out:
        get_run_logger().warning("%s", left_out_words(left_out))
    if not given:
        others = f" {left_out_words(left_out)}" if left_out else ""
        raise ConfigurationError("there are no photographs", advice=f"Give a folder that has some, or a list.{others}")
    name = name_of(collection, started)
    publishing = await Publishing.of(recipe, renditions, style)
    await publishing.check([], [Photograph(picture=reference(each), prompt=prompt) for each in given])
    novita = await load_block(NovitaCredentials, advanced.novita_credentials)
    request = checked(lambda: style.of("-", prompt, 1024, 1024))  # the price asks for no picture
    prices = await variable_prices()
    expected = await asyncio.to_thread(forecast, [request] * len(given), prices=prices, at_once=advanced.at_once)
    await foretold(name, expected, "restyle")
    await before_buying([request], novita)
    if dry_run:
        return expected

    async def make(each: tuple[int, str | MediaFile, str]) -> Outcome:
        number, photograph, stem = each
        work = Work(
            ttapi=None,
            novita=novita,
            folder=f"published/{folder_name(name)}",
            pick="all",
            chooser=None,
            mode="fast",
            upscale=False,
            refinement=style,
            publishing=publishing,
            terms={"request_key": shared_key("restyle", collection), "attempts": advanced.attempts},
            stem=stem,
        )
        made = await work.from_picture(number, photograph, prompt, f"{number}: {file_name(photograph)}")
        return await outcome_of(made.title, made, run, since)

    stems = stems_of([PurePosixPath(file_name(each)).stem for each in given])
    numbered = zip(range(1, len(given) + 1), given, stems, strict=True)
    outcomes = await a_few_at_a_time(make, numbered, advanced.at_once)
    seconds = (datetime.now(UTC) - started).total_seconds()
    report = BatchReport(name=name, outcomes=outcomes, seconds=seconds, left_out=left_out)
    return await told(report, "restyle", "photographs")


def pictures_in(folder: str) -> tuple[list[str], list[str]]:
    """The addresses of the pictures in a folder, and the names of those of kinds that are not read here. Hidden files,
    such as the `._a.jpg` of a Mac, are none. Blocking. Raises MediaError, ConfigurationError.
    """
    fs, base = open_place(tidy(folder))
    if "://" not in folder:
        require_found(Path(tidy(folder)).expanduser(), folder)
    with telling(f"the folder {quoting.title(folder)} cannot be listed"):
        listed = sorted(str(path) for path in fs.ls(base, detail=False))
    found = [path for path in listed if not PurePosixPath(path).name.startswith(".")]
    pictures = [fs.unstrip_protocol(path) for path in found if path.lower().endswith(PICTURES)]
    if len(pictures) > MOST:
        raise ConfigurationError(f"the folder has {len(pictures)} pictures; the limit is {MOST}")
    return pictures, [PurePosixPath(path).name for path in found if path.lower().endswith(OF_OTHER_KINDS)]

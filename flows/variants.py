"""Concepts × products × sizes: one prompt for a concept, each product in it, the best of what comes published."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import prefect.runtime.flow_run
from prefect import flow
from prefect.artifacts import acreate_markdown_artifact
from pydantic import Field, StringConstraints

from prefect_genmedia import quoting
from prefect_genmedia.blocks import NovitaCredentials, TTAPICredentials
from prefect_genmedia.checking import A_MODEL, A_TEXT, TEXT_OR_MODEL, Asked, Whole, checked
from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.flows.pages.showing import Illustration, manifest_with_requests
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
    headline,
    load_block,
    name_of,
    shared_key,
)
from prefect_genmedia.flows.runs.calendar_rows import Line
from prefect_genmedia.flows.runs.parameters import Given, Lists, Photograph, Renditions, Usual
from prefect_genmedia.flows.runs.sources import Source
from prefect_genmedia.flows.steps.advanced import AdvancedVariants
from prefect_genmedia.flows.steps.making import Work, failed, without_parameters
from prefect_genmedia.flows.steps.publishing import Publishing
from prefect_genmedia.flows.steps.ranking import Ranked, ranked
from prefect_genmedia.flows.steps.styles import Style
from prefect_genmedia.forecast import Forecast, Wanted, forecast
from prefect_genmedia.imaging.recipes.presets import USUAL
from prefect_genmedia.jobs.buying import ledger_of
from prefect_genmedia.media import MediaFile
from prefect_genmedia.settings import read_settings
from prefect_genmedia.tasks import imaging, midjourney, novita
from prefect_genmedia.tasks.paying.prices import variable_prices

MOST = 10_000
PLACE = "{product}"


class Concept(Asked):
    """One idea, for all products."""

    name: Line = Field(min_length=1, description="Its folder is called so.")
    prompt: str = Field(min_length=1, max_length=4096, description="The prompt, with {product} where the product goes.")


class Product(Asked):
    """One thing that the pictures are of."""

    name: Line = Field(min_length=1, description="Its files are called so.")
    words: str | None = Field(default=None, max_length=1024, description="What the prompt says; by default the name.")
    picture: Source | None = Field(
        default=None, description="A path or an address: the picture is redrawn, instead of drawn from words alone."
    )


InWords = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$")
]
Products = Annotated[
    list[Annotated[Annotated[InWords, A_TEXT] | Annotated[Product, A_MODEL], TEXT_OR_MODEL]],
    Field(min_length=1, max_length=1000),
    Lists("In words", "With words or pictures of their own"),
]


@dataclass(frozen=True)
class Combination:
    """One concept of one product."""

    concept: Concept
    product: Product

    @property
    def prompt(self) -> str:
        return self.concept.prompt.replace(PLACE, self.product.words or self.product.name)

    @property
    def title(self) -> str:
        return quoting.title(f"{self.concept.name} × {self.product.name}")


def _run_name() -> str:
    asked = prefect.runtime.flow_run.parameters
    concepts = quoting.counted(len(asked.get("concepts") or ()), "concept")
    products = quoting.counted(len(asked.get("products") or ()), "product")
    return headline(asked.get("collection"), f"{concepts} × {products}")


@flow(name="variants", flow_run_name=_run_name)
async def variants(
    concepts: Given[Annotated[list[Concept], Field(min_length=1, max_length=100)]],
    products: Given[Products],
    renditions: Given[Renditions] = list(USUAL),  # noqa: B006 (never changed; Prefect shows defaults in its form)
    best: Given[Annotated[Whole, Field(ge=1, le=8)]] = 1,
    collection: Given[Annotated[str, StringConstraints(max_length=200)] | None] = None,
    dry_run: Given[bool] = False,
    advanced: Given[Usual[AdvancedVariants]] = "usual",
) -> BatchReport | Forecast:
    """Make every concept of every product, and publish the best of what comes in every size.

    A product in words becomes a Midjourney grid of four, a product with a picture is redrawn by Novita's img2img. Of
    what comes, near-duplicates are dropped, and the rest is put in order: by stars and decisions that people gave
    (in a review, or by genmedia rate), then by faults, then by sharpness. What was rejected is left out. Files are
    called <concept>/<product>-1, the best first. Run again, the same collection buys only what is missing, and puts
    all in order anew.

        await variants([{"name": "snow", "prompt": "{product} on fresh snow --ar 1:1"}],
                       [{"name": "boots", "words": "a pair of red rubber boots"}], collection="winter")

    Args:
        concepts: Each a name and a prompt with {product} in it.
        products: Each in a few words, or with a name and its words or its picture.
        renditions: The sizes to publish: names of presets (genmedia presets), or sizes of your own.
        best: How many of each are published.
        collection: The folder below published/ in the media store; runs of the same collection share their jobs. By
            default both are the run's own.
        dry_run: Only say what it will cost and how long it will take.
        advanced: What is seldom changed: style, mode, the credentials' names,
            attempts, at_once.
    """
    if isinstance(advanced, str):
        advanced = AdvancedVariants()
    started = datetime.now(UTC)
    await asyncio.to_thread(check_store)
    run, since = await asyncio.to_thread(this_run)
    style = Style() if isinstance(advanced.style, str) else advanced.style
    named = [Product(name=each) if isinstance(each, str) else each for each in products]
    wanted = _combinations(concepts, named)
    name = name_of(collection, started)
    in_words = any(each.product.picture is None for each in wanted)
    in_pictures = any(each.product.picture is not None for each in wanted)
    work = Work(
        ttapi=await load_block(TTAPICredentials, advanced.ttapi_credentials) if in_words else None,
        novita=await load_block(NovitaCredentials, advanced.novita_credentials) if in_pictures else None,
        folder=f"published/{folder_name(name)}",
        pick="all",
        chooser=None,
        mode=advanced.mode,
        upscale=False,
        refinement=style,
        publishing=await Publishing.of(None, renditions, style),
        terms={"request_key": shared_key("variants", collection), "attempts": advanced.attempts},
    )
    # What cannot be asked for is refused here.
    requests = [checked(partial(_request, work, style, each), each.title) for each in wanted]
    pictures = [_photograph(each) for each in wanted if each.product.picture is not None]
    await work.publishing.check([], pictures)
    prices = await variable_prices()
    expected = await asyncio.to_thread(forecast, requests, prices=prices, at_once=advanced.at_once)
    await foretold(name, expected, "variants")
    if dry_run:
        return expected
    await before_buying(requests, work.ttapi, work.novita)
    order: dict[str, list[Ranked]] = {}

    async def make(each: tuple[int, Combination]) -> Outcome:
        item = Illustration(number=each[0], title=each[1].title, prompt=each[1].prompt)
        try:
            item, files = await _made(work, style, each[1], item)
            order[item.title] = (await ranked(files, ledger_of(read_settings())))[:best]
            item = await _published(work, each[1], item, order[item.title])
        except Exception as failure:  # whatever it is, it takes no other with it
            item = failed(item, failure)
        return await outcome_of(item.title, item, run, since)

    outcomes = await a_few_at_a_time(make, enumerate(wanted, 1), advanced.at_once)
    await acreate_markdown_artifact(_order_markdown(name, order), key="variants-order", description="The best first")
    seconds = (datetime.now(UTC) - started).total_seconds()
    return await told(BatchReport(name=name, outcomes=outcomes, seconds=seconds), "variants", "variants")


def _combinations(concepts: Sequence[Concept], products: Sequence[Product]) -> list[Combination]:
    """Raises ConfigurationError where a prompt has no place for the product, or two would be called the same."""
    others = {word for each in concepts for word in re.findall(r"\{(\w+)\}", each.prompt)} - {PLACE.strip("{}")}
    if others:
        raise ConfigurationError(f"a prompt has {{{min(others)}}}; only {PLACE} is filled in")
    if lacking := [each.name for each in concepts if PLACE not in each.prompt]:
        raise ConfigurationError(f"the prompt of {quoting.title(lacking[0])} has no {PLACE}")
    for what, names in (("concepts", [each.name for each in concepts]), ("products", [each.name for each in products])):
        if len({folder_name(name) for name in names}) < len(names):
            raise ConfigurationError(f"two {what} are called the same")
    if len(concepts) * len(products) > MOST:
        raise ConfigurationError(f"that are {len(concepts) * len(products)} variants; the limit is {MOST}")
    return [Combination(concept, product) for concept in concepts for product in products]


def _photograph(each: Combination) -> Photograph:
    picture = each.product.picture
    return Photograph(picture=picture.uri if isinstance(picture, MediaFile) else picture or "", prompt="-")


def _request(work: Work, style: Style, each: Combination) -> Wanted:
    """What is asked, for its price. Raises ValidationError."""
    return work.request(each.prompt) if each.product.picture is None else style.of("-", each.prompt, 1024, 1024)


async def _made(
    work: Work, style: Style, each: Combination, item: Illustration
) -> tuple[Illustration, list[MediaFile]]:
    """What a provider gives for it. Paid, once."""
    if each.product.picture is None:
        assert work.ttapi is not None
        grid = await midjourney.imagine(work.request(each.prompt), work.ttapi, **work.terms)
        return item.with_job(grid, grid=grid.at(0) or grid.media[0]), await work.four(grid)
    assert work.novita is not None
    given = each.product.picture
    picture = await imaging.take_in(given) if isinstance(given, str) else given
    await work.publishing.check_photograph(picture)
    words = without_parameters(each.prompt)
    request = style.of(picture, words, picture.width or 1024, picture.height or 1024)
    redrawn = await novita.img2img(request, work.novita, **work.terms)
    item = item.model_copy(update={"photograph": picture})
    return item.with_job(redrawn, refined=redrawn.media), redrawn.media


async def _published(work: Work, each: Combination, item: Illustration, kept: Iterable[Ranked]) -> Illustration:
    folder = f"{work.folder}/{folder_name(each.concept.name)}"
    for place, one in enumerate(kept, 1):
        manifest = await asyncio.to_thread(manifest_with_requests, item, one.file)
        said = {"concept": each.concept.name, "product": each.product.name, "place": place, "stars": one.stars}
        stem = f"{folder_name(each.product.name)}-{place}"
        files = await work.publishing.publish(one.file, folder, stem, {**manifest, "variant": said})
        item = item.model_copy(update={"published": [*item.published, files]})
    return item


def _order_markdown(name: str, order: dict[str, list[Ranked]]) -> str:
    lines = ["| variant | place | stars | faults | sharpness | sha256 |\n| --- | --- | --- | --- | --- | --- |\n"]
    for title, kept in order.items():
        for place, one in enumerate(kept, 1):
            cells = (title, place, one.stars or "", ", ".join(one.faults), f"{one.sharpness:.0f}", one.file.sha256[:16])
            lines.append(f"| {' | '.join(quoting.for_markdown(cell) for cell in cells)} |\n")
    return f"# {quoting.for_markdown(name)}\n\n{''.join(lines[:1500])}"

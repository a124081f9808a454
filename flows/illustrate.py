"""From prompts and photographs to published pictures: generate, pick, refine, cut to sizes, publish, show."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import prefect.runtime.flow_run
from prefect import flow, get_run_logger
from prefect.artifacts import acreate_link_artifact, acreate_markdown_artifact
from pydantic import Field, StringConstraints

from prefect_genmedia import quoting
from prefect_genmedia.blocks import NovitaCredentials, TTAPICredentials
from prefect_genmedia.checking import checked, imported_function
from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.flows.pages.showing import Illustrations, artifact, page, page_address
from prefect_genmedia.flows.runs.beforehand import (
    before_buying,
    check_store,
    folder_name,
    headline,
    load_block,
    name_of,
)
from prefect_genmedia.flows.runs.failing import beside, run_failure
from prefect_genmedia.flows.runs.parameters import (
    Attempts,
    Given,
    Name,
    Photograph,
    Pick,
    RecipeOrNone,
    Refinement,
    Renditions,
    UsualOrNone,
)
from prefect_genmedia.flows.steps.making import Work, without_parameters
from prefect_genmedia.flows.steps.publishing import Publishing
from prefect_genmedia.imaging.recipes.presets import USUAL
from prefect_genmedia.tasks import midjourney, moderation


def _run_name() -> str:
    asked = prefect.runtime.flow_run.parameters
    prompts, photographs = asked.get("prompts") or (), len(asked.get("photographs") or ())
    parts = [quoting.title(without_parameters(str(prompts[0])))] if prompts else []
    parts += [f"{len(prompts) - 1} more"] if len(prompts) > 1 else []
    parts += [quoting.counted(photographs, "photograph")] if photographs else []
    return headline(asked.get("collection"), " + ".join(parts) or "nothing")


@flow(name="illustrate", flow_run_name=_run_name)
async def illustrate(
    prompts: Given[Annotated[list[str], Field(max_length=1000)]] = [],  # noqa: B006 (never changed; Prefect shows defaults in its form)
    photographs: Given[Annotated[list[Photograph], Field(max_length=1000)]] = [],  # noqa: B006
    pick: Given[Pick] = "sharpest",
    chooser: Name | None = None,
    mode: Given[midjourney.Mode] = "fast",
    upscale: Given[bool] = False,
    refinement: Given[UsualOrNone[Refinement]] = "usual",
    renditions: Given[Renditions] = list(USUAL),  # noqa: B006
    recipe: Given[RecipeOrNone] = None,
    collection: Given[Annotated[str, StringConstraints(max_length=200)] | None] = None,
    ttapi_credentials: Name = "ttapi",
    novita_credentials: Name = "novita",
    request_key: Name | None = None,
    attempts: Attempts = 1,
    moderation_policy: Given[moderation.Policy | None] = None,
    moderation_check: Name | None = None,
) -> Illustrations:
    """Make pictures from prompts and photographs, publish them in every size, and show them.

    Everything bought is in the ledger: a failed, killed or retried run buys nothing twice. When some
    pictures fail the others are published all the same, and the run ends as failed, with the list.

    Args:
        prompts: Midjourney prompts; each becomes a grid of four.
        photographs: Existing pictures to refine, without Midjourney before it. Prefect keeps parameters as they
            are given: a signed link stays in its database, and nowhere else.
        pick: Which of the four pictures of a grid go on.
        chooser: Your own choice instead of pick, 'package.module:function'. It gets four paths, which
            are temporary where the media store is remote, and gives indexes.
        mode: Midjourney's speed.
        upscale: Upscale what was picked at Midjourney first. Costs quota.
        refinement: How Novita redraws the pictures: as usual, or as you set it. None leaves them as they are.
        renditions: The sizes to publish: names of presets (genmedia presets), or sizes of your own.
        recipe: What is done to each picture before it is cut to sizes, and to each size; steps, YAML, or the path of
            a file of them. One that says itself which files it makes goes before renditions.
        collection: The folder below published/ in the media store. By default one a run.
        ttapi_credentials: The name of a saved TTAPI Credentials block.
        novita_credentials: The name of a saved Novita AI Credentials block.
        request_key: Runs with the same key share their jobs. For example a campaign and a date.
        attempts: How often a job that the provider fails may be bought in all.
        moderation_policy: What becomes of a finished picture that is found unfit: block, quarantine or flag. Novita's
            own check is asked for with each refinement, for 0.0015 USD a picture.
        moderation_check: Your own check besides, 'package.module:function': it gets a path, and says what is wrong.
    """
    started = datetime.now(UTC)
    await asyncio.to_thread(check_store)  # what is wrong is said once, and not of each picture
    name = name_of(collection, started)
    if isinstance(refinement, str):
        refinement = Refinement()
    work = Work(
        ttapi=await load_block(TTAPICredentials, ttapi_credentials) if prompts else None,
        novita=await load_block(NovitaCredentials, novita_credentials) if refinement is not None else None,
        folder=f"published/{folder_name(name)}",
        pick=pick,
        chooser=imported_function("chooser", chooser) if chooser is not None else None,
        mode=mode,
        upscale=upscale,
        refinement=refinement,
        publishing=await Publishing.of(recipe, renditions, refinement),
        terms={"request_key": request_key, "attempts": attempts},
        policy=moderation_policy,
        check=moderation_check,
    )
    if moderation_check is not None:
        imported_function("moderation_check", moderation_check)
    elif moderation_policy is not None and refinement is None:
        raise ConfigurationError("without a refinement, which Novita checks, moderation needs a moderation_check")
    # Before the first purchase: what cannot be made of the pictures is no reason to buy them.
    await work.publishing.check(prompts, photographs)
    for place, prompt in enumerate(prompts):
        checked(partial(work.request, prompt), f"prompts.{place}")
    for place, each in enumerate(photographs if refinement is not None else ()):
        checked(
            partial(Refinement.of, refinement or Refinement(), "-", each.prompt, 1024, 1024), f"photographs.{place}"
        )
    await before_buying(work.kinds(), work.ttapi, work.novita)
    wanted = [work.from_prompt(*each) for each in _numbered(prompts)]
    wanted += [work.from_photograph(number, each) for number, each in enumerate(photographs, len(prompts) + 1)]
    items = await asyncio.gather(*wanted)
    made = Illustrations(collection=name, items=items, seconds=(datetime.now(UTC) - started).total_seconds())
    failed = [item for item in items if item.error]
    with beside(failed):
        made = made.model_copy(update={"page": await asyncio.to_thread(page, made, work.folder)})
    await acreate_markdown_artifact(
        await asyncio.to_thread(artifact, made), key="illustrate-gallery", description=made.summary
    )
    if (address := page_address(made, work.folder)) is not None:
        said = "A browser opens no file from a page of Prefect's: genmedia open shows it." if "file:" in address else ""
        await acreate_link_artifact(
            address, key="illustrate-page", link_text=address, description=said or "The gallery page"
        )
    get_run_logger().info("%s", made.summary)
    if failed:
        published = sum(len(item.published) for item in items)
        raise run_failure("pictures", ((item.title, item.error or "") for item in failed), len(items), published)
    return made


def _numbered(prompts: Sequence[str]) -> list[tuple[int, str, int]]:
    """Each prompt with its place and how many equal ones stand before it: equal prompts are wanted each."""
    seen: Counter[str] = Counter()
    numbered = []
    for number, prompt in enumerate(prompts, 1):
        numbered.append((number, prompt, seen[prompt]))
        seen[prompt] += 1
    return numbered

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
    Given,
    Photograph,
    Pick,
    RecipeOrNone,
    Refinement,
    Renditions,
    Usual,
    UsualOrNone,
)
from prefect_genmedia.flows.steps.advanced import AdvancedIllustrate
from prefect_genmedia.flows.steps.making import Work, without_parameters
from prefect_genmedia.flows.steps.publishing import Publishing
from prefect_genmedia.imaging.recipes.presets import USUAL


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
    refinement: Given[UsualOrNone[Refinement]] = "usual",
    renditions: Given[Renditions] = list(USUAL),  # noqa: B006
    recipe: Given[RecipeOrNone] = None,
    collection: Given[Annotated[str, StringConstraints(max_length=200)] | None] = None,
    advanced: Given[Usual[AdvancedIllustrate]] = "usual",
) -> Illustrations:
    """Make pictures from prompts and photographs, publish them in every size, and show them.

    Everything bought is in the ledger: a failed, killed or retried run buys nothing twice. When some
    pictures fail the others are published all the same, and the run ends as failed, with the list.

    Args:
        prompts: Midjourney prompts; each becomes a grid of four.
        photographs: Existing pictures to refine, without Midjourney before it. Prefect keeps parameters as they
            are given: a signed link stays in its database, and nowhere else.
        pick: Which of the four pictures of a grid go on.
        refinement: How Novita redraws the pictures: as usual, or as you set it. None leaves them as they are.
        renditions: The sizes to publish: names of presets (genmedia presets), or sizes of your own.
        recipe: What is done to each picture before it is cut to sizes, and to each size; steps, YAML, or the path of
            a file of them. One that says itself which files it makes goes before renditions.
        collection: The folder below published/ in the media store. By default one a run.
        advanced: What is seldom changed: the credentials' names, attempts, request_key, mode, upscale, chooser,
            moderation_policy, moderation_check.
    """
    if isinstance(advanced, str):
        advanced = AdvancedIllustrate()
    started = datetime.now(UTC)
    if not prompts and not photographs:
        raise ConfigurationError("there is nothing to make", advice="Give a prompt or a photograph, then run again.")
    await asyncio.to_thread(check_store)  # what is wrong is said once, and not of each picture
    name = name_of(collection, started)
    if isinstance(refinement, str):
        refinement = Refinement()
    work = Work(
        ttapi=await load_block(TTAPICredentials, advanced.ttapi_credentials) if prompts else None,
        novita=await load_block(NovitaCredentials, advanced.novita_credentials) if refinement is not None else None,
        folder=f"published/{folder_name(name)}",
        pick=pick,
        chooser=imported_function("chooser", advanced.chooser) if advanced.chooser is not None else None,
        mode=advanced.mode,
        upscale=advanced.upscale,
        refinement=refinement,
        publishing=await Publishing.of(recipe, renditions, refinement),
        terms={"request_key": advanced.request_key, "attempts": advanced.attempts},
        policy=advanced.moderation_policy,
        check=advanced.moderation_check,
    )
    if advanced.moderation_check is not None:
        imported_function("moderation_check", advanced.moderation_check)
    elif advanced.moderation_policy is not None and refinement is None:
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

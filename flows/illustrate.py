"""From prompts and photographs to published pictures: generate, pick, refine, cut to sizes, publish, show."""

from __future__ import annotations

import asyncio
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import prefect.runtime.flow_run
from prefect import flow, get_run_logger
from prefect.artifacts import acreate_link_artifact, acreate_markdown_artifact
from pydantic import Field, StringConstraints, ValidationError
from slugify import slugify

from prefect_genmedia import quoting
from prefect_genmedia.blocks import NovitaCredentials, TTAPICredentials
from prefect_genmedia.checking import imported_function, refusal
from prefect_genmedia.errors import ConfigurationError, GenMediaError
from prefect_genmedia.flows.parameters import (
    LONGEST_TITLE,
    Attempts,
    Given,
    GivenRecipe,
    Name,
    Photograph,
    Pick,
    Refinement,
    Renditions,
)
from prefect_genmedia.flows.publishing import Publishing, folder_name
from prefect_genmedia.flows.showing import (
    Illustration,
    Illustrations,
    artifact,
    manifest_with_requests,
    page,
    page_address,
)
from prefect_genmedia.imaging import sharpest
from prefect_genmedia.imaging.recipes.presets import USUAL
from prefect_genmedia.jobs import JobResult, open_store
from prefect_genmedia.jobs.buying import ledger_of
from prefect_genmedia.media import MediaFile, local_copies
from prefect_genmedia.settings import read_settings
from prefect_genmedia.tasks import imaging, midjourney, moderation, novita


def _run_name() -> str:
    asked = prefect.runtime.flow_run.parameters
    prompts, photographs = len(asked.get("prompts") or ()), len(asked.get("photographs") or ())
    return f"illustrate {prompts} prompts, {photographs} photographs"


@flow(name="illustrate", flow_run_name=_run_name)
async def illustrate(
    prompts: Given[Annotated[list[str], Field(max_length=1000)]] = [],  # noqa: B006 (never changed; Prefect shows defaults in its form)
    photographs: Given[Annotated[list[Photograph], Field(max_length=1000)]] = [],  # noqa: B006
    pick: Given[Pick] = "sharpest",
    chooser: Name | None = None,
    mode: Given[midjourney.Mode] = "fast",
    upscale: Given[bool] = False,
    refinement: Given[Refinement | None] = Refinement(),
    renditions: Given[Renditions] = list(USUAL),  # noqa: B006
    recipe: Given[GivenRecipe | None] = None,
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
        refinement: How Novita redraws the pictures. None leaves them as they are.
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
    await asyncio.to_thread(_check_store)  # what is wrong is said once, and not of each picture
    name = collection or f"{started:%Y-%m-%d}-{str(prefect.runtime.flow_run.id)[:8]}"
    work = _Work(
        ttapi=await _load(TTAPICredentials, ttapi_credentials) if prompts else None,
        novita=await _load(NovitaCredentials, novita_credentials) if refinement is not None else None,
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
    wanted = [work.from_prompt(*each) for each in _numbered(prompts)]
    wanted += [work.from_photograph(number, each) for number, each in enumerate(photographs, len(prompts) + 1)]
    items = await asyncio.gather(*wanted)
    made = Illustrations(collection=name, items=items, seconds=(datetime.now(UTC) - started).total_seconds())
    made = made.model_copy(update={"page": await asyncio.to_thread(page, made, work.folder)})
    await acreate_markdown_artifact(
        await asyncio.to_thread(artifact, made), key="illustrate-gallery", description=made.summary
    )
    if (address := page_address(made, work.folder)) is not None:
        await acreate_link_artifact(address, key="illustrate-page", link_text=address)
    get_run_logger().info("%s", made.summary)
    if failed := [item for item in items if item.error]:
        raise GenMediaError(
            f"{len(failed)} of {len(items)} pictures failed: " + "; ".join(f"{i.title}: {i.error}" for i in failed),
            advice="The others are published. Retry this run: what is bought is not bought again.",
        )
    return made


def _check_store() -> None:
    settings = read_settings()
    open_store(settings, ledger_of(settings))


async def _load(block: Any, name: str) -> Any:
    try:
        return await block.aload(name)
    except ValueError:
        raise ConfigurationError(
            f"there is no {block.get_block_type_name()} block called {name!r}",
            advice=f"Save one in the UI, or: genmedia setup --{block.get_block_type_slug().partition('-')[0]} NAME",
        ) from None


def _numbered(prompts: Sequence[str]) -> list[tuple[int, str, int]]:
    """Each prompt with its place and how many equal ones stand before it: equal prompts are wanted each."""
    seen: Counter[str] = Counter()
    numbered = []
    for number, prompt in enumerate(prompts, 1):
        numbered.append((number, prompt, seen[prompt]))
        seen[prompt] += 1
    return numbered


@dataclass
class _Work:
    """What all pictures of one run share."""

    ttapi: TTAPICredentials | None
    novita: NovitaCredentials | None
    folder: str
    pick: Pick
    chooser: Callable[[list[Path]], Sequence[int]] | None
    mode: midjourney.Mode
    upscale: bool
    refinement: Refinement | None
    publishing: Publishing
    terms: dict[str, Any]
    policy: moderation.Policy | None
    check: str | None

    async def from_prompt(self, number: int, prompt: str, copy: int) -> Illustration:
        item = Illustration(number=number, title=quoting.title(prompt, LONGEST_TITLE), prompt=prompt)
        assert self.ttapi is not None
        try:
            request = midjourney.ImagineRequest(prompt=prompt, mode=self.mode, get_u_images=True)
            grid = await midjourney.imagine(request, self.ttapi, copy=copy, **self.terms)
            item = item.with_job(grid, grid=grid.at(0) or grid.media[0])
            for index in await self._picked(grid):
                item = await self._finish(item, await self._single(grid, index), prompt, copy)
        except Exception as failure:
            return _failed(item, failure)
        return item

    async def from_photograph(self, number: int, photograph: Photograph) -> Illustration:
        item = Illustration(number=number, title=photograph.title, prompt=photograph.prompt)
        try:
            picture = await imaging.take_in(photograph.picture)
            item = item.model_copy(update={"photograph": picture})
            await self.publishing.check_photograph(picture)
            return await self._finish(item, (picture, None), photograph.prompt, 0)
        except Exception as failure:
            return _failed(item, failure)

    async def _picked(self, grid: JobResult[Any]) -> list[int]:
        four = await self._four(grid)
        if self.chooser is not None:
            return [int(index) for index in await asyncio.to_thread(_chosen, self.chooser, four)]
        if self.pick == "all":
            return list(range(len(four)))
        if self.pick == "sharpest":
            return [await asyncio.to_thread(_sharpest, four)]
        return [self.pick - 1]

    async def _four(self, grid: JobResult[Any]) -> list[MediaFile]:
        """The four pictures, each in its place: one that has not come is cut out of the grid."""
        four = [file for file in map(grid.at, range(1, 5)) if file is not None]
        whole = grid.at(0)
        if len(four) == 4 or whole is None:
            return four
        cut = await imaging.quadrants(whole)
        return [grid.at(place) or quadrant for place, quadrant in enumerate(cut, 1)]

    async def _single(self, grid: JobResult[Any], index: int) -> tuple[MediaFile, JobResult[Any] | None]:
        if not self.upscale:
            return (await self._four(grid))[index], None
        assert self.ttapi is not None
        request = midjourney.ActionRequest(job_id=grid.job.job_id or "", action=_upsample(index))
        large = await midjourney.action(request, self.ttapi, **self.terms)
        return large.media[0], large

    async def _finish(
        self, item: Illustration, single: tuple[MediaFile, JobResult[Any] | None], prompt: str, copy: int
    ) -> Illustration:
        """Refine one picture, cut it to sizes, publish them."""
        picture, upscaled = single
        item = item.with_job(upscaled, picked=picture)
        refined: JobResult[Any] | None = None
        if self.refinement is not None and self.novita is not None:
            text = prompt.split(" --")[0]  # Midjourney's parameters mean nothing to Stable Diffusion
            request = self.refinement.of(picture, text, picture.width or 1024, picture.height or 1024)
            if self.policy is not None:
                request = request.model_copy(update={"extra": novita.ImageExtra(enable_nsfw_detection=True)})
            refined = await novita.img2img(request, self.novita, copy=copy, **self.terms)
        finished = [picture] if refined is None else refined.media
        if self.policy is not None:
            judged = await moderation.gate(refined or picture, self.policy, check=self.check)
            finished = judged.passed
            if judged.quarantined:  # what it was made of is not shown either
                item = item.model_copy(update={"grid": None, "picked": []})
        item = item.with_job(refined, refined=finished if refined is not None else None)
        for file in finished:
            words = slugify(item.title, max_length=40) or "picture"
            stem = f"{item.number:03d}-{words}-{len(item.published) + 1}"
            manifest = await asyncio.to_thread(self._manifest, item, file)
            published = await self.publishing.publish(file, self.folder, stem, manifest)
            item = item.model_copy(update={"published": [*item.published, published]})
        return item

    def _manifest(self, item: Illustration, file: MediaFile) -> dict[str, Any]:
        model = {"model": self.refinement.model_name} if self.refinement is not None else {}
        return {**manifest_with_requests(item, file), **model}


def _upsample(index: int) -> Any:
    return f"upsample{index + 1}"


def _sharpest(files: Sequence[MediaFile]) -> int:
    with local_copies(files) as paths:
        return sharpest(paths)


def _chosen(chooser: Callable[[list[Path]], Sequence[int]], files: Sequence[MediaFile]) -> Sequence[int]:
    with local_copies(files) as paths:
        return chooser(paths)


def _failed(item: Illustration, failure: Exception) -> Illustration:
    # One picture's failure, whatever it is, must not take the others with it; the run reports it at its end.
    said = quoting.one_line(refusal(failure) if isinstance(failure, ValidationError) else failure)
    where = "" if isinstance(failure, GenMediaError) else _traceback(failure)
    get_run_logger().error("%s: %s%s", item.title, said, where)
    return item.model_copy(update={"error": said})


def _traceback(failure: Exception) -> str:
    lines = "".join(traceback.format_exception(failure))
    return "\n" + quoting.shown(lines)

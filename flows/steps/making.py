"""One prompt or photograph to published pictures: generate, pick, refine, cut to sizes, publish."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from slugify import slugify

from prefect_genmedia import quoting
from prefect_genmedia.blocks import NovitaCredentials, TTAPICredentials
from prefect_genmedia.errors import BOUGHT_ONCE, GenMediaError, MediaError
from prefect_genmedia.flows.pages.showing import Illustration, manifest_with_requests
from prefect_genmedia.flows.runs.failing import log_failure, sentences_of
from prefect_genmedia.flows.runs.parameters import LONGEST_TITLE, Photograph, Pick, Refinement
from prefect_genmedia.flows.steps.publishing import Publishing
from prefect_genmedia.forecast import Wanted
from prefect_genmedia.imaging import sharpest
from prefect_genmedia.jobs import JobResult
from prefect_genmedia.media import MediaFile, local_copies
from prefect_genmedia.tasks import imaging, midjourney, moderation, novita


@dataclass
class Work:
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
    policy: moderation.Policy | None = None
    check: str | None = None
    stem: str | None = None
    """What the files are called; by default by the number and the words of each."""

    def request(self, prompt: str) -> midjourney.ImagineRequest:
        """What is asked of Midjourney. Raises ValidationError."""
        return midjourney.ImagineRequest(prompt=prompt, mode=self.mode, get_u_images=True)

    def kinds(self, modes: Iterable[midjourney.Mode] = ()) -> list[Wanted]:
        """A request of each kind that may be bought, in its own mode or in these: by them prices are found."""
        wanted: list[Wanted] = []
        if self.ttapi is not None:
            wanted += [replace(self, mode=mode).request("-") for mode in set(modes) or {self.mode}]
            wanted += [midjourney.ActionRequest(job_id="-", action="upsample1")] if self.upscale else []
        if self.refinement is not None:
            wanted.append(self.refinement.of("-", "-", 1024, 1024))
        return wanted

    async def from_prompt(self, number: int, prompt: str, copy: int) -> Illustration:
        item = Illustration(number=number, title=quoting.title(prompt, LONGEST_TITLE), prompt=prompt)
        assert self.ttapi is not None
        try:
            grid = await midjourney.imagine(self.request(prompt), self.ttapi, copy=copy, **self.terms)
            item = item.with_job(grid, grid=grid.at(0) or grid.media[0])
            for index in await self._picked(grid):
                picture, upscaled = await self._single(grid, index)
                item = await self._finish(item.with_job(upscaled, picked=picture), picture, prompt, copy)
        except Exception as failure:
            return failed(item, failure)
        return item

    async def from_photograph(self, number: int, photograph: Photograph) -> Illustration:
        return await self.from_picture(number, photograph.picture, photograph.prompt, photograph.title)

    async def from_picture(self, number: int, given: str | MediaFile, prompt: str, title: str) -> Illustration:
        item = Illustration(number=number, title=title, prompt=prompt)
        try:
            picture = await imaging.take_in(given) if isinstance(given, str) else given
            item = item.model_copy(update={"photograph": picture, "picked": [picture]})
            await self.publishing.check_photograph(picture)
        except Exception as failure:
            return failed(item, failure)
        return await self._finish(item, picture, prompt, 0)

    async def _picked(self, grid: JobResult[Any]) -> list[int]:
        four = await self.four(grid)
        if self.chooser is not None:
            return [int(index) for index in await asyncio.to_thread(_chosen, self.chooser, four)]
        if self.pick == "all":
            return list(range(len(four)))
        if self.pick == "sharpest":
            return [await asyncio.to_thread(_sharpest, four)]
        return [self.pick - 1]

    async def four(self, grid: JobResult[Any]) -> list[MediaFile]:
        """The four pictures, each in its place: one that has not come is cut out of the grid."""
        four = [file for file in map(grid.at, range(1, 5)) if file is not None]
        whole = grid.at(0)
        if len(four) == 4 or whole is None:
            return four
        cut = await imaging.quadrants(whole)
        return [grid.at(place) or quadrant for place, quadrant in enumerate(cut, 1)]

    async def _single(self, grid: JobResult[Any], index: int) -> tuple[MediaFile, JobResult[Any] | None]:
        if not self.upscale:
            return (await self.four(grid))[index], None
        assert self.ttapi is not None
        request = midjourney.ActionRequest(job_id=grid.job.job_id or "", action=_upsample(index))
        large = await midjourney.action(request, self.ttapi, **self.terms)
        return large.media[0], large

    async def _finish(self, item: Illustration, picture: MediaFile, prompt: str, copy: int) -> Illustration:
        """Refine one picture, cut it to sizes, publish them. Its failure leaves the others of its grid alone."""
        try:
            refined: JobResult[Any] | None = None
            if self.refinement is not None and self.novita is not None:
                text = without_parameters(prompt)
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
                manifest = await asyncio.to_thread(self._manifest, item, file)
                published = await self.publishing.publish(file, self.folder, self._stem(item), manifest)
                item = item.model_copy(update={"published": [*item.published, published]})
        except Exception as failure:
            return failed(item, failure)
        return item

    def _stem(self, item: Illustration) -> str:
        """What the next of its files is called."""
        number = len(item.published) + 1
        if self.stem is not None:
            return self.stem if number == 1 else f"{self.stem}-{number}"
        return f"{item.number:03d}-{slugify(without_parameters(item.title), max_length=40) or 'picture'}-{number}"

    def _manifest(self, item: Illustration, file: MediaFile) -> dict[str, Any]:
        model = {"model": self.refinement.model_name} if self.refinement is not None else {}
        return {**manifest_with_requests(item, file), **model}


def without_parameters(prompt: str) -> str:
    """The words before Midjourney's parameters, which mean nothing to Stable Diffusion or in a name."""
    return prompt.split(" --")[0]


def _upsample(index: int) -> Any:
    return f"upsample{index + 1}"


def _sharpest(files: Sequence[MediaFile]) -> int:
    with local_copies(files) as paths:
        return sharpest(paths)


def _chosen(chooser: Callable[[list[Path]], Sequence[int]], files: Sequence[MediaFile]) -> Sequence[int]:
    with local_copies(files) as paths:
        return chooser(paths)


def failed(item: Illustration, failure: Exception) -> Illustration:
    """The same, with what went wrong, which is in the log from now on."""
    # One picture's failure, whatever it is, must not take the others with it; the run reports it at its end.
    if isinstance(failure, MediaError) and item.purchases and not failure.money:
        failure.money = BOUGHT_ONCE
        look = f"Look at its files: genmedia jobs show {item.purchases[-1].job.id[:12]}."
        failure.advice = failure.advice or f"{look} Another pick, or another prompt, may do."
    log_failure(item.title, failure)
    said = sentences_of(failure)
    error = said if item.error is None or said in item.error else f"{item.error} {said}"
    job = getattr(failure, "job", None)
    return item.model_copy(update={"error": error, "failed_jobs": [*item.failed_jobs, *([job] if job else [])]})


def failed_once_bought(item: Illustration, bought: JobResult[Any], failure: Exception) -> Illustration:
    """The same for what was done to a job's files: whatever went wrong, the job is paid for, and here."""
    if isinstance(failure, GenMediaError):
        failure.job, failure.money = bought.job, BOUGHT_ONCE
    return failed(item, failure)

"""What `illustrate` made: its record, its gallery page and its Prefect artifact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict

from prefect_genmedia.flows.pages.gallery import (
    GalleryPicture,
    GallerySection,
    GalleryStep,
    gallery_html,
    gallery_markdown,
)
from prefect_genmedia.jobs import JobRef, JobResult
from prefect_genmedia.jobs.buying import ledger_of
from prefect_genmedia.media import MediaFile, MediaStore
from prefect_genmedia.providers import OPERATIONS
from prefect_genmedia.quoting import counted, for_markdown, without_signatures
from prefect_genmedia.settings import Settings, read_settings
from prefect_genmedia.wire.redaction import LONGEST_SENTENCE


class Purchase(BaseModel):
    """One job that went into an illustration."""

    model_config = ConfigDict(frozen=True)

    job: JobRef
    quota: float | None


Unsigned = Annotated[str, AfterValidator(without_signatures)]


class Illustration(BaseModel):
    """What came of one prompt or photograph. It is published: links in it have no queries."""

    model_config = ConfigDict(frozen=True)

    number: int
    title: Unsigned
    prompt: Unsigned
    grid: MediaFile | None = None
    photograph: MediaFile | None = None
    picked: list[MediaFile] = []
    refined: list[MediaFile] = []
    published: list[list[MediaFile]] = []
    purchases: list[Purchase] = []
    failed_jobs: list[JobRef] = []
    """What was or may be bought, and gave nothing yet."""
    error: str | None = None

    def with_job(
        self,
        result: JobResult[Any] | None,
        grid: MediaFile | None = None,
        picked: MediaFile | None = None,
        refined: list[MediaFile] | None = None,
    ) -> Self:
        """The same with one more job and what it gave."""
        bought = [Purchase(job=result.job, quota=result.quota)] if result else []
        return self.model_copy(
            update={
                "grid": grid or self.grid,
                "picked": [*self.picked, picked] if picked else self.picked,
                "refined": [*self.refined, *(refined or ())],
                "purchases": [*self.purchases, *bought],
            }
        )

    @property
    def cost(self) -> dict[str, float]:
        """What the providers say they charged for it, by unit; and how many jobs did not say."""
        told: dict[str, float] = {}
        for bought in self.purchases:
            if bought.quota is not None:
                unit = OPERATIONS[bought.job.operation].unit
                told[unit] = told.get(unit, 0.0) + bought.quota
        return {**told, "jobs_not_told": sum(bought.quota is None for bought in self.purchases)}

    def manifest(self, source: MediaFile) -> dict[str, Any]:
        """Where a published file comes from, for the JSON beside it."""
        return {
            "prompt": self.prompt,
            "source_sha256": source.sha256,
            "cost": self.cost,
            "photograph_sha256": self.photograph.sha256 if self.photograph else None,
            "jobs": [
                {
                    "operation": bought.job.operation,
                    "job_id": bought.job.job_id,
                    "ledger_id": bought.job.id,
                    "quota": bought.quota,
                    "source": OPERATIONS[bought.job.operation].source,
                }
                for bought in self.purchases
            ],
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }


def manifest_with_requests(item: Illustration, source: MediaFile) -> dict[str, Any]:
    """The manifest with what each job was asked, as the ledger has it. Blocking.

    The picture was made when the last of its jobs was done: a run again writes the same bytes.
    """
    manifest = item.manifest(source)
    ledger = ledger_of(read_settings())
    done: list[float] = []
    for job in manifest["jobs"]:
        row = ledger.get(job["ledger_id"])
        job["request"] = None if row is None else row.request
        done += [row.finished_at] if row is not None and row.finished_at is not None else []
    if done:
        manifest["made_at"] = datetime.fromtimestamp(max(done), UTC).isoformat(timespec="seconds")
    return manifest


class Illustrations(BaseModel):
    """What one run made."""

    model_config = ConfigDict(frozen=True)

    collection: Unsigned
    items: list[Illustration]
    seconds: float
    page: str | None = None
    """The gallery page's URI."""

    @property
    def cost(self) -> str:
        """What the providers say they charged; and how many jobs did not say."""
        bought = [purchase for item in self.items for purchase in item.purchases]
        quota = sum(purchase.quota or 0.0 for purchase in bought)
        silent = sum(purchase.quota is None for purchase in bought)
        said = [f"{quota:g} TTAPI quota ({quota / 100:.2f} USD)"] if quota else []
        said += [f"{silent} Novita job{'s' if silent > 1 else ''} (price not told by the provider)"] if silent else []
        return " + ".join(said) or "nothing"

    @property
    def summary(self) -> str:
        files = sum(len(sizes) for item in self.items for sizes in item.published)
        failed = sum(item.error is not None for item in self.items)
        end = f", {failed} failed" if failed else ""
        photographs = sum(item.photograph is not None for item in self.items)
        asked = {"prompt": len(self.items) - photographs, "photograph": photographs}
        said = " and ".join(counted(number, what) for what, number in asked.items() if number)
        return f"{counted(files, 'file')} published from {said or 'nothing'}{end}. Cost: {self.cost}."


def page(made: Illustrations, folder: str) -> str:
    """Write the gallery page into the media store; its URI. Blocking. Raises MediaError."""
    store, up = MediaStore(read_settings().media_store), way_up(folder)
    return keep_page(store, folder, f"Illustrations: {made.collection}", _sections(made, store, up), _facts(made))


def way_up(folder: str) -> str:
    """From a page in `folder` to where the media store begins."""
    return "../" * len(Path(folder).parts)


def keep_page(
    store: MediaStore, folder: str, title: str, sections: Sequence[GallerySection], facts: Mapping[str, str]
) -> str:
    """Write a gallery page into `folder` of the media store; its URI. Blocking. Raises MediaError."""
    html = gallery_html(title, sections, facts)
    with store.incoming() as incoming:
        file = incoming / "index.html"
        file.write_text(html, encoding="utf-8")
        return store.keep(file, f"{folder}/index.html")


def artifact(made: Illustrations) -> str:
    """The gallery as Prefect markdown: linked where the store has a public address. Blocking.

    Prefect keeps artifacts, so no link in them is ever signed: it would soon be dead, and until then a key.
    """
    settings = read_settings()
    store = MediaStore(settings.media_store)
    text = gallery_markdown(made.collection, _sections(made, store, public_base(settings)), _facts(made))
    failed = [
        f"- **{for_markdown(item.title)}**: {for_markdown(item.error, LONGEST_SENTENCE)}"
        for item in made.items
        if item.error
    ]
    return text + ("\n\n## Failed\n\n" + "\n".join(failed) if failed else "")


def page_address(made: Illustrations, folder: str) -> str | None:
    """Where a browser finds the gallery page; None where it cannot be told."""
    if base := public_base(read_settings()):
        return f"{base}{folder}/index.html"
    return made.page if made.page and made.page.startswith("file://") else None


def public_base(settings: Settings) -> str:
    """Where a browser, or a provider, finds the media store's files; "" where that is not told."""
    return settings.media_public_url.rstrip("/") + "/" if settings.media_public_url else ""


def _facts(made: Illustrations) -> dict[str, str]:
    jobs = sum(len(item.purchases) for item in made.items)
    return {"Jobs": str(jobs), "Cost": made.cost, "Time": f"{made.seconds:.0f} s"}


def _sections(made: Illustrations, store: MediaStore, base: str) -> list[GallerySection]:
    return [_section(item, store, base) for item in made.items]


def _section(item: Illustration, store: MediaStore, base: str) -> GallerySection:
    def shown(file: MediaFile, label: str, operation: str = "") -> GalleryPicture:
        bought = [each.job for each in item.purchases if each.job.operation == operation]
        caption = f"{operation} {bought[0].job_id}" if bought else ""
        return GalleryPicture(label=label, href=href_in(file, store, base), file=file, caption=caption)

    start = item.photograph or item.grid
    steps = []
    if start is not None:
        label = "photograph" if item.photograph else "grid"
        steps.append(GalleryStep(title=label.capitalize(), pictures=(shown(start, label, "midjourney.imagine"),)))
    if item.picked and item.photograph is None:
        steps.append(GalleryStep(title="Picked", pictures=tuple(shown(file, file.role) for file in item.picked)))
    if item.refined:
        steps.append(
            GalleryStep(
                title="Refined", pictures=tuple(shown(file, "refined", "novita.img2img") for file in item.refined)
            )
        )
    steps += [
        GalleryStep(title="Published", pictures=tuple(shown(file, file.role) for file in sizes), thumbnails=1)
        for sizes in item.published
    ]
    prompt = "" if item.prompt in item.title else item.prompt
    if item.error:
        prompt = f"{prompt} Failed: {item.error}".strip()
    return GallerySection(title=item.title, prompt=prompt, steps=tuple(steps))


def href_in(file: MediaFile, store: MediaStore, base: str) -> str:
    """From `base`, where the media store begins, to the file; "" for a file that is elsewhere."""
    key = store.key_of(file)
    return "" if key is None else base + quote(key)

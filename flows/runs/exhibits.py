"""What a run made of several kinds of files, to look at: a page in its folder, and an artifact of the run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from prefect.artifacts import acreate_markdown_artifact

from prefect_genmedia.flows.pages.gallery import GalleryPicture, GallerySection, GalleryStep, gallery_markdown
from prefect_genmedia.flows.pages.showing import href_in, keep_page, public_base, way_up
from prefect_genmedia.flows.runs.batches import BatchReport
from prefect_genmedia.flows.runs.failing import beside
from prefect_genmedia.flows.runs.sources import file_name
from prefect_genmedia.media import MediaFile, MediaStore
from prefect_genmedia.settings import read_settings

Steps = Mapping[str, Sequence[MediaFile]]
"""Files by what they are, such as "Still" and "Clip", in the order in which they came about."""


async def exhibit(kind: str, name: str, folder: str, parts: Mapping[str, Steps], report: BatchReport) -> str:
    """Show the files of each part, such as a pose: `index.html` in `folder`, and the artifact `<kind>-gallery`.

    The page's URI; none where it cannot be kept and some have failed, which is to be said. Raises MediaError.
    """
    page = ""
    with beside(report.failed):
        page, text = await asyncio.to_thread(_shown, kind, name, folder, parts, report.sums)
        said = ", ".join(f"{name} {report.sums[name]}" for name in ("delivered", "cost") if name in report.sums)
        await acreate_markdown_artifact(text, key=f"{kind}-gallery", description=f"{said}. The page: {page}")
    return page


def _shown(kind: str, name: str, folder: str, parts: Mapping[str, Steps], facts: Mapping[str, str]) -> tuple[str, str]:
    settings = read_settings()
    store = MediaStore(settings.media_store)
    page = keep_page(store, folder, f"{kind}: {name}", _sections(parts, store, way_up(folder)), facts)
    return page, gallery_markdown(name, _sections(parts, store, public_base(settings)), facts)


def _sections(parts: Mapping[str, Steps], store: MediaStore, base: str) -> list[GallerySection]:
    return [
        GallerySection(
            title=title,
            steps=tuple(
                GalleryStep(
                    title=step,
                    pictures=tuple(
                        GalleryPicture(
                            label=file_name(file),
                            href=href_in(file, store, base),
                            file=file,
                            caption="; ".join(file.remarks),
                        )
                        for file in files
                    ),
                )
                for step, files in steps.items()
                if files
            ),
        )
        for title, steps in parts.items()
    ]

"""A track to release: song, stems, cover, teaser, in one folder with one manifest."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import prefect.runtime.flow_run
from prefect import flow
from pydantic import BaseModel, ConfigDict, StringConstraints
from slugify import slugify

from prefect_genmedia import quoting
from prefect_genmedia.blocks import NovitaCredentials, TTAPICredentials
from prefect_genmedia.checking import checked
from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.flows.runs.batches import BatchReport, forecast_of, outcome_of, this_run, told
from prefect_genmedia.flows.runs.beforehand import (
    before_buying,
    check_store,
    folder_name,
    load_block,
    name_of,
    shared_key,
)
from prefect_genmedia.flows.runs.exhibits import exhibit
from prefect_genmedia.flows.runs.failing import beside
from prefect_genmedia.flows.runs.parameters import Given, Refinement, Usual
from prefect_genmedia.flows.steps.advanced import AdvancedTrack
from prefect_genmedia.flows.steps.bundles import keep_bundle
from prefect_genmedia.flows.steps.making import Work
from prefect_genmedia.flows.steps.publishing import Publishing
from prefect_genmedia.flows.steps.studio import Engine, Part, Studio, Teaser, song_request, stems_request
from prefect_genmedia.forecast import Forecast
from prefect_genmedia.media import MediaFile
from prefect_genmedia.tasks import recording

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Lyrics = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5000)]
COVER = "cover"


class Release(BaseModel):
    """What one run made."""

    model_config = ConfigDict(frozen=True)

    songs: list[MediaFile]
    """Suno makes two of them, FlowMusic one, in several formats."""
    stems: list[MediaFile]
    cover: list[MediaFile]
    """In each size."""
    teaser: MediaFile | None
    bundle: str
    """The URI of the folder's manifest."""
    page: str
    """The gallery page's URI."""
    report: BatchReport


def _run_name() -> str:
    asked = prefect.runtime.flow_run.parameters
    artist = f" by {asked['artist']}" if asked.get("artist") else ""
    return f"{quoting.title(str(asked.get('title', '')) + artist)}{', with stems' if asked.get('stems') else ''}"


@flow(name="release_track", flow_run_name=_run_name)
async def release_track(
    title: Given[Line],
    sound: Given[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]],
    cover: Given[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]],
    lyrics: Given[Lyrics | None] = None,
    artist: Given[Line | None] = None,
    engine: Given[Engine] = "suno",
    stems: Given[bool] = False,
    collection: Given[Annotated[str, StringConstraints(max_length=200)] | None] = None,
    dry_run: Given[bool] = False,
    advanced: Given[Usual[AdvancedTrack]] = "usual",
) -> Release | Forecast:
    """Make a song and its cover, and publish all that a release takes in one folder with one manifest.

    Needs ffmpeg, which is looked for before anything is bought. Song and cover are made beside each other; what fails
    leaves the others alone, and the run ends as failed, with the list.

        await release_track("Night Train", sound="synthwave, slow, female voice", lyrics=open("night.txt").read(),
                            cover="a night train in the rain, album cover --ar 1:1", artist="Mia", collection="train")

    Args:
        title: What the song is called.
        sound: What it sounds like: styles, instruments, voice.
        cover: A Midjourney prompt; the sharpest of the grid is redrawn and cut to sizes.
        lyrics: What is sung. Without it Suno lets nobody sing; FlowMusic does as it likes.
        artist: Who releases it; for the manifests.
        engine: suno makes two songs of one job, flowmusic one.
        stems: Buy the song's parts as well (of the first song): 60 quota at Suno, in the vendor's example.
        collection: The folder below published/ in the media store; runs of the same collection share their jobs. By
            default both are the run's own.
        dry_run: Only say what it will cost and how long it will take.
        advanced: What is seldom changed: the cover's sizes and refinement, lufs, teaser, the credentials' names,
            attempts.
    """
    if isinstance(advanced, str):
        advanced = AdvancedTrack()
    started = datetime.now(UTC)
    await asyncio.to_thread(check_store)
    refinement = advanced.refinement
    if isinstance(refinement, str):
        refinement = Refinement(longest_side=2048, strength=0.3)
    teaser = advanced.teaser
    if isinstance(teaser, str):
        teaser = Teaser()
    if advanced.lufs is not None or teaser is not None:
        recording.require_ffmpeg()
    if not advanced.sizes:
        raise ConfigurationError("sizes: a release has a cover; give one size at least")
    run, since = await asyncio.to_thread(this_run)
    name = name_of(collection, started)
    ttapi = await load_block(TTAPICredentials, advanced.ttapi_credentials)
    terms = {"request_key": shared_key("release", collection), "attempts": advanced.attempts}
    stem = slugify(title, max_length=80) or "track"
    artwork = Work(
        ttapi=ttapi,
        novita=await load_block(NovitaCredentials, advanced.novita_credentials) if refinement is not None else None,
        folder=f"published/{folder_name(name)}",
        pick="sharpest",
        chooser=None,
        mode="fast",
        upscale=False,
        refinement=refinement,
        publishing=await Publishing.of(None, advanced.sizes, refinement),
        terms=terms,
        stem=stem,
    )
    await artwork.publishing.check([cover], [])
    studio = Studio(
        engine=engine,
        credentials=ttapi,
        terms=terms,
        folder=artwork.folder,
        stem=stem,
        told={"title": title, "artist": artist, "lyrics": lyrics},
        lufs=advanced.lufs,
    )
    request = checked(lambda: song_request(engine, title, sound, lyrics), engine)
    checked(lambda: artwork.request(cover), COVER)
    kinds = [request, *artwork.kinds(), *([stems_request(engine, "-")] if stems else [])]
    expected = await forecast_of(name, kinds, "release")
    await before_buying(kinds, ttapi, artwork.novita)
    if dry_run:
        return expected
    song, drawn = await asyncio.gather(studio.song(request, sound, stems), artwork.from_prompt(3, cover, 0))
    drawn = drawn.model_copy(update={"title": COVER})
    covers = [file for made in drawn.published for file in made]
    parts = [song, *([studio.stems] if stems else []), Part(drawn, covers)]
    if teaser is not None:
        parts.append(await studio.teaser(teaser, song.files, covers))
    reported = [part.item for part in parts if part.item.error or part.item.purchases]  # a teaser is not bought
    outcomes = [await outcome_of(item.title, item, run, since) for item in reported]
    files = [file for part in parts for file in part.files]
    report = BatchReport(name=name, outcomes=outcomes, seconds=(datetime.now(UTC) - started).total_seconds())
    bundle = ""
    with beside(report.failed):
        bundle = await asyncio.to_thread(keep_bundle, artwork.folder, "release", files, _told(studio, parts))
    shown = {part.item.title: {"Published": part.files} for part in parts}
    page = await exhibit("release", f"{title}: {name}", artwork.folder, shown, report)
    await told(report, "release", "parts of the release")
    return Release(
        songs=song.files,
        stems=studio.stems.files,
        cover=covers,
        teaser=parts[-1].files[0] if teaser is not None else None,
        bundle=bundle,
        page=page,
        report=report,
    )


def _told(studio: Studio, parts: Sequence[Part]) -> dict[str, Any]:
    """What the folder's manifest says beside its files."""
    bought = [each for part in parts for each in part.item.purchases]
    whole = parts[0].item.model_copy(update={"purchases": bought})
    return {
        **studio.told,
        "sound": parts[0].item.prompt,
        "missing": [part.item.title for part in parts if part.item.error],
        "cost": whole.cost,
        "jobs": [each.job.model_dump(include={"id", "operation", "job_id"}) for each in bought],
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }

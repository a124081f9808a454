"""A still to a published clip: image to video, trim, loudness, poster frame, captions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

import prefect.runtime.flow_run
from prefect import flow
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from slugify import slugify

from prefect_genmedia import quoting
from prefect_genmedia.blocks import NovitaCredentials
from prefect_genmedia.checking import Asked, Finite, Whole, refusal
from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.flows.pages.showing import Illustration, href_in, manifest_with_requests, public_base
from prefect_genmedia.flows.runs.batches import BatchReport, forecast_of, outcome_of, this_run, told
from prefect_genmedia.flows.runs.beforehand import (
    before_buying,
    check_store,
    folder_name,
    headline,
    load_block,
    name_of,
    shared_key,
)
from prefect_genmedia.flows.runs.exhibits import exhibit
from prefect_genmedia.flows.runs.parameters import Given, Usual
from prefect_genmedia.flows.runs.sources import Source, file_name
from prefect_genmedia.flows.steps.advanced import AdvancedClip
from prefect_genmedia.flows.steps.making import failed, failed_once_bought
from prefect_genmedia.flows.steps.recordings import published_recording
from prefect_genmedia.forecast import Forecast
from prefect_genmedia.jobs import JobResult
from prefect_genmedia.media import MediaFile, MediaStore
from prefect_genmedia.media.pictures import Picture
from prefect_genmedia.media.references import web_address
from prefect_genmedia.settings import read_settings
from prefect_genmedia.tasks import imaging, novita, recording

Engine = Literal["hailuo", "kling", "kling-pro", "wan"]
TASKS: dict[Engine, Any] = {
    "hailuo": novita.minimax_hailuo_23_fast_i2v,
    "kling": novita.kling_v30_std_i2v,
    "kling-pro": novita.kling_v30_pro_i2v,
    "wan": novita.wan27_i2v,
}
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
LONGEST_STEM = 100


class Finish(Asked):
    """What is done to the film once it is here."""

    start_seconds: Finite = Field(default=0, ge=0, le=15, description="Where the clip begins in the film.")
    duration_seconds: Finite | None = Field(default=None, ge=0.1, le=15, description="By default to its end.")
    lufs: Finite | None = Field(default=-14, ge=-70, le=-5, description="How loud, where it has sound.")
    poster_at: Finite | None = Field(default=None, ge=0, le=15, description="By default a tenth of the clip in.")

    def piece(self, seconds: int) -> dict[str, float]:
        """Which piece of a film of this length is the clip; empty for all of it."""
        if self.start_seconds == 0 and self.duration_seconds in (None, seconds):
            return {}
        duration = self.duration_seconds or seconds - self.start_seconds
        return {"start_seconds": self.start_seconds, "duration_seconds": duration}

    def check(self, seconds: int) -> None:
        """Raises ConfigurationError for what is not in a film of this length."""
        if self.start_seconds + (self.duration_seconds or 0.1) > seconds:
            raise ConfigurationError(f"finish: such a piece is not in a film of {seconds} seconds")
        if self.poster_at is not None and self.poster_at >= self.piece(seconds).get("duration_seconds", seconds):
            raise ConfigurationError("finish.poster_at: the clip has ended by then")


class Clip(BaseModel):
    """What one run made."""

    model_config = ConfigDict(frozen=True)

    film: MediaFile
    poster: MediaFile
    captions: list[MediaFile]
    """As .srt and as .vtt, where there are lines."""
    page: str
    """The gallery page's URI."""
    report: BatchReport


def _run_name() -> str:
    asked = prefect.runtime.flow_run.parameters
    made = f"{quoting.title(str(asked.get('prompt', '')))}, by {asked.get('engine', 'hailuo')}"
    return headline(asked.get("collection"), made)


@flow(name="clip", flow_run_name=_run_name)
async def clip(
    still: Given[Source],
    prompt: Given[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]],
    engine: Given[Engine] = "hailuo",
    seconds: Given[Annotated[Whole, Field(ge=2, le=15)]] = 6,
    captions: Given[Annotated[list[Line], Field(max_length=100)]] = [],  # noqa: B006 (never changed; Prefect shows defaults in its form)
    finish: Given[Usual[Finish]] = "usual",
    collection: Given[Annotated[str, StringConstraints(max_length=200)] | None] = None,
    dry_run: Given[bool] = False,
    advanced: Given[Usual[AdvancedClip]] = "usual",
) -> Clip | Forecast:
    """Set a still in motion at Novita, and publish the clip with its poster frame, captions and manifests.

    Needs ffmpeg, which is looked for before anything is bought. A film that cannot be worked on is published as it
    came, and the run ends as failed, with what is wrong.

        await clip("harbour.jpg", "the boats rock gently", captions=["Morning", "in the harbour"], collection="harbour",
                   finish=Finish(duration_seconds=4))

    Args:
        still: The first picture: a path, an address or a media file. hailuo takes any; the other engines read it from
            the web themselves: give an https address, or set GENMEDIA_MEDIA_PUBLIC_URL.
        prompt: What happens.
        engine: hailuo is MiniMax Hailuo 2.3 Fast (6 or 10 seconds), kling and kling-pro Kling 3.0 Standard and Pro
            (3 to 15), wan Wan 2.7 (2 to 15). Each is billed once.
        seconds: How long a film is bought.
        captions: Lines, each shown for its share of the clip: a .srt and a .vtt beside it.
        finish: Which piece of the film, how loud, where the poster frame is.
        collection: The folder below published/ in the media store; runs of the same collection share their jobs. By
            default both are the run's own.
        dry_run: Only say what it will cost and how long it will take.
        advanced: What is seldom changed: the credentials' name, attempts.
    """
    if isinstance(advanced, str):
        advanced = AdvancedClip()
    started = datetime.now(UTC)
    await asyncio.to_thread(check_store)
    recording.require_ffmpeg()
    run, since = await asyncio.to_thread(this_run)
    if isinstance(finish, str):
        finish = Finish()
    finish.check(seconds)
    credentials = await load_block(NovitaCredentials, advanced.novita_credentials)
    picture = await imaging.take_in(still) if isinstance(still, str) else still
    request = await asyncio.to_thread(_request, engine, still, picture, prompt, seconds)
    name = name_of(collection, started)
    wanted = [(TASKS[engine].name, request)]  # two of the engines are asked in the same words
    expected = await forecast_of(name, wanted, "clip")
    await before_buying(wanted, credentials)
    if dry_run:
        return expected
    folder = f"published/{folder_name(name)}"
    stem = slugify(f"{PurePosixPath(file_name(still)).stem} {prompt}", max_length=LONGEST_STEM) or "clip"
    terms: Any = {"request_key": shared_key("clip", collection), "attempts": advanced.attempts}
    item = Illustration(number=1, title=quoting.title(prompt), prompt=prompt, photograph=picture)
    files: dict[str, MediaFile] = {}
    try:
        film: JobResult[Any] = await TASKS[engine](request, credentials, **terms)
    except Exception as failure:
        item = failed(item, failure)
    else:
        item, files = await _published(item.with_job(film), film, folder, stem, finish.piece(seconds), finish, captions)
    outcome = await outcome_of(item.title, item, run, since)
    report = BatchReport(name=name, outcomes=[outcome], seconds=(datetime.now(UTC) - started).total_seconds())
    steps = {"Still": [picture], "Clip": [files[kind] for kind in ("poster", "film") if kind in files]}
    page = await exhibit("clip", name, folder, {item.title: steps}, report)
    await told(report, "clip", "clips")
    beside = [files[kind] for kind in ("srt", "vtt") if kind in files]
    return Clip(film=files["film"], poster=files["poster"], captions=beside, page=page, report=report)


def _request(engine: Engine, still: str | MediaFile, picture: MediaFile, prompt: str, seconds: int) -> Any:
    """What is asked of the engine. Raises ConfigurationError for what it does not take. Blocking."""
    error: ConfigurationError
    try:
        if engine == "hailuo":
            fitting = Picture(source=picture, prepare="fit")
            length: Any = seconds
            return novita.MinimaxHailuo23FastI2VRequest(prompt=prompt, image=fitting, duration=length)
        address = _address(engine, still, picture)
        if engine == "wan":
            return novita.Wan27I2VRequest(prompt=prompt, image_url=address, duration=seconds)
        return novita.KlingV30I2VRequest(prompt=prompt, image=address, duration=seconds)
    except ValidationError as failure:
        error = refusal(failure, within=engine)
    raise error


def _address(engine: Engine, still: str | MediaFile, picture: MediaFile) -> str:
    """Where the provider reads the still itself. Raises ConfigurationError."""
    if isinstance(still, str) and (address := web_address(still)) is not None:
        return address
    settings = read_settings()
    address = href_in(picture, MediaStore(settings.media_store), public_base(settings))
    if web_address(address) is None:
        raise ConfigurationError(
            f"{engine} reads the still from the web itself, and this one is not there",
            advice="Give its https address, set GENMEDIA_MEDIA_PUBLIC_URL, or take the engine hailuo; then run again.",
        )
    return address


async def _published(
    item: Illustration,
    bought: JobResult[Any],
    folder: str,
    stem: str,
    piece: Mapping[str, float],
    finish: Finish,
    lines: list[str],
) -> tuple[Illustration, dict[str, MediaFile]]:
    """The film first, worked on or else as it came; then what is made of it, as far as it goes."""
    raw = bought.media[0]
    manifest = await asyncio.to_thread(manifest_with_requests, item, raw)
    place: Any = {"folder": folder, "stem": stem, "manifest": manifest}
    files: dict[str, MediaFile] = {}
    try:
        files["film"], failure = await published_recording(bought, raw, place, {**piece, "lufs": finish.lufs})
        if failure is not None:
            raise failure
        film = files["film"]
        files["poster"] = await recording.poster(film, finish.poster_at, **{**place, "stem": f"{stem}-poster"})
        if lines:
            length = (await recording.probe(film)).duration_seconds or 0.0
            beside = await recording.captions(lines, length, folder=folder, stem=stem)
            files |= dict(zip(("srt", "vtt"), beside, strict=True))
    except Exception as wrong:
        item = failed_once_bought(item, bought, wrong)
    return item.model_copy(update={"published": [list(files.values())]}), files

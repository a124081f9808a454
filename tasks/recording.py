"""Steps after the provider for films and sounds: probe, poster frame, trim, loudness. Free; ffmpeg does the work."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, cast

from prefect import task

from prefect_genmedia.errors import MediaInvalidError
from prefect_genmedia.imaging import header
from prefect_genmedia.imaging.workers import beside_the_loop
from prefect_genmedia.jobs.moderation import refuse_quarantined
from prefect_genmedia.media import MediaFile, MediaStore, local_copy
from prefect_genmedia.provenance import marked
from prefect_genmedia.recording import Probed, require_ffmpeg, still_film
from prefect_genmedia.recording import captions as captions_of
from prefect_genmedia.recording import level as level_file
from prefect_genmedia.recording import poster as write_poster
from prefect_genmedia.recording import probe as probe_file
from prefect_genmedia.recording import trim as trim_file
from prefect_genmedia.settings import read_settings
from prefect_genmedia.tasks.imaging import _write, check_place
from prefect_genmedia.tasks.manifests import manifest_bytes
from prefect_genmedia.tasks.marking import mark_for

__all__ = ["Probed", "captions", "level", "poster", "probe", "publish", "require_ffmpeg", "teaser", "trim"]

ENDINGS = {"png": "image/png", "mp4": "video/mp4"}
LOUDEST_PEAK = -1.0  # dBTP
CAPTIONS: dict[Literal["srt", "vtt"], str] = {"srt": "application/x-subrip", "vtt": "text/vtt"}


@task(name="recording.probe", task_run_name="probe a recording")
async def probe(source: MediaFile) -> Probed:
    """How long a film or a sound is, how large, in which codecs. Free.

    Raises ConfigurationError without ffprobe, MediaError, MediaInvalidError. A flow that buys first calls
    `require_ffmpeg()` before it does.
    """

    def read() -> Probed:
        with local_copy(source) as path:
            return probe_file(path)

    return await beside_the_loop(read)


@task(name="recording.poster", task_run_name="take a poster frame")
async def poster(
    source: MediaFile,
    at_seconds: float | None = None,
    *,
    folder: str = "recordings",
    stem: str | None = None,
    manifest: dict[str, Any] | None = None,
) -> MediaFile:
    """One frame of a film as PNG, by default a tenth of it in; it says that it is generated where the film was bought.

    Free. `stem` and `manifest` as of `publish`. Raises ConfigurationError without ffmpeg or past the film's end,
    MediaError, MediaInvalidError.
    """

    def make(path: Path, target: Path) -> tuple[str, ...]:
        write_poster(path, target, at_seconds)
        target.write_bytes(marked(target.read_bytes(), mark_for([source], manifest, read_settings())))
        return ()

    step = {"poster": {"at_seconds": at_seconds}}
    return await beside_the_loop(_made, source, folder, "poster", "png", step, make, stem, manifest)


@task(name="recording.trim", task_run_name="trim a recording")
async def trim(
    source: MediaFile,
    start_seconds: float,
    duration_seconds: float,
    *,
    exact: bool = False,
    folder: str = "recordings",
) -> MediaFile:
    """A piece of a film or a sound. Free.

    Nothing but FLAC and Ogg is encoded anew, so a film begins at the key frame before; with `exact` it begins where it
    should, and is encoded anew.
    Raises ConfigurationError without ffmpeg or past the end, MediaError, MediaInvalidError.
    """

    def make(path: Path, target: Path) -> tuple[str, ...]:
        trim_file(path, target, start_seconds, duration_seconds, exact=exact)
        return ()

    step = {"trim": {"start_seconds": start_seconds, "duration_seconds": duration_seconds, "exact": exact}}
    return await beside_the_loop(_made, source, folder, "trim", None, step, make)


@task(name="recording.level", task_run_name="bring a recording to a loudness")
async def level(
    source: MediaFile, lufs: float = -14.0, *, true_peak: float = LOUDEST_PEAK, folder: str = "recordings"
) -> MediaFile:
    """A copy that is `lufs` loud (EBU R 128), by one gain for all of it; a film in it is copied. Free.

    Where its peaks would pass `true_peak` (dBTP) it stays quieter, and a remark says so. Raises ConfigurationError
    without ffmpeg, MediaError, MediaInvalidError for what is silent.
    """

    def make(path: Path, target: Path) -> tuple[str, ...]:
        return _leveled(path, target, lufs, true_peak)

    step = {"level": {"lufs": lufs, "true_peak": true_peak}}
    return await beside_the_loop(_made, source, folder, "level", None, step, make)


def _name(parameters: dict[str, Any]) -> str:
    return f"publish: {parameters['stem']}"


@task(name="recording.publish", task_run_name=cast(Any, _name))
async def publish(
    source: MediaFile,
    *,
    folder: str,
    stem: str,
    start_seconds: float = 0.0,
    duration_seconds: float | None = None,
    lufs: float | None = None,
    manifest: dict[str, Any] | None = None,
) -> MediaFile:
    """A film or a sound in `folder` under a name of its own: `<stem>.<its ending>`, with the manifest beside it. Free.

    By default as it came. With a `duration_seconds` that piece of it, with `lufs` as loud as that; what has no sound,
    or is silent, stays as it is, and a remark says so. Raises ConfigurationError without ffmpeg or past the end,
    MediaError, MediaInvalidError.
    """

    def make(path: Path, target: Path) -> tuple[str, ...]:
        piece = path
        if duration_seconds is not None:
            piece = target.with_name(f"piece-{target.name}")
            trim_file(path, piece, start_seconds, duration_seconds, exact=start_seconds > 0)
        if lufs is not None:
            try:
                return _leveled(piece, target, lufs, LOUDEST_PEAK)
            except MediaInvalidError as silent:
                shutil.copyfile(piece, target)
                return (f"as loud as it came: {silent.message}",)
        shutil.copyfile(piece, target)
        return ()

    step: dict[str, Any] = {}
    if duration_seconds is not None:
        step["trim"] = {"start_seconds": start_seconds, "duration_seconds": duration_seconds}
    if lufs is not None:
        step["level"] = {"lufs": lufs, "true_peak": LOUDEST_PEAK}
    return await beside_the_loop(_made, source, folder, source.role, None, step, make, stem, manifest)


@task(name="recording.teaser", task_run_name="a teaser: {stem}")
async def teaser(
    sound: MediaFile,
    cover: MediaFile,
    *,
    start_seconds: float = 0.0,
    duration_seconds: float = 15.0,
    side: int = 1080,
    folder: str = "recordings",
    stem: str | None = None,
    manifest: dict[str, Any] | None = None,
) -> MediaFile:
    """An mp4 that shows a cover while a piece of a sound is heard, for networks that take no sounds. Free.

    `side` is the film's longer side in pixels. Raises ConfigurationError without ffmpeg or past the sound's end,
    MediaError, MediaInvalidError.
    """

    def make(path: Path, target: Path) -> tuple[str, ...]:
        with local_copy(cover) as picture:
            still_film(picture, path, target, start_seconds, duration_seconds, side)
        return ()

    step = {"teaser": {"start_seconds": start_seconds, "duration_seconds": duration_seconds, "side": side}}
    return await beside_the_loop(_made, sound, folder, "teaser", "mp4", step, make, stem, manifest, cover)


@task(name="recording.captions", task_run_name="captions of {stem}")
async def captions(lines: Sequence[str], seconds: float, *, folder: str, stem: str) -> list[MediaFile]:
    """Captions beside a film, each line for its share of the seconds: `<stem>.srt` and `<stem>.vtt`. Free.

    Raises ConfigurationError, MediaError.
    """
    check_place(folder, stem)
    return await beside_the_loop(_captions, lines, seconds, folder, stem)


def _captions(lines: Sequence[str], seconds: float, folder: str, stem: str) -> list[MediaFile]:
    store = MediaStore(read_settings().media_store)
    files = []
    for kind, media_type in CAPTIONS.items():
        content = captions_of(lines, seconds, kind).encode()
        with store.incoming() as incoming:
            uri = _write(store, incoming, f"{folder}/{stem}.{kind}", content)
        digest = hashlib.sha256(content).hexdigest()
        files.append(MediaFile(uri=uri, sha256=digest, media_type=media_type, bytes=len(content), role="captions"))
    return files


def _leveled(path: Path, target: Path, lufs: float, true_peak: float) -> tuple[str, ...]:
    done = level_file(path, target, lufs, true_peak=true_peak)
    came = done.before.lufs + done.gain_db
    return (f"{came:.1f} LUFS and not {lufs:g}: louder, its peaks would pass",) if done.held_by_peak else ()


def _made(
    source: MediaFile,
    folder: str,
    role: str,
    ending: str | None,
    step: dict[str, Any],
    make: Callable[[Path, Path], tuple[str, ...]],
    stem: str | None = None,
    manifest: dict[str, Any] | None = None,
    other: MediaFile | None = None,
) -> MediaFile:
    """Make one file of `source`, and of an `other`, into the store, its manifest first.

    The same step on the same bytes has one name.
    """
    require_ffmpeg()
    check_place(folder, stem)
    store = MediaStore(read_settings().media_store)
    sources = [source] if other is None else [source, other]
    for each in sources:
        refuse_quarantined(each, store)
    words = hashlib.sha256(json.dumps(step, sort_keys=True).encode()).hexdigest()[:8]
    with local_copy(source) as path, store.incoming() as incoming:
        name = f"{stem or f'{source.sha256[:16]}-{role}-{words}'}.{ending or path.suffix.removeprefix('.')}"
        target = incoming / name
        remarks = make(path, target)
        content = target.read_bytes()
        seen = header(content) if ending == "png" else None
        made = MediaFile(
            uri="",
            sha256=hashlib.sha256(content).hexdigest(),
            media_type=source.media_type if ending is None else ENDINGS[ending],
            bytes=len(content),
            width=source.width if seen is None else seen.width,
            height=source.height if seen is None else seen.height,
            role=role,
            remarks=remarks,
        )
        _write(store, incoming, f"{folder}/{name}.json", manifest_bytes(name, made, sources, manifest or {}, **step))
        return made.model_copy(update={"uri": store.keep(target, f"{folder}/{name}")})

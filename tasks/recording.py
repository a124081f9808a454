"""Steps after the provider for films and sounds: probe, poster frame, trim, loudness, tags. Free; ffmpeg does the work.

Every file says that it is generated, where a job made what it is of (GENMEDIA_MARK), and keeps the mark it brought.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, cast

from prefect import task

from prefect_genmedia.errors import ConfigurationError, MediaInvalidError
from prefect_genmedia.imaging import header
from prefect_genmedia.imaging.workers import beside_the_loop
from prefect_genmedia.media import MediaFile, MediaStore, local_copy
from prefect_genmedia.media.names import check_place
from prefect_genmedia.recording import Probed, Tags, platform_named, require_ffmpeg, require_platform, still_film
from prefect_genmedia.recording import captions as captions_of
from prefect_genmedia.recording import format_for as write_format
from prefect_genmedia.recording import level as level_file
from prefect_genmedia.recording import poster as write_poster
from prefect_genmedia.recording import probe as probe_file
from prefect_genmedia.recording import tag as tag_file
from prefect_genmedia.recording import trim as trim_file
from prefect_genmedia.settings import read_settings
from prefect_genmedia.tasks.publishing.keeping import write
from prefect_genmedia.tasks.publishing.recordings import make_recording

__all__ = [
    "Probed",
    "Tags",
    "captions",
    "format_for",
    "level",
    "poster",
    "probe",
    "publish",
    "require_ffmpeg",
    "require_platform",
    "tag",
    "teaser",
    "trim",
]

LOUDEST_PEAK = -1.0  # dBTP
CAPTIONS: dict[Literal["srt", "vtt"], str] = {"srt": "application/x-subrip", "vtt": "text/vtt"}
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


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
        return ()

    step = {"poster": {"at_seconds": at_seconds}}
    return await make_recording(source, folder, "poster", "png", step, make, stem, manifest)


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
    return await make_recording(source, folder, "trim", None, step, make)


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
    return await make_recording(source, folder, "level", None, step, make)


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
    return await make_recording(source, folder, source.role, None, step, make, stem, manifest)


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
    return await make_recording(sound, folder, "teaser", "mp4", step, make, stem, manifest, cover)


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
            uri = write(store, incoming, f"{folder}/{stem}.{kind}", content)
        digest = hashlib.sha256(content).hexdigest()
        files.append(MediaFile(uri=uri, sha256=digest, media_type=media_type, bytes=len(content), role="captions"))
    return files


def _leveled(path: Path, target: Path, lufs: float, true_peak: float) -> tuple[str, ...]:
    done = level_file(path, target, lufs, true_peak=true_peak)
    came = done.before.lufs + done.gain_db
    return (f"{came:.1f} LUFS and not {lufs:g}: louder, its peaks would pass",) if done.held_by_peak else ()


@task(name="recording.tag", task_run_name="tag a recording")
async def tag(
    source: MediaFile, tags: Tags | None = None, cover: MediaFile | None = None, *, folder: str = "recordings"
) -> MediaFile:
    """A copy of a film or a sound with title, artist, album and so on, and a JPEG or PNG as its cover. Free.

    Nothing is encoded anew. Without tags and cover the copy differs by its AI mark only. MP3, M4A, MP4 and FLAC take a
    cover. Raises ConfigurationError without ffmpeg, MediaError, MediaInvalidError.
    """
    said = {name: text for name, text in (tags or Tags()).model_dump().items() if text}

    def make(path: Path, target: Path) -> tuple[str, ...]:
        if cover is not None:
            with local_copy(cover) as picture:
                if header(picture).media_type not in ("image/jpeg", "image/png"):
                    raise MediaInvalidError("a cover is a JPEG or a PNG", advice="Render it as one of these.")
                tag_file(path, target, said, picture)
        elif said:
            tag_file(path, target, said)
        else:
            shutil.copyfile(path, target)
        return ()

    step = {"tag": {**said, "cover_sha256": cover.sha256 if cover else None}}
    return await make_recording(source, folder, "tagged", None, step, make, None, None, cover)


@task(name="recording.format", task_run_name="a film in the format of {platform}")
async def format_for(
    source: MediaFile,
    platform: str,
    *,
    fit: Literal["contain", "cover"] = "contain",
    background: str = "#000000",
    folder: str = "recordings",
) -> MediaFile:
    """A film as a platform asks for it: H.264 and AAC in an MP4 of its size, length, rate and weight. Free.

    `platform` is a name of `prefect_genmedia.recording.platforms()`, each with its source and date. A film of another
    shape gets bars of the background, or is cut with fit "cover"; one that is too long ends where it must, and a remark
    says so. A flow that buys first calls `require_platform(name)` before it does.
    Raises ConfigurationError for no such name, without ffmpeg or its encoders; MediaError, MediaInvalidError.
    """
    if fit not in ("contain", "cover") or _COLOUR.fullmatch(background) is None:
        raise ConfigurationError("fit must be contain or cover, and background a colour such as #000000")
    wanted = platform_named(platform)

    def make(path: Path, target: Path) -> tuple[str, ...]:
        done = write_format(path, target, wanted, fit=fit, background=background)
        long = (
            (f"cut at {wanted.most_seconds:g} seconds, which is the longest for {platform}",) if done.shortened else ()
        )
        short = (f"shorter than the {wanted.least_seconds:g} seconds that {platform} asks for",) if done.short else ()
        return long + short

    facts = wanted.model_dump(mode="json", exclude_none=True, exclude={"use", "source", "date"})
    step = {"platform": {"name": platform, "fit": fit, "background": background, **facts}}
    return await make_recording(source, folder, platform, "mp4", step, make)

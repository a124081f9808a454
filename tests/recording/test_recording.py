"""Films and sounds after the provider. Where there is no ffmpeg all of it is skipped."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import struct
import wave
from pathlib import Path

import pytest
from PIL import Image

from prefect_genmedia.errors import ConfigurationError, MediaInvalidError
from prefect_genmedia.imaging import header
from prefect_genmedia.media import MediaFile, MediaStore
from prefect_genmedia.provenance import Mark, marked, marks_in
from prefect_genmedia.recording import (
    Platform,
    captions,
    format_for,
    level,
    measure,
    platforms,
    poster,
    probe,
    require_platform,
    still_film,
    trim,
)
from prefect_genmedia.recording.process import ffmpeg, ffprobe, given, named
from prefect_genmedia.settings import read_settings
from prefect_genmedia.tasks import recording

PHOTOS = Path(__file__).parent.parent / "photos"

SAMPLES = Path(__file__).parent.parent / "media" / "samples"
if not (shutil.which("ffmpeg") and shutil.which("ffprobe")):
    pytest.skip("needs ffmpeg and ffprobe on the PATH", allow_module_level=True)


def tone(path: Path, amplitude: float, seconds: float = 3.0, click: float = 0.0) -> Path:
    """A sine of 440 Hz, and one short loud one in it."""
    rate = 44_100
    heights = [amplitude * math.sin(2 * math.pi * 440 * place / rate) for place in range(int(rate * seconds))]
    for place in range(400):
        heights[rate + place] += click * math.sin(2 * math.pi * 440 * place / rate)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", round(32_000 * height)) for height in heights))
    return path


@pytest.mark.parametrize("name", ["film.mov", "film.mkv", "film.webm", "film.avi", "film.ts", "film-fragments.mp4"])
@pytest.mark.sampled(6)
def test_a_film_is_probed_and_has_a_poster_frame(name: str, tmp_path: Path) -> None:
    facts = probe(SAMPLES / name)
    assert facts.video_codec and facts.width and facts.height and facts.bytes == (SAMPLES / name).stat().st_size
    poster(SAMPLES / name, tmp_path / "poster.png")
    seen = header(tmp_path / "poster.png")
    assert (seen.width, seen.height) == (facts.width, facts.height)
    with pytest.raises(ConfigurationError):
        poster(SAMPLES / name, tmp_path / "late.png", 3600)


@pytest.mark.parametrize("name", ["tone.mp3", "tone.flac", "tone.ogg", "tone.opus", "tone.m4a"])
@pytest.mark.sampled(5)
def test_a_sound_is_trimmed_and_keeps_its_codec(name: str, tmp_path: Path) -> None:
    before = probe(SAMPLES / name)
    assert before.video_codec is None and before.audio_codec and before.duration_seconds
    half = before.duration_seconds / 2
    trim(SAMPLES / name, tmp_path / name, half / 2, half)
    after = probe(tmp_path / name)
    assert after.audio_codec == before.audio_codec and after.sample_rate == before.sample_rate
    assert after.duration_seconds == pytest.approx(half, abs=0.12)
    with pytest.raises(ConfigurationError, match="must be less than"):
        trim(SAMPLES / name, tmp_path / name, before.duration_seconds, 1)
    with pytest.raises(MediaInvalidError, match="no film"):
        poster(SAMPLES / name, tmp_path / "none.png")


def test_a_film_is_trimmed_and_levelled_with_its_sound(tmp_path: Path) -> None:
    """Made here: half a second between key frames, and a sound beside it."""
    film = tmp_path / "film.mkv"
    tone(tmp_path / "tone.wav", 0.05, 2)
    picture = ("-f", "lavfi", "-i", "color=c=red:s=64x48:r=10:d=2")
    ffmpeg(*picture, *given(tmp_path / "tone.wav"), "-c:v", "mpeg4", "-g", "5", "-c:a", "flac", named(film))
    trim(film, tmp_path / "piece.mkv", 1.0, 0.5)
    trim(film, tmp_path / "exact.mkv", 0.7, 0.5, exact=True)
    for name in ("piece.mkv", "exact.mkv"):
        facts = probe(tmp_path / name)
        assert facts.duration_seconds == pytest.approx(0.5, abs=0.15) and facts.width == 64, name
        assert facts.video_codec and facts.audio_codec == "flac", name
    level(film, tmp_path / "loud.mkv", -20)
    assert measure(tmp_path / "loud.mkv").lufs == pytest.approx(-20, abs=0.3)
    assert probe(tmp_path / "loud.mkv").video_codec == "mpeg4"


def test_a_sound_comes_to_its_loudness_and_its_peaks_are_kept(tmp_path: Path) -> None:
    quiet = tone(tmp_path / "quiet.wav", 0.02)
    done = level(quiet, tmp_path / "louder.wav", -16)
    after = measure(tmp_path / "louder.wav")
    assert after.lufs == pytest.approx(-16, abs=0.3) and not done.held_by_peak
    assert probe(tmp_path / "louder.wav").sample_rate == 44_100
    peaky = tone(tmp_path / "peaky.wav", 0.02, click=0.9)
    assert level(peaky, tmp_path / "held.wav", -9).held_by_peak
    assert measure(tmp_path / "held.wav").true_peak <= -0.9
    with pytest.raises(MediaInvalidError, match="silent"):
        level(tone(tmp_path / "silent.wav", 0), tmp_path / "none.wav")
    with pytest.raises(ConfigurationError, match="lufs must be"):
        level(quiet, tmp_path / "none.wav", 3)


@pytest.mark.parametrize("content", [b"", b"no film", b"\xff\xfb\x90"])
def test_what_is_no_recording_is_a_typed_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "-i http:film.mp4"
    path.write_bytes(content)
    with pytest.raises(MediaInvalidError):
        probe(path)


def test_a_playlist_in_a_films_place_is_not_followed(tmp_path: Path) -> None:
    shutil.copy(SAMPLES / "film.mov", tmp_path / "a.mov")
    shutil.copy(SAMPLES / "film.ts", tmp_path / "a.ts")
    end = "#EXT-X-ENDLIST"
    for words in ("ffconcat version 1.0\nfile a.mov\n", f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.ts\n{end}\n"):
        (tmp_path / "film.mp4").write_text(words)
        with pytest.raises(MediaInvalidError):
            probe(tmp_path / "film.mp4")


def test_a_picture_is_shown_while_a_sound_is_heard_and_no_longer(tmp_path: Path, photos: Path) -> None:
    cover = tmp_path / "50%03d.png"
    shutil.copy(photos / "coffee.png", cover)
    still_film(cover, tone(tmp_path / "tone.wav", 0.2), tmp_path / "teaser.mp4", 2, 15, 99)
    facts = probe(tmp_path / "teaser.mp4")
    assert (facts.width, facts.height) == (98, 66) and facts.audio_codec == "aac"
    assert facts.duration_seconds == pytest.approx(1, abs=0.1)
    with pytest.raises(ConfigurationError, match="start_seconds must be less than"):
        still_film(cover, tmp_path / "tone.wav", tmp_path / "late.mp4", 3, 15)
    with pytest.raises(MediaInvalidError, match="no sound"):
        still_film(cover, SAMPLES / "film.mov", tmp_path / "mute.mp4", 0, 1)


def test_captions_fill_the_film() -> None:
    assert captions(["one", "two\nlines"], 3661.5, "srt") == (
        "1\n00:00:00,000 --> 00:30:30,750\none\n\n2\n00:30:30,750 --> 01:01:01,500\ntwo lines\n"
    )
    assert captions(["one"], 2, "vtt").startswith("WEBVTT\n\n1\n00:00:00.000 --> 00:00:02.000\none")


async def test_the_tasks_keep_files_with_manifests() -> None:
    path = SAMPLES / "film.mov"
    content = path.read_bytes()
    source = MediaFile(
        uri=path.absolute().as_uri(),
        sha256=hashlib.sha256(content).hexdigest(),
        media_type="video/quicktime",
        bytes=len(content),
    )
    facts = await recording.probe.fn(source)
    frame = await recording.poster.fn(source)
    piece = await recording.trim.fn(source, 0, 0.3)
    assert (frame.media_type, frame.width) == ("image/png", facts.width)
    assert piece.path.suffix == ".mov" and piece.media_type == source.media_type
    for made, step in ((frame, "poster"), (piece, "trim")):
        manifest = json.loads(Path(f"{made.path}.json").read_text())
        assert manifest["parents"][0]["sha256"] == source.sha256 and step in manifest
        assert hashlib.sha256(made.path.read_bytes()).hexdigest() == made.sha256 == manifest["sha256"]


def kept(name: str, content: bytes, *, bought: bool = True) -> MediaFile:
    """A file in the store, where a job's file lies or elsewhere."""
    store = MediaStore(read_settings().media_store)
    with store.incoming() as incoming:
        (incoming / name).write_bytes(content)
        folder = "flowmusic.song/2026-11-28" if bought else "inputs"
        uri = store.keep(incoming / name, f"{folder}/{'0a' * 16}-0{Path(name).suffix}")
    sha256 = hashlib.sha256(content).hexdigest()
    return MediaFile(uri=uri, sha256=sha256, media_type="audio/mpeg", bytes=len(content))


def said_by(path: Path) -> dict[str, str]:
    told = json.loads(ffprobe("-of", "json", "-show_format", "-show_streams", *given(path)))
    return {
        name.lower(): text for each in (*told["streams"], told["format"]) for name, text in each.get("tags", {}).items()
    }


@pytest.mark.parametrize(
    "name",
    [
        "tone.mp3",
        "film.webm",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("tone.m4a", "tone.flac", "tone.ogg", "film.mp4")),
    ],
)
@pytest.mark.sampled(2)
async def test_a_record_gets_title_cover_and_mark_and_its_sound_stays(name: str) -> None:
    source = kept(name, (SAMPLES / name.replace("film.mp4", "film-index-first.mp4")).read_bytes())
    covered = name not in ("tone.ogg", "film.webm")
    cover = kept("cover.jpg", (PHOTOS / "rocket.jpg").read_bytes(), bought=False) if covered else None
    made = await recording.tag.fn(source, recording.Tags(title="Sea = salt", artist="N. N."), cover)
    told = said_by(made.path)
    assert (told["title"], told["artist"]) == ("Sea = salt", "N. N.")
    found = marks_in(made.path.read_bytes())
    assert (found.source_type, found.system) == ("trainedAlgorithmicMedia", "flowmusic.song")
    streams = json.loads(ffprobe("-of", "json", "-show_streams", *given(made.path)))["streams"]
    assert sum(each["disposition"]["attached_pic"] for each in streams) == covered
    assert packets(made.path) == packets(source.path)
    manifest = json.loads(Path(f"{made.path}.json").read_text())
    assert [each["sha256"] for each in manifest["parents"]] == [file.sha256 for file in (source, cover) if file]
    again = await recording.tag.fn(made, recording.Tags(title="Foam"), cover)
    assert said_by(again.path)["title"] == "Foam" and said_by(again.path)["artist"] == "N. N."
    assert marks_in(again.path.read_bytes()).jobs == found.jobs, "what it says of its origin goes on"


def packets(path: Path) -> str:
    """The coded sound."""
    what = ("-select_streams", "a", "-show_packets", "-show_entries", "packet=size,data_hash")
    return ffprobe(*what, "-show_data_hash", "md5", *given(path))


async def test_every_step_lets_a_recording_say_what_it_is() -> None:
    brought = marked((SAMPLES / "film-index-first.mp4").read_bytes(), Mark(system="the provider's own"))
    source = kept("film.mp4", brought, bought=False)
    for made in (
        await recording.trim.fn(source, 0, 0.3),
        await recording.poster.fn(source),
        await recording.tag.fn(source),
    ):
        assert marks_in(made.path.read_bytes()).system == "the provider's own", made.role
    bought = kept("tone.mp3", (SAMPLES / "tone.mp3").read_bytes())
    for made in (await recording.level.fn(bought, -20), await recording.trim.fn(bought, 0, 0.3)):
        assert marks_in(made.path.read_bytes()).system == "flowmusic.song" and not made.remarks


async def test_a_kind_without_room_for_a_mark_is_published_with_a_remark() -> None:
    made = await recording.trim.fn(kept("film.avi", (SAMPLES / "film.avi").read_bytes()), 0, 0.3)
    assert "does not say that it is generated" in made.remarks[0]
    with pytest.raises(MediaInvalidError, match="takes no cover"):
        await recording.tag.fn(
            kept("tone.ogg", (SAMPLES / "tone.ogg").read_bytes()),
            cover=kept("cover.jpg", (PHOTOS / "rocket.jpg").read_bytes(), bought=False),
        )
    with pytest.raises(MediaInvalidError, match="a cover is"):
        await recording.tag.fn(
            kept("tone.mp3", (SAMPLES / "tone.mp3").read_bytes()),
            cover=kept("cover.avif", (SAMPLES / "picture.avif").read_bytes(), bought=False),
        )


def film(path: Path, size: str, seconds: float, rate: int = 10) -> Path:
    """Made here, with a sound beside it, in codecs that no platform takes."""
    picture = ("-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration={seconds}")
    sound = ("-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}")
    ffmpeg(*picture, *sound, "-c:v", "mpeg4", "-c:a", "flac", named(path))
    return path


SMALL = Platform(width=64, height=114, most_frames_per_second=12, most_seconds=1, least_seconds=0.5, max_bytes=60_000)


@pytest.mark.parametrize("fit", ["contain", "cover"])
@pytest.mark.sampled(2)
def test_a_film_comes_as_a_platform_asks_for_it(fit: str, tmp_path: Path) -> None:
    source, target = film(tmp_path / "film.mkv", "96x54", 1.4, rate=25), tmp_path / "made.mp4"
    done = format_for(source, target, SMALL, fit=fit, background="#ff0000")
    facts = probe(target)
    assert (facts.width, facts.height, facts.video_codec, facts.audio_codec) == (64, 114, "h264", "aac")
    assert facts.frames_per_second == pytest.approx(12, abs=0.5) and facts.sample_rate == 48_000
    assert facts.duration_seconds == pytest.approx(1, abs=0.1) and done.shortened and not done.short
    stream = json.loads(ffprobe("-of", "json", "-show_streams", *given(target)))["streams"][0]
    assert (stream["pix_fmt"], stream["sample_aspect_ratio"]) == ("yuv420p", "1:1")
    content = target.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat"), "it begins to play before all of it has come"
    poster(target, tmp_path / "frame.png", 0.2)
    with Image.open(tmp_path / "frame.png") as frame:
        red, green, blue = frame.convert("RGB").getpixel((32, 5))
    assert (red > 200 and green < 60 and blue < 60) == (fit == "contain"), "bars of the background, or none"


def test_a_film_that_must_weigh_less_gets_fewer_bits_or_is_refused(tmp_path: Path) -> None:
    source = film(tmp_path / "film.mkv", "320x180", 2)
    light = Platform(height=180, max_bytes=60_000, video_kbit=8000, audio_kbit=32)
    assert not format_for(source, tmp_path / "light.mp4", light).shortened
    assert (tmp_path / "light.mp4").stat().st_size <= 60_000 and probe(tmp_path / "light.mp4").width == 320
    with pytest.raises(MediaInvalidError, match="at most 10000 bytes"):
        format_for(source, tmp_path / "none.mp4", light.model_copy(update={"max_bytes": 10_000}))
    with pytest.raises(MediaInvalidError, match="no film"):
        format_for(SAMPLES / "tone.mp3", tmp_path / "none.mp4", light)


async def test_the_task_says_what_it_did_and_marks_the_film(tmp_path: Path) -> None:
    brought = film(tmp_path / "film.mkv", "64x36", 0.4)
    source = kept("film.mkv", brought.read_bytes())
    made = await recording.format_for.fn(source, "x-post")
    assert (made.media_type, made.width, made.height) == ("video/mp4", 1280, 720)
    assert made.remarks == ("shorter than the 0.5 seconds that x-post asks for",)
    assert marks_in(made.path.read_bytes()).system == "flowmusic.song"
    manifest = json.loads(Path(f"{made.path}.json").read_text())
    assert manifest["platform"]["name"] == "x-post" and manifest["platform"]["most_seconds"] == 140
    with pytest.raises(ConfigurationError, match="there are youtube"):
        await recording.format_for.fn(source, "myspace")


def test_every_platform_says_who_asks_for_it_and_when_that_was_read() -> None:
    for name, each in platforms().items():
        assert each.date and (each.source.startswith(("https://", "a third party")) or name == "web")
    assert require_platform("youtube").width == 1920

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

from prefect_genmedia.errors import ConfigurationError, MediaInvalidError
from prefect_genmedia.imaging import header
from prefect_genmedia.media import MediaFile
from prefect_genmedia.recording import captions, level, measure, poster, probe, still_film, trim
from prefect_genmedia.recording.process import ffmpeg, given, named
from prefect_genmedia.tasks import recording

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
def test_a_film_is_probed_and_has_a_poster_frame(name: str, tmp_path: Path) -> None:
    facts = probe(SAMPLES / name)
    assert facts.video_codec and facts.width and facts.height and facts.bytes == (SAMPLES / name).stat().st_size
    poster(SAMPLES / name, tmp_path / "poster.png")
    seen = header(tmp_path / "poster.png")
    assert (seen.width, seen.height) == (facts.width, facts.height)
    with pytest.raises(ConfigurationError):
        poster(SAMPLES / name, tmp_path / "late.png", 3600)


@pytest.mark.parametrize("name", ["tone.mp3", "tone.flac", "tone.ogg", "tone.opus", "tone.m4a"])
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

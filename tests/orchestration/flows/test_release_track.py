"""A track to release: song, stems, cover and teaser, each bought once, in one folder with one manifest."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from prefect_genmedia.blocks import NovitaCredentials, TTAPICredentials
from prefect_genmedia.errors import ConfigurationError, GenMediaError
from prefect_genmedia.flows import Refinement, Teaser, release_track
from prefect_genmedia.imaging import Rendition
from prefect_genmedia.recording import measure, probe
from prefect_genmedia.settings import Settings
from tests.orchestration.saving import save

ffmpeg = pytest.mark.skipif(
    not (shutil.which("ffmpeg") and shutil.which("ffprobe")), reason="needs ffmpeg and ffprobe on the PATH"
)
SMALL: dict[str, Any] = {
    "title": "Night Train",
    "sound": "synthwave, slow",
    "cover": "a night train --ar 1:1",
}
ADVANCED: dict[str, Any] = {
    "refinement": Refinement(longest_side=128),
    "sizes": [Rendition(name="cover", width=128, height=128)],
    "teaser": Teaser(duration_seconds=2, side=64),
    "ttapi_credentials": "t",
    "novita_credentials": "n",
}


@pytest.fixture
async def blocks(ttapi: TTAPICredentials, novita: NovitaCredentials) -> dict[str, dict[str, Any]]:
    await save(ttapi, "t")
    await save(novita, "n")
    return {"advanced": ADVANCED}


def published(collection: str) -> list[str]:
    found = (Path(Settings().media_store) / "published" / collection).iterdir()
    return sorted(path.name for path in found if not path.name.endswith((".jpg.json", ".mp3.json", ".mp4.json")))


@ffmpeg
async def test_all_of_a_release_is_in_one_folder_and_a_second_run_buys_nothing(emulator, blocks):
    asked = {**SMALL, "lyrics": "Rain on the rails", "artist": "Mia", "stems": True, "collection": "train", **blocks}
    made = await release_track(**asked)
    counts = {"midjourney.imagine": 1, "novita.img2img": 1, "suno.music": 1, "suno.stems_all": 1}
    assert emulator.jobs()["counts"] == counts
    sounds = [file.path.name for file in [*made.songs, *made.stems]]
    assert sounds[:2] == ["night-train.mp3", "night-train-audio-2.mp3"] and "vocals" in sounds[2]
    files = [*sounds, "night-train-cover.jpg", "night-train-teaser.mp4"]
    assert published("train") == sorted([*files, "index.html", "release.json"])
    bundle = json.loads((Path(Settings().media_store) / "published/train/release.json").read_text())
    assert [each["file"] for each in bundle["files"]] == files and bundle["missing"] == []
    assert (bundle["title"], bundle["artist"], bundle["lyrics"]) == ("Night Train", "Mia", "Rain on the rails")
    assert bundle["cost"]["quota"] == 68 and len(bundle["jobs"]) == 4
    song = json.loads(Path(f"{made.songs[0].path}.json").read_text())
    assert song["title"] == "Night Train" and song["jobs"][0]["request"]["prompt"] == "Rain on the rails"
    teaser = json.loads(Path(f"{made.teaser.path}.json").read_text())
    assert [each["sha256"] for each in teaser["parents"]] == [made.songs[0].sha256, made.cover[0].sha256]
    facts = probe(made.teaser.path)
    assert (facts.width, facts.height) == (64, 64) and facts.audio_codec == "aac"
    assert facts.duration_seconds == pytest.approx(2, abs=0.1)
    again = await release_track(**asked)
    assert {each.state for each in again.report.outcomes} == {"already there"}
    assert emulator.jobs()["counts"] == counts


@ffmpeg
@pytest.mark.slow
async def test_flowmusic_comes_to_its_loudness_and_has_stems(emulator, blocks):
    made = await release_track(**SMALL, engine="flowmusic", stems=True, **blocks)
    assert measure(made.songs[0].path).lufs == pytest.approx(-14, abs=0.5)
    assert {file.media_type for file in made.songs} == {"audio/mp4", "audio/wav"} and made.stems
    assert emulator.jobs()["counts"] == {
        "midjourney.imagine": 1, "novita.img2img": 1, "flowmusic.generate": 1, "flowmusic.stems": 1,
    }  # fmt: skip


@ffmpeg
@pytest.mark.slow
async def test_a_song_that_fails_leaves_the_cover_and_a_cover_that_fails_the_song(emulator, blocks):
    emulator.add_faults({"kind": "job_fails", "operation": "suno.music", "times": 1, "message": "odd"})
    with pytest.raises(GenMediaError, match="2 of 3 parts of the release failed: song: ") as caught:
        await release_track(**SMALL, collection="a", advanced={**ADVANCED, "refinement": None})
    assert "teaser: there is no teaser without a song and a cover" in str(caught.value)
    assert published("a") == ["index.html", "night-train-cover.jpg", "release.json"]
    bundle = json.loads((Path(Settings().media_store) / "published/a/release.json").read_text())
    assert bundle["missing"] == ["song", "teaser"]
    emulator.add_faults({"kind": "job_fails", "operation": "midjourney.imagine", "times": 1, "message": "odd"})
    with pytest.raises(GenMediaError, match="2 of 3 parts of the release failed: cover: "):
        await release_track(**{**SMALL, "cover": "a tram"}, collection="b", advanced={**ADVANCED, "lufs": None})
    assert published("b") == ["index.html", "night-train-audio-2.mp3", "night-train.mp3", "release.json"]


@ffmpeg
async def test_what_can_be_known_is_said_before_anything_is_bought(emulator, blocks):
    for more, said in (
        ({"advanced": {**ADVANCED, "sizes": ["no-such-preset"]}}, "no-such-preset"),
        ({"advanced": {**ADVANCED, "sizes": []}}, "a release has a cover"),
        ({"title": "t" * 81}, "title"),
        ({"advanced": {**ADVANCED, "novita_credentials": "nowhere"}}, "genmedia setup --novita"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            await release_track(**{**SMALL, **blocks, **more})
    assert emulator.requests()["requests"] == {}


async def test_without_ffmpeg_nothing_is_bought(emulator, blocks, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="ffmpeg is not on the PATH"):
        await release_track(**SMALL, **blocks)
    assert emulator.requests()["requests"] == {}

"""A still in motion: bought once, worked on with ffmpeg, published whatever ffmpeg thinks of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.settings import PREFECT_API_URL

from prefect_genmedia.blocks import NovitaCredentials
from prefect_genmedia.errors import ConfigurationError, GenMediaError
from prefect_genmedia.flows import Finish, clip
from prefect_genmedia.provenance import marks_in
from prefect_genmedia.recording import probe
from prefect_genmedia.settings import Settings
from prefect_genmedia.tasks import imaging
from tests.orchestration.saving import save
from tests.patience import PATIENCE

ffmpeg = pytest.mark.skipif(
    not (shutil.which("ffmpeg") and shutil.which("ffprobe")), reason="needs ffmpeg and ffprobe on the PATH"
)


@pytest.fixture
async def block(novita: NovitaCredentials) -> dict[str, dict[str, Any]]:
    await save(novita, "n")
    return {"advanced": {"novita_credentials": "n"}}


def published(collection: str) -> list[str]:
    return sorted(path.name for path in (Path(Settings().media_store) / "published" / collection).iterdir())


@ffmpeg
async def test_a_still_becomes_a_clip_and_a_second_run_buys_nothing(emulator, block, photos):
    asked = {
        "still": str(photos / "coffee.png"),
        "prompt": "steam rises",
        "captions": ["Morning", "with coffee"],
        "finish": Finish(duration_seconds=3),
        "collection": "steam",
        **block,
    }
    made = await clip(**asked)
    assert emulator.jobs()["counts"] == {"novita.minimax_hailuo_23_fast_i2v": 1}
    name = "coffee-steam-rises"
    files = {f"{name}.mp4", f"{name}.mp4.json", f"{name}-poster.png", f"{name}-poster.png.json", f"{name}.srt"}
    assert set(published("steam")) == files | {f"{name}.vtt", "index.html"}
    assert probe(made.film.path).duration_seconds == pytest.approx(3, abs=0.2)
    assert "no sound" in made.film.remarks[0]
    manifest = json.loads(Path(f"{made.film.path}.json").read_text())
    assert manifest["prompt"] == "steam rises" and manifest["trim"]["duration_seconds"] == 3
    assert manifest["jobs"][0]["request"]["duration"] == 6 and manifest["photograph_sha256"]
    assert marks_in(made.poster.path.read_bytes()).system == "novita.minimax_hailuo_23_fast_i2v"
    assert "00:00:01,500 --> 00:00:03,000\nwith coffee" in made.captions[0].path.read_text()
    assert made.captions[1].path.read_text().startswith("WEBVTT\n\n1\n00:00:00.000 --> ")
    first = made.film.path.read_bytes()
    again = await clip(**asked)
    assert again.report.outcomes[0].state == "already there" and emulator.billed() == 1
    second, end = again.film.path.read_bytes(), first.rindex(b"uuid") - 4
    assert second[:end] == first[:end]  # behind it the mark, with the time of publishing
    assert marks_in(second).jobs == marks_in(first).jobs != ()


@ffmpeg
async def test_a_film_that_ffmpeg_does_not_take_is_published_as_it_came(emulator, block, photos):
    emulator.add_faults({"kind": "download_other_kind", "file": "glb", "times": 1})
    taken = await imaging.take_in(str(photos / "coffee.png"))
    with pytest.raises(GenMediaError, match=r"1 of 1 clips failed.*It was bought once and is safe\.") as caught:
        await clip(taken, "steam rises", finish=Finish(start_seconds=1), collection="odd", **block)
    said = str(caught.value)
    assert "What could be published is published." in said and said.count("ffprobe cannot work on it") == 1
    assert [name.rpartition("-")[2] for name in published("odd")][:2] == ["rises.glb", "rises.glb.json"]
    assert emulator.billed() == 1


@ffmpeg
@pytest.mark.slow
async def test_the_other_engines_read_the_still_from_the_web(emulator, block, photos, monkeypatch):
    still = str(photos / "coffee.png")
    with pytest.raises(ConfigurationError, match="wan reads the still from the web itself"):
        await clip(still, "steam rises", engine="wan", **block)
    monkeypatch.setenv("GENMEDIA_MEDIA_PUBLIC_URL", "https://media.example.com")
    expected = await clip(still, "steam rises", engine="kling-pro", dry_run=True, **block)
    assert [figure.operation for figure in expected.figures] == ["novita.kling_v30_pro_i2v"]
    made = await clip(still, "steam rises", engine="kling", seconds=3, finish=Finish(lufs=None), **block)
    (job,) = json.loads(Path(f"{made.film.path}.json").read_text())["jobs"]
    assert job["operation"] == "novita.kling_v30_std_i2v" and not made.film.remarks
    assert job["request"]["image"].startswith("https://media.example.com/inputs/")
    gallery = httpx.get(f"{PREFECT_API_URL.value()}/artifacts/clip-gallery/latest", timeout=PATIENCE).json()["data"]
    assert "](https://media.example.com/published/" in gallery and "![coffee-steam-rises-poster" in gallery


@ffmpeg
@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"seconds": 7}, "hailuo.duration"),
        ({"finish": Finish(start_seconds=4, duration_seconds=4)}, "not in a film of 6 seconds"),
        ({"finish": Finish(duration_seconds=2, poster_at=3)}, "the clip has ended by then"),
        ({"advanced": {"novita_credentials": "nowhere"}}, "genmedia setup --novita"),
    ],
)
async def test_what_can_be_known_is_said_before_anything_is_bought(emulator, block, photos, more, said):
    with pytest.raises(ConfigurationError, match=said):
        await clip(str(photos / "coffee.png"), "steam rises", **{**block, **more})
    assert emulator.requests()["requests"] == {}


async def test_without_ffmpeg_nothing_is_bought(emulator, block, photos, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="ffmpeg is not on the PATH"):
        await clip(str(photos / "coffee.png"), "steam rises", **block)
    assert emulator.requests()["requests"] == {}

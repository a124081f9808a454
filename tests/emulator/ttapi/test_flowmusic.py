"""FlowMusic: songs, clips, and the lyrics job of the vendor's example."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from PIL import Image

from prefect_genmedia.emulator import Emulator
from tests.emulator.clients import Receiver
from tests.emulator.operations import FLOWMUSIC, Api, clip
from tests.emulator.playback import heard, seconds
from tests.patience import until

GENERATIONS = "/flowmusic/v1/generations"
EXTEND = "/flowmusic/v1/extend"
COVER = "/flowmusic/v1/cover"
REPLACE = "/flowmusic/v1/replace"
STEMS = "/flowmusic/v1/stems"
CLIP = [
    *("clip_id", "title", "lyrics_id", "lyrics_timing_markers"),
    *("image_url", "audio_url", "wav_url", "video_url", "create_time"),
]


@pytest.fixture
def api(emulator: Emulator) -> Api:
    return Api(emulator)


def length(api: Api, answer: dict[str, Any]) -> float:
    """Of the first clip, as both of its files have it."""
    [wav, m4a] = (api.bare.get(answer["data"]["clips"][0][name]).content for name in ("wav_url", "audio_url"))
    assert seconds(m4a) == pytest.approx(len(heard(wav)) / 16000, abs=0.001)
    return seconds(m4a)


def test_a_song(emulator: Emulator, api: Api) -> None:
    emulator.configure(hold=True)
    job = api.submit(GENERATIONS, title="Rain", sound_prompt="a slow waltz", bpm="90", length=20, seed="abc")
    running = api.read(FLOWMUSIC, job).json()
    assert re.fullmatch(r"\d{1,2}%", running["data"]["progress"])
    assert running["data"]["clips"] is None
    emulator.release()
    answer = api.finished(FLOWMUSIC, job)
    assert (answer["status"], answer["message"], answer["jobId"]) == ("SUCCESS", "success", job)
    data = answer["data"]
    assert list(data) == ["jobId", "action", "progress", "mv", "quota", "hookUrl", "clips"]
    assert (data["action"], data["progress"], data["mv"]) == ("generations", "100%", "Lyria 3 Pro")
    [made] = data["clips"]
    assert list(made) == CLIP
    assert made["title"] == "Rain"
    assert made["lyrics_timing_markers"].startswith("[Verse 1]\n")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", made["create_time"])
    assert length(api, answer) == pytest.approx(20)
    assert api.bare.get(made["audio_url"]).headers["content-type"] == "audio/mp4"
    assert api.bare.get(made["wav_url"]).headers["content-type"] == "audio/wav"
    cover = Image.open(io.BytesIO(api.bare.get(made["image_url"]).content))
    assert (cover.format, cover.size) == ("PNG", (512, 512))


def test_lyrics_come_back(api: Api) -> None:
    words = "[Verse 1]\nRain on the roof"
    [made] = api.done(GENERATIONS, FLOWMUSIC, lyrics=words, model="Lyria 2")["data"]["clips"]
    assert made["lyrics_timing_markers"] == words
    assert made["title"] == "Untitled"


def test_a_seed_repeats_the_song(api: Api) -> None:
    def heard_with(seed: str | None) -> bytes:
        answer = api.done(GENERATIONS, FLOWMUSIC, sound_prompt="a waltz", length=3, seed=seed)
        return heard(api.bare.get(answer["data"]["clips"][0]["wav_url"]).content)

    assert heard_with("abc") == heard_with("abc") != heard_with("abd")
    assert heard_with(None) != heard_with(None)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"sound_prompt": " ", "lyrics": ""},
        {"sound_prompt": 7},
        {"lyrics": "la", "length": 0},
        {"lyrics": "la", "length": 241},
        {"lyrics": "la", "length": "20"},
        {"lyrics": "la", "bpm": "0"},
        {"lyrics": "la", "bpm": "fast"},
        {"lyrics": "la", "bpm": "nan"},
        {"lyrics": "la", "seed": ["a"]},
        {"lyrics": "la", "hook_url": 7},
    ],
)
def test_songs_that_are_refused(emulator: Emulator, api: Api, body: dict[str, Any]) -> None:
    api.refused(GENERATIONS, **body)
    assert emulator.billed() == 0


def test_empty_fields_are_as_none(api: Api) -> None:
    assert api.post(GENERATIONS, lyrics="la", length="", bpm="", seed="", hook_url="", title="").status_code == 200


def test_extend(api: Api) -> None:
    song = clip(api)  # of 4 seconds
    answer = api.done(EXTEND, FLOWMUSIC, clip_id=song, extend_from_s=3.5, extend_s=6, instruction="more", title="B")
    assert length(api, answer) == pytest.approx(9.5)
    [made] = answer["data"]["clips"]
    assert (made["title"], made["clip_id"] != song) == ("B", True)
    assert made["lyrics_timing_markers"].startswith("[Verse 1]")
    again = api.done(EXTEND, FLOWMUSIC, clip_id=made["clip_id"], extend_from_s=9.5, extend_s=1, instruction="more")
    assert length(api, again) == pytest.approx(10.5)


def test_cover_and_replace_keep_the_length(api: Api) -> None:
    song = clip(api)
    for path, more in ((COVER, {"strength": 0.9}), (REPLACE, {"start_s": 0, "end_s": 4, "seed": 123})):
        answer = api.done(path, FLOWMUSIC, clip_id=song, instruction="as jazz", **more)
        assert length(api, answer) == pytest.approx(4)
        assert answer["data"]["action"] == path.rpartition("/")[2]


def test_stems(api: Api) -> None:
    made = api.done(STEMS, FLOWMUSIC, clip_id=clip(api))["data"]["clips"]
    assert [one["title"] for one in made] == [f"Untitled ({stem})" for stem in ("Vocals", "Drums", "Bass", "Other")]
    assert len({one["clip_id"] for one in made}) == 4
    tunes = [heard(api.bare.get(one["wav_url"]).content) for one in made]
    assert len(set(tunes)) == 4
    assert {len(tune) for tune in tunes} == {4 * 16000}


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        (EXTEND, {"extend_from_s": 4.5, "extend_s": 1, "instruction": "x"}, "extend_from_s: must be at most 4"),
        (EXTEND, {"extend_from_s": -1, "extend_s": 1, "instruction": "x"}, "extend_from_s"),
        (EXTEND, {"extend_from_s": 1, "extend_s": 328, "instruction": "x"}, "extend_s"),
        (EXTEND, {"extend_from_s": 1, "extend_s": 0, "instruction": "x"}, "extend_s"),
        (EXTEND, {"extend_from_s": 1, "instruction": "x"}, "extend_s: is required"),
        (EXTEND, {"extend_from_s": 1, "extend_s": 1}, "instruction: is required"),
        (COVER, {"instruction": "x", "strength": 1.5}, "strength"),
        (COVER, {}, "instruction"),
        (REPLACE, {"start_s": 2, "end_s": 2, "instruction": "x"}, "end_s"),
        (REPLACE, {"start_s": 2, "end_s": 5, "instruction": "x"}, "end_s"),
        (REPLACE, {"start_s": 2, "end_s": 3}, "instruction"),
    ],
)
def test_clips_that_are_refused(emulator: Emulator, api: Api, path: str, body: dict[str, Any], said: str) -> None:
    assert said in api.refused(path, clip_id=clip(api), **body)
    assert emulator.billed() == 1


def test_unknown_clips(emulator: Emulator, api: Api) -> None:
    song = clip(api)
    told = {"instruction": "x", "extend_from_s": 0, "extend_s": 1, "start_s": 0, "end_s": 1}
    for path in (EXTEND, COVER, REPLACE, STEMS):
        assert "no such clip_id" in api.refused(path, clip_id="nope", **told)
        assert "no such clip_id" in Api(emulator, "another").refused(path, clip_id=song, **told)
        assert "clip_id: is required" in api.refused(path, **told)


def test_both_names_fetch(api: Api) -> None:
    job = api.done(STEMS, FLOWMUSIC, clip_id=clip(api))["jobId"]
    answers = [api.http.get(FLOWMUSIC, params={name: job}).json() for name in ("job_id", "jobId")]
    answers.append(api.http.post(FLOWMUSIC, json={"job_id": job}).json())
    assert answers[0] == answers[1] == answers[2]
    assert api.http.get(FLOWMUSIC).status_code == 400


def test_only_hook_url_calls_back(emulator: Emulator, api: Api, receiver: Receiver) -> None:
    api.done(GENERATIONS, FLOWMUSIC, lyrics="la", hookUrl=receiver.url)
    answer = api.done(GENERATIONS, FLOWMUSIC, lyrics="la", hook_url=receiver.url)
    until(lambda: receiver.got and not emulator.callbacks()["under_way"])
    assert receiver.bodies() == [answer]


def test_the_lyrics_job_of_the_example(emulator: Emulator, api: Api, receiver: Receiver) -> None:
    job = emulator.plant("flowmusic.lyrics", "key-three", title="Work", hook_url=receiver.url)
    answer = api.finished(FLOWMUSIC, job)
    assert list(answer) == ["status", "message", "jobId", "data"]
    assert (answer["status"], answer["message"], answer["jobId"]) == ("SUCCESS", "success", job)
    data = answer["data"]
    assert {name: value for name, value in data.items() if name != "clips"} == {
        "jobId": job,
        "action": "lyrics",
        "progress": "100%",
        "mv": "FUZZ-2.0",
        "quota": "1",
        "hookUrl": receiver.url,
    }
    [made] = data["clips"]
    assert list(made) == CLIP
    assert (made["title"], bool(made["lyrics_id"]), "[Chorus]" in made["lyrics_timing_markers"]) == ("Work", True, True)
    assert [made[name] for name in CLIP[4:]] == [None] * 5
    until(lambda: receiver.got)
    assert receiver.bodies() == [answer]
    assert emulator.billed("flowmusic.lyrics") == 1
    assert "no such clip_id" in api.refused(STEMS, clip_id=made["clip_id"])


def test_what_cannot_be_planted(emulator: Emulator) -> None:
    with pytest.raises(ValueError, match=r"flowmusic\.lyrics, novita\.audio"):
        emulator.plant("midjourney.imagine", "key")

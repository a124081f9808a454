"""FlowMusic through TTAPI."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prefect_genmedia.tasks import flowmusic
from tests.contract.cases.case import JOB, MINE, At, Case, ttapi_job
from tests.contract.wire import Body


def clip(at: At) -> Body:
    return {
        "clip_id": "07d737cf-9509-4132-99f5-a17339bd7462",
        "title": "Work It Out",
        "lyrics_id": None,
        "lyrics_timing_markers": None,
        "image_url": at("16x16/cover.png"),
        "audio_url": at("0x0/song.m4a"),
        "wav_url": at("0x0/song.wav"),
        "video_url": None,
        "create_time": "2026-03-13T07:10:57.379725Z",
    }


def song(**more: Any) -> Callable[[At], Body]:
    return ttapi_job(
        lambda at: {
            "jobId": JOB,
            "action": "generate",
            "progress": "100%",
            "mv": "Lyria 3 Pro",
            "quota": "3",
            "hookUrl": None,
            "clips": [{**clip(at), **{name: make(at) for name, make in more.items()}}],
        }
    )


SONG = (("audio", "audio/mp4"), ("wav", "audio/wav"), ("cover", "image/png"))
FLOW_FETCH = ("/flowmusic/v1/fetch", "job_id")
CASES: dict[str, Case] = {
    "flowmusic.generate": Case(
        path="/flowmusic/v1/generations",
        fetch=FLOW_FETCH,
        smallest=flowmusic.GenerateRequest(sound_prompt="a slow waltz"),
        smallest_json={"sound_prompt": "a slow waltz", "model": "Lyria 3 Pro"},
        fullest=flowmusic.GenerateRequest(
            sound_prompt="a slow waltz",
            lyrics="[Verse 1]\nOne, two, three",
            title="Waltz",
            model="Lyria 3 Pro",
            seed=42,
            bpm=84,
            length=240,
            hook_url=MINE,
        ),
        fullest_json={
            "sound_prompt": "a slow waltz",
            "lyrics": "[Verse 1]\nOne, two, three",
            "title": "Waltz",
            "model": "Lyria 3 Pro",
            "seed": "42",
            "bpm": "84",
            "length": 240,
            "hook_url": MINE,
        },
        finished=song(),
        files=SONG,
    ),
    "flowmusic.extend": Case(
        path="/flowmusic/v1/extend",
        fetch=FLOW_FETCH,
        smallest=flowmusic.ExtendRequest(clip_id="c", extend_from_s=30, extend_s=20.5, instruction="a solo"),
        smallest_json={
            "clip_id": "c",
            "extend_from_s": 30,
            "extend_s": 20.5,
            "instruction": "a solo",
            "model": "Lyria 3 Pro",
        },
        fullest=flowmusic.ExtendRequest(
            clip_id="c",
            extend_from_s=0,
            extend_s=327,
            instruction="a solo",
            model="Lyria 3 Pro",
            title="Waltz",
            seed="42",
            hook_url=MINE,
        ),
        fullest_json={
            "clip_id": "c",
            "extend_from_s": 0,
            "extend_s": 327,
            "instruction": "a solo",
            "model": "Lyria 3 Pro",
            "title": "Waltz",
            "seed": "42",
            "hook_url": MINE,
        },
        finished=song(),
        files=SONG,
    ),
    "flowmusic.cover": Case(
        path="/flowmusic/v1/cover",
        fetch=FLOW_FETCH,
        smallest=flowmusic.CoverRequest(clip_id="c", instruction="for strings"),
        smallest_json={"clip_id": "c", "instruction": "for strings", "strength": 0.5, "model": "Lyria 3 Pro"},
        fullest=flowmusic.CoverRequest(
            clip_id="c",
            instruction="for strings",
            strength=1,
            model="Lyria 3 Pro",
            title="Waltz",
            seed="42",
            hook_url=MINE,
        ),
        fullest_json={
            "clip_id": "c",
            "instruction": "for strings",
            "strength": 1,
            "model": "Lyria 3 Pro",
            "title": "Waltz",
            "seed": "42",
            "hook_url": MINE,
        },
        finished=song(),
        files=SONG,
    ),
    "flowmusic.replace": Case(
        path="/flowmusic/v1/replace",
        fetch=FLOW_FETCH,
        smallest=flowmusic.ReplaceRequest(clip_id="c", start_s=3, end_s=9, instruction="silence"),
        smallest_json={
            "clip_id": "c",
            "start_s": 3,
            "end_s": 9,
            "instruction": "silence",
            "model": "Lyria 3 Pro",
        },
        fullest=flowmusic.ReplaceRequest(
            clip_id="c",
            start_s=0,
            end_s=9,
            instruction="silence",
            model="Lyria 3 Pro",
            title="Waltz",
            seed=123,
            hook_url=MINE,
        ),
        fullest_json={
            "clip_id": "c",
            "start_s": 0,
            "end_s": 9,
            "instruction": "silence",
            "model": "Lyria 3 Pro",
            "title": "Waltz",
            "seed": 123,
            "hook_url": MINE,
        },
        finished=song(),
        files=SONG,
    ),
    "flowmusic.stems": Case(
        path="/flowmusic/v1/stems",
        fetch=FLOW_FETCH,
        smallest=flowmusic.StemsRequest(clip_id="c"),
        smallest_json={"clip_id": "c"},
        fullest=flowmusic.StemsRequest(clip_id="c", hook_url=MINE),
        fullest_json={"clip_id": "c", "hook_url": MINE},
        finished=song(stems=lambda at: {"vocals": at("0x0/vocals.wav"), "drums": at("0x0/drums.mp3")}),
        files=(*SONG, ("vocals", "audio/wav"), ("drums", "audio/mpeg")),
    ),
}

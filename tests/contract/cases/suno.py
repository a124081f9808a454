"""Suno through TTAPI."""

from __future__ import annotations

from collections.abc import Callable

from prefect_genmedia.tasks import suno
from tests.contract.cases.case import JOB, MINE, At, Case, ttapi_job
from tests.contract.wire import Body


def music(at: At, number: int, title: str = "Rain") -> Body:
    return {
        "musicId": f"m-{number}",
        "prompt": "[Verse]",
        "title": title,
        "tags": "folk",
        "imageUrl": at(f"16x16/{number}.png"),
        "imageLargeUrl": at(f"32x32/{number}.png"),
        "audioUrl": at(f"0x0/{number}.m4a"),
        "videoUrl": at(f"0x0/{number}.mp4"),
        "duration": "211.44",
        "negativeTags": "rap",
        "styleWeight": None,
        "weirdnessConstraint": None,
        "audioWeight": None,
        "createdAt": "2026-03-03T02:23:51.401Z",
    }


def songs(action: str, count: int = 2) -> Callable[[At], Body]:
    return ttapi_job(
        lambda at: {
            "jobId": JOB,
            "action": action,
            "progress": "100%",
            "mv": "chirp-v5",
            "quota": "6",
            "hookUrl": None,
            "musics": [music(at, number) for number in range(count)],
        }
    )


M4A, MP4, PNG = "audio/mp4", "video/mp4", "image/png"
ONE = (("audio", M4A), ("video", MP4), ("cover", PNG))
TWO = (
    ("audio", M4A),
    ("audio 2", M4A),
    ("video", MP4),
    ("cover", PNG),
    ("video 2", MP4),
    ("cover 2", PNG),
)
FETCH = ("/suno/v2/fetch", "jobId")
SONG = {
    "custom": True,
    "gpt_description_prompt": "rain on a roof",
    "prompt": "[Verse]\nRain",
    "tags": "folk, slow",
    "negative_tags": "rap",
    "style_weight": 0.5,
    "weirdness_constraint": 0,
    "audio_weight": 1,
    "vocal_gender": "Female",
    "persona_id": "p-1",
}
SONG_JSON: Body = {**SONG, "title": "Rain", "isStorage": False, "hookUrl": MINE}
MORE = {"song_title": "Rain", "is_storage": False, "hook_url": MINE}
CASES: dict[str, Case] = {
    "suno.music": Case(
        path="/suno/v1/music",
        fetch=FETCH,
        smallest=suno.MusicRequest(gpt_description_prompt="rain"),
        smallest_json={
            "custom": False,
            "instrumental": False,
            "mv": "chirp-v5",
            "gpt_description_prompt": "rain",
            "isStorage": True,
        },
        fullest=suno.MusicRequest(**SONG, **MORE, mv="chirp-v4-5+", instrumental=True, auto_lyrics=False),
        fullest_json={**SONG_JSON, "mv": "chirp-v4-5+", "instrumental": True, "auto_lyrics": False},
        finished=songs("music"),
        files=TWO,
    ),
    "suno.extend": Case(
        path="/suno/v1/extend",
        fetch=FETCH,
        smallest=suno.ExtendRequest(custom=True, music_id="m-1", continue_at=10),
        smallest_json={"custom": True, "music_id": "m-1", "continue_at": 10, "isStorage": True},
        fullest=suno.ExtendRequest(**SONG, **MORE, music_id="m-1", continue_at=0.5, auto_lyrics=True),
        fullest_json={**SONG_JSON, "music_id": "m-1", "continue_at": 0.5, "auto_lyrics": True},
        finished=songs("extend", 1),
        files=ONE,
    ),
    "suno.concat": Case(
        path="/suno/v1/concat",
        fetch=FETCH,
        smallest=suno.ConcatRequest(music_id="m-1"),
        smallest_json={"music_id": "m-1"},
        fullest=suno.ConcatRequest(music_id="m-1", hook_url=MINE),
        fullest_json={"music_id": "m-1", "hookUrl": MINE},
        finished=songs("concat", 1),
        files=ONE,
    ),
    "suno.cover": Case(
        path="/suno/v1/cover",
        fetch=FETCH,
        smallest=suno.CoverRequest(gpt_description_prompt="for strings", music_id="m-1"),
        smallest_json={
            "custom": False,
            "gpt_description_prompt": "for strings",
            "music_id": "m-1",
            "mv": "chirp-v5",
            "isStorage": True,
        },
        fullest=suno.CoverRequest(**SONG, **MORE, music_id="m-1", mv="chirp-v5-5"),
        fullest_json={**SONG_JSON, "music_id": "m-1", "mv": "chirp-v5-5"},
        finished=songs("cover"),
        files=TWO,
    ),
    "suno.sounds": Case(
        path="/suno/v1/sounds",
        fetch=FETCH,
        smallest=suno.SoundsRequest(sound="a door"),
        smallest_json={"sound": "a door", "mv": "chirp-v5", "type": "one-shot", "isStorage": True},
        fullest=suno.SoundsRequest(
            sound="a door", mv="chirp-v5-5", type="loop", bpm=300, key="F#m", is_storage=False, hook_url=MINE
        ),
        fullest_json={
            "sound": "a door",
            "mv": "chirp-v5-5",
            "type": "loop",
            "bpm": 300,
            "key": "F#m",
            "isStorage": False,
            "hookUrl": MINE,
        },
        finished=songs("sounds", 1),
        files=ONE,
    ),
    "suno.stems_all": Case(
        path="/suno/v1/stems-all",
        fetch=FETCH,
        smallest=suno.StemsAllRequest(music_id="m-1"),
        smallest_json={"music_id": "m-1", "isStorage": True},
        fullest=suno.StemsAllRequest(music_id="m-1", is_storage=False),
        fullest_json={"music_id": "m-1", "isStorage": False},
        finished=songs("stems-all"),
        files=TWO,
    ),
}

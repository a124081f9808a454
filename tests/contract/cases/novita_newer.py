"""Novita's video models of 2026."""

from __future__ import annotations

from prefect_genmedia.tasks import novita
from tests.contract.cases.case import DATA, PICTURE, Case
from tests.contract.cases.novita import NOVITA_FETCH
from tests.contract.cases.novita_videos import VIDEO, one_video

KITE = "https://example.com/kite.png"
SHOTS = [novita.Shot(prompt="it rises", duration=3), novita.Shot(prompt="it falls", duration=4)]


def _kling(tier: str) -> Case:
    return Case(
        path=f"/v3/async/kling-v3.0-{tier}-i2v",
        fetch=NOVITA_FETCH,
        smallest=novita.KlingV30I2VRequest(prompt="a kite", image=KITE, end_image="https://example.com/sky.png"),
        smallest_json={
            "prompt": "a kite",
            "image": KITE,
            "sound": False,
            "duration": 5,
            "cfg_scale": 0.5,
            "end_image": "https://example.com/sky.png",
        },
        fullest=novita.KlingV30I2VRequest(
            prompt="a kite",
            image=KITE,
            sound=True,
            duration=15,
            cfg_scale=1,
            multi_prompt=SHOTS,
            negative_prompt="rain",
            unverified_callback=True,
        ),
        fullest_json={
            "prompt": "a kite",
            "image": KITE,
            "sound": True,
            "duration": 15,
            "cfg_scale": 1,
            "multi_prompt": [{"prompt": "it rises", "duration": 3}, {"prompt": "it falls", "duration": 4}],
            "negative_prompt": "rain",
        },
        leaves_out=("end_image",),
        finished=one_video(),
        files=VIDEO,
    )


CASES: dict[str, Case] = {
    "novita.kling_v30_std_i2v": _kling("std"),
    "novita.kling_v30_pro_i2v": _kling("pro"),
    "novita.kling_v30_std_t2v": Case(
        path="/v3/async/kling-v3.0-std-t2v",
        fetch=NOVITA_FETCH,
        smallest=novita.KlingV30T2VRequest(prompt="a kite"),
        smallest_json={"prompt": "a kite", "sound": False, "duration": 5, "cfg_scale": 0.5, "aspect_ratio": "16:9"},
        fullest=novita.KlingV30T2VRequest(
            prompt="a kite",
            sound=True,
            duration=15,
            cfg_scale=1,
            aspect_ratio="1:1",
            negative_prompt="rain",
            unverified_callback=True,
        ),
        fullest_json={
            "prompt": "a kite",
            "sound": True,
            "duration": 15,
            "cfg_scale": 1,
            "aspect_ratio": "1:1",
            "negative_prompt": "rain",
        },
        finished=one_video(),
        files=VIDEO,
    ),
    "novita.wan27_i2v": Case(
        path="/v3/async/wan2.7-i2v",
        fetch=NOVITA_FETCH,
        smallest=novita.Wan27I2VRequest(first_clip_url="https://example.com/kite.mp4"),
        smallest_json={
            "first_clip_url": "https://example.com/kite.mp4",
            "duration": 5,
            "resolution": "1080P",
            "watermark": False,
        },
        fullest=novita.Wan27I2VRequest(
            prompt="a kite",
            image_url=KITE,
            last_frame_url="https://example.com/sky.png",
            driving_audio_url="https://example.com/wind.mp3",
            duration=15,
            resolution="720P",
            negative_prompt="rain",
            prompt_extend=False,
            watermark=True,
            seed=0,
            unverified_callback=True,
        ),
        fullest_json={
            "prompt": "a kite",
            "image_url": KITE,
            "last_frame_url": "https://example.com/sky.png",
            "driving_audio_url": "https://example.com/wind.mp3",
            "duration": 15,
            "resolution": "720P",
            "negative_prompt": "rain",
            "prompt_extend": False,
            "watermark": True,
            "seed": 0,
        },
        leaves_out=("first_clip_url",),
        finished=one_video(),
        files=VIDEO,
    ),
    "novita.minimax_hailuo_23_fast_i2v": Case(
        path="/v3/async/minimax-hailuo-2.3-fast-i2v",
        fetch=NOVITA_FETCH,
        smallest=novita.MinimaxHailuo23FastI2VRequest(prompt="a kite", image=PICTURE),
        smallest_json={
            "prompt": "a kite",
            "image": DATA,
            "duration": 6,
            "resolution": "768P",
            "enable_prompt_expansion": True,
        },
        fullest=novita.MinimaxHailuo23FastI2VRequest(
            prompt="a kite",
            image=PICTURE,
            duration=6,
            resolution="1080P",
            enable_prompt_expansion=False,
            unverified_callback=True,
        ),
        fullest_json={
            "prompt": "a kite",
            "image": DATA,
            "duration": 6,
            "resolution": "1080P",
            "enable_prompt_expansion": False,
        },
        finished=one_video(),
        files=VIDEO,
    ),
}

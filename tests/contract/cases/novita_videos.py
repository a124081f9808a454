"""Novita's videos."""

from __future__ import annotations

from collections.abc import Callable

from prefect_genmedia.tasks import novita
from tests.contract.cases.case import BASE64, DATA, MINE, OTHER, OTHER_DATA, PICTURE, At, Case
from tests.contract.cases.novita import EMBEDDING, LORA, NOVITA_FETCH, task_result
from tests.contract.wire import Body


def one_video(ending: str = "mp4") -> Callable[[At], Body]:
    return task_result(
        videos=lambda at: [{"video_url": at(f"0x0/v.{ending}"), "video_url_ttl": "3600", "video_type": ending}]
    )


VIDEO = (("video", "video/mp4"),)
VIDEO_EXTRA = novita.VideoExtra(
    response_video_type="gif", webhook=novita.Webhook(url=MINE), enterprise_plan=novita.EnterprisePlan(enabled=True)
)
VIDEO_EXTRA_JSON: Body = {
    "response_video_type": "gif",
    "webhook": {"url": MINE},
    "enterprise_plan": {"enabled": True},
}
CASES: dict[str, Case] = {
    "novita.img2video": Case(
        path="/v3/async/img2video",
        fetch=NOVITA_FETCH,
        smallest=novita.Img2VideoRequest(model_name="SVD-XT", image=PICTURE),
        smallest_json={
            "model_name": "SVD-XT",
            "image_file": BASE64,
            "frames_num": 25,
            "frames_per_second": 6,
            "image_file_resize_mode": "ORIGINAL_RESOLUTION",
            "steps": 20,
            "seed": -1,
            "extra": {"response_video_type": "mp4"},
        },
        fullest=novita.Img2VideoRequest(
            model_name="SVD",
            image=PICTURE,
            frames_num=14,
            frames_per_second=6,
            image_file_resize_mode="CROP_TO_ASPECT_RATIO",
            steps=50,
            seed=7,
            motion_bucket_id=127,
            cond_aug=0.02,
            enable_frame_interpolation=True,
            extra=VIDEO_EXTRA,
        ),
        fullest_json={
            "model_name": "SVD",
            "image_file": BASE64,
            "frames_num": 14,
            "frames_per_second": 6,
            "image_file_resize_mode": "CROP_TO_ASPECT_RATIO",
            "steps": 50,
            "seed": 7,
            "motion_bucket_id": 127,
            "cond_aug": 0.02,
            "enable_frame_interpolation": True,
            "extra": VIDEO_EXTRA_JSON,
        },
        finished=one_video("gif"),
        files=(("video", "image/gif"),),
    ),
    "novita.txt2video": Case(
        path="/v3/async/txt2video",
        fetch=NOVITA_FETCH,
        smallest=novita.Txt2VideoRequest(
            model_name="darkSushiMixMix_225D_64380.safetensors",
            width=640,
            height=480,
            prompts=[novita.PromptFrames(frames=32, prompt="A girl")],
        ),
        smallest_json={
            "model_name": "darkSushiMixMix_225D_64380.safetensors",
            "width": 640,
            "height": 480,
            "steps": 20,
            "seed": -1,
            "prompts": [{"frames": 32, "prompt": "A girl"}],
            "extra": {"response_video_type": "mp4"},
        },
        fullest=novita.Txt2VideoRequest(
            model_name="darkSushiMixMix_225D_64380.safetensors",
            width=640,
            height=480,
            prompts=[
                novita.PromptFrames(frames=64, prompt="A girl"),
                novita.PromptFrames(frames=64, prompt="A boy"),
            ],
            steps=50,
            negative_prompt="blurry",
            guidance_scale=7.5,
            seed=7,
            loras=[LORA],
            embeddings=[EMBEDDING],
            closed_loop=True,
            clip_skip=4,
            extra=VIDEO_EXTRA,
        ),
        fullest_json={
            "model_name": "darkSushiMixMix_225D_64380.safetensors",
            "width": 640,
            "height": 480,
            "steps": 50,
            "seed": 7,
            "prompts": [{"frames": 64, "prompt": "A girl"}, {"frames": 64, "prompt": "A boy"}],
            "negative_prompt": "blurry",
            "guidance_scale": 7.5,
            "loras": [{"model_name": "add_detail_44319", "strength": 0.7}],
            "embeddings": [{"model_name": "pureerosface_v1_5162.pt"}],
            "closed_loop": True,
            "clip_skip": 4,
            "extra": VIDEO_EXTRA_JSON,
        },
        finished=one_video(),
        files=VIDEO,
    ),
    "novita.hunyuan_video_fast": Case(
        path="/v3/async/hunyuan-video-fast",
        fetch=NOVITA_FETCH,
        smallest=novita.HunyuanVideoFastRequest(prompt="a kite"),
        smallest_json={
            "model_name": "hunyuan-video-fast",
            "prompt": "a kite",
            "width": 1280,
            "height": 720,
            "steps": 20,
            "seed": -1,
            "frames": 85,
        },
        fullest=novita.HunyuanVideoFastRequest(
            prompt="a kite", width=480, height=864, steps=30, seed=9_999_999_999, frames=129, unverified_callback=True
        ),
        fullest_json={
            "model_name": "hunyuan-video-fast",
            "prompt": "a kite",
            "width": 480,
            "height": 864,
            "steps": 30,
            "seed": 9_999_999_999,
            "frames": 129,
        },
        finished=one_video(),
        files=VIDEO,
    ),
    "novita.kling_v16_i2v": Case(
        path="/v3/async/kling-v1.6-i2v",
        fetch=NOVITA_FETCH,
        smallest=novita.KlingV16I2VRequest(prompt="a kite", image_url="https://example.com/kite.png"),
        smallest_json={
            "prompt": "a kite",
            "image_url": "https://example.com/kite.png",
            "mode": "Standard",
            "duration": 5,
            "guidance_scale": 0.5,
        },
        fullest=novita.KlingV16I2VRequest(
            prompt="a kite",
            image_url="https://example.com/kite.png",
            end_image_url="https://example.com/sky.png",
            mode="Professional",
            negative_prompt="rain",
            duration=10,
            guidance_scale=1,
            unverified_callback=True,
        ),
        fullest_json={
            "prompt": "a kite",
            "image_url": "https://example.com/kite.png",
            "end_image_url": "https://example.com/sky.png",
            "mode": "Professional",
            "negative_prompt": "rain",
            "duration": 10,
            "guidance_scale": 1,
        },
        finished=one_video(),
        files=VIDEO,
    ),
    "novita.kling_v21_t2v_master": Case(
        path="/v3/async/kling-v2.1-t2v-master",
        fetch=NOVITA_FETCH,
        smallest=novita.KlingV21T2VMasterRequest(prompt="a kite"),
        smallest_json={"prompt": "a kite", "duration": "5", "aspect_ratio": "16:9", "guidance_scale": 0.5},
        fullest=novita.KlingV21T2VMasterRequest(
            prompt="a kite",
            duration="10",
            aspect_ratio="1:1",
            guidance_scale=0,
            negative_prompt="rain",
            unverified_callback=True,
        ),
        fullest_json={
            "prompt": "a kite",
            "duration": "10",
            "aspect_ratio": "1:1",
            "guidance_scale": 0,
            "negative_prompt": "rain",
        },
        finished=one_video(),
        files=VIDEO,
    ),
    "novita.minimax_hailuo_02": Case(
        path="/v3/async/minimax-hailuo-02",
        fetch=NOVITA_FETCH,
        smallest=novita.MinimaxHailuo02Request(prompt="a kite"),
        smallest_json={
            "prompt": "a kite",
            "duration": 6,
            "resolution": "768P",
            "enable_prompt_expansion": True,
            "fast_pretreatment": False,
        },
        fullest=novita.MinimaxHailuo02Request(
            prompt="a kite",
            image=PICTURE,
            end_image=OTHER,
            duration=10,
            resolution="768P",
            enable_prompt_expansion=False,
            fast_pretreatment=True,
            unverified_callback=True,
        ),
        fullest_json={
            "prompt": "a kite",
            "image": DATA,
            "end_image": OTHER_DATA,
            "duration": 10,
            "resolution": "768P",
            "enable_prompt_expansion": False,
            "fast_pretreatment": True,
        },
        finished=one_video(),
        files=VIDEO,
    ),
}

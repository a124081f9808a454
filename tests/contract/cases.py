"""Every operation with its smallest and its fullest request, the JSON that must go out, and a finished job."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from prefect_genmedia.media.pictures import pictures_in
from prefect_genmedia.operation import Request
from prefect_genmedia.tasks import flowmusic, midjourney, novelai, novita, ttapi
from tests.contract.wire import Body, png

JOB = "5c7261ec-7271-495d-a0f7-4dd395652a84"
PICTURE = png(8, 8)
OTHER = png(9, 8)
BASE64 = base64.b64encode(PICTURE).decode()
OTHER64 = base64.b64encode(OTHER).decode()
DATA = f"data:image/png;base64,{BASE64}"
OTHER_DATA = f"data:image/png;base64,{OTHER64}"
MINE = "https://example.com/mine"
At = Callable[[str], str]


@dataclass(frozen=True)
class Case:
    """One operation's promise to its provider."""

    path: str
    fetch: tuple[str, str]
    """The path of the fetch, and the name of its query parameter."""
    smallest: Request
    smallest_json: Body
    fullest: Request
    fullest_json: Body
    finished: Callable[[At], Body]
    """The fetch's answer; the argument makes a link to a file."""
    files: tuple[tuple[str, str], ...]
    """Role and media type of each file."""
    smallest_files: tuple[tuple[str, str], ...] | None = None
    """What the smallest request gets of them, where that is less."""
    undescribed: str = ""
    """Why the contract does not have this endpoint."""


def digests(request: Request) -> dict[int, str]:
    """A word in place of each picture's sha256."""
    return {id(picture): "sha256" for _, picture, _ in pictures_in(request)}


def mj(**data: Any) -> Callable[[At], Body]:
    """A finished Midjourney job with a grid."""

    def finished(at: At) -> Body:
        grid = at("64x48/grid.png")
        common = {
            "action": "imagine",
            "jobId": JOB,
            "progress": "100",
            "prompt": "a cute kitten",
            "quota": "2",
            "discordImage": grid,
            "cdnImage": grid,
            "width": 64,
            "height": 48,
            "hookUrl": None,
            "components": ["upsample1", "variation1", "reroll"],
            "seed": None,
            "images": [at(f"32x24/{corner}.png") for corner in ("tl", "tr", "bl", "br")],
        }
        return {"status": "SUCCESS", "message": "", "jobId": JOB, "data": {**common, **data}}

    return finished


def text_only(**data: Any) -> Callable[[At], Body]:
    nothing = {
        "discordImage": None,
        "cdnImage": None,
        "width": None,
        "height": None,
        "images": None,
        "components": None,
    }
    return mj(**nothing, **data)


def ttapi_job(data: Callable[[At], Body]) -> Callable[[At], Body]:
    return lambda at: {"status": "SUCCESS", "message": "success", "jobId": JOB, "data": data(at)}


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


def task_result(**files: Callable[[At], list[Body]]) -> Callable[[At], Body]:
    return lambda at: {
        "extra": {"seed": "1434608307"},
        "task": {
            "task_id": JOB,
            "task_type": "ANY",
            "status": "TASK_STATUS_SUCCEED",
            "reason": "",
            "eta": 0,
            "progress_percent": 100,
        },
        "images": [],
        "videos": [],
        "audios": [],
        **{name: make(at) for name, make in files.items()},
    }


def pictures(size: str) -> Callable[[At], Body]:
    return task_result(
        images=lambda at: [
            {"image_url": at(f"{size}/1.png"), "image_url_ttl": "3600", "image_type": "png"},
            {"image_url": at(f"{size}/2.png"), "image_url_ttl": 604800, "image_type": "png"},
        ]
    )


def one_video(ending: str = "mp4") -> Callable[[At], Body]:
    return task_result(
        videos=lambda at: [{"video_url": at(f"0x0/v.{ending}"), "video_url_ttl": "3600", "video_type": ending}]
    )


GRID = (
    ("grid", "image/png"),
    ("top left", "image/png"),
    ("top right", "image/png"),
    ("bottom left", "image/png"),
    ("bottom right", "image/png"),
)
SONG = (("audio", "audio/mp4"), ("wav", "audio/wav"), ("cover", "image/png"))
VIDEO = (("video", "video/mp4"),)
MJ_FETCH = ("/midjourney/v1/fetch", "jobId")
FLOW_FETCH = ("/flowmusic/v1/fetch", "job_id")
NOVITA_FETCH = ("/v3/async/task-result", "task_id")
LORA = novita.Lora(model_name="add_detail_44319", strength=0.7)
EMBEDDING = novita.Embedding(model_name="pureerosface_v1_5162.pt")
SD: Body = {
    "model_name": "sd_xl_base_1.0.safetensors",
    "prompt": "a cute dog",
    "width": 384,
    "height": 512,
}
SD_JSON: Body = {**SD, "image_num": 1, "steps": 20, "guidance_scale": 7.5, "sampler_name": "Euler a", "seed": -1}
SD_FULL: Body = {
    **SD_JSON,
    "image_num": 2,
    "negative_prompt": "blurry",
    "sd_vae": "customVAE.safetensors",
    "seed": 123,
    "clip_skip": 2,
}
SD_FULL_JSON: Body = {
    **SD_FULL,
    "loras": [{"model_name": "add_detail_44319", "strength": 0.7}],
    "embeddings": [{"model_name": "pureerosface_v1_5162.pt"}],
}
EXTRA_FULL = novita.ImageExtra(
    response_image_type="png",
    enable_nsfw_detection=True,
    nsfw_detection_level=2,
    webhook=novita.Webhook(url=MINE, test_mode=novita.TestMode(enabled=True, return_task_status="TASK_STATUS_SUCCEED")),
    custom_storage=novita.CustomStorage(
        aws_s3=novita.AwsS3(region="us-east-1", bucket="mine", path="/", save_to_path_directly=True)
    ),
    enterprise_plan=novita.EnterprisePlan(enabled=False),
)
EXTRA_FULL_JSON: Body = {
    "response_image_type": "png",
    "enable_nsfw_detection": True,
    "nsfw_detection_level": 2,
    "webhook": {"url": MINE, "test_mode": {"enabled": True, "return_task_status": "TASK_STATUS_SUCCEED"}},
    "custom_storage": {"aws_s3": {"region": "us-east-1", "bucket": "mine", "path": "/", "save_to_path_directly": True}},
    "enterprise_plan": {"enabled": False},
}
VIDEO_EXTRA = novita.VideoExtra(
    response_video_type="gif", webhook=novita.Webhook(url=MINE), enterprise_plan=novita.EnterprisePlan(enabled=True)
)
VIDEO_EXTRA_JSON: Body = {
    "response_video_type": "gif",
    "webhook": {"url": MINE},
    "enterprise_plan": {"enabled": True},
}
CASES: dict[str, Case] = {
    "midjourney.imagine": Case(
        path="/midjourney/v1/imagine",
        fetch=MJ_FETCH,
        smallest=midjourney.ImagineRequest(prompt="a cute kitten"),
        smallest_json={"prompt": "a cute kitten", "mode": "fast"},
        fullest=midjourney.ImagineRequest(
            prompt=midjourney.MidjourneyPrompt("a cute kitten", ar="3:2"),
            mode="relax",
            timeout=600,
            get_u_images=True,
            translation=False,
            hook_url=MINE,
        ),
        fullest_json={
            "prompt": "a cute kitten --ar 3:2",
            "mode": "relax",
            "timeout": 600,
            "getUImages": True,
            "translation": False,
            "hookUrl": MINE,
        },
        finished=mj(),
        files=GRID,
    ),
    "midjourney.action": Case(
        path="/midjourney/v1/action",
        fetch=MJ_FETCH,
        smallest=midjourney.ActionRequest(job_id="abc", action="upsample1"),
        smallest_json={"jobId": "abc", "action": "upsample1"},
        fullest=midjourney.ActionRequest(job_id="abc", action="make_square", timeout=300, hook_url=MINE),
        fullest_json={"jobId": "abc", "action": "make_square", "timeout": 300, "hookUrl": MINE},
        finished=mj(action="upsample1", images=None),
        files=(("image", "image/png"),),
    ),
    "midjourney.blend": Case(
        path="/midjourney/v1/blend",
        fetch=MJ_FETCH,
        smallest=midjourney.BlendRequest(images=[PICTURE, OTHER]),
        smallest_json={"imgBase64Array": [DATA, OTHER_DATA], "dimensions": "SQUARE", "mode": "fast"},
        fullest=midjourney.BlendRequest(
            images=[PICTURE, OTHER, PICTURE, PICTURE, PICTURE],
            dimensions="LANDSCAPE",
            mode="turbo",
            timeout=1200,
            get_u_images=False,
            hook_url=MINE,
        ),
        fullest_json={
            "imgBase64Array": [DATA, OTHER_DATA, DATA, DATA, DATA],
            "dimensions": "LANDSCAPE",
            "mode": "turbo",
            "timeout": 1200,
            "getUImages": False,
            "hookUrl": MINE,
        },
        finished=mj(action="blend"),
        files=GRID,
    ),
    "midjourney.describe": Case(
        path="/midjourney/v1/describe",
        fetch=MJ_FETCH,
        smallest=midjourney.DescribeRequest(url="https://example.com/cat.png"),
        smallest_json={"url": "https://example.com/cat.png"},
        fullest=midjourney.DescribeRequest(image=PICTURE, timeout=300, hook_url=MINE),
        fullest_json={"base64": DATA, "timeout": 300, "hookUrl": MINE},
        finished=text_only(action="describe", prompt="a cat\n\na dog --ar 3:2\na cow\na hen\n"),
        files=(),
    ),
    "midjourney.inpaint": Case(
        path="/midjourney/v1/inpaint",
        fetch=MJ_FETCH,
        smallest=midjourney.InpaintRequest(job_id="abc", mask=PICTURE),
        smallest_json={"jobId": "abc", "mask": BASE64},
        fullest=midjourney.InpaintRequest(job_id="abc", mask=PICTURE, prompt="a red hat", timeout=300, hook_url=MINE),
        fullest_json={"jobId": "abc", "mask": BASE64, "prompt": "a red hat", "timeout": 300, "hookUrl": MINE},
        finished=mj(action="inpaint"),
        files=GRID,
    ),
    "midjourney.seed": Case(
        path="/midjourney/v1/seed",
        fetch=MJ_FETCH,
        smallest=midjourney.SeedRequest(job_id="abc"),
        smallest_json={"jobId": "abc"},
        fullest=midjourney.SeedRequest(job_id="abc", timeout=300, hook_url=MINE),
        fullest_json={"jobId": "abc", "timeout": 300, "hookUrl": MINE},
        finished=text_only(action="seed", seed=1234567),
        files=(),
    ),
    "midjourney.edit": Case(
        path="/midjourney/image-edits/submit",
        fetch=("/midjourney/image-edits/fetch", "jobId"),
        smallest=midjourney.EditRequest(prompt="a red hat", image=PICTURE),
        smallest_json={"prompt": "a red hat", "image": BASE64, "type": "edit", "mode": "fast"},
        fullest=midjourney.EditRequest(
            prompt="in bronze", image=PICTURE, type="retexture", mode="relax", hook_url=MINE
        ),
        fullest_json={
            "prompt": "in bronze",
            "image": BASE64,
            "type": "retexture",
            "mode": "relax",
            "hookUrl": MINE,
        },
        finished=ttapi_job(
            lambda at: {
                "jobId": JOB,
                "progress": "100",
                "mode": "fast",
                "prompt": "a red hat",
                "quota": "4",
                "images": [f"https://cdn.midjourney.com/x/0_{n}.png" for n in range(4)],
                "cdnImages": [at(f"32x24/{n}.png") for n in range(4)],
                "hookUrl": None,
                "submitTime": "2026-03-12T07:35:36Z",
                "finishTime": "2026-03-12T07:36:29Z",
            }
        ),
        files=GRID[1:],
    ),
    "midjourney.video": Case(
        path="/midjourney/video/submit",
        fetch=("/midjourney/video/fetch", "jobId"),
        smallest=midjourney.VideoRequest(prompt="it flies", image_url="https://example.com/kite.png"),
        smallest_json={
            "prompt": "it flies",
            "imageUrl": "https://example.com/kite.png",
            "model": "fast",
            "manual": "low",
            "resolution": "sd",
            "bs": 4,
        },
        fullest=midjourney.VideoRequest(
            prompt="it flies",
            image_url="https://example.com/kite.png",
            ending_url="https://example.com/sky.png",
            model="fast",
            manual="high",
            resolution="hd",
            clips=1,
            hook_url=MINE,
        ),
        fullest_json={
            "prompt": "it flies",
            "imageUrl": "https://example.com/kite.png",
            "endingUrl": "https://example.com/sky.png",
            "model": "fast",
            "manual": "high",
            "resolution": "hd",
            "bs": 1,
            "hookUrl": MINE,
        },
        finished=ttapi_job(lambda at: {"progress": "100", "videos": [at("0x0/1.mp4"), at("0x0/2.mp4")]}),
        files=(("clip 0", "video/mp4"), ("clip 1", "video/mp4")),
    ),
    "midjourney.extend_video": Case(
        path="/midjourney/video/extend",
        fetch=("/midjourney/video/fetch", "jobId"),
        smallest=midjourney.ExtendVideoRequest(job_id="abc", index=0),
        smallest_json={"jobId": "abc", "index": 0, "manual": "low", "animateMode": "auto", "bs": 4},
        fullest=midjourney.ExtendVideoRequest(
            job_id="abc", index=3, manual="high", animate_mode="manual", clips=2, hook_url=MINE
        ),
        fullest_json={
            "jobId": "abc",
            "index": 3,
            "manual": "high",
            "animateMode": "manual",
            "bs": 2,
            "hookUrl": MINE,
        },
        finished=ttapi_job(lambda at: {"video_url": at("0x0/1.mp4"), "cover": at("8x8/cover.png")}),
        files=(("clip 0", "video/mp4"),),
    ),
    "novelai.text_to_image": Case(
        path="/novelai/text-to-image",
        fetch=("/novelai/fetch", "jobId"),
        smallest=novelai.TextToImageRequest(prompt="1girl, solo"),
        smallest_json={"prompt": "1girl, solo"},
        fullest=novelai.TextToImageRequest(
            prompt="1girl, solo",
            negative_prompt="lowres",
            model="nai-diffusion-4-5-full",
            width=832,
            height=1216,
            steps=28,
            scale=5.5,
            sampler="k_euler",
            noise_schedule="karras",
            seed=7,
            n_samples=2,
            uc_preset=0,
            quality_toggle=True,
            cfg_rescale=0.2,
            variety_boost=False,
            character_prompts=[novelai.CharacterPrompt(prompt="red hat", uc="blue", center={"x": 0.5, "y": 0.5})],
            vibe_transfer=[novelai.VibeTransfer(image=PICTURE, strength=0.6)],
            more={"smea": True},
            hook_url=MINE,
        ),
        fullest_json={
            "prompt": "1girl, solo",
            "negative_prompt": "lowres",
            "model": "nai-diffusion-4-5-full",
            "width": 832,
            "height": 1216,
            "steps": 28,
            "scale": 5.5,
            "sampler": "k_euler",
            "noise_schedule": "karras",
            "seed": 7,
            "n_samples": 2,
            "uc_preset": 0,
            "quality_toggle": True,
            "cfg_rescale": 0.2,
            "variety_boost": False,
            "character_prompts": [{"prompt": "red hat", "uc": "blue", "center": {"x": 0.5, "y": 0.5}}],
            "vibe_transfer": [{"image": BASE64, "strength": 0.6}],
            "smea": True,
            "hookUrl": MINE,
            "hook_url": MINE,
        },
        finished=ttapi_job(
            lambda at: {
                "finishTime": "2026-02-12 09:09:11",
                "hookUrl": None,
                "imageUrl": [at("8x8/1.png"), at("8x8/2.png")],
                "prompt": "1girl, solo",
                "quota": "4.00",
            }
        ),
        files=(("image", "image/png"), ("image", "image/png")),
    ),
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
    "ttapi.grok_video": Case(
        path="/grok/generations",
        fetch=("/grok/fetch", "jobId"),
        smallest=ttapi.GrokVideoRequest(prompt="a kite"),
        smallest_json={"prompt": "a kite"},
        fullest=ttapi.GrokVideoRequest(
            prompt="a kite",
            aspect_ratio="16:9",
            video_length=10,
            resolution_name="720p",
            refer_images=["https://example.com/kite.png"],
            hook_url=MINE,
        ),
        fullest_json={
            "prompt": "a kite",
            "aspect_ratio": "16:9",
            "video_length": "10",
            "resolution_name": "720p",
            "refer_images": ["https://example.com/kite.png"],
            "hook_url": MINE,
        },
        finished=ttapi_job(
            lambda at: {
                "videoId": "v",
                "prompt": "a kite",
                "aspectRatio": "16:9",
                "videoLength": "10",
                "resolutionName": "720p",
                "referImage": ["https://example.com/kite.png"],
                "videoUrl": at("0x0/kite.mp4"),
                "quota": "9",
                "finishTime": "2026-02-12 09:09:11",
                "hookUrl": None,
            }
        ),
        files=(("clip 0", "video/mp4"),),
        undescribed="TTAPI's page is known only by its list of fields",
    ),
    "ttapi.veo_video": Case(
        path="/gemini/video/generations",
        fetch=("/gemini/video/fetch", "jobId"),
        smallest=ttapi.VeoVideoRequest(prompt="a kite"),
        smallest_json={"prompt": "a kite", "duration": "8"},
        fullest=ttapi.VeoVideoRequest(
            prompt="a kite", model="veo-3", aspect_ratio="16:9", resolution="720p", duration="8"
        ),
        fullest_json={
            "prompt": "a kite",
            "model": "veo-3",
            "aspect_ratio": "16:9",
            "resolution": "720p",
            "duration": "8",
        },
        finished=ttapi_job(lambda at: {"video_url": at("0x0/kite.mp4")}),
        files=(("clip 0", "video/mp4"),),
        undescribed="known from a client's code only",
    ),
    "ttapi.job": Case(
        path="/midjourney/v1/imagine",
        fetch=MJ_FETCH,
        smallest=ttapi.JobRequest(
            path="/midjourney/v1/imagine", body={"prompt": "a kite"}, fetch_path="/midjourney/v1/fetch"
        ),
        smallest_json={"prompt": "a kite"},
        fullest=ttapi.JobRequest(
            path="/midjourney/v1/imagine",
            body={"prompt": "a kite", "references": [{}]},
            pictures={"first": PICTURE, "references[0].image": OTHER, "more[]": PICTURE},
            data_uri=True,
            fetch_path="/midjourney/v1/fetch",
            fetch_method="GET",
            job_id_name="jobId",
            results=["data.cdnImage", "images[]"],
            kind="image",
            callback_field="hookUrl",
        ),
        fullest_json={
            "prompt": "a kite",
            "first": DATA,
            "references": [{"image": OTHER_DATA}],
            "more": [DATA],
        },
        finished=mj(),
        files=(("image", "image/png"),) * 5,
        smallest_files=(),
    ),
    "novita.img2img": Case(
        path="/v3/async/img2img",
        fetch=NOVITA_FETCH,
        smallest=novita.Img2ImgRequest(**SD, image=PICTURE),
        smallest_json={
            "extra": {"response_image_type": "png"},
            "request": {**SD_JSON, "image_base64": BASE64},
        },
        fullest=novita.Img2ImgRequest(
            **SD_FULL,
            image=PICTURE,
            strength=0.4,
            loras=[LORA],
            embeddings=[EMBEDDING],
            controlnet=novita.ControlNet(
                units=[
                    novita.ControlNetUnit(
                        model_name="control_v11p_sd15_openpose",
                        image=OTHER,
                        strength=0.5,
                        preprocessor="openpose",
                        guidance_start=0,
                        guidance_end=1,
                    )
                ]
            ),
            ip_adapters=[novita.IpAdapter(model_name="ip-adapter_sdxl.bin", image=OTHER, strength=0.3)],
            extra=EXTRA_FULL,
        ),
        fullest_json={
            "extra": EXTRA_FULL_JSON,
            "request": {
                **SD_FULL_JSON,
                "image_base64": BASE64,
                "strength": 0.4,
                "controlnet": {
                    "units": [
                        {
                            "model_name": "control_v11p_sd15_openpose",
                            "image_base64": OTHER64,
                            "strength": 0.5,
                            "preprocessor": "openpose",
                            "guidance_start": 0,
                            "guidance_end": 1,
                        }
                    ]
                },
                "ip_adapters": [{"model_name": "ip-adapter_sdxl.bin", "image_base64": OTHER64, "strength": 0.3}],
            },
        },
        finished=pictures("384x512"),
        files=(("image", "image/png"), ("image", "image/png")),
    ),
    "novita.txt2img": Case(
        path="/v3/async/txt2img",
        fetch=NOVITA_FETCH,
        smallest=novita.Txt2ImgRequest(**SD),
        smallest_json={"extra": {"response_image_type": "png"}, "request": SD_JSON},
        fullest=novita.Txt2ImgRequest(
            **SD_FULL,
            loras=[LORA],
            embeddings=[EMBEDDING],
            hires_fix=novita.HiresFix(target_width=400, target_height=540, strength=0.5, upscaler="Latent"),
            refiner=novita.Refiner(switch_at=0.8),
            enable_transparent_background=True,
            restore_faces=True,
            extra=EXTRA_FULL,
        ),
        fullest_json={
            "extra": EXTRA_FULL_JSON,
            "request": {
                **SD_FULL_JSON,
                "hires_fix": {"target_width": 400, "target_height": 540, "strength": 0.5, "upscaler": "Latent"},
                "refiner": {"switch_at": 0.8},
                "enable_transparent_background": True,
                "restore_faces": True,
            },
        },
        finished=pictures("384x512"),
        files=(("image", "image/png"), ("image", "image/png")),
    ),
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
        },
        fullest=novita.HunyuanVideoFastRequest(
            prompt="a kite", width=720, height=1280, steps=30, seed=9_999_999_999, frames=85
        ),
        fullest_json={
            "model_name": "hunyuan-video-fast",
            "prompt": "a kite",
            "width": 720,
            "height": 1280,
            "steps": 30,
            "seed": 9_999_999_999,
            "frames": 85,
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
            prompt="a kite", duration="10", aspect_ratio="1:1", guidance_scale=0, negative_prompt="rain"
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
    "novita.job": Case(
        path="/v3/async/img2img",
        fetch=NOVITA_FETCH,
        smallest=novita.JobRequest(
            path="/v3/async/img2img", body={"request": SD_JSON}, pictures={"request.image_base64": PICTURE}
        ),
        smallest_json={"request": {**SD_JSON, "image_base64": BASE64}},
        fullest=novita.JobRequest(
            path="/v3/async/img2img",
            body={"request": SD_JSON, "extra": {"webhook": {"url": MINE}}},
            pictures={"request.image_base64": PICTURE},
            data_uri=False,
            results=["images[].image_url", "videos[].video_url", "audios[].audio_url"],
            kind="audio",
            fetch_path="/v3/async/task-result",
            fetch_method="GET",
            job_id_name="task_id",
        ),
        fullest_json={
            "request": {**SD_JSON, "image_base64": BASE64},
            "extra": {"webhook": {"url": MINE}},
        },
        finished=task_result(audios=lambda at: [{"audio_url": at("0x0/a.wav"), "audio_url_ttl": "3600"}]),
        files=(("audio", "audio/wav"),),
    ),
}

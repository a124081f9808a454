"""TTAPI's other products, and a job at any of its endpoints."""

from __future__ import annotations

from prefect_genmedia.tasks import ttapi
from tests.contract.cases.case import DATA, JOB, MINE, OTHER, OTHER_DATA, PICTURE, Case, ttapi_job
from tests.contract.cases.midjourney import MJ_FETCH, mj

CLIP = (("clip 0", "video/mp4"),)
CASES: dict[str, Case] = {
    "ttapi.grok_video": Case(
        path="/grok/generations",
        fetch=("/grok/fetch", "jobId"),
        smallest=ttapi.GrokVideoRequest(prompt="a kite"),
        smallest_json={"prompt": "a kite"},
        fullest=ttapi.GrokVideoRequest(
            prompt="a kite",
            model="grok-imagine-video-1.5-preview",
            aspect_ratio="16:9",
            video_length=15,
            resolution_name="720p",
            refer_images=["https://example.com/kite.png"],
            hook_url=MINE,
        ),
        fullest_json={
            "prompt": "a kite",
            "model": "grok-imagine-video-1.5-preview",
            "aspect_ratio": "16:9",
            "video_length": "15",
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
        files=CLIP,
    ),
    "ttapi.gemini_video": Case(
        path="/gemini/video/generations",
        fetch=("/gemini/video/fetch", "jobId"),
        smallest=ttapi.GeminiVideoRequest(prompt="a kite", aspect_ratio="16:9"),
        smallest_json={"prompt": "a kite", "aspect_ratio": "16:9", "model": "omni-flash"},
        fullest=ttapi.GeminiVideoRequest(
            prompt="a kite",
            aspect_ratio="9:16",
            model="omni-flash",
            reference_images=["https://example.com/kite.png", "https://example.com/kite.mp4"],
            hook_url=MINE,
        ),
        fullest_json={
            "prompt": "a kite",
            "aspect_ratio": "9:16",
            "model": "omni-flash",
            "reference_images": ["https://example.com/kite.png", "https://example.com/kite.mp4"],
            "hookUrl": MINE,
        },
        finished=ttapi_job(
            lambda at: {
                "jobId": JOB,
                "model": "omni-flash",
                "prompt": "a kite",
                "aspect_ratio": "9:16",
                "reference_images": ["https://example.com/kite.png"],
                "video_url": at("0x0/kite.mp4"),
                "quota": "1",
                "hookUrl": None,
            }
        ),
        files=CLIP,
    ),
    "ttapi.sora_video": Case(
        path="/sora/generations",
        fetch=("/sora/fetch", "jobId"),
        smallest=ttapi.SoraVideoRequest(prompt="a kite"),
        smallest_json={"prompt": "a kite", "model": "sora-2"},
        fullest=ttapi.SoraVideoRequest(
            prompt="a kite",
            model="sora-2-pro",
            refer_images=["https://example.com/kite.png"],
            orientation="landscape",
            duration=25,
            size="small",
            character_url="https://example.com/cat.mp4",
            character_timestamps="1,3",
            private=True,
            hook_url=MINE,
        ),
        fullest_json={
            "prompt": "a kite",
            "model": "sora-2-pro",
            "referImages": ["https://example.com/kite.png"],
            "orientation": "landscape",
            "duration": 25,
            "size": "small",
            "character_url": "https://example.com/cat.mp4",
            "character_timestamps": "1,3",
            "private": True,
            "hookUrl": MINE,
        },
        finished=ttapi_job(
            lambda at: {
                "model": "sora-2",
                "prompt": "a kite",
                "referImages": None,
                "videoUrl": at("0x0/kite.mp4"),
                "quota": "3",
                "finishTime": "2025-10-10 07:24:42",
                "hookUrl": None,
            }
        ),
        files=CLIP,
    ),
    "ttapi.sora_partner_video": Case(
        path="/sora-partner/generations",
        fetch=("/sora-partner/fetch", "job_id"),
        smallest=ttapi.SoraPartnerVideoRequest(prompt="a kite"),
        smallest_json={"prompt": "a kite", "model": "sora-2", "seconds": 4, "size": "720x1280"},
        fullest=ttapi.SoraPartnerVideoRequest(
            prompt="a kite",
            model="sora-2-pro",
            input_reference="https://example.com/kite.png",
            seconds=12,
            size="1792x1024",
        ),
        fullest_json={
            "prompt": "a kite",
            "model": "sora-2-pro",
            "input_reference": "https://example.com/kite.png",
            "seconds": 12,
            "size": "1792x1024",
        },
        finished=ttapi_job(
            lambda at: {
                "videoId": "video_sorab69aa",
                "model": "sora-2",
                "prompt": "a kite",
                "videoUrl": at("0x0/kite.mp4"),
                "seconds": "4",
                "size": "1280x720",
                "quota": "40",
                "finishTime": "2026-03-06 03:40:22",
            }
        ),
        files=CLIP,
    ),
    "ttapi.luma_video": Case(
        path="/luma/v1/generations",
        fetch=("/luma/v1/fetch", "jobId"),
        smallest=ttapi.LumaVideoRequest(prompt="a kite"),
        smallest_json={"userPrompt": "a kite", "duration": "5s", "resolution": "720p", "useMode": "relax"},
        fullest=ttapi.LumaVideoRequest(
            prompt="a kite",
            aspect_ratio="21:9",
            model="ray-v3",
            image_url="https://example.com/a.png",
            image_end_url="https://example.com/b.png",
            duration="10s",
            resolution="720p",
            loop=False,
            use_mode="fast",
            hook_url=MINE,
        ),
        fullest_json={
            "userPrompt": "a kite",
            "aspectRatio": "21:9",
            "modelName": "ray-v3",
            "imageUrl": "https://example.com/a.png",
            "imageEndUrl": "https://example.com/b.png",
            "duration": "10s",
            "resolution": "720p",
            "loop": False,
            "useMode": "fast",
            "hookUrl": MINE,
        },
        finished=ttapi_job(lambda at: {"jobId": JOB, "videoUrl": at("0x0/kite.mp4")}),
        files=CLIP,
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
}

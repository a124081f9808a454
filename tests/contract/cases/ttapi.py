"""TTAPI's other products, and a job at any of its endpoints."""

from __future__ import annotations

from prefect_genmedia.tasks import ttapi
from tests.contract.cases.case import DATA, JOB, MINE, OTHER, OTHER_DATA, PICTURE, Case, ttapi_job
from tests.contract.cases.midjourney import MJ_FETCH, mj

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
        files=(("clip 0", "video/mp4"),),
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
        files=(("clip 0", "video/mp4"),),
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

"""TTAPI's other pictures: Flux in both forms, GPT image, and Gemini."""

from __future__ import annotations

from prefect_genmedia.tasks import ttapi
from tests.contract.cases.case import BASE64, MINE, OTHER, OTHER64, PICTURE, Case, ttapi_job

IMAGE = (("image", "image/png"),)
FLUX_FETCH = ("/flux/fetch", "jobId")
# As in the vendor's own example, `data` has another id than the job's.
FLUX = ttapi_job(
    lambda at: {
        "mode": "flux1-dev",
        "jobId": "bf165abb-a7fa-4c77-a2e4-138baac1130d",
        "prompt": "a kite",
        "quota": "1",
        "size": "1024x1024",
        "imageUrl": at("16x16/kite.png"),
        "hookUrl": None,
    }
)
CASES: dict[str, Case] = {
    "ttapi.flux_image": Case(
        path="/flux/generate",
        fetch=FLUX_FETCH,
        smallest=ttapi.FluxImageRequest(prompt="a kite", mode="flux1-dev"),
        smallest_json={"prompt": "a kite", "mode": "flux1-dev"},
        fullest=ttapi.FluxImageRequest(
            prompt="a kite", mode="flux-2-klein-9b", size="1024x1792", aspect_ratio="9:16", hook_url=MINE
        ),
        fullest_json={
            "prompt": "a kite",
            "mode": "flux-2-klein-9b",
            "size": "1024x1792",
            "aspect_ratio": "9:16",
            "hookUrl": MINE,
        },
        finished=FLUX,
        files=IMAGE,
    ),
    "ttapi.flux_kontext_image": Case(
        path="/bfl/v1/flux-kontext-max",
        fetch=FLUX_FETCH,
        smallest=ttapi.FluxKontextImageRequest(prompt="a kite", model="flux-kontext-max"),
        smallest_json={"prompt": "a kite"},
        fullest=ttapi.FluxKontextImageRequest(
            prompt="a kite",
            model="flux-kontext-max",
            images=[PICTURE, OTHER],
            aspect_ratio="21:9",
            seed=7,
            output_format="jpeg",
            prompt_upsampling=True,
            safety_tolerance=6,
            hook_url=MINE,
        ),
        fullest_json={
            "prompt": "a kite",
            "input_image": BASE64,
            "input_image_2": OTHER64,
            "aspect_ratio": "21:9",
            "seed": 7,
            "output_format": "jpeg",
            "prompt_upsampling": True,
            "safety_tolerance": 6,
            "webhook_url": MINE,
        },
        finished=FLUX,
        files=IMAGE,
    ),
    "ttapi.gpt_image": Case(
        path="/openai/gpt/generations",
        fetch=("/openai/gpt/fetch", "jobId"),
        smallest=ttapi.GptImageRequest(prompt="draw a kite"),
        smallest_json={"prompt": "draw a kite", "model": "gpt-image-2"},
        fullest=ttapi.GptImageRequest(
            prompt="draw a kite",
            model="gpt-image-2-plus",
            refer_images=["https://example.com/kite.png"],
            size="1024x1536",
            hook_url=MINE,
        ),
        fullest_json={
            "prompt": "draw a kite",
            "model": "gpt-image-2-plus",
            "referImages": ["https://example.com/kite.png"],
            "size": "1024x1536",
            "hookUrl": MINE,
        },
        leaves_out=("aspect_ratio",),
        finished=ttapi_job(
            lambda at: {
                "prompt": "draw a kite",
                "referImages": ["https://example.com/kite.png"],
                "imageUrl": at("16x16/kite.png"),
                "quota": "2",
                "finishTime": "2025-03-31 04:25:33",
                "hookUrl": None,
            }
        ),
        files=IMAGE,
    ),
    "ttapi.gemini_image": Case(
        path="/gemini/image/generate",
        fetch=None,
        smallest=ttapi.GeminiImageRequest(prompt="a kite"),
        smallest_json={"prompt": "a kite", "model": "gemini-3-pro-image-preview"},
        fullest=ttapi.GeminiImageRequest(
            prompt="a kite",
            model="gemini-3.1-flash-image-preview",
            refer_images=["https://example.com/kite.png"],
            aspect_ratio="8:1",
            image_size="4K",
            google_search=True,
            image_search=False,
            thinking_level="High",
        ),
        fullest_json={
            "prompt": "a kite",
            "model": "gemini-3.1-flash-image-preview",
            "refer_images": ["https://example.com/kite.png"],
            "aspect_ratio": "8:1",
            "image_size": "4K",
            "google_search": "true",
            "image_search": "false",
            "thinking_level": "High",
        },
        finished=lambda at: {
            "status": "SUCCESS",
            "message": "success",
            "data": {"prompt": "a kite", "refer_images": None, "image_url": at("16x16/kite.png"), "quota": 2},
        },
        files=IMAGE,
    ),
}

"""NovelAI through TTAPI."""

from __future__ import annotations

from prefect_genmedia.tasks import novelai
from tests.contract.cases.case import BASE64, MINE, PICTURE, Case, ttapi_job

CASES: dict[str, Case] = {
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
}

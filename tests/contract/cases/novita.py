"""Novita's pictures, and a job at any of its endpoints."""

from __future__ import annotations

from collections.abc import Callable

from prefect_genmedia.tasks import novita
from tests.contract.cases.case import BASE64, JOB, MINE, OTHER, OTHER64, PICTURE, At, Case
from tests.contract.wire import Body


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
CASES: dict[str, Case] = {
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

"""Novita's official Python client against a base URL: run by its own interpreter, prints what it got as JSON.

Not a test: test_official_clients.py builds the environment that this needs, and runs it.
"""

# pyright: reportMissingImports=false
# (the vendor's client is in that environment only)

import base64
import io
import json
import sys

from novita_client import (
    Img2ImgV3ControlNetUnit,
    Img2V3ImgLoRA,
    NovitaClient,
    Txt2ImgV3HiresFix,
    Txt2ImgV3LoRA,
    Txt2VideoPrompt,
    settings,
)
from novita_client.exceptions import NovitaResponseError
from PIL import Image

settings.DEFAULT_POLL_INTERVAL = 0.02
client = NovitaClient("key-python", base_url=sys.argv[1])
photo = Image.radial_gradient("L").resize((96, 64)).convert("RGB")
model = "dreamshaper_8_93211.safetensors"
said = {}


def pictures(result):
    """What was downloaded."""
    opened = [Image.open(io.BytesIO(base64.b64decode(text))) for text in result.images_encoded]
    return [[picture.format, *picture.size] for picture in opened]


said["user"] = client.user_info().credit_balance

models = client.models_v3()
said["models"] = [len(models), len({each.sd_name for each in models})]
loras = client.query_model_v3(types="lora", visibility="public", limit="3", is_sdxl=False)
said["loras"] = [[each.type.name for each in loras.models], loras.pagination.next_cursor]
after = client.query_model_v3(types="lora", cursor=loras.pagination.next_cursor, limit="1")
said["next"] = after.models[0].sd_name not in {each.sd_name for each in loras.models}

seen = []
result = client.txt2img_v3(
    model_name=model,
    prompt="a fox",
    image_num=2,
    width=192,
    height=128,
    steps=20,
    guidance_scale=7.5,
    sampler_name="Euler a",
    seed=7,
    negative_prompt="blurry",
    loras=[Txt2ImgV3LoRA(model_name="add_detail_44319", strength=0.7)],
    hires_fix=Txt2ImgV3HiresFix(target_width=256, target_height=192, strength=0.5),
    callback=lambda progress: seen.append(progress.task.status.value),
)
said["txt2img"] = [result.task.status.value, result.task.task_type, result.extra.seed, pictures(result)]
said["statuses"] = sorted(set(seen))

# Steps, sizes and seed left out: it sends its own defaults, and null for what has none.
result = client.img2img_v3(
    model_name=model,
    input_image=photo,
    prompt="a fox, watercolour",
    image_num=1,
    width=192,
    height=128,
    guidance_scale=7.5,
    sampler_name="Euler a",
    strength=0.4,
    response_image_type="png",
    loras=[Img2V3ImgLoRA(model_name="add_detail_44319", strength=0.7)],
    controlnet_units=[
        Img2ImgV3ControlNetUnit(
            model_name="control_v11p_sd15_canny", image_base64=photo, strength=1.0, preprocessor="canny"
        )
    ],
    enable_nsfw_detection=True,
)
said["img2img"] = [result.task.status.value, result.task.task_type, pictures(result)]
said["nsfw"] = [each.nsfw_detection_result.confidence for each in result.images]

again = client.async_task_result(result.task.task_id)
said["task-result"] = [again.task.task_id == result.task.task_id, again.finished(), len(again.get_image_urls())]

result = client.img2video(photo, model_name="SVD-XT", steps=20, frames_num=25)
said["img2video"] = [result.task.task_type, [film[4:8].decode() for film in result.video_bytes]]
result = client.txt2video(
    model_name=model,
    width=256,
    height=256,
    steps=20,
    prompts=[Txt2VideoPrompt(frames=16, prompt="a fox")],
    guidance_scale=7.5,
    response_video_type="gif",
)
said["txt2video"] = [result.task.task_type, [film[:6].decode() for film in result.video_bytes]]

try:
    client.txt2img_v3(model_name=model, prompt="denied-by-emulator", image_num=1, width=192, height=128, steps=20,
                      guidance_scale=7.5, sampler_name="Euler a")  # fmt: skip
except NovitaResponseError as error:
    said["failed"] = "TASK_STATUS_FAILED" in str(error)
try:
    client.img2img_v3(model_name=model, input_image=photo, prompt="a fox", image_num=9, width=192, height=128,
                      guidance_scale=7.5, sampler_name="Euler a")  # fmt: skip
except NovitaResponseError as error:
    said["refused"] = "400" in str(error)

print(json.dumps(said))

"""The exact JSON that goes out, as a server receives it."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from prefect_genmedia.imaging.incoming.ready import PictureLimit, made_ready
from prefect_genmedia.operation import Request
from prefect_genmedia.providers.novita.images import Img2ImgRequest
from prefect_genmedia.providers.ttapi.midjourney import ActionRequest, ImagineRequest
from tests import PHOTOS
from tests.shop import imagine as imagine_request
from tests.shop import img2img, refusal
from tests.shop import novita as novita_at
from tests.shop import ttapi as ttapi_at
from tests.stand_in import Say, Wire

LABEL = "https://callback.invalid/genmedia/ttapi/"


async def sent(wire: Wire, request: Request) -> tuple[dict[str, Any], dict[str, str]]:
    """The body and the headers that arrive for this request."""
    wire.answer = lambda seen: Say(400, {"message": "only looking"})
    account = novita_at(wire.url, "the-key") if isinstance(request, Img2ImgRequest) else ttapi_at(wire.url, "the-key")
    await refusal(request, account)
    (seen,) = wire.seen
    assert seen.method == "POST"
    assert seen.headers["content-type"] == "application/json"
    return {"path": seen.path, **seen.json}, seen.headers


def text(name: str) -> str:
    """The picture as it goes out: without its metadata."""
    ready = made_ready((PHOTOS / name).read_bytes(), PictureLimit(megapixels=16, megabytes=10), shrink=False)
    return base64.b64encode(ready.content).decode()


async def test_the_smallest_imagine(wire: Wire) -> None:
    """Our address on a reserved domain marks the job; it is not one that anybody could be reached at."""
    body, headers = await sent(wire, imagine_request("a cat"))
    hook = body.pop("hookUrl")
    assert hook.startswith(LABEL)
    assert body == {"path": "/midjourney/v1/imagine", "prompt": "a cat", "mode": "fast"}
    assert headers["tt-api-key"] == "the-key"
    assert "authorization" not in headers


async def test_the_fullest_imagine(wire: Wire) -> None:
    body, _ = await sent(
        wire,
        ImagineRequest(
            prompt="a cat --ar 3:2",
            mode="turbo",
            timeout=600,
            get_u_images=True,
            translation=False,
            hook_url="https://example.com/mine",
        ),
    )
    assert body == {
        "path": "/midjourney/v1/imagine",
        "prompt": "a cat --ar 3:2",
        "mode": "turbo",
        "timeout": 600,
        "getUImages": True,
        "translation": False,
        "hookUrl": "https://example.com/mine",
    }


async def test_an_action(wire: Wire) -> None:
    body, _ = await sent(wire, ActionRequest(job_id="5d3f", action="upsample2", timeout=300))
    assert body.pop("hookUrl").startswith(LABEL)
    assert body == {"path": "/midjourney/v1/action", "jobId": "5d3f", "action": "upsample2", "timeout": 300}


async def test_without_a_label_nothing_is_added(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENMEDIA_SUBMIT_LABEL", "false")
    body, _ = await sent(wire, imagine_request("a cat"))
    assert body == {"path": "/midjourney/v1/imagine", "prompt": "a cat", "mode": "fast"}


async def test_a_receiver_is_given_as_the_callback_address(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENMEDIA_CALLBACK_URL", "https://hooks.example.com/callbacks/")
    body, _ = await sent(wire, imagine_request("a cat"))
    assert body["hookUrl"].startswith("https://hooks.example.com/callbacks/ttapi/")
    wire.seen.clear()
    body, _ = await sent(wire, img2img())
    assert body["extra"]["webhook"]["url"].startswith("https://hooks.example.com/callbacks/novita/")


async def test_the_smallest_img2img(wire: Wire) -> None:
    """No nulls, no field that nobody set except the vendor's required ones."""
    body, headers = await sent(
        wire,
        Img2ImgRequest(model_name="m.safetensors", prompt="a cat", image=PHOTOS / "chelsea.png", width=512, height=768),
    )
    assert body == {
        "path": "/v3/async/img2img",
        "extra": {"response_image_type": "png"},
        "request": {
            "model_name": "m.safetensors",
            "prompt": "a cat",
            "image_base64": text("chelsea.png"),
            "width": 512,
            "height": 768,
            "image_num": 1,
            "steps": 20,
            "guidance_scale": 7.5,
            "sampler_name": "Euler a",
            "seed": -1,
        },
    }
    assert headers["authorization"] == "Bearer the-key"
    assert "tt-api-key" not in headers


async def test_the_fullest_img2img(wire: Wire) -> None:
    """Every picture stands where the vendor wants it, each its own."""
    request = Img2ImgRequest(
        model_name="m.safetensors",
        prompt="a cat",
        image=PHOTOS / "chelsea.png",
        width=512,
        height=512,
        image_num=2,
        steps=30,
        guidance_scale=9,
        sampler_name="DPM++ 2M Karras",
        negative_prompt="dog",
        sd_vae="vae.safetensors",
        seed=42,
        loras=[{"model_name": "l1", "strength": 0.7}, {"model_name": "l2", "strength": 1}],
        embeddings=[{"model_name": "e1"}],
        clip_skip=2,
        strength=0.6,
        controlnet={
            "units": [
                {
                    "model_name": "control_v11p_sd15_canny",
                    "image": PHOTOS / "rocket.jpg",
                    "strength": 0.8,
                    "preprocessor": "canny",
                    "guidance_start": 0,
                    "guidance_end": 0.9,
                },
                {"model_name": "control_v11f1p_sd15_depth", "image": (PHOTOS / "coffee.png").read_bytes()},
            ]
        },
        ip_adapters=[{"model_name": "ip-adapter_sd15.bin", "image": PHOTOS / "coffee.png", "strength": 0.4}],
        extra={
            "response_image_type": "jpeg",
            "enable_nsfw_detection": True,
            "nsfw_detection_level": 0,
            "webhook": {
                "url": "https://example.com/mine",
                "test_mode": {"enabled": True, "return_task_status": "TASK_STATUS_SUCCEED"},
            },
            "custom_storage": {
                "aws_s3": {"region": "eu-west-1", "bucket": "b", "path": "p", "save_to_path_directly": False}
            },
            "enterprise_plan": {"enabled": False},
        },
    )
    body, _ = await sent(wire, request)
    assert body == {
        "path": "/v3/async/img2img",
        "extra": {
            "response_image_type": "jpeg",
            "enable_nsfw_detection": True,
            "nsfw_detection_level": 0,
            "webhook": {
                "url": "https://example.com/mine",
                "test_mode": {"enabled": True, "return_task_status": "TASK_STATUS_SUCCEED"},
            },
            "custom_storage": {
                "aws_s3": {"region": "eu-west-1", "bucket": "b", "path": "p", "save_to_path_directly": False}
            },
            "enterprise_plan": {"enabled": False},
        },
        "request": {
            "model_name": "m.safetensors",
            "prompt": "a cat",
            "image_base64": text("chelsea.png"),
            "width": 512,
            "height": 512,
            "image_num": 2,
            "steps": 30,
            "guidance_scale": 9.0,
            "sampler_name": "DPM++ 2M Karras",
            "negative_prompt": "dog",
            "sd_vae": "vae.safetensors",
            "seed": 42,
            "loras": [{"model_name": "l1", "strength": 0.7}, {"model_name": "l2", "strength": 1.0}],
            "embeddings": [{"model_name": "e1"}],
            "clip_skip": 2,
            "strength": 0.6,
            "controlnet": {
                "units": [
                    {
                        "model_name": "control_v11p_sd15_canny",
                        "image_base64": text("rocket.jpg"),
                        "strength": 0.8,
                        "preprocessor": "canny",
                        "guidance_start": 0.0,
                        "guidance_end": 0.9,
                    },
                    {
                        "model_name": "control_v11f1p_sd15_depth",
                        "image_base64": text("coffee.png"),
                        "strength": 1.0,
                    },
                ]
            },
            "ip_adapters": [{"model_name": "ip-adapter_sd15.bin", "image_base64": text("coffee.png"), "strength": 0.4}],
        },
    }


async def test_the_vendors_own_field_names_can_be_used(wire: Wire) -> None:
    """Who copies from the vendor's page writes image_base64, jobId, hookUrl; the same goes out."""
    given = {"model_name": "m", "prompt": "p", "width": 512, "height": 512}
    body, _ = await sent(wire, Img2ImgRequest.model_validate({**given, "image_base64": PHOTOS / "chelsea.png"}))
    assert body["request"]["image_base64"] == text("chelsea.png")
    wire.seen.clear()
    body, _ = await sent(wire, ActionRequest.model_validate({"jobId": "5d3f", "action": "reroll"}))
    assert body["jobId"] == "5d3f"


async def test_signs_of_all_languages_go_out_as_they_are(wire: Wire) -> None:
    prompt = 'ein Leuchtturm "im Nebel" — 灯台 🗼 \\ / <b>'
    body, _ = await sent(wire, imagine_request(prompt))
    assert body["prompt"] == prompt

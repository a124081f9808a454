"""Novita's other pictures: txt2img, what has been retired, and the flat ones."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from PIL import Image

from prefect_genmedia.emulator import Emulator, EmulatorSettings
from tests.emulator.clients import difference, photo, picture_of
from tests.emulator.operations import CASES, DATA_URI, DIFFUSION, LINK, NO_SIZE, TASK, V1, Api, mask

TXT2IMG = "/v3/async/txt2img"
INPAINTING = "/v3/async/inpainting"
UPSCALE = "/v3/async/upscale"
KONTEXT = "/v3/async/flux-1-kontext-dev"
SDXL = "sd_xl_base_1.0.safetensors"
RETIRED = EmulatorSettings().novita_retired.split(",")


@pytest.fixture
def api(emulator: Emulator) -> Api:
    return Api(emulator)


@pytest.fixture
def everything(emulator: Emulator) -> None:
    """Also what the vendor has retired."""
    emulator.configure(novita_retired="")


def picture(api: Api, answer: dict[str, Any], place: int = 0) -> Image.Image:
    reply = api.bare.get(answer["images"][place]["image_url"])
    return Image.open(io.BytesIO(reply.content))


def test_txt2img(api: Api) -> None:
    answer = api.done(TXT2IMG, TASK, request={**DIFFUSION, "image_num": 3}, extra={"response_image_type": "webp"})
    assert answer["task"]["task_type"] == "TXT_TO_IMG"
    assert answer["videos"] == answer["audios"] == []
    assert [image["image_type"] for image in answer["images"]] == ["webp"] * 3
    shown = [picture(api, answer, place) for place in range(3)]
    assert {(one.format, one.size, one.mode) for one in shown} == {("WEBP", (192, 128), "RGB")}
    assert len({one.tobytes() for one in shown}) == 3
    assert '"seeds": [' in answer["extra"]["debug_info"]["request_info"]


def test_txt2img_repeats_a_seed(api: Api) -> None:
    def drawn(**request: Any) -> bytes:
        return picture(api, api.done(TXT2IMG, TASK, request={**DIFFUSION, **request})).tobytes()

    assert drawn(seed=5) == drawn(seed=5) != drawn(seed=6)
    assert drawn(seed=5) != drawn(seed=5, prompt="an owl")


def test_hires_fix_sets_the_size(api: Api) -> None:
    hires = {"target_width": 384, "target_height": 256, "strength": 0.5, "upscaler": "Latent"}
    answer = api.done(TXT2IMG, TASK, request={**DIFFUSION, "hires_fix": hires, "refiner": {"switch_at": 0.7}})
    assert picture(api, answer).size == (384, 256)


def test_a_transparent_background(api: Api) -> None:
    request = {**DIFFUSION, "model_name": SDXL, "enable_transparent_background": True}
    shown = picture(api, api.done(TXT2IMG, TASK, request=request))
    assert (shown.format, shown.mode) == ("PNG", "RGBA")
    alpha = shown.getchannel("A")
    assert (alpha.getpixel((0, 0)), alpha.getpixel((96, 64))) == (0, 255)
    said = api.refused(TXT2IMG, request=request, extra={"response_image_type": "jpeg"})
    assert "response_image_type must be png" in said
    assert "SDXL" in api.refused(TXT2IMG, request={**request, "model_name": DIFFUSION["model_name"]})
    assert api.post(TXT2IMG, request={**request, "model_name": "my-own-sdxl.safetensors"}).status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("width", 2049),
        ("height", None),
        ("image_num", 9),
        ("sampler_name", "Oiler"),
        ("enable_transparent_background", "yes"),
        ("restore_faces", 1),
        ("hires_fix", {"target_width": 4097, "target_height": 256, "strength": 0.5}),
        ("hires_fix", {"target_width": 256, "target_height": 256}),
        ("hires_fix", {"target_width": 256, "target_height": 256, "strength": 0.5, "upscaler": "4x-UltraSharp"}),
        ("hires_fix", "yes"),
        ("refiner", {"switch_at": 2}),
        ("refiner", {}),
        ("loras", [{"model_name": "a", "strength": 2}]),
    ],
)
def test_txt2img_names_what_is_wrong(emulator: Emulator, api: Api, field: str, value: Any) -> None:
    assert f"request.{field}" in api.refused(TXT2IMG, request={**DIFFUSION, field: value})
    assert emulator.billed() == 0


def test_strict_knows_each_functions_fields(emulator: Emulator, api: Api) -> None:
    emulator.configure(strict=True, novita_retired="")
    for case in CASES:
        if case.novita:
            assert api.post(case.path, **case.body(api)).status_code == 200, case.path
            assert "unknown field" in api.refused(case.path, **case.body(api), odd=1), case.path
    misspelt = {**DIFFUSION, "hires_fix": {"target_width": 256, "target_height": 256, "strength": 0.5, "upscalr": "x"}}
    assert "did you mean upscaler?" in api.refused(TXT2IMG, request=misspelt)


def test_each_function_has_its_own_pace(emulator: Emulator, api: Api) -> None:
    emulator.configure(rate_limit_images_per_minute=2)
    request = {**DIFFUSION, "image_num": 2}
    assert api.post(TXT2IMG, request=request).status_code == 200
    assert api.post(TXT2IMG, request=request).status_code == 429
    assert api.post("/v3/async/img2img", request={**request, "image_base64": photo()}).status_code == 200


@pytest.mark.usefixtures("everything")
def test_inpainting_repaints_what_is_white(api: Api) -> None:
    source = photo(400, 200)
    before = Image.open(io.BytesIO(base64.b64decode(source))).convert("RGB")
    left, right = (0, 0, 190, 200), (210, 0, 400, 200)
    for inverted, kept, painted in ((0, left, right), (1, right, left)):
        request = {
            **NO_SIZE,
            "image_base64": source,
            "mask_image_base64": mask(400, 200),
            "inpainting_mask_invert": inverted,
        }
        after = picture(api, api.done(INPAINTING, TASK, request=request)).convert("RGB")
        assert after.size == (400, 200)
        assert difference(before.crop(kept), after.crop(kept)) < 1
        assert difference(before.crop(painted), after.crop(painted)) > 10


@pytest.mark.usefixtures("everything")
def test_inpainting_and_upscale_refuse(api: Api) -> None:
    request = {**NO_SIZE, "image_base64": photo(), "mask_image_base64": mask(96, 65)}
    reply = api.post(INPAINTING, request=request)
    assert (reply.status_code, reply.json()["reason"]) == (400, "INVALID_IMAGE_SIZE")
    assert "mask_blur" in api.refused(INPAINTING, request={**request, "mask_blur": 65})
    assert "inpainting_full_res" in api.refused(INPAINTING, request={**request, "inpainting_full_res": 2})
    enlarging = {"model_name": "4x-UltraSharp", "image_base64": photo()}
    for factor in (1, 4.5, "2"):
        assert "scale_factor" in api.refused(UPSCALE, request={**enlarging, "scale_factor": factor})
    large = api.post(UPSCALE, request={**enlarging, "image_base64": photo(2049, 16), "scale_factor": 2})
    assert large.json()["reason"] == "IMAGE_EXCEEDS_MAX_RESOLUTION"


@pytest.mark.usefixtures("everything")
def test_upscale_enlarges(api: Api) -> None:
    request = {"model_name": "RealESRNet_x4plus", "image_base64": photo(100, 60), "scale_factor": 1.5}
    shown = picture(api, api.done(UPSCALE, TASK, request=request))
    assert shown.size == (150, 90)
    before = Image.open(io.BytesIO(base64.b64decode(photo(100, 60))))
    assert difference(shown, before) < 4


@pytest.mark.usefixtures("everything")
def test_flat_pictures(emulator: Emulator, api: Api) -> None:
    answer = api.done(KONTEXT, TASK, prompt="a fox", num_images=2, size="256*512", output_format="png")
    assert answer["task"]["task_type"] == "FLUX_1_KONTEXT_DEV"
    assert [picture(api, answer, place).size for place in range(2)] == [(256, 512)] * 2
    link = api.done("/midjourney/v1/imagine", V1, prompt="an owl")["data"]["images"][0]
    source = picture_of(api.bare.get(link))
    for image in (link, DATA_URI + base64.b64encode(api.bare.get(link).content).decode()):
        edited = picture(api, api.done("/v3/async/qwen-image-edit", TASK, prompt="snow", image=image))
        assert edited.format == "JPEG"
        assert 1 < difference(edited, source) < 90
    assert api.done(KONTEXT, TASK, prompt="a fox", images=[LINK])["images"]
    dead = api.finished(TASK, api.submit(KONTEXT, prompt="a fox", images=[f"{emulator.url}/cdn/no.png"]))
    assert dead["task"]["status"] == "TASK_STATUS_FAILED"
    for wrong in (
        {"size": "100*100"},
        {"size": "256x256"},
        {"images": [photo()] * 5},
        {"images": [7]},
        {"num_images": 5},
    ):
        api.refused(KONTEXT, prompt="a fox", **wrong)


@pytest.mark.parametrize("name", RETIRED)
def test_the_retired_answer_as_the_vendor_does(emulator: Emulator, api: Api, name: str) -> None:
    reply = api.post(f"/v3/async/{name}", prompt="a fox")
    assert (reply.status_code, reply.json()["reason"]) == (404, "API_NOT_FOUND")
    others = [other for other in RETIRED if other != name]
    emulator.configure(novita_retired=", ".join(others))
    assert api.post(f"/v3/async/{name}", odd=1).status_code == 400
    assert api.post(f"/v3/async/{others[0]}", odd=1).status_code == 404
    assert emulator.billed() == 0


def test_any_function_can_retire(emulator: Emulator, api: Api) -> None:
    task = api.submit(TXT2IMG, request=DIFFUSION)
    emulator.configure(novita_retired="txt2img")
    reply = api.post(TXT2IMG, request=DIFFUSION)
    assert (reply.status_code, reply.json()["reason"]) == (404, "API_NOT_FOUND")
    assert api.finished(TASK, task)["images"]  # what was bought before can still be read

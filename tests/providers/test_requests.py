"""What can be asked for: every range, every misspelling told by name, before anything is sent."""

from __future__ import annotations

import traceback
from typing import Any

import pytest
from pydantic import ValidationError

from prefect_genmedia.media.pictures import Picture
from prefect_genmedia.providers.novita.images import Img2ImgRequest
from prefect_genmedia.providers.ttapi.midjourney import ActionRequest, ImagineRequest
from tests import PHOTOS
from tests.shop import imagine, img2img

PICTURE = (PHOTOS / "chelsea.png").read_bytes()
SHARES = [-0.01, 1.01, "much", float("nan"), float("inf")]
UNIT = {"model_name": "control_v11p_sd15_canny", "image_base64": "a.png"}
ADAPTER = {"model_name": "ip-adapter_sd15.bin", "image_base64": "a.png", "strength": 0.5}
LORA = {"model_name": "lora", "strength": 0.5}

IMG2IMG_BAD: list[tuple[str, Any]] = [
    *(("width", value) for value in (127, 2049, 0, -128, 128.5, "wide", None)),
    *(("height", value) for value in (127, 2049, 0, -128, 128.5, "high", None)),
    *(("image_num", value) for value in (0, 9, 1.5, "many", None)),
    *(("steps", value) for value in (0, 101, 1.5, "some", None)),
    *(("guidance_scale", value) for value in (0.99, 30.01, "strong", float("nan"), float("inf"), None)),
    *(("strength", value) for value in SHARES),
    *(("seed", value) for value in (-2, 1.5, "lucky")),
    *(("clip_skip", value) for value in (0, 13, 1.5)),
    *(("sampler_name", value) for value in ("Euler A", "euler a", "DPM++", "", None)),
    *(("model_name", value) for value in ("", "  ", "m" * 256, None, 7)),
    *(("prompt", value) for value in ("", "   ", "p" * 1025, None, 7)),
    ("negative_prompt", "n" * 1025),
    ("sd_vae", ""),
    ("image", None),
    ("image", ""),
    ("image", 7),
    ("image", ["a.png"]),
    ("loras", [LORA] * 6),
    ("embeddings", [{"model_name": "e"}] * 6),
    ("ip_adapters", [ADAPTER] * 2),
    ("controlnet", {"units": []}),
    ("controlnet", {}),
]
NESTED_BAD: list[tuple[str, dict[str, Any]]] = [
    *(("loras.0.strength", {"loras": [{**LORA, "strength": value}]}) for value in SHARES),
    ("loras.0.model_name", {"loras": [{**LORA, "model_name": ""}]}),
    ("embeddings.0.model_name", {"embeddings": [{"model_name": ""}]}),
    *(("controlnet.units.0.strength", {"controlnet": {"units": [{**UNIT, "strength": value}]}}) for value in SHARES),
    ("controlnet.units.0.guidance_start", {"controlnet": {"units": [{**UNIT, "guidance_start": 1.5}]}}),
    ("controlnet.units.0.guidance_end", {"controlnet": {"units": [{**UNIT, "guidance_end": -1}]}}),
    ("controlnet.units.0.preprocessor", {"controlnet": {"units": [{**UNIT, "preprocessor": "cany"}]}}),
    ("controlnet.units.1.model_name", {"controlnet": {"units": [UNIT, {**UNIT, "model_name": " "}]}}),
    ("ip_adapters.0.model_name", {"ip_adapters": [{**ADAPTER, "model_name": "ip-adapter.bin"}]}),
    *(("ip_adapters.0.strength", {"ip_adapters": [{**ADAPTER, "strength": value}]}) for value in SHARES),
    ("extra.response_image_type", {"extra": {"response_image_type": "gif"}}),
    ("extra.nsfw_detection_level", {"extra": {"nsfw_detection_level": 3}}),
    ("extra.webhook.url", {"extra": {"webhook": {"url": "example.com"}}}),
    ("extra.custom_storage.aws_s3.bucket", {"extra": {"custom_storage": {"aws_s3": {"region": "r", "path": "p"}}}}),
]
IMAGINE_BAD: list[tuple[str, Any]] = [
    *(("prompt", value) for value in ("", " \n ", "p" * 6001, None, 7)),
    *(("mode", value) for value in ("slow", "FAST", "", None)),
    *(("timeout", value) for value in (299, 1201, 0, -1, 300.5, "long")),
    ("get_u_images", "perhaps"),
    ("translation", "perhaps"),
    *(("hook_url", value) for value in ("example.com", "ftp://example.com", "")),
]
ACTION_BAD: list[tuple[str, Any]] = [
    *(("action", value) for value in ("upsample5", "Upsample1", "", None)),
    *(("job_id", value) for value in ("", " ", None)),
    *(("timeout", value) for value in (299, 1201)),
]


def wrong(kind: type[Any], fields: dict[str, Any]) -> str:
    """What is said of these fields."""
    with pytest.raises(ValidationError) as caught:
        kind(**fields)
    return str(caught.value)


def base() -> dict[str, Any]:
    return {"model_name": "m", "prompt": "p", "image": "a.png", "width": 512, "height": 512}


@pytest.mark.parametrize(("field", "value"), IMG2IMG_BAD, ids=lambda value: repr(value)[:30])
def test_img2img_names_the_field_that_is_wrong(field: str, value: Any) -> None:
    said = wrong(Img2ImgRequest, {**base(), field: value})
    assert "1 validation error" in said
    assert f"\n{field}" in said or (field == "image" and "\nimage_base64" in said)


@pytest.mark.parametrize(("field", "fields"), NESTED_BAD, ids=lambda value: repr(value)[:40])
def test_img2img_names_the_inner_field_that_is_wrong(field: str, fields: dict[str, Any]) -> None:
    said = wrong(Img2ImgRequest, {**base(), **fields})
    assert f"\n{field}" in said


@pytest.mark.parametrize("field", ["model_name", "prompt", "width", "height", "image"])
def test_img2img_names_the_field_that_is_missing(field: str) -> None:
    given = base()
    del given[field]
    said = wrong(Img2ImgRequest, given)
    assert field in said
    assert "Field required" in said


@pytest.mark.parametrize(("field", "value"), IMAGINE_BAD, ids=lambda value: repr(value)[:30])
def test_imagine_names_the_field_that_is_wrong(field: str, value: Any) -> None:
    said = wrong(ImagineRequest, {"prompt": "a cat", field: value})
    alias = {"get_u_images": "getUImages", "hook_url": "hookUrl"}.get(field, field)
    assert f"\n{field}" in said or f"\n{alias}" in said


@pytest.mark.parametrize(("field", "value"), ACTION_BAD, ids=lambda value: repr(value)[:30])
def test_action_names_the_field_that_is_wrong(field: str, value: Any) -> None:
    said = wrong(ActionRequest, {"job_id": "j", "action": "upsample1", field: value})
    assert f"\n{field}" in said or f"\n{ {'job_id': 'jobId'}.get(field, field) }" in said


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("cfg_scale", "guidance_scale"),
        ("controlnet_units", "controlnet"),
        ("ip_adapter", "ip_adapters"),
        ("negativ_prompt", "negative_prompt"),
        ("sampler", "sampler_name"),
        ("model", "model_name"),
        ("lora", "loras"),
        ("Prompt", "prompt"),
        ("image_bas64", "image_base64"),
        ("guidance", "guidance_scale"),
    ],
)
def test_a_misspelt_field_is_named_with_what_was_meant(written: str, meant: str) -> None:
    """A server would ignore it, and bill."""
    said = wrong(Img2ImgRequest, {**base(), written: 7})
    assert repr(written) in said
    assert f"did you mean {meant!r}" in said


@pytest.mark.parametrize(
    ("kind", "fields", "written", "meant"),
    [
        (ImagineRequest, {"prompt": "p", "promt": "q"}, "promt", "prompt"),
        (ImagineRequest, {"prompt": "p", "translate": True}, "translate", "translation"),
        (ActionRequest, {"jobID": "j", "action": "reroll"}, "jobID", "jobId"),
        (Img2ImgRequest, {**base(), "loras": [{"model_name": "l", "strenght": 1}]}, "strenght", "strength"),
        (
            Img2ImgRequest,
            {**base(), "controlnet": {"units": [{**UNIT, "guidance_stop": 1}]}},
            "guidance_stop",
            "guidance_start",
        ),
        (
            Img2ImgRequest,
            {**base(), "extra": {"response_image_typ": "png"}},
            "response_image_typ",
            "response_image_type",
        ),
    ],
)
def test_a_misspelt_field_is_named_wherever_it_stands(
    kind: type[Any], fields: dict[str, Any], written: str, meant: str
) -> None:
    said = wrong(kind, fields)
    assert repr(written) in said
    assert f"did you mean {meant!r}" in said


def test_the_vendors_spelling_is_taken_and_ours_kept() -> None:
    asked = ActionRequest.model_validate({"jobId": "j", "action": "reroll"})
    assert asked == ActionRequest(job_id="j", action="reroll")
    assert asked.body({})["jobId"] == "j"
    assert asked.canonical({})["job_id"] == "j"
    said = wrong(ActionRequest, {"jobId": "j", "job_id": "k", "action": "reroll"})
    assert "'job_id' is given twice, once in the vendor's spelling" in said


def test_a_field_like_no_other_is_told_with_those_there_are() -> None:
    said = wrong(ImagineRequest, {"prompt": "p", "qqq": 1})
    assert "'qqq'" in said
    assert "prompt" in said
    assert "mode" in said


WITH_PICTURE: dict[str, dict[str, Any]] = {
    "another field is wrong": {"image": PICTURE, "width": 1},
    "another field is misspelt": {"image": PICTURE, "cfg_scale": 1},
    "given by both names": {"image": PICTURE, "image_base64": PICTURE},
    "a dict of bytes": {"image": {"data": PICTURE}},
    "a source that is a list": {"image": {"source": [PICTURE]}},
    "half a media file": {"image": {"uri": PICTURE, "sha256": PICTURE}},
    "a list": {"image": [PICTURE]},
    "a bytearray": {"image": bytearray(PICTURE)},
    "a memoryview": {"image": memoryview(PICTURE)},
    "in the wrong field": {"model_name": PICTURE},
    "in a unit that is wrong": {"controlnet": {"units": [{"model_name": "m", "image": PICTURE, "strength": 9}]}},
    "a dict of bytes in a unit": {"controlnet": {"units": [{"model_name": "m", "image": {"data": PICTURE}}]}},
    "in an adapter that is wrong": {"ip_adapters": [{"model_name": "m", "image": PICTURE, "strength": 9}]},
    "a data URI": {"image": "data:image/png;base64,iVBORw0KGgo" + "A" * 5000},
}


@pytest.mark.parametrize("case", WITH_PICTURE)
def test_no_complaint_shows_the_picture(case: str) -> None:
    """Neither its bytes nor its base64 text, not even their beginning."""
    with pytest.raises(ValidationError) as caught:
        Img2ImgRequest(**{**base(), **WITH_PICTURE[case]})
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + str(caught.value)
    for beginning in ("x89PNG", "IHDR", "iVBORw0KGgo"):
        assert beginning not in shown


def test_no_complaint_of_a_picture_on_its_own_shows_it() -> None:
    """As the parameter of a task or a flow."""
    with pytest.raises(ValidationError) as caught:
        Picture.model_validate({"source": [PICTURE]})
    assert "IHDR" not in str(caught.value) + repr(caught.value)


def test_a_data_uri_is_refused_with_what_to_give_instead() -> None:
    said = wrong(Img2ImgRequest, {**base(), "image": "data:image/png;base64,iVBORw0KGgo"})
    assert "image" in said
    assert "data: URI" in said
    assert "path" in said


def test_a_request_that_is_shown_does_not_show_its_picture() -> None:
    request = Img2ImgRequest(**{**base(), "image": PICTURE})
    for shown in (repr(request), str(request), request.model_dump_json(), repr(request.model_dump())):
        assert "IHDR" not in shown
        assert "iVBORw0KGgo" not in shown
        assert str(len(PICTURE)) in shown


@pytest.mark.parametrize(
    "fields",
    [
        {
            "width": 128,
            "height": 2048,
            "image_num": 8,
            "steps": 100,
            "guidance_scale": 30,
            "strength": 1,
            "clip_skip": 12,
        },
        {"width": 2048, "height": 128, "image_num": 1, "steps": 1, "guidance_scale": 1, "strength": 0, "clip_skip": 1},
        {"prompt": "p" * 1024, "negative_prompt": "n" * 1024, "seed": -1},
        {"prompt": "p", "negative_prompt": "", "seed": 0},
        {"loras": [LORA] * 5, "embeddings": [{"model_name": "e"}] * 5, "ip_adapters": [ADAPTER]},
        {"controlnet": {"units": [UNIT] * 8}},
    ],
    ids=lambda fields: repr(fields)[:30],
)
def test_the_ends_of_every_range_are_inside(fields: dict[str, Any]) -> None:
    assert img2img(**fields)


def test_the_ends_of_midjourneys_ranges_are_inside() -> None:
    assert imagine("p" * 6000, timeout=300, mode="relax")
    assert imagine("p", timeout=1200, mode="turbo")


def test_blanks_around_a_prompt_do_not_make_another_job() -> None:
    assert imagine("  a cat\n").canonical({}) == imagine("a cat").canonical({})


def test_a_title_says_in_a_few_words_what_is_made() -> None:
    assert imagine("a cat").title == "a cat"
    assert len(imagine("a cat " * 100).title) <= 60
    assert ActionRequest(job_id="0123456789", action="reroll").title == "reroll of 01234567"

"""Novita AI as its pages and its official clients have it."""

from __future__ import annotations

import base64
import io
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image

from prefect_genmedia.emulator import Emulator
from tests.emulator.clients import ASKED, Novita, difference, photo, picture_of
from tests.patience import PATIENCE, until


def test_from_queue_to_picture(emulator: Emulator, novita: Novita) -> None:
    emulator.configure(hold=True, queue_seconds=PATIENCE)
    reply = novita.post()
    assert reply.headers["x-genmedia-emulator"] == "1"
    assert list(reply.json()) == ["task_id"]
    waiting = novita.read(reply.json()["task_id"]).json()
    assert waiting["task"]["status"] == "TASK_STATUS_QUEUED"
    assert waiting["images"] == waiting["videos"] == waiting["audios"] == []
    assert isinstance(waiting["extra"]["seed"], str)
    emulator.configure(queue_seconds=0.01)
    task = novita.submit()
    running = until(lambda: (body := novita.read(task).json())["task"]["status"] == "TASK_STATUS_PROCESSING" and body)
    assert 0 <= running["task"]["progress_percent"] <= 99
    emulator.release(task)
    done = novita.finished(task)
    assert done["task"] == {
        "task_id": task,
        "task_type": "IMG_TO_IMG",
        "status": "TASK_STATUS_SUCCEED",
        "reason": "",
        "eta": 0,
        "progress_percent": 0,
    }
    [image] = done["images"]
    assert (image["image_url_ttl"], image["image_type"], image["nsfw_detection_result"]) == ("3600", "png", None)
    assert f"/s3/prod/{task}/" in image["image_url"]
    assert picture_of(novita.bare.get(image["image_url"])).size == (192, 128)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_the_type_asked_for(novita: Novita, kind: str) -> None:
    done = novita.done({"response_image_type": kind}, image_num=3)
    contents = []
    for image in done["images"]:
        reply = novita.bare.get(image["image_url"])
        assert reply.headers["content-type"] == f"image/{kind}"
        assert urlsplit(image["image_url"]).path.endswith(f".{kind}")
        assert Image.open(io.BytesIO(reply.content)).format == kind.upper()
        contents.append(reply.content)
    assert len(set(contents)) == 3


def test_strength_leads_from_the_input_to_something_else(novita: Novita) -> None:
    source = Image.open(io.BytesIO(base64.b64decode(ASKED["image_base64"]))).convert("RGB").resize((192, 128))
    far = []
    for strength in (0, 0.3, 0.6, 1):
        done = novita.done(strength=strength, seed=5)
        far.append(difference(source, picture_of(novita.bare.get(done["images"][0]["image_url"]))))
    assert far == sorted(far)
    assert far[0] < 1
    other = photo(64, 64, "JPEG")
    one, two = (novita.done(strength=1, seed=5, image_base64=image) for image in (ASKED["image_base64"], other))
    assert _bytes(novita, one) == _bytes(novita, two)


def test_a_seed_repeats_the_picture(novita: Novita) -> None:
    one, two, three = (novita.done(seed=seed, strength=0.8) for seed in (11, 11, -1))
    assert one["extra"]["seed"] == two["extra"]["seed"] == "11"
    assert _bytes(novita, one) == _bytes(novita, two) != _bytes(novita, three)
    assert three["extra"]["seed"] != novita.done(seed=-1, strength=0.8)["extra"]["seed"]


def _bytes(novita: Novita, done: dict[str, Any]) -> bytes:
    return novita.bare.get(done["images"][0]["image_url"]).content


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("width", value) for value in (127, 2049, "512", 512.0, True, None)),
        *(("height", value) for value in (127, 2049)),
        *(("image_num", value) for value in (0, 9)),
        *(("steps", value) for value in (0, 101)),
        *(("guidance_scale", value) for value in (0.5, 31, "7")),
        *(("prompt", value) for value in ("", "x" * 1025, None)),
        ("negative_prompt", "x" * 1025),
        ("sampler_name", "Oiler"),
        ("model_name", ""),
        ("seed", -2),
        ("clip_skip", 13),
        ("strength", 1.1),
        ("loras", [{"model_name": "a", "strength": 0.5}] * 6),
        ("loras", [{"model_name": "a"}]),
        ("embeddings", [{}]),
        ("embeddings", "a"),
        ("controlnet", {}),
        ("controlnet", {"units": [{"model_name": "a", "image_base64": photo(), "strength": 2}]}),
        ("controlnet", {"units": [{"model_name": "a", "image_base64": photo(), "strength": 1, "preprocessor": "x"}]}),
        ("ip_adapters", [{"model_name": "a", "image_base64": photo(), "strength": 1}]),
    ],
)
def test_a_field_out_of_range_is_named(emulator: Emulator, novita: Novita, field: str, value: Any) -> None:
    reply = novita.post(**{field: value})
    body = reply.json()
    assert reply.status_code == 400
    assert (body["code"], body["reason"], body["metadata"]) == (400, "INVALID_REQUEST_BODY", {})
    assert f"request.{field}" in body["message"]
    assert emulator.billed() == 0


@pytest.mark.parametrize(
    "extra",
    [
        {"response_image_type": "gif"},
        {"nsfw_detection_level": 3},
        {"enable_nsfw_detection": "yes"},
        {"webhook": {"test_mode": {"enabled": True, "return_task_status": "TASK_STATUS_SUCCEED"}}},
        {"webhook": {"url": "http://example.invalid", "test_mode": {"enabled": True}}},
        {"custom_storage": {"aws_s3": {"region": "eu-west-1"}}},
    ],
)
def test_extra_is_checked_too(novita: Novita, extra: dict[str, Any]) -> None:
    assert novita.post(extra).json()["reason"] == "INVALID_REQUEST_BODY"


def test_a_flat_body_is_not_taken(novita: Novita) -> None:
    reply = novita.http.post("/v3/async/img2img", json=ASKED)
    assert (reply.status_code, reply.json()["reason"]) == (400, "INVALID_REQUEST_BODY")


def test_what_official_clients_send_is_taken(novita: Novita) -> None:
    unset = dict.fromkeys(
        ["negative_prompt", "sd_vae", "seed", "clip_skip", "strength", "controlnet", "loras", "steps", "ip_adapters"]
    )
    extra = {"custom_storage": {}, "enterprise_plan": {}, "webhook": None, "nsfw_detection_level": None}
    body = {"extra": extra, "request": {**ASKED, **unset, "extra": {}, "restore_faces": True}}
    task = novita.http.post("/v3/async/img2img", json=body).json()["task_id"]
    assert novita.finished(task)["images"]
    novita.http.headers["Authorization"] = "key-two"  # the JS SDK: no "Bearer"
    assert novita.read(task).status_code == 200


def test_strict_names_the_misspelt_field(emulator: Emulator, novita: Novita) -> None:
    emulator.configure(strict=True)
    harmless = {"request": {**ASKED, "extra": {}}}  # the official Python client's
    assert novita.http.post("/v3/async/img2img", json=harmless).status_code == 200
    assert "did you mean guidance_scale?" in novita.post(cfg_scale=7).json()["message"]
    assert "request.widht: unknown field; did you mean width?" in novita.post(widht=7).json()["message"]
    assert "extra.webhok" in novita.post({"webhok": {}}).json()["message"]
    assert novita.http.post("/v3/async/img2img", json={"request": ASKED, "extras": {}}).status_code == 400


def test_pictures_sent_are_really_read(emulator: Emulator, novita: Novita) -> None:
    def reason(image: str) -> str:
        return str(novita.post(image_base64=image).json()["reason"])

    assert reason("not base64!") == "INVALID_IMAGE_FORMAT"
    assert reason("data:image/png;base64," + photo()) == "INVALID_IMAGE_FORMAT"
    assert "no data: prefix" in novita.post(image_base64="data:image/png;base64," + photo()).json()["message"]
    assert reason(base64.b64encode(b"no picture").decode()) == "INVALID_IMAGE_FORMAT"
    assert reason(photo()[:200]) == "INVALID_IMAGE_FORMAT"
    assert reason(photo(kind="GIF")) == "INVALID_IMAGE_FORMAT"
    assert reason(photo(4001, 4000)) == "IMAGE_EXCEEDS_MAX_RESOLUTION"
    assert reason(base64.b64encode(bytes(10_000_001)).decode()) == "IMAGE_FILE_EXCEEDS_MAX_SIZE"
    assert emulator.billed() == 0


def test_moderation(emulator: Emulator, novita: Novita) -> None:
    assert novita.post(prompt="a Forbidden-by-emulator fox").json()["reason"] == "ILLEGAL_PROMPT"
    failed = novita.finished(novita.submit(prompt="denied-by-emulator"))
    assert failed["task"]["status"] == "TASK_STATUS_FAILED"
    assert (failed["task"]["reason"], failed["images"]) == ("failed to exec task", [])
    plain = novita.done({"enable_nsfw_detection": True})
    found = novita.done({"enable_nsfw_detection": True, "nsfw_detection_level": 2}, prompt="nsfw-by-emulator")
    assert plain["extra"]["enable_nsfw_detection"] is True
    assert plain["images"][0]["nsfw_detection_result"] == {"valid": True, "confidence": 0}
    assert found["images"][0]["nsfw_detection_result"] == {"valid": True, "confidence": 99}


def test_money(emulator: Emulator, novita: Novita) -> None:
    emulator.configure(start_balance=1)  # 100 units of 0.0001 USD
    novita.done({"enable_nsfw_detection": True}, image_num=2)
    assert novita.balance() == 100 - 2 * (15 + 15)
    novita.finished(novita.submit(prompt="denied-by-emulator"))
    assert novita.balance() == 40
    assert novita.http.get("/v3/user").json()["credit_balance"] == 40
    reply = novita.post(image_num=3)
    assert (reply.status_code, reply.json()["reason"]) == (400, "BILLING_BALANCE_NOT_ENOUGH")
    assert emulator.billed("novita.img2img") == 2


def test_images_per_minute(emulator: Emulator, novita: Novita) -> None:
    emulator.configure(rate_limit_images_per_minute=10)
    assert novita.post(image_num=8).status_code == 200
    reply = novita.post(image_num=3)
    assert (reply.status_code, reply.json()["reason"]) == (429, "RATE_LIMIT_EXCEEDED")
    assert "retry-after" not in reply.headers
    assert novita.post(image_num=2).status_code == 200
    assert Novita(emulator, "another").post().status_code == 200


@pytest.mark.parametrize(("setting", "missing", "wrong"), [(403, 400, 403), (401, 401, 401)])
def test_keys(emulator: Emulator, setting: int, missing: int, wrong: int) -> None:
    emulator.configure(api_key="secret", novita_auth_status=setting)
    assert Novita(emulator, "secret").http.get("/v3/user").status_code == 200
    reply = Novita(emulator, "other").post()
    assert (reply.status_code, reply.json()["code"], reply.json()["reason"]) == (wrong, wrong, "INVALID_API_KEY")
    none = Novita(emulator).bare.get(f"{emulator.url}/v3/user")
    assert (none.status_code, none.json()["reason"]) == (missing, "MISSING_API_KEY")


def test_unknown_tasks_and_paths(emulator: Emulator, novita: Novita) -> None:
    task = novita.submit()
    for reply in (novita.read("nope"), Novita(emulator, "another").read(task)):
        assert (reply.status_code, reply.json()["reason"]) == (404, "TASK_NOT_FOUND")
    assert novita.http.get("/v3/async/task-result").status_code == 400
    missing = novita.http.post("/v3/async/no-such-function", json={})
    assert (missing.status_code, missing.json()["reason"]) == (404, "API_NOT_FOUND")


def test_links_expire_and_are_signed_anew(emulator: Emulator, novita: Novita) -> None:
    emulator.configure(link_seconds=0)
    done = novita.done()
    dead = novita.bare.get(done["images"][0]["image_url"])
    assert dead.status_code == 403
    assert dead.headers["content-type"] == "application/xml"
    assert "<Code>AccessDenied</Code><Message>Request has expired</Message>" in dead.text
    emulator.configure(link_seconds=3600)
    again = novita.read(done["task"]["task_id"]).json()["images"][0]["image_url"]
    assert novita.bare.get(again).status_code == 200
    assert urlsplit(again).path == urlsplit(done["images"][0]["image_url"]).path


def test_links_cannot_be_forged(novita: Novita) -> None:
    link = novita.done()["images"][0]["image_url"]
    query = parse_qs(urlsplit(link).query)
    assert list(query)[0:2] == ["X-Amz-Algorithm", "X-Amz-Credential"]
    longer = link.replace("X-Amz-Expires=3600", "X-Amz-Expires=9999")
    for forged in (longer, link[:-1] + ("0" if link[-1] != "0" else "1")):
        reply = novita.bare.get(forged)
        assert (reply.status_code, "SignatureDoesNotMatch" in reply.text) == (403, True)
    unsigned = novita.bare.get(link.partition("?")[0])
    assert (unsigned.status_code, "Access Denied" in unsigned.text) == (403, True)


def test_a_bucket_of_ones_own(novita: Novita) -> None:
    def path(**more: Any) -> str:
        s3 = {"region": "eu-west-1", "bucket": "shop", "path": "/out put", **more}
        done = novita.done({"custom_storage": {"aws_s3": s3}})
        link = done["images"][0]["image_url"]
        assert "?" not in link
        assert picture_of(novita.bare.get(link)).size == (192, 128)
        return urlsplit(link).path.replace(done["task"]["task_id"], "TASK").rpartition("/")[0]

    assert path() == "/s3/shop.s3.eu-west-1/out%20put/TASK"
    assert path(save_to_path_directly=True) == "/s3/shop.s3.eu-west-1/out%20put"
    assert path(path="/", save_to_path_directly=True) == "/s3/shop.s3.eu-west-1"
    wrong = novita.post({"custom_storage": {"aws_s3": {"region": "eu", "bucket": "a/b", "path": "/"}}})
    assert wrong.json()["reason"] == "INVALID_CUSTOM_OUTPUT_PATH"


def test_the_times_are_there(novita: Novita) -> None:
    info = novita.done()["extra"]["debug_info"]
    begun, run, ended = (int(info[f"{name}_time_ms"]) for name in ("submit", "execute", "complete"))
    assert begun <= run <= ended <= time.time() * 1000 + 1

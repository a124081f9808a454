"""Novita's videos, and the sound that no known path makes."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from prefect_genmedia.emulator import Emulator
from tests.emulator.clients import difference, photo, picture_of
from tests.emulator.operations import CASES, DATA_URI, FIXED, LINK, TASK, V1, Api
from tests.emulator.playback import heard, samples, seconds

IMG2VIDEO = "/v3/async/img2video"
TXT2VIDEO = "/v3/async/txt2video"
KLING = "/v3/async/kling-v1.6-i2v"
HAILUO = "/v3/async/minimax-hailuo-02"
SVD = FIXED["img2video"]
DIFF = FIXED["txt2video"]


@pytest.fixture
def api(emulator: Emulator) -> Api:
    emulator.configure(novita_retired="")
    return Api(emulator)


def film(api: Api, answer: dict[str, Any]) -> bytes:
    [video] = answer["videos"]
    return api.bare.get(video["video_url"]).content


def size(content: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(samples(content)[0])).size


def test_img2video(api: Api) -> None:
    answer = api.done(IMG2VIDEO, TASK, **{**SVD, "image_file": photo(320, 200)})
    assert answer["task"]["task_type"] == "IMG_TO_VIDEO"
    assert (answer["task"]["progress_percent"], answer["images"], answer["audios"]) == (100, [], [])
    [video] = answer["videos"]
    assert {name: value for name, value in video.items() if name != "video_url"} == {
        "video_url_ttl": "3600",
        "video_type": "mp4",
    }
    content = film(api, answer)
    assert (size(content), seconds(content)) == ((320, 200), pytest.approx(14 / 6, abs=0.01))
    cropped = api.done(
        IMG2VIDEO,
        TASK,
        **{**SVD, "model_name": "SVD-XT", "frames_num": 25, "image_file_resize_mode": "CROP_TO_ASPECT_RATIO"},
    )
    assert (size(film(api, cropped)), seconds(film(api, cropped))) == ((1024, 576), pytest.approx(25 / 6, abs=0.01))


def test_a_gif(api: Api) -> None:
    answer = api.done(IMG2VIDEO, TASK, **SVD, extra={"response_video_type": "gif", "enterprise_plan": {}})
    assert answer["videos"][0]["video_type"] == "gif"
    reply = api.bare.get(answer["videos"][0]["video_url"])
    assert reply.headers["content-type"] == "image/gif"
    picture = Image.open(io.BytesIO(reply.content))
    assert (picture.format, picture.n_frames > 1, picture.size) == ("GIF", True, (96, 64))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model_name", "SVD-2"),
        ("frames_num", 25),
        ("frames_per_second", 7),
        ("image_file", "AAAA"),
        ("image_file", DATA_URI),
        ("image_file", LINK),
        ("image_file", DATA_URI + photo()),
        ("image_file", photo(2049, 16)),
        ("image_file_resize_mode", "SQUASH"),
        ("steps", 51),
        ("seed", -2),
        ("motion_bucket_id", 256),
        ("cond_aug", 1.1),
        ("enable_frame_interpolation", 1),
        ("extra", {"response_video_type": "webm"}),
    ],
)
def test_img2video_names_what_is_wrong(emulator: Emulator, api: Api, field: str, value: Any) -> None:
    assert field in api.refused(IMG2VIDEO, **{**SVD, field: value})
    assert emulator.billed() == 0


def test_txt2video(api: Api) -> None:
    parts = [{"frames": 64, "prompt": "a fox"}, {"frames": 32, "prompt": "an owl"}]
    answer = api.done(TXT2VIDEO, TASK, **{**DIFF, "prompts": parts})
    assert answer["task"]["task_type"] == "TXT_TO_VIDEO"
    assert (size(film(api, answer)), seconds(film(api, answer))) == ((320, 256), pytest.approx(12, abs=0.01))
    assert "128 frames" in api.refused(TXT2VIDEO, **{**DIFF, "prompts": [*parts, *parts]})
    for wrong in ([], [{"frames": 7, "prompt": "x"}], [{"prompt": "x"}], ["x"], "x", None):
        assert "prompts" in api.refused(TXT2VIDEO, **{**DIFF, "prompts": wrong})
    assert "width" in api.refused(TXT2VIDEO, **{**DIFF, "width": 255})
    looped = samples(film(api, api.done(TXT2VIDEO, TASK, **DIFF, closed_loop=True)))
    assert difference(*(Image.open(io.BytesIO(looped[place])) for place in (0, -1))) < 1


def test_a_seed_repeats_the_film(api: Api) -> None:
    one, two, other = (film(api, api.done(TXT2VIDEO, TASK, **DIFF, seed=seed)) for seed in (5, 5, 6))
    assert one == two != other


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        ("hunyuan-video-fast", {"frames": 96, "width": 864, "height": 480}, ("HUNYUAN_VIDEO_FAST", (864, 480), 4)),
        ("wan-t2v", {"width": 720, "height": 1280}, ("WAN_TXT_TO_VIDEO", (720, 1280), 5)),
        ("kling-v1.6-i2v", {"duration": 10}, ("KLING_V16_I2V_STANDARD", (1280, 720), 10)),
        (
            "kling-v1.6-i2v",
            {"mode": "Professional", "end_image_url": LINK},
            ("KLING_V16_I2V_PROFESSIONAL", (1280, 720), 5),
        ),
        ("kling-v2.1-t2v-master", {"aspect_ratio": "1:1", "duration": "10"}, ("KLING_V21_T2V_MASTER", (960, 960), 10)),
        ("minimax-hailuo-02", {"resolution": "1080P"}, ("MINIMAX_HAILUO_02", (1920, 1080), 6)),
    ],
)
def test_newer_ones(api: Api, name: str, body: dict[str, Any], expected: tuple[str, tuple[int, int], float]) -> None:
    case = next(case for case in CASES if case.path == f"/v3/async/{name}")
    answer = api.done(case.path, TASK, **{**case.body(api), **body})
    content = film(api, answer)
    assert (answer["task"]["task_type"], size(content), seconds(content)) == (
        *expected[:2],
        pytest.approx(expected[2], abs=0.01),
    )


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("hunyuan-video-fast", "width", 720),
        ("hunyuan-video-fast", "seed", None),
        ("hunyuan-video-fast", "frames", None),
        ("hunyuan-video-fast", "frames", 84),
        ("hunyuan-video-fast", "steps", 31),
        ("hunyuan-video-fast", "model_name", "hunyuan"),
        ("wan-t2v", "width", 640),
        ("wan-t2v", "loras", [{"path": "a"}]),
        ("wan-t2v", "prompt", "x" * 2001),
        ("kling-v1.6-i2v", "end_image_url", LINK),
        ("kling-v1.6-i2v", "image_url", None),
        ("kling-v1.6-i2v", "duration", 6),
        ("kling-v2.1-t2v-master", "duration", 5),
        ("kling-v2.1-t2v-master", "aspect_ratio", "4:3"),
        ("minimax-hailuo-02", "image", "AAAA"),
        ("minimax-hailuo-02", "resolution", "720P"),
    ],
)
def test_newer_ones_name_what_is_wrong(emulator: Emulator, api: Api, name: str, field: str, value: Any) -> None:
    case = next(case for case in CASES if case.path == f"/v3/async/{name}")
    assert field in api.refused(case.path, **{**case.body(api), field: value})
    assert emulator.billed() == 0


def test_a_picture_of_ones_own_comes_first(emulator: Emulator, api: Api) -> None:
    link = api.done("/midjourney/v1/imagine", V1, prompt="a fox --ar 16:9")["data"]["images"][0]
    source = picture_of(api.bare.get(link))
    for path, body in ((KLING, {"image_url": link}), (HAILUO, {"image": link})):
        first = Image.open(io.BytesIO(samples(film(api, api.done(path, TASK, prompt="wind", **body)))[0]))
        assert difference(first, source) < 4
    sent = samples(film(api, api.done(HAILUO, TASK, prompt="wind", image=DATA_URI + photo(160, 90))))
    assert difference(Image.open(io.BytesIO(sent[0])), Image.radial_gradient("L").convert("RGB")) < 6
    dead = api.finished(TASK, api.submit(KLING, prompt="wind", image_url=f"{emulator.url}/cdn/no.png"))
    assert (dead["task"]["status"], dead["task"]["reason"]) == ("TASK_STATUS_FAILED", "failed to exec task")


def test_unified_creation(emulator: Emulator, api: Api) -> None:
    configs = api.bare.get(f"{emulator.url}/v3/admin/video-unify-api/config").json()["configs"]
    names = [config["model"] for config in configs]
    assert names == [
        *("hunyuan-video-fast", "wan-t2v", "kling-v1.6-i2v", "kling-v2.1-t2v-master", "minimax-hailuo-02"),
        *(
            "kling-v3.0-std-i2v",
            "kling-v3.0-pro-i2v",
            "kling-v3.0-std-t2v",
            "wan2.7-i2v",
            "minimax-hailuo-2.3-fast-i2v",
        ),
    ]
    for config in configs:
        case = next(case for case in CASES if case.path == f"/v3/async/{config['model']}")
        body = {name: value for name, value in case.body(api).items() if name != "model_name"}
        schema = json.loads(config["json_schema"])
        Draft202012Validator.check_schema(schema)
        Draft202012Validator(schema).validate(body)
        answer = api.done("/v3/video/create", TASK, model=config["model"], **body)
        assert answer["task"]["task_type"] == api.done(case.path, TASK, **case.body(api))["task"]["task_type"]
    assert "model: must be one of" in api.refused("/v3/video/create", model="nothing", prompt="a fox")
    assert "model: must be one of" in api.refused("/v3/video/create", prompt="a fox")


def test_unified_creation_calls_back(emulator: Emulator, api: Api) -> None:
    body = {"model": "kling-v2.1-t2v-master", "prompt": "a fox"}
    for url in ("http://example.invalid/1", "http://example.invalid/2"):
        api.done("/v3/video/create", TASK, **body, callback=url)
    rows = emulator.jobs()["jobs"]
    assert [row["hook_url"] for row in rows] == ["http://example.invalid/1", "http://example.invalid/2"]
    assert len({row["request_sha256"] for row in rows}) == 1


def test_sound_that_is_planted(emulator: Emulator, api: Api) -> None:
    task = emulator.plant("novita.audio", "key-three", prompt="good morning")
    answer = api.finished(TASK, task)
    assert (answer["images"], answer["videos"]) == ([], [])
    [audio] = answer["audios"]
    assert (audio["audio_url_ttl"], audio["audio_type"]) == ("3600", "wav")
    assert audio["audio_metadata"] == {"text": "good morning", "start_time": 0, "end_time": 3}
    reply = api.bare.get(audio["audio_url"])
    assert reply.headers["content-type"] == "audio/wav"
    assert len(heard(reply.content)) == 3 * 16000
    assert emulator.billed("novita.audio") == 1

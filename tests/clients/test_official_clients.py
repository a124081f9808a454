"""Novita's official clients, unchanged, take the emulator for Novita: strict or not."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from prefect_genmedia.emulator import Emulator

pytestmark = pytest.mark.slow  # they are installed first
each_way = pytest.mark.parametrize("strict", [False, True], ids=["tolerant", "strict"])


@pytest.mark.clients
@pytest.mark.xdist_group("python-client")
@each_way
def test_python(genmedia_emulator: Emulator, use_python: Callable[[str], Any], strict: bool) -> None:
    genmedia_emulator.configure(strict=strict)
    said = use_python(genmedia_emulator.url)
    balance = said.pop("user")
    assert balance == 1_000_000
    count, names = said.pop("models")
    assert count == names > 30
    cursor = said["loras"].pop()
    assert cursor.startswith("c_")
    assert {"TASK_STATUS_SUCCEED"} < set(said.pop("statuses"))
    assert said == {
        "loras": [["lora"] * 3],
        "next": True,
        "txt2img": ["TASK_STATUS_SUCCEED", "TXT_TO_IMG", 7, [["JPEG", 256, 192]] * 2],
        "img2img": ["TASK_STATUS_SUCCEED", "IMG_TO_IMG", [["PNG", 192, 128]]],
        "nsfw": [0],
        "task-result": [True, True, 1],
        "img2video": ["IMG_TO_VIDEO", ["ftyp"]],
        "txt2video": ["TXT_TO_VIDEO", ["GIF89a"]],
        "failed": True,
        "refused": True,
    }
    assert genmedia_emulator.jobs()["counts"] == {
        "novita.img2img": 1,
        "novita.img2video": 1,
        "novita.txt2img": 2,
        "novita.txt2video": 1,
    }
    assert genmedia_emulator.requests()["key_on_foreign_request"] == 0


@pytest.mark.clients("node", "npm")
@pytest.mark.xdist_group("node-client")
@each_way
def test_node(genmedia_emulator: Emulator, use_node: Callable[[str, str], Any], strict: bool) -> None:
    genmedia_emulator.configure(strict=strict)
    picture, file = Image.radial_gradient("L").resize((96, 64)).convert("RGB"), io.BytesIO()
    picture.save(file, "PNG")
    said = use_node(genmedia_emulator.url, base64.b64encode(file.getvalue()).decode())
    assert said == {
        "models": ["checkpoint"] * 5,
        "next": True,
        "txt2img": ["TXT_TO_IMG", "png", [200, "image/png", "PNG\r\n\x1a\n"]],
        "img2img": ["IMG_TO_IMG", "png", [200, "image/png", "PNG\r\n\x1a\n"]],
        "again": "TASK_STATUS_SUCCEED",
        "img2video": ["IMG_TO_VIDEO", "mp4", [200, "video/mp4", "\x00\x00\x1cftyp"]],
        "hunyuan": "HUNYUAN_VIDEO_FAST",
        "refused": [400, "INVALID_REQUEST_BODY", "string"],
        "unknown": [404, "TASK_NOT_FOUND", "string"],
        "retired": [404, "API_NOT_FOUND", "string"],
    }
    assert genmedia_emulator.jobs()["counts"] == {
        "novita.hunyuan_video_fast": 1,
        "novita.img2img": 1,
        "novita.img2video": 1,
        "novita.txt2img": 1,
    }
    assert genmedia_emulator.requests()["key_on_foreign_request"] == 0

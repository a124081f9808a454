"""NovelAI: the fetch is the vendor's example; where a job is submitted is a setting."""

from __future__ import annotations

import re
from typing import Any

import pytest

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.emulator.ttapi.novelai import CANDIDATES
from tests.emulator.clients import Receiver, picture_of
from tests.emulator.operations import NOVELAI, Api
from tests.patience import until


@pytest.fixture
def api(emulator: Emulator) -> Api:
    return Api(emulator)


def test_the_answer_is_the_vendors_example(emulator: Emulator, api: Api) -> None:
    emulator.configure(hold=True)
    job = api.submit("/novelai/generate", prompt="1girl, coffee", n_samples=2, width=320, height=448)
    running = api.read(NOVELAI, job).json()
    assert running["data"]["imageUrl"] is running["data"]["finishTime"] is None
    emulator.release()
    answer = api.finished(NOVELAI, job)
    assert list(answer) == ["data", "jobId", "message", "status"]
    assert list(answer["data"]) == ["finishTime", "hookUrl", "imageUrl", "prompt", "quota"]
    assert (answer["jobId"], answer["message"], answer["status"]) == (job, "success", "SUCCESS")
    data = answer["data"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", data["finishTime"])
    assert (data["hookUrl"], data["prompt"], data["quota"]) == (None, "1girl, coffee", "4.00")
    assert [url[-5:] for url in data["imageUrl"]] == ["1.png", "2.png"]
    pictures = [picture_of(api.bare.get(url)) for url in data["imageUrl"]]
    assert [picture.size for picture in pictures] == [(320, 448)] * 2
    assert pictures[0].tobytes() != pictures[1].tobytes()


def test_a_failed_one(api: Api) -> None:
    failed = api.finished(NOVELAI, api.submit("/novelai/generate", prompt="denied-by-emulator"))
    assert (failed["status"], failed["data"]["imageUrl"]) == ("FAILED", None)
    assert failed["message"].startswith("[Banned prompt detected]")


@pytest.mark.parametrize("chosen", [None, *CANDIDATES, "/novelai/v1/text2image"])
def test_the_setting_chooses_the_path(emulator: Emulator, api: Api, chosen: str | None) -> None:
    emulator.configure(novelai_path=chosen)
    paths = [*CANDIDATES, "/novelai/v1/text2image"]
    found = [path for path in paths if api.post(path, prompt="a cat").status_code == 200]
    assert found == (list(CANDIDATES) if chosen is None else [chosen])
    assert api.post("/novelai/nowhere", prompt="a cat").json() == {
        "status": "FAILED",
        "message": "Not found",
        "data": None,
    }
    assert emulator.billed("novelai.text_to_image") == len(found)


@pytest.mark.parametrize("name", ["hookUrl", "hook_url"])
def test_both_callbacks_are_taken(emulator: Emulator, api: Api, receiver: Receiver, name: str) -> None:
    answer = api.done("/novelai/generate", NOVELAI, prompt="a cat", **{name: receiver.url})
    until(lambda: receiver.got and not emulator.callbacks()["under_way"])
    assert receiver.bodies() == [answer]
    assert answer["data"]["hookUrl"] == receiver.url


def test_unknown_fields_are_taken_and_a_seed_repeats(api: Api) -> None:
    def drawn(seed: Any) -> bytes:
        more = {"character_prompts": [{"prompt": "a cat"}], "sampler": "k_euler", "quality_toggle": True}
        data = api.done("/novelai/generate", NOVELAI, prompt="a cat", seed=seed, width=64, height=64, **more)["data"]
        return api.bare.get(data["imageUrl"][0]).content

    assert drawn(7) == drawn("7") != drawn(8)
    assert drawn(None) != drawn(None)


@pytest.mark.parametrize(
    "body",
    [{}, {"prompt": ""}, {"prompt": "a", "steps": 51}, {"prompt": "a", "n_samples": 0}, {"prompt": "a", "width": 9}],
)
def test_refusals(emulator: Emulator, api: Api, body: dict[str, Any]) -> None:
    assert "Parameter error" in api.refused("/novelai/generate", **body)
    assert emulator.billed() == 0

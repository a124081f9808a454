"""Gemini's pictures, as their page has them: one POST, answered when the picture is drawn, with the picture."""

from __future__ import annotations

import io
import threading
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from prefect_genmedia.emulator import Emulator
from tests.emulator.clients import HASTY, once
from tests.emulator.operations import Api, links_in
from tests.patience import PATIENCE, until

PATH = "/gemini/image/generate"
ASKED: dict[str, Any] = {"prompt": "a fox", "model": "gemini-2.5-flash-image"}


@pytest.fixture
def api(emulator: Emulator) -> Api:
    emulator.configure(queue_seconds=0.0, job_seconds=0.0)
    return Api(emulator)


def purse(api: Api) -> tuple[float, float]:
    data = api.http.get("/midjourney/v1/info").json()["data"]
    return data["balance"], data["freeze_balance"]


def test_it_is_answered_when_the_picture_is_drawn(emulator: Emulator, api: Api) -> None:
    before = purse(api)[0]
    emulator.configure(hold=True)
    answers: list[httpx.Response] = []
    asking = threading.Thread(target=lambda: answers.append(api.post(PATH, **ASKED)))
    asking.start()
    until(lambda: any(job["state"] == "running" for job in emulator.jobs()["jobs"]))
    assert not answers and purse(api) == (before - 2, 2)
    emulator.release()
    asking.join(PATIENCE)
    [answer] = answers
    assert list(answer.json()["data"]) == ["prompt", "refer_images", "image_url", "quota"]
    contract = api.bare.get(f"{emulator.url}/openapi.json").json()
    Draft202012Validator({**contract, "$ref": "#/components/schemas/ttapi.GeminiImage"}).validate(answer.json())
    assert answer.json()["data"]["quota"] == 2 and purse(api) == (before - 2, 0)
    [link] = links_in(answer.json())
    assert Image.open(io.BytesIO(api.bare.get(link).content)).size == (1024, 1024)
    assert emulator.jobs()["jobs"][0]["told_at"]


def test_a_client_that_hangs_up_has_bought_it_all_the_same(emulator: Emulator, api: Api) -> None:
    emulator.configure(hold=True)
    with pytest.raises(httpx.ReadTimeout):
        api.http.post(PATH, json=ASKED, timeout=HASTY)
    until(lambda: emulator.billed() == 1)
    emulator.release()
    until(lambda: [job["state"] for job in emulator.jobs()["jobs"]] == ["succeeded"])
    assert emulator.jobs()["refunded"] == 0


def test_a_failed_one_is_told_and_paid_back(emulator: Emulator, api: Api) -> None:
    before = purse(api)
    once(emulator, "job_fails", message="out of luck")
    answer = api.post(PATH, **ASKED)
    assert (answer.status_code, answer.json()) == (200, {"status": "FAILED", "message": "out of luck", "data": None})
    assert "AI moderator" in api.post(PATH, **{**ASKED, "prompt": "denied-by-emulator"}).json()["message"]
    assert purse(api) == before and emulator.jobs()["refunded"] == emulator.billed() == 2
    assert "banned" in api.refused(PATH, **{**ASKED, "prompt": "forbidden-by-emulator"})


def test_submit_faults(emulator: Emulator, api: Api) -> None:
    once(emulator, "submit_refuse", retry_after=2)
    assert api.post(PATH, **ASKED).status_code == 429
    once(emulator, "submit_html")
    assert "<html>" in api.post(PATH, **ASKED).text
    once(emulator, "submit_refusal_names_job", accepted=False)
    assert api.post(PATH, **ASKED).json()["status"] == "FAILED"
    assert emulator.billed() == 0
    once(emulator, "submit_lose_reply")
    with pytest.raises(httpx.RemoteProtocolError):
        api.post(PATH, **ASKED)
    once(emulator, "submit_slow_reply", seconds=2 * PATIENCE)
    with pytest.raises(httpx.ReadTimeout):
        api.http.post(PATH, json=ASKED, timeout=HASTY)
    until(lambda: emulator.billed() == 2)
    once(emulator, "submit_5xx_after")
    assert api.post(PATH, **ASKED).status_code == 502
    once(emulator, "submit_garbage")
    with pytest.raises(ValueError):
        api.post(PATH, **ASKED).json()
    once(emulator, "submit_missing_id")
    assert list(api.post(PATH, **ASKED).json()["data"]) == ["prompt", "refer_images", "quota"]
    once(emulator, "submit_data_null")
    assert api.post(PATH, **ASKED).json() == {"status": "SUCCESS", "message": "success", "data": None}
    once(emulator, "submit_refusal_names_job")
    named = api.post(PATH, **ASKED).json()
    assert named["status"] == "FAILED" and api.bare.get(named["data"]["image_url"]).status_code == 200
    assert emulator.billed() == 7
    once(emulator, "submit_accept_twice")
    assert len(links_in(api.post(PATH, **ASKED).json())) == 1
    assert emulator.billed() == 9


def test_what_the_page_does_not_have_is_refused(api: Api) -> None:
    for wrong in (
        {"prompt": ""},
        {"model": None},
        {"model": "gemini-2"},
        {"aspect_ratio": "1:1"},
        {"aspect_ratio": "1:8", "model": "gemini-3-pro-image-preview"},
        {"image_size": "8K"},
        {"google_search": True},
        {"thinking_level": "Low"},
        {"refer_images": "https://example.invalid/a.png"},
    ):
        api.refused(PATH, **{**ASKED, **wrong})
    shape = {"aspect_ratio": "1:4", "model": "gemini-3.1-flash-image-preview", "google_search": "true"}
    [link] = links_in(api.post(PATH, **{**ASKED, **shape}).json())
    assert Image.open(io.BytesIO(api.bare.get(link).content)).size == (512, 2048)

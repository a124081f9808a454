"""Midjourney from a given picture or job: blend, describe, inpaint, seed. And its two free checks."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from PIL import Image

from prefect_genmedia.emulator import Emulator
from tests.emulator.clients import Receiver, difference, photo, picture_of
from tests.emulator.operations import DATA_URI, V1, Api, grid, mask
from tests.patience import until

BLEND = "/midjourney/v1/blend"
DESCRIBE = "/midjourney/v1/describe"
INPAINT = "/midjourney/v1/inpaint"
SEED = "/midjourney/v1/seed"


@pytest.fixture
def api(emulator: Emulator) -> Api:
    return Api(emulator)


def plain(colour: str, size: tuple[int, int] = (60, 40), kind: str = "PNG") -> str:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return DATA_URI + base64.b64encode(file.getvalue()).decode()


def whole(api: Api, answer: dict[str, Any]) -> Image.Image:
    return picture_of(api.bare.get(answer["data"]["cdnImage"]))


@pytest.mark.parametrize(("dimensions", "shape"), [("PORTRAIT", 2 / 3), ("SQUARE", 1), ("LANDSCAPE", 3 / 2), (None, 1)])
def test_blend_has_the_shape_asked_for(api: Api, dimensions: str | None, shape: float) -> None:
    answer = api.done(BLEND, V1, imgBase64Array=[plain("red"), plain("blue")], dimensions=dimensions)
    picture = whole(api, answer)
    assert picture.size == (answer["data"]["width"], answer["data"]["height"])
    assert picture.width / picture.height == pytest.approx(shape)
    assert (answer["data"]["action"], answer["data"]["quota"]) == ("blend", "2")


def test_blend_shows_what_was_sent(api: Api) -> None:
    pictures = [plain("red"), plain("blue")]
    mixed = whole(api, api.done(BLEND, V1, imgBase64Array=pictures))
    others = whole(api, api.done(BLEND, V1, imgBase64Array=[plain("lime"), plain("yellow")]))
    purple = Image.new("RGB", mixed.size, (128, 0, 128))
    assert difference(mixed, purple) < difference(others, purple) - 20


@pytest.mark.parametrize(
    ("pictures", "said"),
    [
        ([], "length"),
        ([plain("red")], "length"),
        ([plain("red")] * 6, "length"),
        ([plain("red"), plain("red").removeprefix(DATA_URI)], "imgBase64Array[1]"),
        ([plain("red"), DATA_URI + "AAAA"], "imgBase64Array[1]"),
        ([plain("red"), DATA_URI + "%%"], "imgBase64Array[1]"),
        ([plain("red"), 7], "imgBase64Array[1]"),
        ([plain("red"), plain("red", kind="GIF")], "imgBase64Array[1]"),
        ("red", "must be a list"),
        (None, "is required"),
    ],
)
def test_blend_refuses(emulator: Emulator, api: Api, pictures: Any, said: str) -> None:
    assert said in api.refused(BLEND, imgBase64Array=pictures)
    assert emulator.billed() == 0


def test_blend_takes_two_to_five_of_any_kind(api: Api) -> None:
    pictures = [plain("red"), plain("blue", kind="JPEG"), plain("lime", kind="WEBP"), plain("gray", kind="BMP")]
    assert api.post(BLEND, imgBase64Array=[*pictures, plain("black")], mode="turbo", timeout="300").status_code == 200
    assert "dimensions" in api.refused(BLEND, imgBase64Array=pictures, dimensions="ROUND")
    assert "mode" in api.refused(BLEND, imgBase64Array=pictures, mode="slow")
    assert "timeout" in api.refused(BLEND, imgBase64Array=pictures, timeout=20)


def test_a_blend_can_be_built_upon(api: Api) -> None:
    blend = api.done(BLEND, V1, imgBase64Array=[plain("red"), plain("blue")])
    single = api.done("/midjourney/v1/action", V1, jobId=blend["jobId"], action="upsample3")
    quadrant = picture_of(api.bare.get(blend["data"]["images"][2]))
    assert difference(whole(api, single), quadrant) < 3


def test_describe_gives_four_prompts_a_line_each(api: Api) -> None:
    answer = api.done(DESCRIBE, V1, base64=plain("blue", (600, 400)))
    prompts = answer["data"]["prompt"].split("\n")
    assert len(set(prompts)) == 4
    assert all("blue" in prompt and prompt.endswith("--ar 3:2") for prompt in prompts)
    assert {name for name, value in answer["data"].items() if value is None} == {
        *("discordImage", "cdnImage", "width", "height", "hookUrl", "components", "seed", "images")
    }
    assert "red" in api.done(DESCRIBE, V1, base64=plain("red"))["data"]["prompt"]
    assert api.done(DESCRIBE, V1, base64=plain("blue", (600, 400)))["data"]["prompt"] == "\n".join(prompts)


def test_describe_tells_nothing_before_the_end(emulator: Emulator, api: Api, receiver: Receiver) -> None:
    emulator.configure(hold=True)
    job = api.submit(DESCRIBE, base64=plain("blue"), hookUrl=receiver.url)
    assert api.read(V1, job).json()["data"]["prompt"] is None
    emulator.release()
    until(lambda: receiver.got)
    assert receiver.bodies()[0]["data"]["prompt"].count("\n") == 3


def test_describe_from_a_link(emulator: Emulator, api: Api) -> None:
    link = api.done(BLEND, V1, imgBase64Array=[plain("red"), plain("red")])["data"]["cdnImage"]
    sent = DATA_URI + base64.b64encode(api.bare.get(link).content).decode()
    assert api.done(DESCRIBE, V1, url=link)["data"]["prompt"] == api.done(DESCRIBE, V1, base64=sent)["data"]["prompt"]
    # The picture wins where both are given; another host's is not read, and a dead link of this one is found out.
    assert "blue" in api.done(DESCRIBE, V1, url=link, base64=plain("blue"))["data"]["prompt"]
    assert api.done(DESCRIBE, V1, url="https://example.invalid/a.png")["data"]["prompt"].count("\n") == 3
    dead = api.finished(V1, api.submit(DESCRIBE, url=f"{emulator.url}/cdn/nothing.png"))
    assert (dead["status"], dead["message"].startswith("[Invalid link!]")) == ("FAILED", True)
    for wrong in ("not a link", "ftp://example.invalid/a.png", "http://[bad", "https://"):
        assert "link" in api.refused(DESCRIBE, url=wrong)


@pytest.mark.parametrize("body", [{}, {"base64": ""}, {"base64": photo()}, {"base64": DATA_URI}, {"base64": 5}])
def test_describe_refuses(api: Api, body: dict[str, Any]) -> None:
    api.refused(DESCRIBE, **body)


def test_inpaint_repaints_what_is_white(api: Api) -> None:
    single = api.done("/midjourney/v1/action", V1, jobId=grid(api), action="upsample1")
    before = whole(api, single)
    answer = api.done(INPAINT, V1, jobId=single["jobId"], mask=mask(*before.size), prompt="a red balloon")
    assert (answer["data"]["action"], answer["data"]["prompt"]) == ("inpaint", "a red balloon")
    after = picture_of(api.bare.get(answer["data"]["images"][0])).resize(before.size)
    left, right = (0, 0, before.width // 2 - 8, before.height), (before.width // 2 + 8, 0, *before.size)
    assert difference(before.crop(left), after.crop(left)) < 6
    assert difference(before.crop(right), after.crop(right)) > 15
    assert len(answer["data"]["images"]) == 4


def test_inpaint_refuses(emulator: Emulator, api: Api) -> None:
    job = grid(api)
    good = mask(1024, 1024)
    assert "1024x1024" in api.refused(INPAINT, jobId=job, mask=mask(1024, 512))
    assert "data: prefix" in api.refused(INPAINT, jobId=job, mask=DATA_URI + good)
    assert "mask" in api.refused(INPAINT, jobId=job, mask="AAAA")
    assert "mask" in api.refused(INPAINT, jobId=job, mask="%%")
    assert "mask" in api.refused(INPAINT, jobId=job)
    black = plain("black", (1024, 1024)).removeprefix(DATA_URI)
    assert "white" in api.refused(INPAINT, jobId=job, mask=black)
    assert "jobId" in api.refused(INPAINT, jobId="nope", mask=good)
    assert "jobId" in Api(emulator, "another").refused(INPAINT, jobId=job, mask=good)
    described = api.done(DESCRIBE, V1, base64=plain("red"))["jobId"]
    assert "no picture" in api.refused(INPAINT, jobId=described, mask=good)
    emulator.configure(hold=True)
    assert "not finished" in api.refused(INPAINT, jobId=api.submit("/midjourney/v1/imagine", prompt="x"), mask=good)
    assert emulator.billed("midjourney.inpaint") == 0


def test_a_mask_without_a_prompt_keeps_the_prompt(api: Api) -> None:
    answer = api.done(INPAINT, V1, jobId=grid(api), mask=mask(1024, 1024))
    assert answer["data"]["prompt"] == "a fox"


def test_seed(emulator: Emulator, api: Api) -> None:
    job = api.done("/midjourney/v1/imagine", V1, prompt="a fox --seed 77")["jobId"]
    answer = api.done(SEED, V1, jobId=job)
    assert answer["jobId"] != job
    assert (answer["data"]["action"], answer["data"]["seed"]) == ("seed", "77")
    assert answer["data"]["cdnImage"] is answer["data"]["images"] is None
    drawn = api.done(SEED, V1, jobId=grid(api))["data"]["seed"]
    assert drawn.isdecimal()
    assert "jobId" in api.refused(SEED, jobId="nope")
    assert "no picture" in api.refused(SEED, jobId=answer["jobId"])
    assert "components" in api.refused("/midjourney/v1/action", jobId=answer["jobId"], action="upsample1")
    assert emulator.billed("midjourney.seed") == 2


def test_prompt_check_is_free_and_says_200(emulator: Emulator, api: Api) -> None:
    path = "/midjourney/v1/promptCheck"
    assert api.post(path, prompt="a fox").json() == {
        "status": "SUCCESS",
        "message": "success",
        "data": "Prompt verification successful.",
    }
    bad = api.post(path, prompt="a Forbidden-by-emulator fox")
    assert (bad.status_code, bad.json()["status"], bad.json()["data"]) == (200, "FAILED", None)
    assert bad.json()["message"].startswith("banned prompt words: ")
    assert api.post(path).status_code == api.post(path, prompt=3).status_code == 400
    assert emulator.billed() == 0


def test_status_tells_each_speed(emulator: Emulator, api: Api) -> None:
    data = api.http.get("/midjourney/status").json()["data"]
    assert set(data) == {"fast", "relax", "turbo"}
    assert data["fast"]["status"] == 200
    assert isinstance(data["fast"]["averageExecute"], float)
    assert api.bare.get(f"{emulator.url}/midjourney/status").status_code == 401


def test_the_list_holds_them_too(api: Api) -> None:
    described = api.done(DESCRIBE, V1, base64=plain("red"))["jobId"]
    rows = api.http.get("/midjourney/v1/fetch-list").json()["data"]
    assert [(row["job_id"], row["action"], row["cdn_image"]) for row in rows] == [(described, "describe", None)]

"""Midjourney through TTAPI, as its pages describe it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from PIL import Image

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.emulator.ttapi.midjourney.prompts import ACTIONS, GRID, grid_size
from tests.emulator.clients import Midjourney, difference, picture_of
from tests.patience import PATIENCE, until


def test_accepted_names_the_id_in_both_ways(midjourney: Midjourney) -> None:
    reply = midjourney.post()
    assert reply.headers["x-genmedia-emulator"] == "1"
    body = reply.json()
    assert (body["status"], body["message"]) == ("SUCCESS", "success")
    assert body["data"]["jobId"] == body["data"]["job_id"]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", body["data"]["jobId"])


def test_from_queue_to_pictures(emulator: Emulator, midjourney: Midjourney) -> None:
    emulator.configure(hold=True, queue_seconds=PATIENCE)
    waiting = midjourney.read(midjourney.imagine(hookUrl="http://example.invalid/x")).json()
    assert waiting["status"] == "PENDING_QUEUE"
    assert waiting["data"]["progress"] == "0"
    assert waiting["data"]["hookUrl"] == "http://example.invalid/x"
    assert {name for name, value in waiting["data"].items() if value is None} == {
        *("discordImage", "cdnImage", "width", "height", "components", "seed", "images")
    }
    emulator.configure(queue_seconds=0.01)
    job = midjourney.imagine()
    running = until(lambda: (body := midjourney.read(job).json())["status"] == "ON_QUEUE" and body)
    assert 0 <= int(running["data"]["progress"]) <= 99
    assert emulator.release(job) == 1
    done = midjourney.finished(job)
    assert (done["status"], done["message"], done["jobId"]) == ("SUCCESS", "", job)
    data = done["data"]
    assert (data["action"], data["jobId"], data["progress"], data["quota"]) == ("imagine", job, "100", "2")
    assert data["components"] == GRID
    assert [re.search(r"/cdn/midjourney/\d{8}/[0-9a-f-]{36}(..)\.png$", url)[1] for url in data["images"]] == [
        *("tl", "tr", "bl", "br")
    ]
    assert job not in data["cdnImage"]


def test_the_grid_is_its_four_quadrants(midjourney: Midjourney) -> None:
    data = midjourney.done(prompt="a lighthouse --ar 4:5")
    whole = picture_of(midjourney.bare.get(data["cdnImage"]))
    assert whole.size == (data["width"], data["height"])
    assert whole.width * 5 == whole.height * 4
    quadrants = [picture_of(midjourney.bare.get(url)) for url in data["images"]]
    sheet = Image.new("RGB", whole.size)
    for place, quadrant in enumerate(quadrants):
        sheet.paste(quadrant, (place % 2 * quadrant.width, place // 2 * quadrant.height))
    assert sheet.tobytes() == whole.tobytes()
    assert len({quadrant.tobytes() for quadrant in quadrants}) == 4


@pytest.mark.parametrize("ratio", ["1:1", "16:9", "1921:1080", "14:1", "9999:9998"])
def test_any_ratio_gives_about_a_megapixel(ratio: str) -> None:
    width, height = grid_size(f"a fox --ar {ratio}")
    wanted = int(ratio.split(":")[0]) / int(ratio.split(":")[1])
    assert 0.5e6 < width * height < 1.3e6
    assert abs(width / height / wanted - 1) < 0.01
    assert width % 2 == height % 2 == 0


def test_the_same_prompt_twice_gives_two_pictures_unless_seeded(midjourney: Midjourney) -> None:
    def drawn(prompt: str) -> bytes:
        return midjourney.bare.get(midjourney.done(prompt=prompt)["cdnImage"]).content

    assert drawn("a fox") != drawn("a fox")
    assert drawn("a fox --seed 7") == drawn("a fox --seed 7")


@pytest.mark.parametrize("key", ["secret", '"secret"', "'secret'"])
def test_the_key_may_be_quoted(emulator: Emulator, key: str) -> None:
    emulator.configure(api_key="secret")
    assert Midjourney(emulator, key).http.get("/midjourney/v1/info").status_code == 200


@pytest.mark.parametrize("key", ["", '""', "other"])
def test_a_wrong_key(emulator: Emulator, key: str) -> None:
    emulator.configure(api_key="secret")
    reply = Midjourney(emulator, key).post()
    assert reply.status_code == 401
    assert reply.json() == {"status": "FAILED", "message": "Wrong TT-API-KEY or email is not activated."}
    assert emulator.billed() == 0


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": ""},
        {"prompt": None},
        {"prompt": 7},
        {"mode": "slow"},
        {"timeout": 20},
        {"timeout": "soon"},
        {"timeout": True},
        {"hookUrl": 5},
        {"prompt": "a fox --ar wide"},
        {"prompt": "a fox --ar16:9"},
        {"prompt": "a fox --aspect 100:1"},
        {"prompt": "a fox, forbidden-by-emulator"},
    ],
)
def test_parameter_errors(emulator: Emulator, midjourney: Midjourney, body: dict[str, Any]) -> None:
    reply = midjourney.post(**body)
    assert reply.status_code == 400
    assert (reply.json()["status"], reply.json()["data"]) == ("FAILED", None)
    assert emulator.billed() == 0


def test_what_official_examples_send_is_taken(midjourney: Midjourney) -> None:
    assert midjourney.post(timeout="300", hookUrl="", model="fast", getUImages=True).status_code == 200


def test_no_json_and_no_such_path(midjourney: Midjourney) -> None:
    assert midjourney.http.post("/midjourney/v1/imagine", content=b"prompt").status_code == 400
    assert midjourney.http.post("/midjourney/v1/imagine", json=["prompt"]).status_code == 400
    reply = midjourney.http.post("/midjourney/v1/nothing", json={})
    assert (reply.status_code, reply.json()["status"]) == (404, "FAILED")


def test_too_little_balance(emulator: Emulator, midjourney: Midjourney) -> None:
    emulator.configure(start_balance=3)
    assert midjourney.post().status_code == 200
    reply = midjourney.post()
    assert (reply.status_code, reply.json()["message"]) == (402, "Insufficient balance")
    assert emulator.billed() == 1


def test_the_queue_is_limited_per_account(emulator: Emulator, midjourney: Midjourney) -> None:
    emulator.configure(max_jobs=2, hold=True)
    first = midjourney.imagine()
    midjourney.imagine()
    assert midjourney.post().status_code == 499
    assert Midjourney(emulator, "another").post().status_code == 200
    emulator.release(first)
    midjourney.finished(first)
    assert midjourney.post().status_code == 200


def test_jobs_of_others_are_unknown(emulator: Emulator, midjourney: Midjourney) -> None:
    job = midjourney.imagine()
    for reply in (Midjourney(emulator, "another").read(job), midjourney.read("nope")):
        assert (reply.status_code, reply.json()["status"]) == (404, "FAILED")
    assert midjourney.http.get("/midjourney/v1/fetch").status_code == 400


def test_all_ways_to_fetch(midjourney: Midjourney) -> None:
    job = midjourney.imagine()
    midjourney.finished(job)
    one = midjourney.http.get("/midjourney/v1/fetch", params={"job_id": job}).json()
    two = midjourney.http.post("/midjourney/v1/fetch", json={"jobId": job}).json()
    assert one == two == midjourney.read(job).json()


def test_quota_is_frozen_then_charged(emulator: Emulator, midjourney: Midjourney) -> None:
    emulator.configure(hold=True, start_balance=100)
    job = midjourney.imagine(mode="turbo")
    info = midjourney.info()
    assert (info["balance"], info["freeze_balance"], info["max_queue"]) == (96, 4, 10)
    emulator.release()
    midjourney.finished(job)
    assert (midjourney.info()["balance"], midjourney.info()["freeze_balance"]) == (96, 0)


def test_quota_of_a_failed_job_is_returned(emulator: Emulator, midjourney: Midjourney) -> None:
    emulator.configure(start_balance=100)
    job = midjourney.imagine(prompt="a fox, denied-by-emulator")
    failed = midjourney.finished(job)
    assert failed["status"] == "FAILED"
    assert failed["message"].startswith("[Banned prompt detected]")
    # The vendor's own example of a failed job, field for field.
    assert failed["data"] == {
        "action": "imagine",
        "jobId": job,
        "progress": None,
        "prompt": "a fox, denied-by-emulator",
        **dict.fromkeys(("discordImage", "cdnImage", "hookUrl", "components", "seed", "images")),
    }
    assert (midjourney.info()["balance"], midjourney.info()["freeze_balance"]) == (100, 0)
    [row] = emulator.jobs()["jobs"]
    assert (row["billed"], row["refunded"]) == (True, True)


def test_the_list_hides_running_jobs(emulator: Emulator, midjourney: Midjourney) -> None:
    done = [midjourney.done(prompt=f"fox {n}")["jobId"] for n in range(3)]
    midjourney.finished(midjourney.imagine(prompt="denied-by-emulator"))
    emulator.configure(hold=True)
    running = midjourney.imagine(prompt="late", hookUrl="http://example.invalid/token")
    until(lambda: midjourney.read(running).json()["status"] == "ON_QUEUE")
    rows = midjourney.listed()
    assert [row["job_id"] for row in rows] == done[::-1]
    assert [row["status"] for row in rows] == [2, 2, 2]
    assert [row["job_id"] for row in midjourney.listed(order="asc", limit=2, page=2)] == done[2:]
    [row] = midjourney.listed(status="ON_QUEUE")
    assert set(row) == {
        *("job_id", "model", "action", "quota", "status", "progress", "prompt", "discord_image", "cdn_image")
    }
    assert (row["job_id"], row["status"], row["quota"], row["model"]) == (running, 1, 2, "fast")
    assert [row["status"] for row in midjourney.listed(status="failed")] == [3]
    for query in ({"limit": "101"}, {"page": "0"}, {"status": "odd"}, {"order": "up"}):
        assert midjourney.http.get("/midjourney/v1/fetch-list", params=query).status_code == 400
    assert Midjourney(emulator, "another").listed() == []


def test_upsample_enlarges_its_quadrant(emulator: Emulator, midjourney: Midjourney) -> None:
    grid = midjourney.done()
    upsampled = midjourney.finished(midjourney.act(grid["jobId"], "upsample3").json()["data"]["jobId"])["data"]
    assert upsampled["jobId"] != grid["jobId"]
    assert (upsampled["action"], upsampled["images"]) == ("upsample3", None)
    assert (upsampled["width"], upsampled["height"]) == (grid["width"], grid["height"])
    large = picture_of(midjourney.bare.get(upsampled["cdnImage"]))
    quadrants = [picture_of(midjourney.bare.get(url)) for url in grid["images"]]
    far = [difference(large, quadrant) for quadrant in quadrants]
    assert far.index(min(far)) == 2
    assert min(far) < 3
    assert emulator.billed("midjourney.action") == 1


def test_variations_resemble_their_quadrant(midjourney: Midjourney) -> None:
    grid = midjourney.done()
    varied = midjourney.finished(midjourney.act(grid["jobId"], "variation2").json()["data"]["jobId"])["data"]
    parents = [picture_of(midjourney.bare.get(url)) for url in grid["images"]]
    children = [picture_of(midjourney.bare.get(url)) for url in varied["images"]]
    assert len({child.tobytes() for child in children}) == 4
    for child in children:
        assert difference(child, parents[1]) < min(difference(child, parents[n]) for n in (0, 2, 3))


def test_every_action_can_be_reached(emulator: Emulator, midjourney: Midjourney) -> None:
    emulator.configure(job_seconds=0.01, queue_seconds=0.0, max_jobs=100)

    def after(job: str, action: str) -> dict[str, Any]:
        return dict(midjourney.finished(midjourney.act(job, action).json()["data"]["jobId"])["data"])

    grid = midjourney.done(prompt="a fox --ar 3:2")
    single = after(grid["jobId"], "upsample1")
    seen = {*grid["components"], *single["components"]}
    for action in single["components"]:
        result = after(single["jobId"], action)
        if action in ("make_square", "pan_left", "zoom_out_2", "upscale2"):  # all would take seconds
            picture = picture_of(midjourney.bare.get(result["cdnImage"]))
            assert picture.size == (result["width"], result["height"])
        if action.startswith("upscale"):
            seen.update(result["components"])
            again = after(result["jobId"], result["components"][0])
            assert again["width"] == result["width"]
        if action == "make_square":
            assert result["width"] == result["height"]
    assert seen == set(ACTIONS)


def test_actions_that_are_refused(emulator: Emulator, midjourney: Midjourney) -> None:
    grid = midjourney.done()["jobId"]
    assert midjourney.act(grid, "upscale_subtle").status_code == 400
    assert midjourney.act(grid, "dance").status_code == 400
    assert midjourney.act("nope", "upsample1").status_code == 400
    assert Midjourney(emulator, "another").act(grid, "upsample1").status_code == 400
    emulator.configure(hold=True)
    assert midjourney.act(midjourney.imagine(), "upsample1").status_code == 400
    assert emulator.billed("midjourney.action") == 0

"""Midjourney's edits and videos."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import pytest
from PIL import Image

from prefect_genmedia.emulator import Emulator
from tests.emulator.clients import difference, photo, picture_of
from tests.emulator.operations import DATA_URI, EDIT, LINK, V1, VIDEO, Api, grid
from tests.emulator.playback import samples, seconds

SUBMIT_EDIT = "/midjourney/image-edits/submit"
SUBMIT_VIDEO = "/midjourney/video/submit"
EXTEND_VIDEO = "/midjourney/video/extend"


@pytest.fixture
def api(emulator: Emulator) -> Api:
    return Api(emulator)


def half_transparent(size: tuple[int, int] = (300, 200)) -> str:
    picture, file = Image.new("RGBA", size, (255, 0, 0, 255)), io.BytesIO()
    picture.paste((0, 0, 0, 0), (size[0] // 2, 0, *size))
    picture.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def test_edit_is_the_vendors_example(emulator: Emulator, api: Api) -> None:
    emulator.configure(hold=True)
    job = api.submit(SUBMIT_EDIT, prompt="a cat", image=half_transparent())
    data = api.read(EDIT, job).json()["data"]
    assert (data["images"], data["cdnImages"], data["finishTime"]) == (None, None, None)
    emulator.release()
    answer = api.finished(EDIT, job)
    assert (answer["status"], answer["message"], answer["jobId"]) == ("SUCCESS", "", job)
    data = answer["data"]
    assert list(data) == [
        *("jobId", "progress", "mode", "prompt", "quota", "images", "cdnImages", "hookUrl", "submitTime", "finishTime")
    ]
    assert (data["progress"], data["mode"], data["prompt"], data["quota"]) == ("100", "fast", "a cat", "4")
    assert [re.search(r"/0_(\d)\.png$", url)[1] for url in data["images"]] == ["0", "1", "2", "3"]
    assert [url[-6:-4] for url in data["cdnImages"]] == ["tl", "tr", "bl", "br"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", data["finishTime"])
    for one, other in zip(data["images"], data["cdnImages"], strict=True):
        assert api.bare.get(one).content == api.bare.get(other).content


def test_edit_repaints_what_is_transparent(api: Api) -> None:
    data = api.done(SUBMIT_EDIT, EDIT, prompt="a cat", image=DATA_URI + half_transparent())["data"]
    for url in data["cdnImages"]:
        picture = picture_of(api.bare.get(url))
        assert picture.width * 2 == picture.height * 3
        left = picture.crop((0, 0, picture.width // 2 - 8, picture.height))
        right = picture.crop((picture.width // 2 + 8, 0, *picture.size))
        assert difference(left, Image.new("RGB", left.size, "red")) < 3
        assert difference(right, Image.new("RGB", right.size, "black")) > 15


def test_retexture_keeps_the_forms(api: Api) -> None:
    source = Image.open(io.BytesIO(base64.b64decode(photo(300, 300)))).convert("RGB")
    data = api.done(SUBMIT_EDIT, EDIT, prompt="rust", image=photo(300, 300), type="retexture", mode="turbo")["data"]
    assert (data["mode"], data["quota"]) == ("turbo", "8")
    pictures = [picture_of(api.bare.get(url)) for url in data["cdnImages"]]
    assert all(5 < difference(source, picture) < 110 for picture in pictures)
    assert len({picture.tobytes() for picture in pictures}) == 4


@pytest.mark.parametrize(
    ("size", "shape"), [((100, 100), 1), ((1000, 480), 2), ((90, 160), 9 / 16), ((310, 200), 3 / 2), ((90, 900), 1 / 2)]
)
def test_edit_snaps_to_a_shape(api: Api, size: tuple[int, int], shape: float) -> None:
    data = api.done(SUBMIT_EDIT, EDIT, prompt="a cat", image=photo(*size))["data"]
    picture = picture_of(api.bare.get(data["cdnImages"][0]))
    assert picture.width / picture.height == pytest.approx(shape, rel=0.01)


def test_edit_takes_links_and_kinds(emulator: Emulator, api: Api) -> None:
    link = api.done("/midjourney/v1/imagine", V1, prompt="a fox")["data"]["cdnImage"]
    for image in (link, LINK, photo(kind="BMP"), DATA_URI + photo(kind="WEBP")):
        assert api.done(SUBMIT_EDIT, EDIT, prompt="a cat", image=image)["data"]["images"]
    dead = api.finished(EDIT, api.submit(SUBMIT_EDIT, prompt="a cat", image=f"{emulator.url}/cdn/no.png"))
    assert (dead["status"], dead["data"]["images"]) == ("FAILED", None)


@pytest.mark.parametrize(
    "body",
    [
        {"image": photo()},
        {"prompt": "a cat"},
        {"prompt": "", "image": photo()},
        {"prompt": "a cat", "image": "AAAA"},
        {"prompt": "a cat", "image": photo(kind="GIF")},
        {"prompt": "a cat", "image": photo(), "type": "paint"},
        {"prompt": "a cat", "image": photo(), "mode": "slow"},
        {"prompt": "a cat", "image": photo(), "hookUrl": 7},
    ],
)
def test_edit_refuses(emulator: Emulator, api: Api, body: dict[str, Any]) -> None:
    assert "Parameter error" in api.refused(SUBMIT_EDIT, **body)
    assert emulator.billed() == 0


def test_each_product_reads_its_own_jobs_only(api: Api) -> None:
    edit = api.done(SUBMIT_EDIT, EDIT, prompt="a cat", image=photo())["jobId"]
    imagine = grid(api)
    assert api.read(V1, edit).status_code == api.read(EDIT, imagine).status_code == 404
    rows = api.http.get("/midjourney/v1/fetch-list").json()["data"]
    assert [row["job_id"] for row in rows] == [imagine]


def test_each_product_has_a_queue_of_its_own(emulator: Emulator, api: Api) -> None:
    emulator.configure(hold=True, max_jobs=1)
    assert api.post("/midjourney/v1/imagine", prompt="a fox").status_code == 200
    assert api.post("/midjourney/v1/imagine", prompt="a fox").status_code == 499
    assert api.post(SUBMIT_EDIT, prompt="a cat", image=photo()).status_code == 200
    assert api.post(SUBMIT_VIDEO, prompt="waves", imageUrl=LINK).status_code == 200
    assert api.post("/novelai/generate", prompt="a cat").status_code == 200
    assert api.post("/flowmusic/v1/generations", lyrics="la").status_code == 200
    # One purse for all of them.
    frozen = sum(row["quota"] for row in emulator.jobs()["jobs"])
    assert api.http.get("/midjourney/v1/info").json()["data"]["freeze_balance"] == frozen


@pytest.mark.parametrize("number", [1, 2, 4, "4", None])
def test_video_clips(api: Api, number: Any) -> None:
    answer = api.done(SUBMIT_VIDEO, VIDEO, prompt="waves", imageUrl=LINK, bs=number)
    data = answer["data"]
    assert len(data["videos"]) == int(number or 4)
    assert (data["action"], data["mode"], data["quota"]) == ("video", "fast", str(2 * int(number or 4)))
    files = [api.bare.get(url).content for url in data["videos"]]
    assert all(seconds(file) == pytest.approx(5, abs=0.01) for file in files)
    assert len(set(files)) == len(files)


def test_video_begins_with_the_picture(api: Api) -> None:
    link = api.done("/midjourney/v1/imagine", V1, prompt="a fox --ar 16:9")["data"]["images"][0]
    first = picture_of(api.bare.get(link))
    sizes = []
    for resolution in ("sd", "hd"):
        data = api.done(SUBMIT_VIDEO, VIDEO, prompt="wind", imageUrl=link, resolution=resolution, bs=1)["data"]
        frames = [Image.open(io.BytesIO(frame)) for frame in samples(api.bare.get(data["videos"][0]).content)]
        assert frames[0].width / frames[0].height == pytest.approx(16 / 9, rel=0.02)
        assert difference(frames[0], first) < 4 < difference(frames[-1], first)
        sizes.append((frames[0].width, int(data["quota"])))
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 2
    ended = api.done(SUBMIT_VIDEO, VIDEO, prompt="wind", imageUrl=LINK, endingUrl=link, bs=1)["data"]["videos"][0]
    last = Image.open(io.BytesIO(samples(api.bare.get(ended).content)[-1]))
    assert difference(last, first) < 40


def test_a_video_grows_by_five_seconds(api: Api) -> None:
    job = api.done(SUBMIT_VIDEO, VIDEO, prompt="waves", imageUrl=LINK, bs=2)
    longer = api.done(EXTEND_VIDEO, VIDEO, jobId=job["jobId"], index="1", bs=1, manual="high", animateMode="manual")
    assert (longer["data"]["action"], longer["data"]["prompt"]) == ("extend", "waves")
    one, more = (api.bare.get(answer["data"]["videos"][0]).content for answer in (job, longer))
    assert seconds(more) == pytest.approx(10, abs=0.01)
    assert difference(*(Image.open(io.BytesIO(samples(file)[0])) for file in (one, more))) < 1
    longest = api.done(EXTEND_VIDEO, VIDEO, jobId=longer["jobId"], index=0)
    assert seconds(api.bare.get(longest["data"]["videos"][3]).content) == pytest.approx(15, abs=0.01)
    assert "no such video" in api.refused(EXTEND_VIDEO, jobId=job["jobId"], index=2)
    assert "index" in api.refused(EXTEND_VIDEO, jobId=job["jobId"], index=4)
    assert "index" in api.refused(EXTEND_VIDEO, jobId=job["jobId"])
    assert "jobId" in api.refused(EXTEND_VIDEO, jobId="nope", index=0)
    assert "jobId" in api.refused(EXTEND_VIDEO, jobId=grid(api), index=0)


@pytest.mark.parametrize(
    "body",
    [
        {"imageUrl": LINK},
        {"prompt": "waves"},
        {"prompt": "waves", "imageUrl": DATA_URI + photo()},
        {"prompt": "waves", "imageUrl": LINK, "endingUrl": "soon"},
        {"prompt": "waves", "imageUrl": LINK, "bs": 3},
        {"prompt": "waves", "imageUrl": LINK, "bs": True},
        {"prompt": "waves", "imageUrl": LINK, "model": "turbo"},
        {"prompt": "waves", "imageUrl": LINK, "manual": "none"},
        {"prompt": "waves", "imageUrl": LINK, "resolution": "4k"},
    ],
)
def test_video_refuses(emulator: Emulator, api: Api, body: dict[str, Any]) -> None:
    assert "Parameter error" in api.refused(SUBMIT_VIDEO, **body)
    assert emulator.billed() == 0

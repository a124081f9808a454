"""TTAPI's other products: Suno, Flux, GPT image, Gemini, Grok, Luma, as their pages and clients have them."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import pytest
from PIL import Image

from prefect_genmedia.emulator import Emulator
from tests.emulator.clients import difference, photo
from tests.emulator.operations import DATA_URI, LINK, SUNO, V1, Api
from tests.emulator.playback import samples, seconds

MUSIC = "/suno/v1/music"
FLUX = ("/flux/generate", "/flux/fetch")
GPT = ("/openai/gpt/generations", "/openai/gpt/fetch")
GEMINI = ("/gemini/video/generations", "/gemini/video/fetch")
GROK = ("/grok/generations", "/grok/fetch")
LUMA = ("/luma/v1/generations", "/luma/v1/fetch")


@pytest.fixture
def api(emulator: Emulator) -> Api:
    return Api(emulator)


def picture(api: Api, answer: dict[str, Any]) -> Image.Image:
    return Image.open(io.BytesIO(api.bare.get(answer["data"]["imageUrl"]).content))


def film(api: Api, answer: dict[str, Any], name: str) -> tuple[float, Image.Image]:
    """Its length, and its first frame."""
    content = api.bare.get(answer["data"][name]).content
    return seconds(content), Image.open(io.BytesIO(samples(content)[0]))


def test_suno_makes_two_songs(emulator: Emulator, api: Api) -> None:
    emulator.configure(hold=True)
    job = api.submit(
        MUSIC, custom=True, instrumental=False, mv="chirp-v5-5", title="Rain", prompt="[Verse]\nRain", tags="folk"
    )
    running = api.read(SUNO, job).json()
    assert (running["data"]["musics"], running["data"]["progress"][-1]) == ([], "%")
    emulator.release()
    answer = api.finished(SUNO, job)
    data = answer["data"]
    assert {name: data[name] for name in ("jobId", "action", "progress", "mv", "quota", "hookUrl")} == {
        "jobId": job,
        "action": "music",
        "progress": "100%",
        "mv": "chirp-v5-5",
        "quota": "6",
        "hookUrl": None,
    }
    one, two = data["musics"]
    assert list(one) == [
        *("musicId", "prompt", "title", "tags", "imageUrl", "imageLargeUrl", "audioUrl", "videoUrl", "duration"),
        *("negativeTags", "styleWeight", "weirdnessConstraint", "audioWeight", "createdAt"),
    ]
    assert (one["title"], one["prompt"], one["tags"]) == ("Rain", "[Verse]\nRain", "folk")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one["createdAt"])
    assert one["musicId"] != two["musicId"]
    songs = [api.bare.get(each["audioUrl"]) for each in (one, two)]
    assert [song.headers["content-type"] for song in songs] == ["audio/mpeg"] * 2
    assert songs[0].content[:3] == b"ID3"
    assert songs[0].content != songs[1].content
    assert seconds(api.bare.get(one["videoUrl"]).content) == pytest.approx(float(one["duration"]), abs=0.01)
    first = api.http.get("/suno/v1/fetch", params={"jobId": job}).json()
    assert first == api.http.post("/suno/v1/fetch", json={"jobId": job}).json() == answer


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"custom": "false", "instrumental": "true", "gpt_description_prompt": "rain"}, 200),  # as clients send it
        ({"custom": True, "tags": "ambient", "instrumental": True, "isStorage": False}, 200),
        ({}, 400),
        ({"custom": False, "prompt": "rain"}, 400),
        ({"custom": True, "gpt_description_prompt": "rain"}, 400),
        ({"custom": "maybe", "gpt_description_prompt": "rain"}, 400),
        ({"gpt_description_prompt": "rain", "style_weight": 2}, 400),
    ],
)
def test_suno_requests(api: Api, body: dict[str, Any], status: int) -> None:
    assert api.post(MUSIC, **body).status_code == status


def test_suno_instrumental_has_no_words(api: Api) -> None:
    [one, _] = api.done(MUSIC, SUNO, gpt_description_prompt="rain", instrumental=True)["data"]["musics"]
    assert one["prompt"] == ""
    [one, _] = api.done(MUSIC, SUNO, gpt_description_prompt="rain")["data"]["musics"]
    assert one["prompt"].startswith("[Verse 1]")


def test_flux_is_the_vendors_example(api: Api) -> None:
    answer = api.done(*FLUX, prompt="a cat", mode="flux-2-pro", size="1024x1792")
    assert answer["message"] == "" and answer["jobId"] != answer["data"]["jobId"]
    assert list(answer["data"]) == ["mode", "jobId", "prompt", "quota", "size", "imageUrl", "hookUrl"]
    assert (answer["data"]["mode"], answer["data"]["quota"], answer["data"]["size"]) == ("flux-2-pro", "1", "1024x1792")
    shown = picture(api, answer)
    assert (shown.format, shown.size) == ("WEBP", (1024, 1792))
    wide = picture(api, api.done(*FLUX, prompt="a cat", model="flux1-dev", aspect_ratio="16:9"))
    assert wide.width / wide.height == pytest.approx(16 / 9)
    assert (
        picture(api, api.done(*FLUX, prompt="a cat", seed=5)).tobytes()
        == picture(api, api.done(*FLUX, prompt="a cat", seed=5)).tobytes()
    )
    edited = picture(api, api.done(*FLUX, prompt="a cat", input_image=DATA_URI + photo(64, 64)))
    assert difference(edited, Image.open(io.BytesIO(base64.b64decode(photo(64, 64))))) < 90
    for wrong in ({"prompt": ""}, {"size": "512x512"}, {"aspect_ratio": "5:1"}, {"mode": 5}, {"input_image": "AAAA"}):
        api.refused("/flux/generate", **{"prompt": "a cat", **wrong})


def test_gpt_image_is_the_vendors_example(emulator: Emulator, api: Api) -> None:
    emulator.configure(hold=True)
    job = api.submit(GPT[0], prompt="a cat", model="gpt-image-2", referImages=[LINK])
    running = api.read(GPT[1], job).json()
    assert (running["message"], running["data"]["imageUrl"], running["data"]["finishTime"]) == (None, None, None)
    emulator.release()
    answer = api.finished(GPT[1], job)
    assert (answer["message"], answer["jobId"]) == ("success", job)
    assert list(answer["data"]) == ["prompt", "referImages", "imageUrl", "quota", "finishTime", "hookUrl"]
    assert (answer["data"]["referImages"], answer["data"]["quota"]) == ([LINK], "2")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", answer["data"]["finishTime"])
    assert picture(api, answer).format == "PNG"
    assert api.http.post(GPT[1], json={"jobId": job}).json() == answer
    for wrong in ([7], "x", ["AAAA"]):
        api.refused(GPT[0], prompt="a cat", referImages=wrong)


def test_gemini_has_a_status_word_of_its_own(emulator: Emulator, api: Api) -> None:
    emulator.configure(hold=True)
    job = api.submit(GEMINI[0], prompt="a city", model="omni-flash", aspect_ratio="9:16", reference_images=["", LINK])
    assert api.read(GEMINI[1], job).json()["status"] == "RUNNING"
    emulator.release()
    answer = api.finished(GEMINI[1], job)
    assert list(answer["data"]) == [
        *("jobId", "model", "prompt", "aspect_ratio", "reference_images", "video_url", "quota", "hookUrl")
    ]
    assert (answer["data"]["reference_images"], answer["data"]["quota"]) == ([LINK], "1")
    length, first = film(api, answer, "video_url")
    assert length == pytest.approx(8, abs=0.01)
    assert first.height / first.width == pytest.approx(16 / 9, rel=0.01)
    for wrong in (
        {"aspect_ratio": "1:1"},
        {"aspect_ratio": None},
        {"model": None},
        {"model": "veo-3"},
        {"reference_images": LINK},
    ):
        api.refused(GEMINI[0], **{"prompt": "a city", "model": "omni-flash", "aspect_ratio": "16:9", **wrong})


def test_grok_is_the_vendors_table(api: Api) -> None:
    link = api.done("/midjourney/v1/imagine", V1, prompt="a fox --ar 16:9")["data"]["images"][0]
    answer = api.done(*GROK, prompt="wind", video_length="12", aspect_ratio="16:9", refer_images=[link])
    data = answer["data"]
    assert list(data) == [
        *("videoId", "prompt", "aspectRatio", "videoLength", "resolutionName", "referImage", "videoUrl"),
        *("quota", "finishTime", "hookUrl"),
    ]
    assert (data["aspectRatio"], data["videoLength"], data["resolutionName"], data["quota"]) == (
        "16:9",
        "12",
        "720p",
        "9",
    )
    length, first = film(api, answer, "videoUrl")
    assert length == pytest.approx(12, abs=0.01)
    assert difference(first, Image.open(io.BytesIO(api.bare.get(link).content))) < 4
    assert api.done(*GROK, prompt="wind", refer_image=link)["data"]["referImage"] == [link]
    preview = {"model": "grok-imagine-video-1.5-preview", "refer_images": [link]}
    assert api.done(*GROK, prompt="wind", video_length="1", **preview)["data"]["videoLength"] == "1"
    for wrong in (
        {"video_length": "31"},
        {"aspect_ratio": "21:9"},
        {"resolution_name": "4k"},
        {"hook_url": 5},
        {**preview, "video_length": "16"},
        {**preview, "refer_images": [link, link]},
    ):
        api.refused(GROK[0], **{"prompt": "wind", **wrong})


def test_luma_is_read_by_post(emulator: Emulator, api: Api) -> None:
    job = api.submit(LUMA[0], userPrompt="a red car", duration="10s", aspectRatio="21:9", imageUrl="", useMode="fast")
    answer = api.finished(LUMA[1], job)
    assert answer == api.http.post(LUMA[1], json={"jobId": job}).json()
    assert (answer["data"]["userPrompt"], answer["data"]["progress"]) == ("a red car", "100")
    length, first = film(api, answer, "videoUrl")
    assert (length, first.width / first.height) == (pytest.approx(10, abs=0.01), pytest.approx(21 / 9, rel=0.01))
    sent = api.done(*LUMA, userPrompt="wind", imageUrl=DATA_URI + photo(90, 160))  # clients send pictures too
    assert difference(film(api, sent, "videoUrl")[1], Image.radial_gradient("L").convert("RGB")) < 6
    dead = api.finished(LUMA[1], api.submit(LUMA[0], userPrompt="x", imageUrl=f"{emulator.url}/cdn/no.png"))
    assert (dead["status"], dead["data"]["videoUrl"]) == ("FAILED", None)
    for wrong in ({"userPrompt": ""}, {"duration": "7s"}, {"resolution": "4k"}, {"loop": "yes"}, {"useMode": "slow"}):
        api.refused(LUMA[0], **{"userPrompt": "a red car", **wrong})


def test_unknown_paths_of_every_product(api: Api) -> None:
    for first in ("suno", "flux", "openai", "gemini", "grok", "luma"):
        reply = api.post(f"/{first}/no/such")
        assert (reply.status_code, reply.json()["status"]) == (404, "FAILED")

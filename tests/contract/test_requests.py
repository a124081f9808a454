"""What a request refuses before anything is sent, and what it says then."""

from __future__ import annotations

from typing import Any

import pytest
from prefect.logging import disable_run_logger
from pydantic import ValidationError

from prefect_genmedia import errors
from prefect_genmedia.blocks import TTAPICredentials
from prefect_genmedia.jobs import JobRef, JobResult, run
from prefect_genmedia.media import MediaFile
from prefect_genmedia.operation import Account
from prefect_genmedia.providers import OPERATIONS
from prefect_genmedia.providers.novita.job import JOB as NOVITA_JOB
from prefect_genmedia.providers.ttapi.envelope import TTAPI
from prefect_genmedia.providers.ttapi.job import JOB as TTAPI_JOB
from prefect_genmedia.providers.ttapi.novelai import TEXT_TO_IMAGE
from prefect_genmedia.providers.ttapi.videos import PREVIEW
from prefect_genmedia.tasks import flowmusic, midjourney, novelai, novita, suno, ttapi
from prefect_genmedia.tasks.jobs import operation_of
from tests.contract.cases.case import BASE64, OTHER, PICTURE, digests
from tests.contract.cases.novita import SD
from tests.contract.wire import Wire, png

FRAMES = novita.PromptFrames(frames=64, prompt="a kite")
CLIP: dict[str, Any] = {"clip_id": "c", "instruction": "louder"}
ONE = {"refer_images": ["https://example.com/a.png"]}
WEB = {"prompt": "x", "image": "https://a/b.png"}
LONG = {"duration": 10, "resolution": "1080P"}
SHOT = {"prompt": "x", "duration": 3}
T2V: dict[str, Any] = {"model_name": "m", "width": 256, "height": 256}
REFUSED: list[tuple[type[Any], dict[str, Any], str]] = [
    (midjourney.BlendRequest, {"images": [PICTURE]}, "at least 2"),
    (midjourney.BlendRequest, {"images": [PICTURE] * 6}, "at most 5"),
    (midjourney.BlendRequest, {"images": [PICTURE] * 2, "dimensions": "WIDE"}, "PORTRAIT"),
    (midjourney.DescribeRequest, {}, "either image or url"),
    (midjourney.DescribeRequest, {"image": PICTURE, "url": "https://a/b.png"}, "either image or url"),
    (midjourney.DescribeRequest, {"url": "cat.png"}, "url"),
    (midjourney.InpaintRequest, {"job_id": "", "mask": PICTURE}, "job_id|jobId"),
    (midjourney.SeedRequest, {"job_id": "a", "timeout": 299}, "300"),
    (midjourney.EditRequest, {"prompt": "x", "image": PICTURE, "type": "upscale"}, "retexture"),
    (midjourney.VideoRequest, {"prompt": "x", "image_url": "cat.png"}, "https"),
    (midjourney.VideoRequest, {"prompt": "x", "image_url": "https://a/b.png", "clips": 3}, "1, 2 or 4"),
    (midjourney.ExtendVideoRequest, {"job_id": "a", "index": 4}, "index"),
    (midjourney.EditRequest, {"promt": "x", "image": PICTURE}, "did you mean 'prompt'"),
    (novelai.TextToImageRequest, {"prompt": " "}, "prompt"),
    (novelai.TextToImageRequest, {"prompt": "x", "steps": 51}, "50"),
    (flowmusic.GenerateRequest, {}, "sound_prompt, lyrics or both"),
    (flowmusic.GenerateRequest, {"lyrics": " "}, "lyrics"),
    (flowmusic.GenerateRequest, {"lyrics": "la", "length": 241}, "240"),
    (flowmusic.GenerateRequest, {"lyrics": "la", "bpm": 0}, "1"),
    (flowmusic.ExtendRequest, {**CLIP, "extend_from_s": 1, "extend_s": 328}, "327"),
    (flowmusic.ExtendRequest, {**CLIP, "extend_from_s": -1, "extend_s": 3}, "extend_from_s"),
    (flowmusic.CoverRequest, {**CLIP, "strength": 1.1}, "strength"),
    (flowmusic.ReplaceRequest, {**CLIP, "start_s": 5, "end_s": 5}, "must come after start_s"),
    (flowmusic.StemsRequest, {"clip": "c"}, "did you mean 'clip_id'"),
    (ttapi.GrokVideoRequest, {"prompt": "x", "video_length": 31}, "30"),
    (ttapi.GrokVideoRequest, {"prompt": "x", "aspect_ratio": "16x9"}, "aspect_ratio"),
    (ttapi.GrokVideoRequest, {"prompt": "x", "model": PREVIEW, "video_length": 16, **ONE}, "1 to 15"),
    (ttapi.GrokVideoRequest, {"prompt": "x", "model": PREVIEW}, "exactly one picture"),
    (ttapi.GeminiVideoRequest, {"prompt": "x"}, "aspect_ratio"),
    (ttapi.GeminiVideoRequest, {"prompt": "x", "aspect_ratio": "1:1"}, "9:16"),
    (ttapi.GeminiImageRequest, {"prompt": " "}, "prompt"),
    (ttapi.GeminiImageRequest, {"prompt": "x", "model": "gemini-2.5-flash-image", "aspect_ratio": "1:1"}, "Gemini 3"),
    (ttapi.GeminiImageRequest, {"prompt": "x", "aspect_ratio": "1:8"}, "is for gemini-3.1-flash-image-preview"),
    (ttapi.GeminiImageRequest, {"prompt": "x", "image_size": "8K"}, "4K"),
    (ttapi.GeminiImageRequest, {"prompt": "x", "refer_images": ["cat.png"]}, "https"),
    (ttapi.VeoVideoRequest, {"prompt": "x", "aspect_ratio": "9:16", "duration": "8"}, "no field 'duration'"),
    (
        novita.Txt2ImgRequest,
        {**SD, "enable_transparent_background": True, "extra": {"response_image_type": "jpeg"}},
        "png",
    ),
    (novita.Txt2ImgRequest, {**SD, "hires_fix": {"target_width": 5000, "target_height": 9, "strength": 0}}, "4096"),
    (novita.Txt2ImgRequest, {**SD, "refiner": {"switch_at": 2}}, "switch_at"),
    (novita.Txt2ImgRequest, {**SD, "image": PICTURE}, "no field 'image'"),
    (novita.Img2VideoRequest, {"model_name": "SVD", "image": PICTURE, "frames_num": 25}, "makes 14 frames"),
    (novita.Img2VideoRequest, {"model_name": "SVD", "image": PICTURE, "frames_per_second": 24}, "6"),
    (novita.Txt2VideoRequest, {**T2V, "prompts": [FRAMES, FRAMES, FRAMES]}, "192 frames in all; 128"),
    (novita.Txt2VideoRequest, {**T2V, "prompts": []}, "at least 1"),
    (novita.HunyuanVideoFastRequest, {"prompt": "x", "width": 720}, "1280x720"),
    (novita.HunyuanVideoFastRequest, {"prompt": "x", "frames": 84}, "85"),
    (
        novita.KlingV16I2VRequest,
        {"prompt": "x", "image_url": "https://a/b.png", "end_image_url": "https://a/b.png"},
        "Professional",
    ),
    (novita.KlingV21T2VMasterRequest, {"prompt": "x", "duration": 5}, "'5' or '10'"),
    (novita.MinimaxHailuo02Request, {"prompt": "x", "duration": 10, "resolution": "1080P"}, "6 seconds only"),
    (novita.KlingV30I2VRequest, {**WEB, "end_image": "https://a/c.png", "multi_prompt": [SHOT]}, "exclude each other"),
    (novita.KlingV30I2VRequest, {**WEB, "duration": 16}, "15"),
    (novita.Wan27I2VRequest, {"prompt": "x"}, "either image_url or first_clip_url"),
    (novita.Wan27I2VRequest, {"image_url": "https://a/b.png", "first_clip_url": "https://a/b.mp4"}, "either"),
    (novita.MinimaxHailuo23FastI2VRequest, {"prompt": "x", "image": PICTURE, **LONG}, "6 seconds only"),
    (suno.MusicRequest, {"prompt": "la"}, "gpt_description_prompt"),
    (suno.MusicRequest, {"custom": True, "tags": "folk"}, "lyrics in prompt"),
    (suno.MusicRequest, {"gpt_description_prompt": "x", "mv": "v5"}, "mv"),
    (suno.SoundsRequest, {"sound": "x", "key": "E"}, "key"),
    (ttapi.FluxImageRequest, {"prompt": "x", "mode": "flux1-schnell"}, "flux1-dev"),
    (ttapi.FluxKontextImageRequest, {"prompt": "x", "model": "flux-kontext-pro", "images": [PICTURE] * 5}, "at most 4"),
    (ttapi.GptImageRequest, {"prompt": "x", "size": "1024x1024"}, "for gpt-image-2-plus"),
    (ttapi.GptImageRequest, {"prompt": "x", "model": "gpt-image-1", "aspect_ratio": "1:1"}, "for gpt-image-2"),
    (ttapi.SoraVideoRequest, {"prompt": "x", "duration": 25}, "sora-2-pro only"),
    (ttapi.SoraVideoRequest, {"prompt": "x", "model": "sora-2-pro", "duration": 25, "size": "large"}, "small only"),
    (ttapi.LumaVideoRequest, {"prompt": "x", "duration": "10s", "resolution": "1080p"}, "720p only"),
    (novita.JobRequest, {"path": "v3/async/x"}, "starts with /"),
    (novita.JobRequest, {"path": "https://evil.example/v3"}, "names no host"),
    (novita.JobRequest, {"path": "//evil.example/v3"}, "names no host"),
    (novita.JobRequest, {"path": "/v3/../admin"}, "is no path"),
    (novita.JobRequest, {"path": "/v3/x?key=1"}, "no query"),
    (novita.JobRequest, {"path": "/v3/x", "body": {"extra": []}}, "extra"),
    (novita.JobRequest, {"path": "/v3/x", "body": {"a": "b"}, "pictures": {"a": PICTURE}}, "no free place"),
    (novita.JobRequest, {"path": "/v3/x", "body": {"a": "b"}, "pictures": {"a.b": PICTURE}}, "no free place"),
    (novita.JobRequest, {"path": "/v3/x", "body": {"a": []}, "pictures": {"a[1]": PICTURE}}, "no free place"),
    (novita.JobRequest, {"path": "/v3/x", "body": {"a": ["b"]}, "pictures": {"a[0]": PICTURE}}, "no free place"),
    (novita.JobRequest, {"path": "/v3/x", "pictures": {"a..b": PICTURE}}, "no dotted path"),
    (novita.JobRequest, {"path": "/v3/x", "results": ["images[*].url"]}, "no dotted path"),
    (ttapi.JobRequest, {"path": "/x"}, "fetch_path"),
    (ttapi.JobRequest, {"path": "/x", "fetch_path": "x"}, "starts with /"),
]


@pytest.mark.parametrize(
    ("kind", "fields", "said"), REFUSED, ids=[f"{kind.__name__}-{said[:24]}" for kind, _, said in REFUSED]
)
def test_a_wrong_request_is_refused_with_what_is_wrong(kind: type[Any], fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said) as caught:
        kind(**fields)
    assert BASE64 not in str(caught.value)


# -- from a finished job --------------------------------------------------------------------------


def finished(width: int = 8, height: int = 8, **data: Any) -> JobResult[midjourney.MidjourneyResult]:
    file = MediaFile(uri="file:///none.png", sha256="0", media_type="image/png", bytes=1, width=width, height=height)
    return JobResult[midjourney.MidjourneyResult](
        job=JobRef(id="1", operation="midjourney.imagine", job_id="j-1", base_url="https://a", account="x"),
        media=[file],
        result=midjourney.MidjourneyResult(**data),
    )


def test_a_button_is_pressed_only_where_it_is() -> None:
    grid = finished(components=("upsample1", "reroll"))
    request = midjourney.ActionRequest.of(grid, "reroll", timeout=300)
    assert (request.job_id, request.action, request.timeout) == ("j-1", "reroll", 300)
    with pytest.raises(ValueError, match="'upscale2' is no button under job j-1; it has upsample1, reroll"):
        midjourney.ActionRequest.of(grid, "upscale2")
    with pytest.raises(ValueError, match="it has none at all"):
        midjourney.ActionRequest.of(finished(), "upsample1")


def test_a_mask_is_as_large_as_the_picture(tmp_path: Any) -> None:
    path = tmp_path / "mask.png"
    path.write_bytes(png(8, 8))
    for mask in (PICTURE, path, str(path)):
        assert midjourney.InpaintRequest.of(finished(), mask, prompt="a hat").job_id == "j-1"
    with pytest.raises(ValueError, match="the mask is 9x8 pixels and the picture 8x8"):
        midjourney.InpaintRequest.of(finished(), OTHER)
    assert midjourney.InpaintRequest.of(finished(), "https://example.com/mask.png").job_id == "j-1"
    with pytest.raises(errors.MediaError):
        midjourney.InpaintRequest.of(finished(), tmp_path / "none.png")


def test_four_prompts_of_a_description() -> None:
    result = midjourney.DescribeResult(prompt="1️⃣ a cat --ar 3:2\n\n2️⃣ a dog\n3️⃣ a cow\n4️⃣ a hen\n")
    assert [prompt.split()[-1] for prompt in result.prompts] == ["3:2", "dog", "cow", "hen"]
    assert midjourney.DescribeResult().prompts == []


def test_titles_say_what_is_made() -> None:
    said = [
        midjourney.BlendRequest(images=[PICTURE, OTHER]).title,
        midjourney.SeedRequest(job_id="0123456789").title,
        midjourney.InpaintRequest(job_id="0123456789", mask=PICTURE).title,
        midjourney.ExtendVideoRequest(job_id="0123456789", index=2).title,
        flowmusic.GenerateRequest(title="Waltz", lyrics="la").title,
        flowmusic.StemsRequest(clip_id="0123456789").title,
        novita.Txt2VideoRequest(**T2V, prompts=[FRAMES]).title,
        novita.JobRequest(path="/v3/async/x", body={"prompt": "a kite"}).title,
        ttapi.JobRequest(path="/suno/v1/music", fetch_path="/suno/v2/fetch").title,
    ]
    assert said == [
        "2 pictures",
        "seed of 01234567",
        "a part of 01234567",
        "clip 2 of 01234567",
        "Waltz",
        "stems of 01234567",
        "a kite",
        "/v3/async/x a kite",
        "/suno/v1/music",
    ]


# -- jobs at any endpoint -------------------------------------------------------------------------


def test_a_job_request_comes_back_from_json_and_keeps_its_identity() -> None:
    request = ttapi.JobRequest(
        path="/luma/v1/generations",
        body={"userPrompt": "a kite"},
        fetch_path="/luma/v1/fetch",
        fetch_method="POST",
        pictures={"image": "kite.png"},
        results=["video.url"],
        kind="video",
    )
    again = ttapi.JobRequest.model_validate_json(request.model_dump_json())
    assert again.canonical(digests(again)) == request.canonical(digests(request))
    given = ttapi.JobRequest.model_validate(
        {"path": "/a", "body": {"x": 1}, "fetch_path": "/b", "pictures": {"image": "kite.png"}}
    )
    assert given.pictures[0].at == "image"


async def test_a_job_may_be_fetched_by_post(wire: Wire) -> None:
    wire.says["/luma/v1/generations"] = (200, {"status": "SUCCESS", "message": "", "data": {"jobId": "l-1"}})
    done = {"status": "SUCCESS", "message": "", "data": {"video": {"url": wire.file("0x0/v.mp4")}}}
    wire.says["/luma/v1/fetch"] = (200, done)
    request = ttapi.JobRequest(
        path="/luma/v1/generations",
        body={"userPrompt": "a kite"},
        fetch_path="/luma/v1/fetch",
        fetch_method="POST",
        results=["video.url"],
        kind="video",
    )
    result = await run(TTAPI_JOB, request, Account(TTAPI, wire.url, "k"))
    assert [sent.body for sent in wire.asked("/luma/v1/fetch")] == [{"jobId": "l-1"}]
    assert [file.media_type for file in result.media] == ["video/mp4"]
    assert result.result.extra["video"] == {"url": wire.file("0x0/v.mp4").partition("?")[0]}


def test_a_wrong_place_for_the_links_is_named() -> None:
    request = novita.JobRequest(path="/v3/async/x", results=["pictures[].url"]).canonical({})
    result = novita.NovitaResult.model_validate({"images": [{"image_url": "https://a/b.png"}]})
    with pytest.raises(errors.ResponseFormatError, match=r"no link at pictures\[\]\.url; it holds .*images"):
        NOVITA_JOB.links(result, request)


# -- an operation that was called otherwise ---------------------------------------------------------


async def test_a_former_name_warns_and_buys_the_same_job_once(wire: Wire) -> None:
    wire.says["/gemini/video/generations"] = (200, {"status": "SUCCESS", "message": "", "data": {"jobId": "g-1"}})
    done = {"status": "SUCCESS", "message": "", "data": {"video_url": wire.file("0x0/v.mp4")}}
    wire.says["/gemini/video/fetch"] = (200, done)
    request = ttapi.VeoVideoRequest(prompt="a kite", aspect_ratio="9:16")
    credentials = TTAPICredentials(api_key="k", base_url=wire.url)
    with disable_run_logger(), pytest.warns(DeprecationWarning, match=r"ttapi\.gemini_video"):
        former = await ttapi.veo_video.fn(request, credentials)
    with disable_run_logger():
        now = await ttapi.gemini_video.fn(request, credentials)
    assert former == now and now.job.operation == "ttapi.gemini_video"
    assert len([sent for sent in wire.sent if sent.method == "POST"]) == 1


def test_a_former_name_in_the_ledger_and_in_kept_results_is_still_read() -> None:
    assert operation_of("ttapi.veo_video") is OPERATIONS["ttapi.gemini_video"]
    kept = {
        "job": {"id": "1", "operation": "ttapi.veo_video", "job_id": "g-1", "base_url": "https://a", "account": "x"},
        "media": [],
        "result": {"videos": ["https://a/v.mp4"]},
    }
    assert isinstance(JobResult[Any].model_validate(kept).result, ttapi.VideoResult)


# -- NovelAI's path -------------------------------------------------------------------------------


@pytest.mark.parametrize("written", ["/novelai/generate", "novelai/generate", "/novelai/generate/"])
async def test_novelais_path_is_a_setting_and_no_part_of_what_is_asked_for(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    request = novelai.TextToImageRequest(prompt="1girl")
    before = request.canonical({})
    monkeypatch.setenv("GENMEDIA_NOVELAI_SUBMIT_PATH", written)
    wire.says["/novelai/generate"] = (200, {"status": "SUCCESS", "message": "", "data": {"jobId": "n-1"}})
    done = {"status": "SUCCESS", "message": "", "data": {"imageUrl": wire.file("8x8/1.png")}}
    wire.says["/novelai/fetch"] = (200, done)
    result = await run(TEXT_TO_IMAGE, request, Account(TTAPI, wire.url, "k"))
    assert [sent.path for sent in wire.sent if sent.method == "POST"] == ["/novelai/generate"]
    assert len(result.media) == 1 and request.canonical({}) == before
    assert "path" not in str(before)


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, {"status": "FAILED", "message": "Not found", "data": None}), (404, "nothing here"), (405, None)],
)
async def test_a_wrong_path_of_novelai_says_which_setting_to_change(wire: Wire, status: int, body: Any) -> None:
    wire.says["/novelai/text-to-image"] = (status, body)
    credentials = TTAPICredentials(api_key="k", base_url=wire.url)
    with disable_run_logger(), pytest.raises(errors.ApiError) as caught:
        await novelai.text_to_image.fn(novelai.TextToImageRequest(prompt="1girl"), credentials)
    assert "GENMEDIA_NOVELAI_SUBMIT_PATH" in str(caught.value) and "/novelai/text-to-image" in str(caught.value)
    assert len(wire.sent) == 1


def test_novelai_takes_both_names_of_a_callback() -> None:
    for name in ("hook_url", "hookUrl"):
        request = novelai.TextToImageRequest.model_validate({"prompt": "1girl", name: "https://a/b"})
        body = request.body({})
        assert body["hookUrl"] == body["hook_url"] == "https://a/b"

"""Every operation of the pack once, as a task in flows on a real Prefect server, against the emulator's own bill."""

from __future__ import annotations

import pytest
from prefect import flow
from prefect.states import State

from prefect_genmedia.errors import OperationRetiredError
from prefect_genmedia.providers import OPERATIONS
from prefect_genmedia.tasks import flowmusic, midjourney, novelai, suno
from prefect_genmedia.tasks import novita as novita_tasks
from prefect_genmedia.tasks import ttapi as generic

KONTEXT = "flux-kontext-max"
SD = {"model_name": "sd_xl_base_1.0.safetensors", "prompt": "a kite", "width": 256, "height": 256}


def checked(result, operation: str, *media_types: str):
    """The result names its operation, and every file is there and is what it should be."""
    assert result.job.operation == operation and result.job.job_id
    assert [file.media_type for file in result.media] == list(media_types)
    assert all(file.path.stat().st_size == file.bytes for file in result.media)
    return result


async def completed(work) -> None:
    state: State = await flow(work)(return_state=True)
    await state.aresult()


async def test_midjourney(emulator, ttapi, photos):
    credentials = ttapi
    png, grid = "image/png", ("image/png",) * 5
    picture = photos / "coffee.png"

    async def work():
        first = await midjourney.imagine(midjourney.ImagineRequest(prompt="a kite"), credentials)
        checked(first, "midjourney.imagine", *grid)
        request = midjourney.ActionRequest.of(first, "upsample1")
        checked(await midjourney.action(request, credentials), "midjourney.action", png)
        with pytest.raises(ValueError, match="upsample1"):
            midjourney.ActionRequest.of(first, "pan_left")
        blend = midjourney.BlendRequest(images=[picture, photos / "chelsea.png"])
        checked(await midjourney.blend(blend, credentials), "midjourney.blend", *grid)
        described = await midjourney.describe(midjourney.DescribeRequest(image=picture), credentials)
        assert len(checked(described, "midjourney.describe").result.prompts) == 4
        inpaint = midjourney.InpaintRequest(job_id=first.job.job_id, mask=first.media[0], prompt="a red kite")
        checked(await midjourney.inpaint(inpaint, credentials), "midjourney.inpaint", *grid)
        seed = await midjourney.seed(midjourney.SeedRequest(job_id=first.job.job_id), credentials)
        assert checked(seed, "midjourney.seed").result.seed
        edit = midjourney.EditRequest(prompt="in bronze", image=picture, type="retexture")
        checked(await midjourney.edit(edit, credentials), "midjourney.edit", *("image/png",) * 4)
        video = midjourney.VideoRequest(prompt="it flies", image_url="https://example.com/kite.png")
        clip = await midjourney.video(video, credentials)
        assert {file.media_type for file in clip.media} == {"video/mp4"}
        longer = midjourney.ExtendVideoRequest(job_id=clip.job.job_id, index=0)
        assert {file.media_type for file in (await midjourney.extend_video(longer, credentials)).media} == {"video/mp4"}
        account = await midjourney.account(credentials)
        assert account.balance < 10_000
        read = await midjourney.fetch(first.job.job_id, credentials)
        assert read.state == "succeeded" and read.result.components == first.result.components

    await completed(work)
    assert len([name for name in OPERATIONS if name.startswith("midjourney.")]) == 9
    assert list(emulator.jobs()["counts"].values()) == [1] * 9


@pytest.mark.slow
async def test_novelai_and_flowmusic(emulator, ttapi):
    async def work():
        drawn = await novelai.text_to_image(novelai.TextToImageRequest(prompt="1girl, solo"), ttapi)
        assert {file.media_type for file in drawn.media} == {"image/png"}
        assert drawn.quota and drawn.result.finish_time
        song = await flowmusic.generate(flowmusic.GenerateRequest(sound_prompt="a slow waltz", length=5), ttapi)
        assert any(file.media_type.startswith("audio/") for file in song.media)
        clip = song.result.clips[0].clip_id
        more = [
            (flowmusic.extend, flowmusic.ExtendRequest(clip_id=clip, extend_from_s=1, extend_s=2, instruction="solo")),
            (flowmusic.cover, flowmusic.CoverRequest(clip_id=clip, instruction="for strings")),
            (flowmusic.replace, flowmusic.ReplaceRequest(clip_id=clip, start_s=1, end_s=2, instruction="silence")),
            (flowmusic.stems, flowmusic.StemsRequest(clip_id=clip)),
        ]
        for task, request in more:
            result = await task(request, ttapi)
            assert any(file.media_type.startswith("audio/") for file in result.media), task.name

    await completed(work)
    assert emulator.billed() == 6


async def test_novelais_unverified_path_is_a_setting_and_a_404_says_so(emulator, ttapi, monkeypatch):
    emulator.configure(novelai_path="/novelai/generate")
    request = novelai.TextToImageRequest(prompt="1girl, solo")

    async def work():
        return await novelai.text_to_image(request, ttapi)

    failed = await flow(work)(return_state=True)
    error = await failed.aresult(raise_on_failure=False)
    assert "GENMEDIA_NOVELAI_SUBMIT_PATH" in str(error) and emulator.billed() == 0
    monkeypatch.setenv("GENMEDIA_NOVELAI_SUBMIT_PATH", "/novelai/generate")
    await completed(work)
    assert emulator.billed() == 1


@pytest.mark.slow
async def test_novita(emulator, novita, photos):
    emulator.configure(novita_retired="wan-t2v")
    picture = photos / "coffee.png"
    t = novita_tasks
    wanted = [
        (t.img2img, t.Img2ImgRequest(**SD, image=picture), "image/png"),
        (t.txt2img, t.Txt2ImgRequest(**SD, image_num=2), "image/png"),
        (t.img2video, t.Img2VideoRequest(model_name="SVD-XT", image=picture), "video/mp4"),
        (
            t.txt2video,
            t.Txt2VideoRequest(
                model_name="darkSushiMixMix_225D_64380.safetensors",
                width=640,
                height=480,
                prompts=[t.PromptFrames(frames=32, prompt="a kite")],
            ),
            "video/mp4",
        ),
        (t.hunyuan_video_fast, t.HunyuanVideoFastRequest(prompt="a kite"), "video/mp4"),
        (t.kling_v16_i2v, t.KlingV16I2VRequest(prompt="a kite", image_url="https://example.com/kite.png"), "video/mp4"),
        (t.kling_v21_t2v_master, t.KlingV21T2VMasterRequest(prompt="a kite"), "video/mp4"),
        (t.minimax_hailuo_02, t.MinimaxHailuo02Request(prompt="a kite"), "video/mp4"),
        (t.kling_v30_std_i2v, t.KlingV30I2VRequest(prompt="a kite", image="https://example.com/kite.png"), "video/mp4"),
        (t.kling_v30_pro_i2v, t.KlingV30I2VRequest(prompt="a kite", image="https://example.com/kite.png"), "video/mp4"),
        (t.kling_v30_std_t2v, t.KlingV30T2VRequest(prompt="a kite"), "video/mp4"),
        (t.wan27_i2v, t.Wan27I2VRequest(image_url="https://example.com/kite.png"), "video/mp4"),
        (
            t.minimax_hailuo_23_fast_i2v,
            t.MinimaxHailuo23FastI2VRequest(prompt="a kite", image=picture),
            "video/mp4",
        ),
        (t.job, t.JobRequest(path="/v3/async/qwen-image-txt2img", body={"prompt": "a kite"}), "image/jpeg"),
    ]

    async def work():
        for task, request, media_type in wanted:
            result = await task(request, novita)
            assert {file.media_type for file in result.media} == {media_type}, task.name
            assert result.job.operation == task.name
        with pytest.raises(OperationRetiredError):
            await t.job(t.JobRequest(path="/v3/async/wan-t2v", body={"prompt": "a kite"}), novita)
        assert (await t.balance(novita)).available > 0

    await completed(work)
    assert emulator.billed() == len(wanted) == len([name for name in OPERATIONS if name.startswith("novita.")])


@pytest.mark.slow
async def test_ttapis_other_products(emulator, ttapi):
    async def work():
        for task, request in (
            (generic.sora_video, generic.SoraVideoRequest(prompt="a kite")),
            (generic.sora_partner_video, generic.SoraPartnerVideoRequest(prompt="a kite")),
            (generic.luma_video, generic.LumaVideoRequest(prompt="a kite")),
            (generic.grok_video, generic.GrokVideoRequest(prompt="a kite")),
            (generic.gemini_video, generic.GeminiVideoRequest(prompt="a kite", aspect_ratio="16:9")),
        ):
            checked(await task(request, ttapi), task.name, "video/mp4")
        for task, request, kind in (
            (generic.flux_image, generic.FluxImageRequest(prompt="a kite", mode="flux1-dev"), "webp"),
            (generic.flux_kontext_image, generic.FluxKontextImageRequest(prompt="x", model=KONTEXT), "webp"),
            (generic.gpt_image, generic.GptImageRequest(prompt="draw a kite"), "png"),
            (generic.gemini_image, generic.GeminiImageRequest(prompt="a kite"), "png"),
        ):
            checked(await task(request, ttapi), task.name, f"image/{kind}")

    await completed(work)
    assert emulator.jobs()["counts"].keys() | {"ttapi.job"} == {n for n in OPERATIONS if n.startswith("ttapi.")}
    assert set(emulator.jobs()["counts"].values()) == {1}


@pytest.mark.slow
async def test_suno(emulator, ttapi):
    two = ("audio/mpeg",) * 2 + ("video/mp4", "image/jpeg") * 2

    async def work():
        song = await suno.music(suno.MusicRequest(gpt_description_prompt="a slow waltz"), ttapi)
        first = checked(song, "suno.music", *two).result.musics[0].music_id
        longer = await suno.extend(suno.ExtendRequest(custom=True, music_id=first, continue_at=5), ttapi)
        extension = checked(longer, "suno.extend", *two).result.musics[0].music_id
        whole = await suno.concat(suno.ConcatRequest(music_id=extension), ttapi)
        checked(whole, "suno.concat", "audio/mpeg", "video/mp4", "image/jpeg")
        again = suno.CoverRequest(gpt_description_prompt="for strings", music_id=first)
        checked(await suno.cover(again, ttapi), "suno.cover", *two)
        checked(await suno.sounds(suno.SoundsRequest(sound="a door"), ttapi), "suno.sounds", *two)
        parts = await suno.stems_all(suno.StemsAllRequest(music_id=first), ttapi)
        assert parts.result.musics[0].title.endswith("(Vocals)")
        assert (await suno.fetch(song.job.job_id, ttapi)).result.musics[0].duration == 12

    await completed(work)
    assert emulator.jobs()["counts"].keys() == {n for n in OPERATIONS if n.startswith("suno.")}
    assert set(emulator.jobs()["counts"].values()) == {1}


async def test_a_generic_job_has_the_same_guarantees(emulator, ttapi):
    request = ttapi_request()
    emulator.add_faults({"kind": "fetch_drop", "times": 2})

    async def work():
        first, second = await generic.job(request, ttapi), await generic.job(request, ttapi)
        assert first == second and len(first.media) >= 1

    await completed(work)
    assert emulator.billed() == 1


def ttapi_request():
    return generic.JobRequest(
        path="/midjourney/v1/imagine",
        body={"prompt": "a kite"},
        fetch_path="/midjourney/v1/fetch",
        results=["data.cdnImage"],
    )

"""What a user writes. pyright and `mypy --strict`, without pydantic's plugin, must find nothing wrong in it.

Nothing here is run: `check.py` has it read. The examples of the README first, then every task once.
"""

from __future__ import annotations

from pathlib import Path

from prefect import flow, unmapped
from pydantic import SecretStr

from prefect_genmedia.blocks import Budget, NovitaCredentials, TTAPICredentials
from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import GenMediaError, JobTimeoutError, SubmitOutcomeUnknown
from prefect_genmedia.flows import AdvancedIllustrate, illustrate
from prefect_genmedia.jobs import JobResult, Terms, run
from prefect_genmedia.media import MediaFile, Picture
from prefect_genmedia.operation import Account
from prefect_genmedia.providers import OPERATIONS
from prefect_genmedia.providers.ttapi.envelope import TTAPI
from prefect_genmedia.providers.ttapi.midjourney import IMAGINE
from prefect_genmedia.tasks import flowmusic, imaging, jobs, midjourney, novelai, novita, suno, ttapi


@flow(retries=2)
async def hero_picture(subject: str) -> list[MediaFile]:
    ttapi_block = await TTAPICredentials.aload("ttapi")
    novita_ai = await NovitaCredentials.aload("novita")
    grid = await midjourney.imagine(midjourney.ImagineRequest(prompt=f"{subject} --ar 3:2"), ttapi_block)
    redrawn = await novita.img2img(
        novita.Img2ImgRequest(
            model_name="sd_xl_base_1.0.safetensors",
            prompt="oil on canvas",
            image=grid.media[1],
            width=1024,
            height=680,
            strength=0.45,
        ),
        novita_ai,
    )
    return await imaging.render(redrawn.media[0], [imaging.Rendition(name="wide", width=1600, height=900)])


@flow
async def my_flow(base_url: str) -> JobResult[midjourney.MidjourneyResult]:
    block = TTAPICredentials(api_key=SecretStr("any"), base_url=base_url)
    return await midjourney.imagine(midjourney.ImagineRequest(prompt="a lighthouse"), block)


async def test_my_flow_pays_once(genmedia_emulator: Emulator) -> None:
    genmedia_emulator.add_faults({"kind": "submit_lose_reply", "times": 1})
    await my_flow(base_url=genmedia_emulator.url)
    assert genmedia_emulator.billed("midjourney.imagine") == 1


async def from_python() -> None:
    published = await illustrate(prompts=["a lighthouse --ar 3:2"], advanced=AdvancedIllustrate(attempts=2))
    print(published)


async def without_a_prefect_server() -> str | None:
    account = Account(TTAPI, "https://api.ttapi.io", "key")
    found = await run(IMAGINE, midjourney.ImagineRequest(prompt="a wren"), account, terms=Terms(copy=1, attempts=2))
    return found.result.seed or OPERATIONS[found.job.operation].lifecycle


@flow
def album(block: TTAPICredentials) -> None:
    first = midjourney.imagine.submit(midjourney.ImagineRequest(prompt="a wren"), block, copy=1)
    birds = [midjourney.ImagineRequest(prompt=bird) for bird in ("a robin", "a finch")]
    more = midjourney.imagine.map(birds, unmapped(block), request_key="birds", copy=2)
    print(first.result(), more.result())


async def keywords(block: TTAPICredentials, request: midjourney.ImagineRequest) -> None:
    await midjourney.imagine(request, block, copy=2)
    await midjourney.imagine(request, block, request_key="SKU-1 2026-09-01", attempts=2, deadline_seconds=600)
    await midjourney.imagine(request, block, on_unknown="wait", request_key=None, deadline_seconds=None)
    await midjourney.imagine.with_options(retries=0, name="once")(request, block, copy=1, on_unknown="resubmit")
    try:
        await midjourney.imagine(request, block)
    except SubmitOutcomeUnknown as unknown:
        print(unknown.job, unknown.advice)
    except JobTimeoutError as late:
        if late.job is not None:
            await jobs.resume(late.job, block, deadline_seconds=60)
    except GenMediaError as error:
        print(error.message, error.provider)


def blocks() -> tuple[TTAPICredentials, NovitaCredentials]:
    budget = Budget(unit="USD", per_day=20, per_tag={"spring": 5.5}, unknown_cost=0.1)
    return (
        TTAPICredentials(api_key=SecretStr("any")),
        NovitaCredentials(api_key=SecretStr("any"), base_url="https://api.novita.ai", budget=budget),
    )


async def pictures(picture: MediaFile, block: NovitaCredentials) -> None:
    """Wherever a picture is taken: a file of the media store, a path, an address or its bytes."""
    for image in (picture, Path("dog.png"), "dog.png", "https://example.com/dog.png", b"\x89PNG"):
        request = novita.Img2ImgRequest(model_name="m", prompt="in ink", image=image, width=512, height=512)
        await novita.img2img(request, block)
    midjourney.DescribeRequest(image="dog.png")
    midjourney.EditRequest(prompt="at night", image=Path("dog.png"))
    novelai.VibeTransfer(image=picture, strength=0.3)
    novita.MinimaxHailuo02Request(prompt="it barks", image=picture, end_image=b"\x89PNG")


async def every_midjourney_task(block: TTAPICredentials) -> None:
    prompt = midjourney.MidjourneyPrompt("a lighthouse", ar=(3, 2), stylize=200, no=["people", "boats"])
    grid = await midjourney.imagine(midjourney.ImagineRequest(prompt=prompt, mode="turbo", get_u_images=True), block)
    assert grid.job.job_id is not None
    await midjourney.action(midjourney.ActionRequest.of(grid, "upsample1"), block)
    await midjourney.action(midjourney.ActionRequest(job_id=grid.job.job_id, action="reroll", timeout=600), block)
    blended = await midjourney.blend(
        midjourney.BlendRequest(images=[grid.media[0], "dog.png"], dimensions="LANDSCAPE"), block
    )
    described = await midjourney.describe(midjourney.DescribeRequest(image=blended.media[0]), block)
    for line in described.result.prompts:
        print(line.upper())
    await midjourney.inpaint(midjourney.InpaintRequest.of(grid, "mask.png", prompt="a boat"), block)
    await midjourney.inpaint(midjourney.InpaintRequest(job_id=grid.job.job_id, mask=Path("mask.png")), block)
    seed = await midjourney.seed(midjourney.SeedRequest(job_id=grid.job.job_id), block)
    print(seed.result.seed, seed.quota)
    edited = await midjourney.edit(midjourney.EditRequest(prompt="at night", image=grid.media[1]), block)
    print(edited.result.cdn_images[0])
    clip = await midjourney.video(
        midjourney.VideoRequest(prompt="it turns", image_url="https://example.com/a.png", clips=2), block
    )
    assert clip.job.job_id is not None
    longer = midjourney.ExtendVideoRequest(job_id=clip.job.job_id, index=0, animate_mode="manual", clips=1)
    await midjourney.extend_video(longer, block)
    looked = await midjourney.fetch(grid.job.job_id, block)
    if looked.result is not None:
        print(looked.state, looked.percent, looked.result.components[0])
    verdict = await midjourney.prompt_check("a lighthouse", block)
    print(verdict.allowed, (await midjourney.status(block))["fast"].average_execute)
    print((await midjourney.account(block)).balance)
    print([job.job_id for job in await midjourney.jobs(midjourney.JobListQuery(status="FAILED", limit=5), block)])
    midjourney.check(str(prompt))


async def every_other_ttapi_task(block: TTAPICredentials) -> None:
    tags = novelai.TextToImageRequest(
        prompt="1girl, rain",
        character_prompts=[novelai.CharacterPrompt(prompt="a girl", center={"x": 0.5, "y": 0.5})],
        vibe_transfer=(novelai.VibeTransfer(image="mood.png"),),
        more={"sm": True},
    )
    drawn = await novelai.text_to_image(tags, block)
    print(drawn.result.images, (await novelai.fetch("id", block)).provider_state)

    song = await flowmusic.generate(
        flowmusic.GenerateRequest(sound_prompt="calm piano", song_title="Rain", seed=7, bpm=90, length=60), block
    )
    clip = song.result.clips[0].clip_id
    assert clip is not None
    await flowmusic.extend(
        flowmusic.ExtendRequest(clip_id=clip, extend_from_s=30, extend_s=60, instruction="louder", seed="7"), block
    )
    await flowmusic.cover(flowmusic.CoverRequest(clip_id=clip, instruction="as a waltz", strength=1), block)
    await flowmusic.replace(flowmusic.ReplaceRequest(clip_id=clip, start_s=0, end_s=9.5, instruction="softer"), block)
    await flowmusic.stems(flowmusic.StemsRequest(clip_id=clip), block)
    print((await flowmusic.fetch("id", block)).result)

    grok = ttapi.GrokVideoRequest(prompt="it turns", video_length=10, refer_images=["https://example.com/a.png"])
    print((await ttapi.grok_video(grok, block)).result.videos)
    clips = (await ttapi.gemini_video(ttapi.GeminiVideoRequest(prompt="it turns", aspect_ratio="16:9"), block)).media
    await ttapi.veo_video(ttapi.VeoVideoRequest(prompt=f"{len(clips)} more", aspect_ratio="16:9"), block)
    sora = ttapi.SoraVideoRequest(prompt="it turns", model="sora-2-pro", duration=25, orientation="landscape")
    await ttapi.sora_video(sora, block)
    await ttapi.sora_partner_video(ttapi.SoraPartnerVideoRequest(prompt="it turns", seconds=8), block)
    await ttapi.luma_video(ttapi.LumaVideoRequest(prompt="it turns", duration="10s", use_mode="fast"), block)
    drawing = await ttapi.flux_image(ttapi.FluxImageRequest(prompt="a kite", mode="flux-2-pro"), block)
    changed = ttapi.FluxKontextImageRequest(prompt="at night", model="flux-kontext-max", images=drawing.media)
    print((await ttapi.flux_kontext_image(changed, block)).result.images[0])
    banana = ttapi.GeminiImageRequest(prompt="a kite", model="gemini-2.5-flash-image", image_size="1K")
    print((await ttapi.gemini_image(banana, block)).result.images)
    print((await ttapi.gpt_image(ttapi.GptImageRequest(prompt="draw a kite", aspect_ratio="16:9"), block)).quota)
    words = {"prompt": "a kite"}
    by_place = ttapi.JobRequest(
        path="/suno/v1/music",
        fetch_path="/suno/v2/fetch",
        json_body=words,
        pictures={"request.image_base64": "dog.png", "request.mask": b"\x89PNG"},
        results=["images[].image_url"],
        callback_field="hookUrl",
    )
    print((await ttapi.job(by_place, block)).result.extra)


async def every_suno_task(block: TTAPICredentials) -> None:
    idea = suno.MusicRequest(gpt_description_prompt="rain on a roof", mv="chirp-v5-5")
    songs = (await suno.music(idea, block, copy=1)).result.musics
    first = songs[0].music_id
    assert first is not None
    longer = suno.ExtendRequest(custom=True, music_id=first, continue_at=60, song_title="Rain", style_weight=0.5)
    extension = (await suno.extend(longer, block)).result.musics[0].music_id
    assert extension is not None
    await suno.concat(suno.ConcatRequest(music_id=extension), block)
    await suno.cover(suno.CoverRequest(custom=True, music_id=first, tags="jazz", vocal_gender="Male"), block)
    await suno.sounds(suno.SoundsRequest(sound="a door", type="loop", bpm=90, key="F#m"), block)
    print([part.title for part in (await suno.stems_all(suno.StemsAllRequest(music_id=first), block)).result.musics])
    print((await suno.fetch("id", block)).result)


async def every_novita_task(picture: MediaFile, block: NovitaCredentials) -> None:
    steered = novita.Img2ImgRequest(
        model_name="m",
        prompt="in ink",
        image=picture,
        width=512,
        height=512,
        loras=[novita.Lora(model_name="l", strength=1)],
        embeddings=(novita.Embedding(model_name="e"),),
        controlnet=novita.ControlNet(units=[novita.ControlNetUnit(model_name="c", image="edges.png")]),
        ip_adapters=[novita.IpAdapter(model_name="ip-adapter_sdxl.bin", image=b"\x89PNG", strength=0.5)],
        extra=novita.ImageExtra(response_image_type="webp", webhook=novita.Webhook(url="https://example.com/mine")),
    )
    redrawn = await novita.img2img(steered, block, copy=1)
    print(redrawn.result.seed, redrawn.result.images[0].image_type, redrawn.media[0].path)
    fixed = novita.HiresFix(target_width=2048, target_height=2048, strength=0.5, upscaler="Latent")
    await novita.txt2img(
        novita.Txt2ImgRequest(model_name="m", prompt="a kite", width=512, height=512, hires_fix=fixed), block
    )
    await novita.img2video(novita.Img2VideoRequest(model_name="SVD-XT", image=picture), block)
    frames = [novita.PromptFrames(frames=32, prompt="a kite"), novita.PromptFrames(frames=32, prompt="it falls")]
    await novita.txt2video(novita.Txt2VideoRequest(model_name="m", width=512, height=512, prompts=frames), block)
    await novita.hunyuan_video_fast(
        novita.HunyuanVideoFastRequest(prompt="a kite", width=864, height=480, frames=129), block
    )
    await novita.kling_v16_i2v(
        novita.KlingV16I2VRequest(prompt="it rises", image_url="https://example.com/a.png", duration=10), block
    )
    await novita.kling_v21_t2v_master(novita.KlingV21T2VMasterRequest(prompt="a kite", duration="10"), block)
    await novita.minimax_hailuo_02(novita.MinimaxHailuo02Request(prompt="a kite", image=picture), block)
    smaller = Picture(source=picture, prepare="fit")
    await novita.minimax_hailuo_02(novita.MinimaxHailuo02Request(prompt="a kite", image=smaller), block)
    shots = [novita.Shot(prompt="it rises", duration=4), novita.Shot(prompt="it falls", duration=4)]
    kling = novita.KlingV30I2VRequest(
        prompt="a kite", image="https://example.com/a.png", multi_prompt=shots, duration=8, unverified_callback=True
    )
    await novita.kling_v30_std_i2v(kling, block)
    await novita.kling_v30_pro_i2v(kling, block)
    await novita.kling_v30_std_t2v(novita.KlingV30T2VRequest(prompt="a kite", aspect_ratio="9:16"), block)
    await novita.wan27_i2v(novita.Wan27I2VRequest(image_url="https://example.com/a.png", duration=2), block)
    fast = novita.MinimaxHailuo23FastI2VRequest(prompt="it rises", image=picture)
    await novita.minimax_hailuo_23_fast_i2v(fast, block)
    generic = novita.JobRequest(path="/v3/async/wan-t2v", json_body={"prompt": "a kite", "seed": 7, "loop": False})
    print((await novita.job(generic, block)).result.videos)
    print((await novita.fetch("id", block)).quota)
    print([model.sd_name for model in await novita.models(novita.ModelQuery(types="lora"), block, most=10)])
    print((await novita.balance(block)).available)


async def every_step(picture: MediaFile) -> None:
    taken = await imaging.take_in("https://example.com/dog.png")
    four = await imaging.quadrants(picture)
    sizes = (imaging.Rendition(name="square", width=512, fit="inside", format="webp", quality=80),)
    files = await imaging.render(taken, sizes, folder="published", stem="dog", manifest={"by": "me"})
    print([(file.uri, file.sha256, file.media_type, file.bytes, file.width, file.height) for file in (*four, *files)])

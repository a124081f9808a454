"""What a user's editor must refuse: every checker complains about each line marked so, and about no other.

"not by" names those that cannot see it: they read fields as pydantic does, which takes a text for a number ("512") and
makes models of what they are given.
"""

from __future__ import annotations

from pathlib import Path

from prefect_genmedia.blocks import NovitaCredentials, TTAPICredentials
from prefect_genmedia.jobs import JobResult, Terms
from prefect_genmedia.media import MediaFile
from prefect_genmedia.tasks import flowmusic, imaging, midjourney, novita, suno, ttapi


async def keywords(request: midjourney.ImagineRequest, block: TTAPICredentials) -> None:
    await midjourney.imagine(request, block, copy=2)
    await midjourney.imagine(request, block, coppy=2)  # refused
    await midjourney.imagine(request, block, copy="2")  # refused
    await midjourney.imagine(request, block, on_unknown="nope")  # refused
    await midjourney.imagine(request, block, request_key=7)  # refused
    await midjourney.imagine(request, block, attempts=None)  # refused
    await midjourney.imagine(request, block, deadline_seconds="60")  # refused
    await midjourney.imagine(request, block, budget=None)  # refused
    await midjourney.imagine.with_options(retries=0)(request, block, coppy=2)  # refused
    midjourney.imagine.submit(request, block, coppy=2)  # refused
    Terms(on_unknown="nope")  # refused


async def blocks_and_requests(tt: TTAPICredentials, nov: NovitaCredentials, image: MediaFile) -> None:
    grid = midjourney.ImagineRequest(prompt="a kite")
    redrawn = novita.Img2ImgRequest(model_name="m", prompt="in ink", image=image, width=512, height=512)
    await midjourney.imagine(grid, nov)  # refused
    await novita.img2img(redrawn, tt)  # refused
    await midjourney.imagine(redrawn, tt)  # refused
    await novita.txt2img(redrawn, nov)  # refused
    await midjourney.imagine("a kite", tt)  # refused
    await midjourney.imagine(grid)  # refused
    await flowmusic.generate(grid, tt)  # refused
    await imaging.render(image, [{"name": "wide"}])  # refused


def fields(image: MediaFile) -> None:
    midjourney.ImagineRequest(prompt=7)  # refused, not by ty
    midjourney.ImagineRequest()  # refused
    midjourney.ImagineRequest(prompt="a kite", modes="fast")  # refused
    midjourney.ImagineRequest(prompt="a kite", mode="fastest")  # refused
    midjourney.ImagineRequest(prompt="a kite", hook_url=7)  # refused
    midjourney.ActionRequest(job_id="j", action="enlarge")  # refused
    midjourney.ActionRequest(action="reroll")  # refused
    midjourney.BlendRequest(images=image)  # refused, not by pyrefly
    midjourney.BlendRequest(images=[image, 7])  # refused, not by pyrefly
    midjourney.VideoRequest(prompt="a kite", image_url=Path("a.png"))  # refused
    midjourney.ExtendVideoRequest(job_id="j", index=4)  # refused
    midjourney.MidjourneyPrompt("a kite", stylise=7)  # refused
    novita.Img2ImgRequest(model_name="m", prompt="p", image=7, width=512, height=512)  # refused, not by pyrefly
    novita.Txt2ImgRequest(model_name="m", prompt="p", width="wide", height=512)  # refused, not by pyrefly or ty
    novita.Img2ImgRequest(model_name="m", prompt="p", width=512, height=512)  # refused
    novita.Txt2ImgRequest(model_name="m", prompt="p", width=512, height=512, loras=["l"])  # refused, not by pyrefly
    novita.Txt2ImgRequest(model_name="m", prompt="p", width=512, height=512, image=image)  # refused
    novita.Txt2VideoRequest(model_name="m", width=512, height=512, prompts="a kite")  # refused, not by pyrefly
    novita.Img2VideoRequest(model_name="SVD-XL", image=image)  # refused
    flowmusic.ExtendRequest(clip_id=None, extend_from_s=1, extend_s=2, instruction="louder")  # refused
    ttapi.GeminiVideoRequest(prompt="a kite")  # refused
    ttapi.FluxImageRequest(prompt="a kite", mode="flux-3")  # refused
    suno.ExtendRequest(custom=True, continue_at=5)  # refused
    novita.KlingV30I2VRequest(prompt="p", image="a.png", multi_prompt=["it rises"])  # refused, not by pyrefly
    midjourney.MidjourneyPrompt("a kite", motion="fast")  # refused
    ttapi.JobRequest(path="/suno/v1/music")  # refused
    ttapi.JobRequest(path="/a", fetch_path="/b", pictures={"a": 7})  # refused, not by pyrefly
    ttapi.JobRequest(path="/a", fetch_path="/b", results=7)  # refused
    imaging.Rendition(name="wide", fit="stretch")  # refused


def results(grid: JobResult[midjourney.MidjourneyResult], song: JobResult[flowmusic.FlowMusicResult]) -> None:
    print(grid.results)  # refused
    print(grid.result.clips)  # refused
    print(grid.media[0].size)  # refused
    midjourney.ActionRequest.of(grid, "enlarge")  # refused
    midjourney.ActionRequest.of(song, "reroll")  # refused
    midjourney.InpaintRequest.of(grid, 7)  # refused

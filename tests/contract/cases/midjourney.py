"""Midjourney through TTAPI."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prefect_genmedia.tasks import midjourney
from tests.contract.cases.case import BASE64, DATA, JOB, MINE, OTHER, OTHER_DATA, PICTURE, At, Case, ttapi_job
from tests.contract.wire import Body


def mj(**data: Any) -> Callable[[At], Body]:
    """A finished Midjourney job with a grid."""

    def finished(at: At) -> Body:
        grid = at("64x48/grid.png")
        common = {
            "action": "imagine",
            "jobId": JOB,
            "progress": "100",
            "prompt": "a cute kitten",
            "quota": "2",
            "discordImage": grid,
            "cdnImage": grid,
            "width": 64,
            "height": 48,
            "hookUrl": None,
            "components": ["upsample1", "variation1", "reroll"],
            "seed": None,
            "images": [at(f"32x24/{corner}.png") for corner in ("tl", "tr", "bl", "br")],
        }
        return {"status": "SUCCESS", "message": "", "jobId": JOB, "data": {**common, **data}}

    return finished


def text_only(**data: Any) -> Callable[[At], Body]:
    nothing = {
        "discordImage": None,
        "cdnImage": None,
        "width": None,
        "height": None,
        "images": None,
        "components": None,
    }
    return mj(**nothing, **data)


GRID = (
    ("grid", "image/png"),
    ("top left", "image/png"),
    ("top right", "image/png"),
    ("bottom left", "image/png"),
    ("bottom right", "image/png"),
)
MJ_FETCH = ("/midjourney/v1/fetch", "jobId")
CASES: dict[str, Case] = {
    "midjourney.imagine": Case(
        path="/midjourney/v1/imagine",
        fetch=MJ_FETCH,
        smallest=midjourney.ImagineRequest(prompt="a cute kitten"),
        smallest_json={"prompt": "a cute kitten", "mode": "fast"},
        fullest=midjourney.ImagineRequest(
            prompt=midjourney.MidjourneyPrompt("a cute kitten", ar="3:2"),
            mode="relax",
            timeout=600,
            get_u_images=True,
            translation=False,
            hook_url=MINE,
        ),
        fullest_json={
            "prompt": "a cute kitten --ar 3:2",
            "mode": "relax",
            "timeout": 600,
            "getUImages": True,
            "translation": False,
            "hookUrl": MINE,
        },
        finished=mj(),
        files=GRID,
    ),
    "midjourney.action": Case(
        path="/midjourney/v1/action",
        fetch=MJ_FETCH,
        smallest=midjourney.ActionRequest(job_id="abc", action="upsample1"),
        smallest_json={"jobId": "abc", "action": "upsample1"},
        fullest=midjourney.ActionRequest(job_id="abc", action="make_square", timeout=300, hook_url=MINE),
        fullest_json={"jobId": "abc", "action": "make_square", "timeout": 300, "hookUrl": MINE},
        finished=mj(action="upsample1", images=None),
        files=(("image", "image/png"),),
    ),
    "midjourney.blend": Case(
        path="/midjourney/v1/blend",
        fetch=MJ_FETCH,
        smallest=midjourney.BlendRequest(images=[PICTURE, OTHER]),
        smallest_json={"imgBase64Array": [DATA, OTHER_DATA], "dimensions": "SQUARE", "mode": "fast"},
        fullest=midjourney.BlendRequest(
            images=[PICTURE, OTHER, PICTURE, PICTURE, PICTURE],
            dimensions="LANDSCAPE",
            mode="turbo",
            timeout=1200,
            get_u_images=False,
            hook_url=MINE,
        ),
        fullest_json={
            "imgBase64Array": [DATA, OTHER_DATA, DATA, DATA, DATA],
            "dimensions": "LANDSCAPE",
            "mode": "turbo",
            "timeout": 1200,
            "getUImages": False,
            "hookUrl": MINE,
        },
        finished=mj(action="blend"),
        files=GRID,
    ),
    "midjourney.describe": Case(
        path="/midjourney/v1/describe",
        fetch=MJ_FETCH,
        smallest=midjourney.DescribeRequest(url="https://example.com/cat.png"),
        smallest_json={"url": "https://example.com/cat.png"},
        fullest=midjourney.DescribeRequest(image=PICTURE, timeout=300, hook_url=MINE),
        fullest_json={"base64": DATA, "timeout": 300, "hookUrl": MINE},
        leaves_out=("url",),
        finished=text_only(action="describe", prompt="a cat\n\na dog --ar 3:2\na cow\na hen\n"),
        files=(),
    ),
    "midjourney.inpaint": Case(
        path="/midjourney/v1/inpaint",
        fetch=MJ_FETCH,
        smallest=midjourney.InpaintRequest(job_id="abc", mask=PICTURE),
        smallest_json={"jobId": "abc", "mask": BASE64},
        fullest=midjourney.InpaintRequest(job_id="abc", mask=PICTURE, prompt="a red hat", timeout=300, hook_url=MINE),
        fullest_json={"jobId": "abc", "mask": BASE64, "prompt": "a red hat", "timeout": 300, "hookUrl": MINE},
        finished=mj(action="inpaint"),
        files=GRID,
    ),
    "midjourney.seed": Case(
        path="/midjourney/v1/seed",
        fetch=MJ_FETCH,
        smallest=midjourney.SeedRequest(job_id="abc"),
        smallest_json={"jobId": "abc"},
        fullest=midjourney.SeedRequest(job_id="abc", timeout=300, hook_url=MINE),
        fullest_json={"jobId": "abc", "timeout": 300, "hookUrl": MINE},
        finished=text_only(action="seed", seed=1234567),
        files=(),
    ),
    "midjourney.edit": Case(
        path="/midjourney/image-edits/submit",
        fetch=("/midjourney/image-edits/fetch", "jobId"),
        smallest=midjourney.EditRequest(prompt="a red hat", image=PICTURE),
        smallest_json={"prompt": "a red hat", "image": BASE64, "type": "edit", "mode": "fast"},
        fullest=midjourney.EditRequest(
            prompt="in bronze", image=PICTURE, type="retexture", mode="relax", hook_url=MINE
        ),
        fullest_json={
            "prompt": "in bronze",
            "image": BASE64,
            "type": "retexture",
            "mode": "relax",
            "hookUrl": MINE,
        },
        finished=ttapi_job(
            lambda at: {
                "jobId": JOB,
                "progress": "100",
                "mode": "fast",
                "prompt": "a red hat",
                "quota": "4",
                "images": [f"https://cdn.midjourney.com/x/0_{n}.png" for n in range(4)],
                "cdnImages": [at(f"32x24/{n}.png") for n in range(4)],
                "hookUrl": None,
                "submitTime": "2026-03-12T07:35:36Z",
                "finishTime": "2026-03-12T07:36:29Z",
            }
        ),
        files=GRID[1:],
    ),
    "midjourney.video": Case(
        path="/midjourney/video/submit",
        fetch=("/midjourney/video/fetch", "jobId"),
        smallest=midjourney.VideoRequest(prompt="it flies", image_url="https://example.com/kite.png"),
        smallest_json={
            "prompt": "it flies",
            "imageUrl": "https://example.com/kite.png",
            "model": "fast",
            "manual": "low",
            "resolution": "sd",
            "bs": 4,
        },
        fullest=midjourney.VideoRequest(
            prompt="it flies",
            image_url="https://example.com/kite.png",
            ending_url="https://example.com/sky.png",
            model="fast",
            manual="high",
            resolution="hd",
            clips=1,
            hook_url=MINE,
        ),
        fullest_json={
            "prompt": "it flies",
            "imageUrl": "https://example.com/kite.png",
            "endingUrl": "https://example.com/sky.png",
            "model": "fast",
            "manual": "high",
            "resolution": "hd",
            "bs": 1,
            "hookUrl": MINE,
        },
        finished=ttapi_job(lambda at: {"progress": "100", "videos": [at("0x0/1.mp4"), at("0x0/2.mp4")]}),
        files=(("clip 0", "video/mp4"), ("clip 1", "video/mp4")),
    ),
    "midjourney.extend_video": Case(
        path="/midjourney/video/extend",
        fetch=("/midjourney/video/fetch", "jobId"),
        smallest=midjourney.ExtendVideoRequest(job_id="abc", index=0),
        smallest_json={"jobId": "abc", "index": 0, "manual": "low", "animateMode": "auto", "bs": 4},
        fullest=midjourney.ExtendVideoRequest(
            job_id="abc", index=3, manual="high", animate_mode="manual", clips=2, hook_url=MINE
        ),
        fullest_json={
            "jobId": "abc",
            "index": 3,
            "manual": "high",
            "animateMode": "manual",
            "bs": 2,
            "hookUrl": MINE,
        },
        finished=ttapi_job(lambda at: {"video_url": at("0x0/1.mp4"), "cover": at("8x8/cover.png")}),
        files=(("clip 0", "video/mp4"),),
    ),
}

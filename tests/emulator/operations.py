"""Every paid function of both vendors: where it is submitted, with what, and what comes of it."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
from PIL import Image

from prefect_genmedia.emulator import Emulator
from tests.emulator.clients import ASKED, QUICK, Body, photo
from tests.patience import until

DATA_URI = "data:image/png;base64,"
ENDS = ("SUCCESS", "FAILED", "TASK_STATUS_SUCCEED", "TASK_STATUS_FAILED")


class Api:
    """Speaks to every path of both vendors with one key."""

    def __init__(self, emulator: Emulator, key: str = "key-three") -> None:
        headers = {"TT-API-KEY": key, "Authorization": f"Bearer {key}"}
        self.http = httpx.Client(base_url=emulator.url, headers=headers, **QUICK)
        self.bare = httpx.Client(**QUICK)

    def post(self, path: str, **body: Any) -> httpx.Response:
        return self.http.post(path, json=body)

    def submit(self, path: str, **body: Any) -> str:
        reply = self.post(path, **body)
        assert reply.status_code == 200, reply.text
        return id_in(reply.json())

    def read(self, fetch: str, job_id: str) -> httpx.Response:
        name = {"/flowmusic/v1/fetch": "job_id", "/v3/async/task-result": "task_id"}.get(fetch, "jobId")
        return self.http.get(fetch, params={name: job_id})

    def finished(self, fetch: str, job_id: str) -> Body:
        return until(lambda: status_in(body := self.read(fetch, job_id).json()) in ENDS and body)

    def done(self, path: str, fetch: str, **body: Any) -> Body:
        answer = self.finished(fetch, self.submit(path, **body))
        assert status_in(answer) in ("SUCCESS", "TASK_STATUS_SUCCEED"), answer
        return answer

    def refused(self, path: str, **body: Any) -> str:
        """The message of a refusal with 400."""
        reply = self.post(path, **body)
        assert reply.status_code == 400, reply.text
        return str(reply.json()["message"])


def id_in(accepted: Body) -> str:
    return str(accepted.get("task_id") or accepted["data"]["jobId"])


def status_in(answer: Body) -> str:
    return str(answer["task"]["status"] if "task" in answer else answer["status"])


def links_in(answer: Body) -> list[str]:
    """Every link to a file, each once."""
    return list(dict.fromkeys(re.findall(r'http://[^"\s]+/(?:cdn|s3)/[^"\s\\]+', json.dumps(answer))))


def mask(width: int, height: int) -> str:
    """Black, with a white right half, as base64."""
    picture, file = Image.new("L", (width, height), 0), io.BytesIO()
    picture.paste(255, (width // 2, 0, width, height))
    picture.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


@dataclass(frozen=True)
class Case:
    name: str  # of the operation, as it is counted
    path: str
    fetch: str  # empty: the submit is answered with the files
    body: Callable[[Api], Body]  # may buy first what it needs
    types: tuple[str, ...]  # of the files
    schema: str
    hook: str = "hookUrl"  # empty: it takes no callback

    @property
    def novita(self) -> bool:
        return self.fetch == TASK


TASK = "/v3/async/task-result"
V1 = "/midjourney/v1/fetch"
EDIT = "/midjourney/image-edits/fetch"
VIDEO = "/midjourney/video/fetch"
NOVELAI = "/novelai/fetch"
FLOWMUSIC = "/flowmusic/v1/fetch"
SUNO = "/suno/v2/fetch"
PNG, JPEG, MP4, WAV, M4A = "image/png", "image/jpeg", "video/mp4", "audio/wav", "audio/mp4"
GRID = (PNG,) * 5
SONG = (PNG, M4A, WAV)
SUNO_FILES = (JPEG, "audio/mpeg", MP4) * 2
LINK = "https://example.invalid/first.png"
DIFFUSION = {name: value for name, value in ASKED.items() if name != "image_base64"}
NO_SIZE = {name: value for name, value in DIFFUSION.items() if name not in ("width", "height")}


# Novita's functions stand on nothing that must be bought first.
FIXED: dict[str, Body] = {
    "img2img": {"request": ASKED},
    "txt2img": {"request": DIFFUSION},
    "inpainting": {"request": {**NO_SIZE, "image_base64": photo(), "mask_image_base64": mask(96, 64)}},
    "upscale": {"request": {"model_name": "4x-UltraSharp", "image_base64": photo(), "scale_factor": 2.5}},
    "flux-1-kontext-dev": {"prompt": "a fox", "images": [photo()], "size": "256*384"},
    "qwen-image-txt2img": {"prompt": "a fox", "size": "256*256"},
    "qwen-image-edit": {"prompt": "a fox", "image": DATA_URI + photo()},
    "img2video": {
        "model_name": "SVD",
        "image_file": photo(),
        "frames_num": 14,
        "frames_per_second": 6,
        "image_file_resize_mode": "ORIGINAL_RESOLUTION",
        "steps": 20,
    },
    "txt2video": {
        "model_name": "dreamshaper_8_93211.safetensors",
        "width": 320,
        "height": 256,
        "steps": 20,
        "prompts": [{"frames": 16, "prompt": "a fox"}],
    },
    "hunyuan-video-fast": {
        "model_name": "hunyuan-video-fast",
        "width": 1280,
        "height": 720,
        "seed": -1,
        "steps": 20,
        "prompt": "a fox",
        "frames": 85,
    },
    "wan-t2v": {"prompt": "a fox"},
    "kling-v1.6-i2v": {"prompt": "a fox", "image_url": LINK},
    "kling-v2.1-t2v-master": {"prompt": "a fox"},
    "minimax-hailuo-02": {"prompt": "a fox"},
    "kling-v3.0-std-i2v": {"prompt": "a fox", "image": LINK},
    "kling-v3.0-pro-i2v": {"prompt": "a fox", "image": LINK},
    "kling-v3.0-std-t2v": {"prompt": "a fox"},
    "wan2.7-i2v": {"prompt": "a fox", "image_url": LINK},
    "minimax-hailuo-2.3-fast-i2v": {"prompt": "a fox", "image": LINK},
    "video-create": {"model": "kling-v2.1-t2v-master", "prompt": "a fox"},
}
_JPEGS = ("flux-1-kontext-dev", "qwen-image-txt2img", "qwen-image-edit")
NOVITA = {name: MP4 if "video" in name or "-" in name else PNG for name in FIXED} | dict.fromkeys(_JPEGS, JPEG)


def grid(api: Api) -> str:
    return str(api.done("/midjourney/v1/imagine", V1, prompt="a fox")["jobId"])


def clip(api: Api) -> str:
    answer = api.done("/flowmusic/v1/generations", FLOWMUSIC, sound_prompt="a slow waltz", length=4)
    return str(answer["data"]["clips"][0]["clip_id"])


def music(api: Api) -> str:
    answer = api.done("/suno/v1/music", SUNO, gpt_description_prompt="a slow waltz")
    return str(answer["data"]["musics"][0]["musicId"])


def _midjourney(name: str, types: tuple[str, ...], body: Callable[[Api], Body]) -> Case:
    return Case(f"midjourney.{name}", f"/midjourney/v1/{name}", V1, body, types, "ttapi.MidjourneyFetch")


def _flowmusic(word: str, name: str, types: tuple[str, ...], body: Callable[[Api], Body]) -> Case:
    path = f"/flowmusic/v1/{word}"
    return Case(f"flowmusic.{name}", path, FLOWMUSIC, body, types, "ttapi.FlowMusicFetch", "hook_url")


def _suno(word: str, body: Callable[[Api], Body], types: tuple[str, ...] = ()) -> Case:
    name = f"suno.{word.replace('-', '_')}"
    hook = "" if word == "stems-all" else "hookUrl"
    return Case(name, f"/suno/v1/{word}", SUNO, body, types or SUNO_FILES, "ttapi.SunoFetch", hook)


def _novita(name: str, kind: str) -> Case:
    operation = "novita." + name.replace(".", "").replace("-", "_")
    path = "/v3/video/create" if name == "video-create" else f"/v3/async/{name}"
    return Case(operation, path, TASK, lambda api: FIXED[name], (kind,), "novita.TaskResult", "extra.webhook.url")


def _other(name: str, path: str, fetch: str, kind: str, schema: str, hook: str = "hookUrl") -> Case:
    return Case(name, path, fetch, lambda api: {"prompt": "a fox"}, (kind,), schema, hook)


CASES = [
    _midjourney("imagine", GRID, lambda api: {"prompt": "a fox"}),
    _midjourney("action", (PNG,), lambda api: {"jobId": grid(api), "action": "upsample2"}),
    _midjourney("blend", GRID, lambda api: {"imgBase64Array": [DATA_URI + photo(), DATA_URI + photo(64, 64)]}),
    _midjourney("describe", (), lambda api: {"base64": DATA_URI + photo()}),
    _midjourney("inpaint", GRID, lambda api: {"jobId": grid(api), "mask": mask(1024, 1024), "prompt": "a boat"}),
    _midjourney("seed", (), lambda api: {"jobId": grid(api)}),
    Case(
        "midjourney.edit",
        "/midjourney/image-edits/submit",
        EDIT,
        lambda api: {"prompt": "a cat", "image": DATA_URI + photo()},
        (PNG,) * 8,
        "ttapi.MidjourneyEditFetch",
    ),
    Case(
        "midjourney.video",
        "/midjourney/video/submit",
        VIDEO,
        lambda api: {"prompt": "waves", "imageUrl": LINK, "bs": 2},
        (MP4,) * 2,
        "ttapi.MidjourneyVideoFetch",
    ),
    Case(
        "midjourney.extend_video",
        "/midjourney/video/extend",
        VIDEO,
        lambda api: {
            "jobId": api.done("/midjourney/video/submit", VIDEO, prompt="waves", imageUrl=LINK)["jobId"],
            "index": 3,
            "bs": 1,
        },
        (MP4,),
        "ttapi.MidjourneyVideoFetch",
    ),
    *(
        Case(
            "novelai.text_to_image",
            f"/novelai/{word}",
            NOVELAI,
            lambda api: {"prompt": "1girl, coffee", "n_samples": 2, "width": 256, "height": 384},
            (PNG,) * 2,
            "ttapi.NovelAIFetch",
        )
        for word in ("text-to-image", "generate", "generations")
    ),
    _flowmusic("generations", "generate", SONG, lambda api: {"lyrics": "[Verse 1]\nRain", "length": 3}),
    _flowmusic(
        "extend",
        "extend",
        SONG,
        lambda api: {"clip_id": clip(api), "extend_from_s": 2.5, "extend_s": 3, "instruction": "louder"},
    ),
    _flowmusic("cover", "cover", SONG, lambda api: {"clip_id": clip(api), "instruction": "as jazz"}),
    _flowmusic(
        "replace",
        "replace",
        SONG,
        lambda api: {"clip_id": clip(api), "start_s": 1, "end_s": 2, "instruction": "a solo", "seed": 123},
    ),
    _flowmusic("stems", "stems", SONG * 4, lambda api: {"clip_id": clip(api)}),
    _suno("music", lambda api: {"gpt_description_prompt": "rain"}),
    _suno("extend", lambda api: {"custom": True, "prompt": "rain", "music_id": music(api), "continue_at": 3}),
    _suno("cover", lambda api: {"custom": True, "prompt": "rain", "music_id": music(api)}),
    _suno("concat", lambda api: {"music_id": music(api)}, SUNO_FILES[:3]),
    _suno("sounds", lambda api: {"sound": "rain", "mv": "chirp-v5", "type": "loop"}),
    _suno("stems-all", lambda api: {"music_id": music(api)}, SUNO_FILES * 2),
    _other("ttapi.flux_image", "/flux/generate", "/flux/fetch", "image/webp", "ttapi.FluxFetch"),
    *(
        _other(
            "ttapi.flux_kontext_image",
            f"/bfl/v1/flux-kontext-{word}",
            "/flux/fetch",
            "image/webp",
            "ttapi.FluxFetch",
            "webhook_url",
        )
        for word in ("pro", "max")
    ),
    Case(
        "ttapi.gemini_image",
        "/gemini/image/generate",
        "",
        lambda api: {"prompt": "a fox", "model": "gemini-2.5-flash-image"},
        (PNG,),
        "ttapi.GeminiImage",
        hook="",
    ),
    _other("ttapi.gpt_image", "/openai/gpt/generations", "/openai/gpt/fetch", PNG, "ttapi.GptImageFetch"),
    Case(
        "ttapi.sora_video",
        "/sora/generations",
        "/sora/fetch",
        lambda api: {"prompt": "a fox", "model": "sora-2"},
        (MP4,),
        "ttapi.SoraFetch",
    ),
    _other(
        "ttapi.sora_partner_video",
        "/sora-partner/generations",
        "/sora-partner/fetch",
        MP4,
        "ttapi.SoraPartnerFetch",
        hook="",
    ),
    Case(
        "ttapi.gemini_video",
        "/gemini/video/generations",
        "/gemini/video/fetch",
        lambda api: {"prompt": "a fox", "model": "omni-flash", "aspect_ratio": "16:9"},
        (MP4,),
        "ttapi.GeminiVideoFetch",
    ),
    _other("ttapi.grok_video", "/grok/generations", "/grok/fetch", MP4, "ttapi.GrokFetch", "hook_url"),
    Case(
        "ttapi.luma_video",
        "/luma/v1/generations",
        "/luma/v1/fetch",
        lambda api: {"userPrompt": "rain"},
        (MP4,),
        "ttapi.LumaFetch",
    ),
    *(_novita(name, kind) for name, kind in NOVITA.items()),
]


# These need a job or a clip that was bought before.
STANDING_ON_OTHERS = (
    *(f"midjourney.{name}" for name in ("action", "inpaint", "seed", "extend_video")),
    *(f"flowmusic.{name}" for name in ("extend", "cover", "replace", "stems")),
    *(f"suno.{name}" for name in ("extend", "cover", "concat", "stems_all")),
)
# In these nobody writes anything that could be banned.
SILENT = (
    *(f"midjourney.{name}" for name in ("action", "blend", "describe", "seed", "extend_video")),
    *("flowmusic.stems", "suno.concat", "suno.stems_all", "novita.img2video", "novita.upscale"),
)


def called_back(case: Case, body: Body, url: str) -> Body:
    """The body with this callback where the product has it."""
    if case.novita:
        return {**body, "extra": {"webhook": {"url": url}}}
    return {**body, case.hook: url}

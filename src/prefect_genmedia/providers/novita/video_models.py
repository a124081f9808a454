"""Novita's newer video models. Their bodies are flat: no `request` around the fields.

Source: novita.ai/docs/api-reference, February 2026. Nothing here was checked against the live service. Newer models are
in `newer_videos`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from prefect_genmedia.media.pictures import GivenPicture
from prefect_genmedia.operation import Operation, Route
from prefect_genmedia.providers.generic import data_uri
from prefect_genmedia.providers.novita.envelope import NOVITA
from prefect_genmedia.providers.novita.fields import SWITCH, FlatRequest, Share, WebUrl
from prefect_genmedia.providers.novita.results import CALLBACK, FETCH, NovitaResult, video_links

LongSeed = Annotated[int, Field(ge=-1, le=9_999_999_999)]
Prompt2000 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Prompt2500 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2500)]


class HunyuanVideoFastRequest(FlatRequest):
    """A video from a prompt, by Hunyuan Video."""

    model_name: Literal["hunyuan-video-fast"] = "hunyuan-video-fast"
    """The model; there is no other."""
    prompt: Prompt2000
    """What happens, 1 to 2000 characters."""
    width: Literal[480, 640, 720, 864, 1280] = 1280
    """Width in pixels: 640x480, 864x480, 1280x720, or the same upright."""
    height: Literal[480, 640, 720, 864, 1280] = 720
    """Height in pixels."""
    steps: Annotated[int, Field(ge=2, le=30)] = 20
    """Denoising steps, 2 to 30."""
    seed: LongSeed = -1
    """-1 draws a seed."""
    frames: Annotated[int, Field(ge=85, le=129)] = 85
    """Frames, 85 to 129. One copy of the vendor's page has no such field, and only the sizes of 1280 and 720."""

    @model_validator(mode="after")
    def _a_size_it_has(self) -> Self:
        if {self.width, self.height} not in ({640, 480}, {864, 480}, {1280, 720}):
            raise ValueError("the sizes are 640x480, 864x480, 1280x720, and the same upright")
        return self


class KlingV16I2VRequest(FlatRequest):
    """A picture to set in motion, by Kling 1.6."""

    prompt: Prompt2000
    """What happens, 1 to 2000 characters."""
    image_url: WebUrl
    """Web address of the first picture."""
    end_image_url: WebUrl | None = None
    """Web address of the last picture; in mode Professional only."""
    mode: Literal["Standard", "Professional"] = "Standard"
    """Quality; Professional costs more."""
    negative_prompt: Annotated[str, StringConstraints(max_length=2000)] | None = None
    """What to leave out, up to 2000 characters."""
    duration: Literal[5, 10] = 5
    """Seconds: 5 or 10."""
    guidance_scale: Share = 0.5
    """How closely the prompt is followed, 0 to 1."""

    @model_validator(mode="after")
    def _end_is_professional(self) -> Self:
        if self.end_image_url is not None and self.mode != "Professional":
            raise ValueError("end_image_url needs mode Professional")
        return self


class KlingV21T2VMasterRequest(FlatRequest):
    """A video from a prompt, by Kling 2.1 Master."""

    prompt: Prompt2500
    """What happens, 1 to 2500 characters."""
    duration: Literal["5", "10"] = "5"
    """Seconds, as text: "5" or "10"."""
    aspect_ratio: Literal["16:9", "9:16", "1:1"] = "16:9"
    """Shape of the video."""
    guidance_scale: Share = 0.5
    """How closely the prompt is followed, 0 to 1."""
    negative_prompt: Annotated[str, StringConstraints(max_length=2500)] | None = None
    """What to leave out, up to 2500 characters."""


class MinimaxHailuo02Request(FlatRequest):
    """A video from a prompt, and from a picture if you like, by MiniMax Hailuo 02."""

    prompt: Prompt2000
    """What happens, 1 to 2000 characters."""
    image: GivenPicture | None = None
    """The first picture."""
    end_image: GivenPicture | None = None
    """The last picture."""
    duration: Literal[6, 10] = 6
    """Seconds: 6 or 10."""
    resolution: Literal["768P", "1080P"] = "768P"
    """Resolution; 1080P for 6 seconds only."""
    enable_prompt_expansion: bool = True
    """Let the service add to the prompt."""
    fast_pretreatment: bool = False
    """Spend less time on that."""

    @model_validator(mode="after")
    def _long_is_small(self) -> Self:
        if self.duration == 10 and self.resolution == "1080P":
            raise ValueError("1080P is for 6 seconds only")
        return self

    def body(self, pictures: dict[int, str]) -> dict[str, Any]:
        return super().body({key: data_uri(text) for key, text in pictures.items()})


FEBRUARY = f"documented in February 2026; no callback on its page (`{SWITCH}`)"

HUNYUAN_VIDEO_FAST = Operation(
    name="novita.hunyuan_video_fast",
    provider=NOVITA,
    submit=Route("POST", "/v3/async/hunyuan-video-fast"),
    fetch=FETCH,
    request=HunyuanVideoFastRequest,
    result=NovitaResult,
    links=video_links,
    source="https://novita.ai/docs/api-reference/model-apis-hunyuan-video-fast",
    callback=CALLBACK,
    callback_switch=SWITCH,
    reading=(SWITCH,),
    unit="USD",
    typical_seconds=180,
    deadline_seconds=3600,
    lifecycle=FEBRUARY,
)
KLING_V16_I2V = Operation(
    name="novita.kling_v16_i2v",
    provider=NOVITA,
    submit=Route("POST", "/v3/async/kling-v1.6-i2v"),
    fetch=FETCH,
    request=KlingV16I2VRequest,
    result=NovitaResult,
    links=video_links,
    source="https://novita.ai/docs/api-reference/model-apis-kling-v1.6-i2v",
    callback=CALLBACK,
    callback_switch=SWITCH,
    reading=(SWITCH,),
    unit="USD",
    typical_seconds=300,
    deadline_seconds=3600,
    lifecycle=FEBRUARY,
)
KLING_V21_T2V_MASTER = Operation(
    name="novita.kling_v21_t2v_master",
    provider=NOVITA,
    submit=Route("POST", "/v3/async/kling-v2.1-t2v-master"),
    fetch=FETCH,
    request=KlingV21T2VMasterRequest,
    result=NovitaResult,
    links=video_links,
    source="https://novita.ai/docs/api-reference/model-apis-kling-v2.1-t2v-master",
    callback=CALLBACK,
    callback_switch=SWITCH,
    reading=(SWITCH,),
    unit="USD",
    typical_seconds=300,
    deadline_seconds=3600,
    lifecycle=FEBRUARY,
)
MINIMAX_HAILUO_02 = Operation(
    name="novita.minimax_hailuo_02",
    provider=NOVITA,
    submit=Route("POST", "/v3/async/minimax-hailuo-02"),
    fetch=FETCH,
    request=MinimaxHailuo02Request,
    result=NovitaResult,
    links=video_links,
    source="https://novita.ai/docs/api-reference/model-apis-minimax-hailuo-02",
    callback=CALLBACK,
    callback_switch=SWITCH,
    reading=(SWITCH,),
    unit="USD",
    typical_seconds=300,
    deadline_seconds=3600,
    lifecycle=FEBRUARY,
)

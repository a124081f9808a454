"""Novita's video models of 2026: Kling 3.0, Wan 2.7 and Hailuo 2.3 Fast, each from a picture. Their bodies are flat.

Source: novita.ai/docs/api-reference. Nothing here was checked against the live service.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from prefect_genmedia.given import Several
from prefect_genmedia.media.pictures import GivenPicture
from prefect_genmedia.operation import Operation, Route
from prefect_genmedia.providers.generic import data_uri
from prefect_genmedia.providers.novita.envelope import NOVITA
from prefect_genmedia.providers.novita.fields import SWITCH, FlatRequest, Part, Share, WebUrl
from prefect_genmedia.providers.novita.results import CALLBACK, FETCH, NovitaResult, video_links

Prompt2500 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2500)]


class Shot(Part):
    """A part of a video of several shots."""

    prompt: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    """What happens."""
    duration: Annotated[int, Field(ge=1)]
    """Seconds."""


class KlingV30I2VRequest(FlatRequest):
    """A picture to set in motion, by Kling 3.0: standard or pro, as the operation."""

    prompt: Prompt2500
    """What happens and what is heard, 1 to 2500 characters."""
    image: WebUrl
    """Web address of the first picture: JPEG or PNG, at most 10 MB, sides from 300 pixels, 1:2.5 to 2.5:1."""
    sound: bool = False
    """Make sound as well; it may cost more."""
    duration: Annotated[int, Field(ge=3, le=15)] = 5
    """Seconds, 3 to 15."""
    cfg_scale: Share = 0.5
    """How closely the prompt is followed, 0 to 1."""
    end_image: WebUrl | None = None
    """Web address of the last picture; not with multi_prompt."""
    multi_prompt: Annotated[Several[Shot], Field(min_length=1)] | None = None
    """Several shots one after the other; not with end_image."""
    negative_prompt: Annotated[str, StringConstraints(max_length=2500)] | None = None
    """What to leave out, up to 2500 characters."""

    @model_validator(mode="after")
    def _an_end_or_shots(self) -> Self:
        if self.end_image is not None and self.multi_prompt is not None:
            raise ValueError("end_image and multi_prompt exclude each other")
        return self


class KlingV30T2VRequest(FlatRequest):
    """A video from a prompt, by Kling 3.0 Standard."""

    prompt: Prompt2500
    """What happens and what is heard, 1 to 2500 characters."""
    sound: bool = False
    """Make sound as well, with voices in English or Chinese; it may cost more."""
    duration: Annotated[int, Field(ge=3, le=15)] = 5
    """Seconds, 3 to 15."""
    cfg_scale: Share = 0.5
    """How closely the prompt is followed, 0 to 1."""
    aspect_ratio: Literal["16:9", "9:16", "1:1"] = "16:9"
    """Shape of the video."""
    negative_prompt: Annotated[str, StringConstraints(max_length=2500)] | None = None
    """What to leave out, up to 2500 characters."""


class Wan27I2VRequest(FlatRequest):
    """A picture to set in motion, or a clip to go on with, by Wan 2.7. The result has sound."""

    prompt: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5000)] | None = None
    """What happens, up to 5000 characters."""
    image_url: WebUrl | None = None
    """Web address of the first picture: at most 20 MB, sides of 240 to 8000 pixels. Either this or first_clip_url."""
    first_clip_url: WebUrl | None = None
    """Web address of a clip to go on with: mp4 or mov, 2 to 10 seconds, at most 100 MB."""
    last_frame_url: WebUrl | None = None
    """Web address of the last picture."""
    driving_audio_url: WebUrl | None = None
    """Web address of a sound that the video follows."""
    duration: Annotated[int, Field(ge=2, le=15)] = 5
    """Seconds, 2 to 15; each is billed."""
    resolution: Literal["720P", "1080P"] = "1080P"
    """Resolution; it has a price of its own."""
    negative_prompt: Annotated[str, StringConstraints(max_length=500)] | None = None
    """What to leave out, up to 500 characters."""
    prompt_extend: bool | None = None
    """Let the service rewrite the prompt."""
    watermark: bool = False
    """Put a watermark into the corner."""
    seed: Annotated[int, Field(ge=0, le=2_147_483_647)] | None = None
    """A seed, to have the same again."""

    @model_validator(mode="after")
    def _a_picture_or_a_clip(self) -> Self:
        if (self.image_url is None) == (self.first_clip_url is None):
            raise ValueError("give either image_url or first_clip_url")
        return self


class MinimaxHailuo23FastI2VRequest(FlatRequest):
    """A picture to set in motion, by MiniMax Hailuo 2.3 Fast."""

    prompt: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
    """What happens, 1 to 2000 characters."""
    image: GivenPicture
    """The first picture."""
    duration: Literal[6, 10] = 6
    """Seconds: 6 or 10."""
    resolution: Literal["768P", "1080P"] = "768P"
    """Resolution; 1080P for 6 seconds only."""
    enable_prompt_expansion: bool = True
    """Let the service add to the prompt."""

    @model_validator(mode="after")
    def _long_is_small(self) -> Self:
        if self.duration == 10 and self.resolution == "1080P":
            raise ValueError("1080P is for 6 seconds only")
        return self

    def body(self, pictures: dict[int, str]) -> dict[str, Any]:
        return super().body({key: data_uri(text) for key, text in pictures.items()})


LIFECYCLE = f"current; no callback on its page (`{SWITCH}`)"

KLING_V30_STD_I2V = Operation(
    name="novita.kling_v30_std_i2v",
    provider=NOVITA,
    submit=Route("POST", "/v3/async/kling-v3.0-std-i2v"),
    fetch=FETCH,
    request=KlingV30I2VRequest,
    result=NovitaResult,
    links=video_links,
    source="https://novita.ai/docs/api-reference/model-apis-kling-v3.0-std-i2v",
    callback=CALLBACK,
    callback_switch=SWITCH,
    reading=(SWITCH,),
    unit="USD",
    typical_seconds=300,
    deadline_seconds=3600,
    lifecycle=LIFECYCLE,
)
KLING_V30_PRO_I2V = Operation(
    name="novita.kling_v30_pro_i2v",
    provider=NOVITA,
    submit=Route("POST", "/v3/async/kling-v3.0-pro-i2v"),
    fetch=FETCH,
    request=KlingV30I2VRequest,
    result=NovitaResult,
    links=video_links,
    source="https://novita.ai/docs/api-reference/model-apis-kling-v3.0-pro-i2v",
    callback=CALLBACK,
    callback_switch=SWITCH,
    reading=(SWITCH,),
    unit="USD",
    typical_seconds=300,
    deadline_seconds=3600,
    lifecycle=LIFECYCLE,
)
KLING_V30_STD_T2V = Operation(
    name="novita.kling_v30_std_t2v",
    provider=NOVITA,
    submit=Route("POST", "/v3/async/kling-v3.0-std-t2v"),
    fetch=FETCH,
    request=KlingV30T2VRequest,
    result=NovitaResult,
    links=video_links,
    source="https://novita.ai/docs/api-reference/model-apis-kling-v3.0-std-t2v",
    callback=CALLBACK,
    callback_switch=SWITCH,
    reading=(SWITCH,),
    unit="USD",
    typical_seconds=300,
    deadline_seconds=3600,
    lifecycle=LIFECYCLE,
)
WAN27_I2V = Operation(
    name="novita.wan27_i2v",
    provider=NOVITA,
    submit=Route("POST", "/v3/async/wan2.7-i2v"),
    fetch=FETCH,
    request=Wan27I2VRequest,
    result=NovitaResult,
    links=video_links,
    source="https://novita.ai/docs/api-reference/model-apis-wan2.7-i2v",
    callback=CALLBACK,
    callback_switch=SWITCH,
    reading=(SWITCH,),
    unit="USD",
    typical_seconds=300,
    deadline_seconds=3600,
    lifecycle=LIFECYCLE,
)
MINIMAX_HAILUO_23_FAST_I2V = Operation(
    name="novita.minimax_hailuo_23_fast_i2v",
    provider=NOVITA,
    submit=Route("POST", "/v3/async/minimax-hailuo-2.3-fast-i2v"),
    fetch=FETCH,
    request=MinimaxHailuo23FastI2VRequest,
    result=NovitaResult,
    links=video_links,
    source="https://novita.ai/docs/api-reference/model-apis-minimax-hailuo-2.3-fast-i2v",
    callback=CALLBACK,
    callback_switch=SWITCH,
    reading=(SWITCH,),
    unit="USD",
    typical_seconds=300,
    deadline_seconds=3600,
    lifecycle=LIFECYCLE,
)

"""Novita's Stable Diffusion videos. Their bodies are flat: no `request` around the fields.

Source: novita.ai/docs/api-reference. Nothing here was checked against the live service.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from prefect_genmedia.given import Several
from prefect_genmedia.media.pictures import GivenPicture, PictureLimit
from prefect_genmedia.operation import Operation, Route
from prefect_genmedia.providers.novita.envelope import NOVITA
from prefect_genmedia.providers.novita.fields import (
    Embedding,
    Lora,
    Name,
    NegativePrompt,
    Part,
    Prompt,
    Share,
    VideoExtra,
)
from prefect_genmedia.providers.novita.results import CALLBACK, FETCH, LIFECYCLE, NovitaResult, video_links

Steps = Annotated[int, Field(ge=1, le=50)]
Seed = Annotated[int, Field(ge=-1)]
# The vendor's limit for img2video: 2048x2048 pixels and 30 MB.
FirstPicture = Annotated[
    GivenPicture,
    PictureLimit(megapixels=2048 * 2048 / 1e6, megabytes=30, formats=("JPEG", "PNG", "WEBP"), longest_side=2048),
]


def _frames_of(fields: dict[str, Any]) -> Literal[14, 25]:
    return 14 if fields["model_name"] == "SVD" else 25


class VideoRequest(Part):
    """A video whose `extra` says where to call back."""

    def canonical(self, digests: dict[int, str]) -> dict[str, Any]:
        flat = super().canonical(digests)
        flat["extra"].pop("webhook", None)
        return flat


class Img2VideoRequest(VideoRequest):
    """A picture to set in motion with Stable Video Diffusion."""

    model_name: Literal["SVD-XT", "SVD"]
    """SVD-XT makes 25 frames, SVD 14."""
    image: FirstPicture = Field(serialization_alias="image_file")
    """The first picture: JPEG, PNG or WebP of at most 2048x2048 pixels and 30 MB."""
    frames_num: Literal[14, 25] = Field(default_factory=_frames_of)
    """25 for SVD-XT, 14 for SVD: as the model has it."""
    frames_per_second: Literal[6] = 6
    """6; there is no other."""
    image_file_resize_mode: Literal["ORIGINAL_RESOLUTION", "CROP_TO_ASPECT_RATIO"] = "ORIGINAL_RESOLUTION"
    """Keep the picture's size, or crop it to 576x1024."""
    steps: Steps = 20
    """Denoising steps, 1 to 50."""
    seed: Seed = -1
    """-1 draws a seed."""
    motion_bucket_id: Annotated[int, Field(ge=1, le=255)] | None = None
    """How much moves, 1 to 255."""
    cond_aug: Share | None = None
    """Noise added to the first picture, 0 to 1: the more, the freer the video."""
    enable_frame_interpolation: bool | None = None
    """Have frames drawn in between, up to 24 a second."""
    extra: VideoExtra = VideoExtra()
    """What is asked for beside the video itself."""

    @model_validator(mode="after")
    def _frames_of_the_model(self) -> Self:
        if self.frames_num != (frames := _frames_of({"model_name": self.model_name})):
            raise ValueError(f"{self.model_name} makes {frames} frames, not {self.frames_num}")
        return self

    def describe(self) -> str:
        return f"{self.frames_num} frames"


class PromptFrames(Part):
    """A prompt and how long it lasts."""

    frames: Annotated[int, Field(ge=8, le=64)]
    """Frames, 8 to 64."""
    prompt: Prompt
    """What to draw, 1 to 1024 characters."""


class Txt2VideoRequest(VideoRequest):
    """A video from prompts, one after the other."""

    model_name: Name
    """The sd_name of an SD 1.x checkpoint, from the model query."""
    width: Annotated[int, Field(ge=256, le=1024)]
    """Width in pixels, 256 to 1024."""
    height: Annotated[int, Field(ge=256, le=1024)]
    """Height in pixels, 256 to 1024."""
    prompts: Annotated[Several[PromptFrames], Field(min_length=1)]
    """Prompts with their frames; at most 128 frames in all."""
    steps: Steps = 20
    """Denoising steps, 1 to 50."""
    negative_prompt: NegativePrompt | None = None
    """What to leave out, up to 1024 characters."""
    guidance_scale: Annotated[float, Field(ge=1, le=30)] | None = None
    """How closely the prompts are followed, 1 to 30."""
    seed: Seed = -1
    """-1 draws a seed."""
    loras: Annotated[Several[Lora], Field(max_length=5)] | None = None
    """Up to 5 LoRAs."""
    embeddings: Annotated[Several[Embedding], Field(max_length=5)] | None = None
    """Up to 5 textual inversions."""
    closed_loop: bool | None = None
    """Let the end lead back to the start."""
    clip_skip: Annotated[int, Field(ge=1, le=12)] | None = None
    """CLIP layers to leave out, 1 to 12."""
    extra: VideoExtra = VideoExtra()
    """What is asked for beside the video itself."""

    @model_validator(mode="after")
    def _at_most_128_frames(self) -> Self:
        frames = sum(part.frames for part in self.prompts)
        if frames > 128:
            raise ValueError(f"the prompts have {frames} frames in all; 128 is the most")
        return self

    def describe(self) -> str:
        return self.prompts[0].prompt


IMG2VIDEO = Operation(
    name="novita.img2video",
    provider=NOVITA,
    submit=Route("POST", "/v3/async/img2video"),
    fetch=FETCH,
    request=Img2VideoRequest,
    result=NovitaResult,
    links=video_links,
    source="https://novita.ai/docs/api-reference/model-apis-img2video",
    callback=CALLBACK,
    unit="USD",
    typical_seconds=90,
    deadline_seconds=3600,
    lifecycle=LIFECYCLE,
)
TXT2VIDEO = Operation(
    name="novita.txt2video",
    provider=NOVITA,
    submit=Route("POST", "/v3/async/txt2video"),
    fetch=FETCH,
    request=Txt2VideoRequest,
    result=NovitaResult,
    links=video_links,
    source="https://novita.ai/docs/api-reference/model-apis-txt2video",
    callback=CALLBACK,
    unit="USD",
    typical_seconds=120,
    deadline_seconds=3600,
    lifecycle=LIFECYCLE,
)

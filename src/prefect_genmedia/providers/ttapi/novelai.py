"""NovelAI through TTAPI.

Source: docs.ttapi.io/api/en/novel/fetch for the finished job. For the submit there is a page, text-to-image, but
neither its path nor its fields are known at first hand: the path is a setting, the fields are second-hand, and only
those that are set are sent. Nothing here was checked against the live service.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AliasChoices, Field, JsonValue, StringConstraints
from pydantic_settings import BaseSettings, SettingsConfigDict

from prefect_genmedia.errors import ResponseFormatError
from prefect_genmedia.given import Several
from prefect_genmedia.media.pictures import GivenPicture
from prefect_genmedia.operation import Link, Operation, Request, Route
from prefect_genmedia.providers.answer import Text, Texts
from prefect_genmedia.providers.ttapi.envelope import TTAPI
from prefect_genmedia.providers.ttapi.fields import CallbackUrl, TTAPIRequest, TTAPIResult

SETTING = "GENMEDIA_NOVELAI_SUBMIT_PATH"


class NovelAISettings(BaseSettings):
    """Read afresh for every job."""

    model_config = SettingsConfigDict(env_prefix="GENMEDIA_", extra="ignore")

    novelai_submit_path: str = "/novelai/text-to-image"
    """Where NovelAI is submitted. The default is the name of TTAPI's page, by analogy with its fetch."""


class CharacterPrompt(Request):
    """One character of the picture."""

    prompt: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    """What the character looks like."""
    uc: str | None = None
    """What it must not look like."""
    center: JsonValue = None
    """Where it stands, in NovelAI's own form."""


class VibeTransfer(Request):
    """A picture whose mood is taken over."""

    image: GivenPicture
    """The picture."""
    strength: float | None = None
    """How strongly it counts."""


class TextToImageRequest(TTAPIRequest):
    """What to draw, in NovelAI's tags. Only the prompt is sure; all else is second-hand, and sent only when set."""

    prompt: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    """Tags and sentences, parts divided by commas."""
    negative_prompt: str | None = None
    """What to leave out."""
    model: str | None = None
    """NovelAI model."""
    width: Annotated[int, Field(ge=1)] | None = None
    """Width in pixels."""
    height: Annotated[int, Field(ge=1)] | None = None
    """Height in pixels."""
    steps: Annotated[int, Field(ge=1, le=50)] | None = None
    """Denoising steps, 1 to 50."""
    scale: float | None = None
    """How closely the prompt is followed."""
    sampler: str | None = None
    """The denoising algorithm."""
    noise_schedule: str | None = None
    """karras, exponential or polyexponential."""
    seed: int | None = None
    """Where the noise starts."""
    n_samples: Annotated[int, Field(ge=1)] | None = None
    """How many pictures."""
    uc_preset: JsonValue = None
    """NovelAI's ready-made negative prompt."""
    quality_toggle: bool | None = None
    """Add NovelAI's quality tags."""
    cfg_rescale: float | None = None
    """NovelAI's prompt guidance rescale."""
    variety_boost: bool | None = None
    """NovelAI's Variety+."""
    character_prompts: Several[CharacterPrompt] | None = None
    """Prompts for characters of the picture."""
    vibe_transfer: Several[VibeTransfer] | None = None
    """Pictures whose mood is taken over."""
    more: dict[str, JsonValue] = Field(default_factory=dict)
    """Fields of TTAPI's page that are missing here, sent as they are."""
    hook_url: CallbackUrl | None = Field(default=None, serialization_alias="hookUrl")
    """Your own callback address instead of the pack's; sent under both of TTAPI's names for it."""

    def body(self, pictures: dict[int, str]) -> dict[str, Any]:
        body = super().body(pictures)
        body |= body.pop("more")
        if self.hook_url:
            body["hook_url"] = self.hook_url
        return body


class NovelAIResult(TTAPIResult):
    """A finished NovelAI job. There is no progress; `finish_time` is as TTAPI writes it, without a zone."""

    images: Texts = Field(default=(), validation_alias=AliasChoices("images", "imageUrl", "image_url"))
    """Where the pictures are."""
    finish_time: Text = None


def links(result: NovelAIResult, request: dict[str, Any]) -> list[Link]:
    """One link a picture."""
    if not result.images:
        raise ResponseFormatError("the finished job names no picture")
    return [Link(url, "image") for url in result.images]


FETCH = Route("GET", "/novelai/fetch", job_id="jobId")


def submit_path() -> str:
    """The path that the setting names, whatever slashes it was written with."""
    return "/" + NovelAISettings().novelai_submit_path.strip().strip("/")


def _routes(canonical: dict[str, Any]) -> tuple[Route, Route]:
    return Route("POST", submit_path()), FETCH


TEXT_TO_IMAGE = Operation(
    name="novelai.text_to_image",
    provider=TTAPI,
    submit=Route("POST", "/novelai/text-to-image"),
    fetch=FETCH,
    request=TextToImageRequest,
    result=NovelAIResult,
    links=links,
    files_due=lambda request: request.get("n_samples"),
    source="https://docs.ttapi.io/api/en/novel/fetch",
    routes=_routes,
    callback=("hookUrl",),
    typical_seconds=45,
    lifecycle=f"the fetch is documented; the submit's path ({SETTING}) and fields are not",
)

"""TTAPI's other picture products: Flux, in TTAPI's form and in its maker's, GPT image, and Gemini (Nano Banana).

Sources: docs.ttapi.io/api/en/flux, /openai and /gemini; ttapi.io/docs (older, by the vendor) for Flux in its maker's
form. Gemini's submit is answered with the picture itself, when it is done. Nothing here was checked against the live
service.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, Field, PlainSerializer, StringConstraints, model_validator

from prefect_genmedia.errors import ResponseFormatError
from prefect_genmedia.given import Several
from prefect_genmedia.media.pictures import GivenPicture
from prefect_genmedia.operation import AtOnce, Link, Operation, Route
from prefect_genmedia.providers.answer import Text, Texts
from prefect_genmedia.providers.ttapi.envelope import TTAPI
from prefect_genmedia.providers.ttapi.fields import CallbackUrl, TTAPIRequest, TTAPIResult, WebUrl, Words

FluxRatio = Literal["21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21"]


class FluxImageRequest(TTAPIRequest):
    """A picture to make with Flux."""

    prompt: Words
    """What to draw."""
    mode: Literal[
        "flux1-dev", "flux1-pro", "flux-kontext-pro", "flux-kontext-max", "flux-2-pro", "flux-2-flex", "flux-2-max",
        "flux-2-klein-4b", "flux-2-klein-9b",
    ]  # fmt: skip
    """Model; each has its own price."""
    size: Literal["1024x1024", "1024x1792", "1792x1024"] | None = None
    """Size in pixels; to be withdrawn, say the vendor's older pages."""
    aspect_ratio: FluxRatio | None = None
    """Shape of the picture; 1:1 by TTAPI's default."""
    hook_url: CallbackUrl | None = Field(default=None, serialization_alias="hookUrl")
    """Your own callback address instead of the pack's."""


class FluxKontextImageRequest(TTAPIRequest):
    """A picture to make or to change with Flux Kontext, in its maker's own form."""

    prompt: Words
    """What to draw, or what to change."""
    model: Literal["flux-kontext-pro", "flux-kontext-max"]
    """Model; it names the endpoint."""
    images: Annotated[Several[GivenPicture], Field(max_length=4)] = ()
    """Up to four pictures to go by."""
    aspect_ratio: Annotated[str, StringConstraints(pattern=r"^[1-9]\d?:[1-9]\d?$")] | None = None
    """Shape of the picture, from 21:9 to 9:21."""
    seed: int | None = None
    """A seed, to have the same again."""
    output_format: Literal["jpeg", "png"] | None = None
    """File type; png by TTAPI's default."""
    prompt_upsampling: bool | None = None
    """Let the model add to the prompt."""
    safety_tolerance: Annotated[int, Field(ge=0, le=6)] | None = None
    """Moderation, from 0 (strictest) to 6; 2 by TTAPI's default."""
    hook_url: CallbackUrl | None = Field(default=None, serialization_alias="webhook_url")
    """Your own callback address instead of the pack's."""

    def body(self, pictures: dict[int, str]) -> dict[str, Any]:
        body = super().body(pictures)
        del body["model"]
        for number, picture in enumerate(body.pop("images"), start=1):
            body["input_image" if number == 1 else f"input_image_{number}"] = picture
        return body


class GptImageRequest(TTAPIRequest):
    """A picture to make with OpenAI's models. The vendor advises to begin the prompt with words like "draw a"."""

    prompt: Words
    """What to draw."""
    model: Literal["gpt-image-2", "gpt-image-2-plus", "gpt-image-1.5", "gpt-image-1", "gpt-4o-image"] = "gpt-image-2"
    """Model."""
    refer_images: Several[WebUrl] | None = Field(default=None, serialization_alias="referImages")
    """Web addresses of pictures to go by."""
    aspect_ratio: Literal["1:1", "3:4", "4:3", "16:9", "9:16"] | None = None
    """Shape of the picture; for gpt-image-2."""
    size: Annotated[str, StringConstraints(pattern=r"^[1-9]\d{1,3}x[1-9]\d{1,3}$")] | None = None
    """Size such as 1024x1536; for gpt-image-2-plus. Sides are multiples of 16, up to 3840; TTAPI corrects others."""
    hook_url: CallbackUrl | None = Field(default=None, serialization_alias="hookUrl")
    """Your own callback address instead of the pack's."""

    @model_validator(mode="after")
    def _each_model_has_its_own(self) -> Self:
        if self.aspect_ratio is not None and self.model != "gpt-image-2":
            raise ValueError("aspect_ratio is for gpt-image-2")
        if self.size is not None and self.model != "gpt-image-2-plus":
            raise ValueError("size is for gpt-image-2-plus")
        return self


GeminiRatio = Literal[
    "1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9", "1:4", "4:1", "1:8", "8:1"
]  # fmt: skip
_SLENDER = ("1:4", "4:1", "1:8", "8:1")
_AS_TEXT = PlainSerializer(lambda value: None if value is None else str(value).lower(), return_type=str | None)
"""The page's example has "false" in quotes."""


class GeminiImageRequest(TTAPIRequest):
    """A picture to make or to change with Gemini: Nano Banana, Nano Banana 2, Nano Banana Pro."""

    prompt: Words
    """What to draw, or what to change."""
    model: Literal[
        "gemini-2.5-flash-image", "gemini-2.5-flash-image-preview", "gemini-3-pro-image-preview",
        "gemini-3.1-flash-image-preview",
    ] = "gemini-3-pro-image-preview"  # fmt: skip
    """Model: 2.5 is Nano Banana, 3.1 Nano Banana 2, 3-pro Nano Banana Pro."""
    refer_images: Several[WebUrl] | None = None
    """Web addresses of pictures to go by."""
    aspect_ratio: GeminiRatio | None = None
    """Shape of the picture, from Gemini 3 on; the slenderest four with 3.1 only. 1:1 by TTAPI's default."""
    image_size: Literal["1K", "2K", "4K"] | None = None
    """Size; 1K by TTAPI's default."""
    google_search: Annotated[bool | None, _AS_TEXT] = None
    """May it search the web?"""
    image_search: Annotated[bool | None, _AS_TEXT] = None
    """May it search for pictures?"""
    thinking_level: Literal["Minimal", "High"] | None = None
    """How long it thinks."""

    @model_validator(mode="after")
    def _each_model_has_its_shapes(self) -> Self:
        if self.aspect_ratio is not None and self.model.startswith("gemini-2.5"):
            raise ValueError("aspect_ratio is for Gemini 3 and later")
        if self.aspect_ratio in _SLENDER and self.model != "gemini-3.1-flash-image-preview":
            raise ValueError(f"{self.aspect_ratio} is for gemini-3.1-flash-image-preview")
        return self


class ImageResult(TTAPIResult):
    """A finished picture job; `finish_time` is as TTAPI writes it, without a zone."""

    images: Texts = Field(default=(), validation_alias=AliasChoices("images", "imageUrl", "image_url"))
    """Where the pictures are; one, as far as the pages show."""
    finish_time: Text = None


def links(result: ImageResult, request: dict[str, Any]) -> list[Link]:
    """One link a picture."""
    if not result.images:
        raise ResponseFormatError("the finished job names no picture")
    return [Link(url, "image") for url in result.images]


FLUX_FETCH = Route("GET", "/flux/fetch", job_id="jobId")


def _kontext_routes(canonical: dict[str, Any]) -> tuple[Route, Route]:
    return Route("POST", f"/bfl/v1/{canonical['model']}"), FLUX_FETCH


FLUX_IMAGE = Operation(
    name="ttapi.flux_image",
    provider=TTAPI,
    submit=Route("POST", "/flux/generate"),
    fetch=FLUX_FETCH,
    request=FluxImageRequest,
    result=ImageResult,
    links=links,
    source="https://docs.ttapi.io/api/en/flux/generate",
    callback=("hookUrl",),
    typical_seconds=30,
)
FLUX_KONTEXT_IMAGE = Operation(
    name="ttapi.flux_kontext_image",
    provider=TTAPI,
    submit=Route("POST", "/bfl/v1/flux-kontext-pro"),
    fetch=FLUX_FETCH,
    request=FluxKontextImageRequest,
    result=ImageResult,
    links=links,
    source="https://docs.ttapi.io/api/en/flux/flux-kontext-pro",
    routes=_kontext_routes,
    callback=("webhook_url",),
    typical_seconds=30,
    lifecycle="the submit is documented; that it is fetched as Flux's other form is inferred",
)
GPT_IMAGE = Operation(
    name="ttapi.gpt_image",
    provider=TTAPI,
    submit=Route("POST", "/openai/gpt/generations"),
    fetch=Route("GET", "/openai/gpt/fetch", job_id="jobId"),
    request=GptImageRequest,
    result=ImageResult,
    links=links,
    source="https://docs.ttapi.io/api/en/openai/gpt-generations",
    callback=("hookUrl",),
    typical_seconds=90,
)


GEMINI_IMAGE = Operation(
    name="ttapi.gemini_image",
    provider=TTAPI,
    submit=Route("POST", "/gemini/image/generate"),
    fetch=None,
    request=GeminiImageRequest,
    result=ImageResult,
    links=links,
    source="https://docs.ttapi.io/api/en/gemini/generate",
    at_once=AtOnce(seconds=300),
    typical_seconds=60,
    lifecycle="answered at once: a lost reply cannot be found again",
)

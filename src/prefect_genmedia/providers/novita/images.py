"""Novita's Stable Diffusion pictures: requests and Operations.

Source: novita.ai/docs/api-reference. Nothing here was checked against the live service.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from prefect_genmedia.errors import ResponseFormatError
from prefect_genmedia.given import Several
from prefect_genmedia.operation import Link, Operation, Route
from prefect_genmedia.providers.novita.envelope import NOVITA
from prefect_genmedia.providers.novita.fields import (
    ControlNet,
    ImageRequest,
    InputPicture,
    IpAdapter,
    Part,
    Share,
    Side,
)
from prefect_genmedia.providers.novita.results import CALLBACK, FETCH, LIFECYCLE, NovitaResult, picture_urls

__all__ = [
    "FETCH",
    "IMG2IMG",
    "ROUNDING",
    "TXT2IMG",
    "HiresFix",
    "Img2ImgRequest",
    "NovitaResult",
    "Refiner",
    "Txt2ImgRequest",
    "links",
]


class Img2ImgRequest(ImageRequest):
    """A picture to start from, and what to make of it."""

    image: InputPicture = Field(serialization_alias="image_base64")
    """The picture to start from: JPEG, PNG or WebP of at most 16 megapixels and 10 MB; others become one of these."""
    width: Side
    """Width of the result in pixels, 128 to 2048."""
    height: Side
    """Height of the result in pixels, 128 to 2048."""
    strength: Share | None = None
    """How far from the input, 0 to 1; 1 ignores it. The server's default is not documented."""
    controlnet: ControlNet | None = None
    """ControlNet units."""
    ip_adapters: Several[IpAdapter] | None = Field(default=None, max_length=1)
    """A picture as prompt, at most one."""


class HiresFix(Part):
    """A second pass that makes the picture larger."""

    target_width: Annotated[int, Field(ge=128, le=4096)]
    """Width of the result in pixels, 128 to 4096."""
    target_height: Annotated[int, Field(ge=128, le=4096)]
    """Height of the result in pixels, 128 to 4096."""
    strength: Share
    """How far from the first pass, 0 to 1."""
    upscaler: Literal["RealESRGAN_x4plus_anime_6B", "RealESRNet_x4plus", "Latent"] | None = None
    """What makes it larger."""


class Refiner(Part):
    """The SDXL refiner."""

    switch_at: Share
    """Share of the steps after which the refiner takes over, 0 to 1."""


class Txt2ImgRequest(ImageRequest):
    """What to draw."""

    width: Side
    """Width of the result in pixels, 128 to 2048."""
    height: Side
    """Height of the result in pixels, 128 to 2048."""
    hires_fix: HiresFix | None = None
    """A second pass that makes the picture larger."""
    refiner: Refiner | None = None
    """The SDXL refiner; for SDXL checkpoints."""
    enable_transparent_background: bool | None = None
    """Draw without a background; for SDXL checkpoints and response_image_type png only."""
    restore_faces: bool | None = None
    """Have faces mended."""

    @model_validator(mode="after")
    def _transparency_needs_png(self) -> Self:
        if self.enable_transparent_background and self.extra.response_image_type != "png":
            raise ValueError("enable_transparent_background needs extra.response_image_type to be png")
        return self


# Stable Diffusion rounds sides to a multiple of 64 at most; the vendor does not say how.
ROUNDING = 63


def links(result: NovitaResult, request: dict[str, Any]) -> list[Link]:
    """One link a picture, of the size that was asked for."""
    urls = picture_urls(result)
    if not urls:
        raise ResponseFormatError("the finished job names no picture")
    width, height = request.get("width"), request.get("height")
    if hires_fix := request.get("hires_fix"):
        width, height = hires_fix["target_width"], hires_fix["target_height"]
    size: dict[str, Any] = {"width": width, "height": height, "tolerance": ROUNDING}
    return [Link(url, "image", place=place, **size) for place, url in urls.items()]


def files_due(request: dict[str, Any]) -> int | None:
    """One unless the request says more."""
    number = request.get("image_num", 1)
    return number if isinstance(number, int) else None


TXT2IMG = Operation(
    name="novita.txt2img",
    provider=NOVITA,
    submit=Route("POST", "/v3/async/txt2img"),
    fetch=FETCH,
    request=Txt2ImgRequest,
    result=NovitaResult,
    links=links,
    files_due=files_due,
    source="https://novita.ai/docs/api-reference/model-apis-txt2img",
    callback=CALLBACK,
    unit="USD",
    typical_seconds=15,
    lifecycle=LIFECYCLE,
)
IMG2IMG = Operation(
    name="novita.img2img",
    provider=NOVITA,
    submit=Route("POST", "/v3/async/img2img"),
    fetch=FETCH,
    request=Img2ImgRequest,
    result=NovitaResult,
    links=links,
    files_due=files_due,
    source="https://novita.ai/docs/api-reference/model-apis-img2img",
    callback=CALLBACK,
    unit="USD",
    typical_seconds=15,
    lifecycle=LIFECYCLE,
)

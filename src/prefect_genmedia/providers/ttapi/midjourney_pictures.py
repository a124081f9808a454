"""Midjourney through TTAPI, from pictures: blend, describe, inpaint, edit and retexture. And a job's seed.

Source: docs.ttapi.io/api/en/midjourney and /midjourneyedit. Nothing here was checked against the live service.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from prefect_genmedia.errors import ResponseFormatError
from prefect_genmedia.given import Several
from prefect_genmedia.imaging import inspect
from prefect_genmedia.media.pictures import GivenPicture, PictureLimit, pictures_in, read_picture
from prefect_genmedia.operation import Link, Operation, Route
from prefect_genmedia.providers.answer import Places, Text
from prefect_genmedia.providers.ttapi.envelope import TTAPI
from prefect_genmedia.providers.ttapi.fields import (
    DATA_URI,
    FINDER,
    QUEUE,
    WITNESS,
    CallbackUrl,
    JobId,
    Mode,
    Timeout,
    TTAPIRequest,
    TTAPIResult,
    WebUrl,
)
from prefect_genmedia.providers.ttapi.midjourney import (
    FETCH,
    FinishedJob,
    MidjourneyResult,
    Prompt,
    four,
    links,
)


class BlendRequest(TTAPIRequest):
    """Pictures to make one picture of."""

    images: Annotated[Several[GivenPicture], Field(min_length=2, max_length=5)] = Field(
        serialization_alias="imgBase64Array"
    )
    """Two to five pictures."""
    dimensions: Literal["PORTRAIT", "SQUARE", "LANDSCAPE"] = "SQUARE"
    """Shape of the result: PORTRAIT (2:3), SQUARE (1:1) or LANDSCAPE (3:2)."""
    mode: Mode = "fast"
    """Speed: relax (up to 10 minutes), fast (about one minute) or turbo."""
    timeout: Timeout | None = None
    """Seconds after which TTAPI gives the job up, 300 to 1200 (relax: from 600)."""
    get_u_images: bool | None = Field(default=None, serialization_alias="getUImages")
    """Ask for the four pictures as files of their own beside the grid."""
    hook_url: CallbackUrl | None = Field(default=None, serialization_alias="hookUrl")
    """Your own callback address instead of the pack's."""

    def describe(self) -> str:
        return f"{len(self.images)} pictures"

    def body(self, pictures: dict[int, str]) -> dict[str, Any]:
        return super().body({key: DATA_URI + text for key, text in pictures.items()})


class DescribeRequest(TTAPIRequest):
    """A picture to find prompts for."""

    image: GivenPicture | None = Field(default=None, serialization_alias="base64")
    """The picture; read here and sent whole."""
    url: WebUrl | None = None
    """Instead of `image`: the web address of a picture that TTAPI reads itself."""
    timeout: Timeout | None = None
    """Seconds after which TTAPI gives the job up, 300 to 1200."""
    hook_url: CallbackUrl | None = Field(default=None, serialization_alias="hookUrl")
    """Your own callback address instead of the pack's."""

    @model_validator(mode="after")
    def _one_picture(self) -> Self:
        if (self.image is None) == (self.url is None):
            raise ValueError("give either image or url")
        return self

    def describe(self) -> str:
        return "a picture"

    def body(self, pictures: dict[int, str]) -> dict[str, Any]:
        return super().body({key: DATA_URI + text for key, text in pictures.items()})


class InpaintRequest(TTAPIRequest):
    """A part of a finished picture to draw anew: Midjourney's Vary (Region)."""

    job_id: JobId = Field(serialization_alias="jobId")
    """The provider's id of the finished job (JobResult.job.job_id)."""
    mask: Annotated[GivenPicture, PictureLimit(formats=("PNG", "JPEG", "WEBP"), scalable=False)]
    """White where to draw anew, black where to keep; exactly as wide and high as the finished picture."""
    prompt: Prompt | None = None
    """What to draw there; the finished job's own prompt by default."""
    timeout: Timeout | None = None
    """Seconds after which TTAPI gives the job up, 300 to 1200."""
    hook_url: CallbackUrl | None = Field(default=None, serialization_alias="hookUrl")
    """Your own callback address instead of the pack's."""

    @classmethod
    def of(cls, result: FinishedJob, mask: GivenPicture, **fields: Any) -> Self:
        """A part of this finished picture. Raises ValueError when the mask is of another size.

        A mask on the web is not read here. Raises MediaError when the mask cannot be read.
        """
        request = cls(job_id=result.job.job_id or "", mask=mask, **fields)
        _, given, limit = next(pictures_in(request))  # its only one: the mask
        picture = result.media[0]
        if given.web_address is None:
            facts = inspect(read_picture(given.source, given.most_bytes(limit)))
            if (facts.width, facts.height) != (picture.width, picture.height):
                raise ValueError(
                    f"the mask is {facts.width}x{facts.height} pixels and the picture {picture.width}x{picture.height}"
                )
        return request

    def describe(self) -> str:
        return super().describe() or f"a part of {self.job_id[:8]}"


class SeedRequest(TTAPIRequest):
    """A finished job whose seed is asked for."""

    job_id: JobId = Field(serialization_alias="jobId")
    """The provider's id of the finished job (JobResult.job.job_id)."""
    timeout: Timeout | None = None
    """Seconds after which TTAPI gives the job up, 300 to 1200."""
    hook_url: CallbackUrl | None = Field(default=None, serialization_alias="hookUrl")
    """Your own callback address instead of the pack's."""

    def describe(self) -> str:
        return f"seed of {self.job_id[:8]}"


class EditRequest(TTAPIRequest):
    """A picture of your own to change."""

    prompt: Prompt
    """What the changed picture shows."""
    image: Annotated[GivenPicture, PictureLimit(formats=("PNG", "JPEG", "BMP", "WEBP"))]
    """PNG, JPEG, BMP or WebP (others become one of these); what is transparent in it is drawn anew. TTAPI snaps its
    shape to 1:1, 1:2, 2:1, 2:3, 3:2, 3:4, 4:3, 9:16 or 16:9."""
    type: Literal["edit", "retexture"] = "edit"
    """edit: draw the transparent parts; retexture: keep the shapes, change the surfaces."""
    mode: Mode = "fast"
    """Speed: relax, fast or turbo."""
    hook_url: CallbackUrl | None = Field(default=None, serialization_alias="hookUrl")
    """Your own callback address instead of the pack's."""


class DescribeResult(MidjourneyResult):
    """Prompts for a picture."""

    @property
    def prompts(self) -> list[str]:
        """The prompts, four as a rule, a line each in `prompt`. So says a third party; no page of TTAPI does."""
        return [line.strip() for line in (self.prompt or "").splitlines() if line.strip()]


class EditResult(TTAPIResult):
    """A finished edit: four pictures."""

    mode: Text = None
    images: Places = ()
    """The four pictures at Midjourney."""
    cdn_images: Places = ()
    """The same four at TTAPI."""
    submit_time: Text = None
    finish_time: Text = None


def no_files(result: MidjourneyResult, request: dict[str, Any]) -> list[Link]:
    """The answer is text: there is nothing to download."""
    return []


def edit_links(result: EditResult, request: dict[str, Any]) -> list[Link]:
    """The four pictures, from TTAPI's own store where it has them."""
    pictures = four(result.images) | four(result.cdn_images)
    if not pictures:
        raise ResponseFormatError("the finished job names no picture")
    return list(pictures.values())


BLEND = Operation(
    name="midjourney.blend",
    provider=TTAPI,
    submit=Route("POST", "/midjourney/v1/blend"),
    fetch=FETCH,
    request=BlendRequest,
    result=MidjourneyResult,
    links=links,
    source="https://docs.mjapiapp.com/reference/midjourney-api",
    callback=("hookUrl",),
    witness=WITNESS,
    queue_limit=QUEUE,
    typical_seconds=60,
    lifecycle="on the vendor's older pages only; its fields are known from clients",
)
DESCRIBE = Operation(
    name="midjourney.describe",
    provider=TTAPI,
    submit=Route("POST", "/midjourney/v1/describe"),
    fetch=FETCH,
    request=DescribeRequest,
    result=DescribeResult,
    links=no_files,
    source="https://docs.ttapi.io/api/cn/midjourney/describe",
    callback=("hookUrl",),
    witness=FINDER,
    queue_limit=QUEUE,
    typical_seconds=30,
)
INPAINT = Operation(
    name="midjourney.inpaint",
    provider=TTAPI,
    submit=Route("POST", "/midjourney/v1/inpaint"),
    fetch=FETCH,
    request=InpaintRequest,
    result=MidjourneyResult,
    links=links,
    source="https://docs.ttapi.io/api/cn/midjourney/inpaint",
    callback=("hookUrl",),
    witness=WITNESS,
    queue_limit=QUEUE,
    typical_seconds=60,
)
SEED = Operation(
    name="midjourney.seed",
    provider=TTAPI,
    submit=Route("POST", "/midjourney/v1/seed"),
    fetch=FETCH,
    request=SeedRequest,
    result=MidjourneyResult,
    links=no_files,
    source="https://docs.mjapiapp.com/reference/midjourney-api",
    callback=("hookUrl",),
    witness=FINDER,
    queue_limit=QUEUE,
    typical_seconds=30,
    lifecycle="on the vendor's older pages only",
)
EDIT = Operation(
    name="midjourney.edit",
    provider=TTAPI,
    submit=Route("POST", "/midjourney/image-edits/submit"),
    fetch=Route("GET", "/midjourney/image-edits/fetch", job_id="jobId"),
    request=EditRequest,
    result=EditResult,
    links=edit_links,
    files_due=lambda request: 4,
    source="https://docs.ttapi.io/api/en/midjourneyedit/submit",
    callback=("hookUrl",),
    witness=FINDER,
    queue_limit=QUEUE,
    typical_seconds=60,
)

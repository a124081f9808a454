"""Midjourney through TTAPI: imagine and the buttons under a finished job. And what all its jobs answer.

Source: docs.ttapi.io/api/en/midjourney. Nothing here was checked against the live service.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal, Protocol, Self

from pydantic import AliasChoices, BeforeValidator, Field, StringConstraints

from prefect_genmedia.errors import ResponseFormatError
from prefect_genmedia.given import becomes
from prefect_genmedia.media import MediaFile
from prefect_genmedia.operation import Link, Operation, Route
from prefect_genmedia.providers.answer import Pixels, Places, Text, Texts, Url
from prefect_genmedia.providers.ttapi.envelope import TTAPI
from prefect_genmedia.providers.ttapi.fields import (
    QUEUE,
    WITNESS,
    CallbackUrl,
    JobId,
    Mode,
    Timeout,
    TTAPIRequest,
    TTAPIResult,
)
from prefect_genmedia.providers.ttapi.prompt import MidjourneyPrompt

Action = Literal[
    "upsample1", "upsample2", "upsample3", "upsample4",
    "variation1", "variation2", "variation3", "variation4",
    "reroll", "high_variation", "low_variation", "upscale2", "upscale4",
    "zoom_out_2", "zoom_out_1_5", "pan_left", "pan_right", "pan_up", "pan_down",
    "upscale_creative", "upscale_subtle", "redo_upscale2", "redo_upscale4",
    "redo_upscale_subtle", "redo_upscale_creative", "make_square",
]  # fmt: skip
Prompt = Annotated[
    str | MidjourneyPrompt,
    becomes(str),
    StringConstraints(strip_whitespace=True, min_length=1, max_length=6000),
    BeforeValidator(lambda value: str(value) if isinstance(value, MidjourneyPrompt) else value),
]


class Reference(Protocol):
    """What names a job."""

    @property
    def job_id(self) -> str | None: ...


class FinishedJob(Protocol):
    """What the next request needs of a finished Midjourney job. A JobResult is one; it stands above this room."""

    @property
    def job(self) -> Reference: ...
    @property
    def media(self) -> Sequence[MediaFile]: ...
    @property
    def result(self) -> MidjourneyResult: ...


class ImagineRequest(TTAPIRequest):
    """What to draw, in Midjourney's own words."""

    prompt: Prompt
    """Midjourney prompt, image URLs first and parameters such as --ar 3:2 last; MidjourneyPrompt writes them."""
    mode: Mode = "fast"
    """Speed: relax (up to 10 minutes), fast (about one minute) or turbo."""
    timeout: Timeout | None = None
    """Seconds after which TTAPI gives the job up, 300 to 1200 (relax: from 600)."""
    get_u_images: bool | None = Field(default=None, serialization_alias="getUImages")
    """Ask for the four pictures as files of their own beside the grid."""
    translation: bool | None = None
    """Let TTAPI translate a prompt that is not English. TTAPI's default is to do so."""
    hook_url: CallbackUrl | None = Field(default=None, serialization_alias="hookUrl")
    """Your own callback address instead of the pack's; a lost reply can then not be settled by itself."""


class ActionRequest(TTAPIRequest):
    """A button under a finished Midjourney job."""

    job_id: JobId = Field(serialization_alias="jobId")
    """The provider's id of the finished job (JobResult.job.job_id)."""
    action: Action
    """One of the finished job's `components`: upsample1 to upsample4, variation1 to variation4, reroll, ..."""
    timeout: Timeout | None = None
    """Seconds after which TTAPI gives the job up, 300 to 1200."""
    hook_url: CallbackUrl | None = Field(default=None, serialization_alias="hookUrl")
    """Your own callback address instead of the pack's."""

    @classmethod
    def of(cls, result: FinishedJob, action: Action, **fields: Any) -> Self:
        """A button under this finished job. Raises ValueError that lists the buttons which it has."""
        offered = result.result.components
        if action not in offered:
            buttons = ", ".join(offered) or "none at all"
            raise ValueError(f"{action!r} is no button under job {result.job.job_id}; it has {buttons}")
        return cls(job_id=result.job.job_id or "", action=action, **fields)

    def describe(self) -> str:
        return f"{self.action} of {self.job_id[:8]}"


class MidjourneyResult(TTAPIResult):
    """A finished Midjourney job."""

    action: Text = Field(default=None, validation_alias=AliasChoices("action", "actions"))
    cdn_image: Url = None
    """The grid, or the single picture of an upscale."""
    discord_image: Url = None
    width: Pixels = None
    height: Pixels = None
    components: Texts = ()
    """The actions that may follow."""
    seed: Text = None
    images: Places = ()
    """The four pictures of a grid: top left, top right, bottom left, bottom right."""


QUADRANTS = ("top left", "top right", "bottom left", "bottom right")


def links(result: MidjourneyResult, request: dict[str, Any]) -> list[Link]:
    """The grid or single picture first, then the four pictures where they are given."""
    urls = [url for url in (result.cdn_image, result.discord_image) if url]
    pictures = four(result.images)
    if not urls and not pictures:
        raise ResponseFormatError("the finished job names no picture")
    role = "grid" if pictures else "image"
    first = [
        Link(urls[0], role, width=result.width, height=result.height, place=0, others=tuple(urls[1:]))
    ] if urls else []  # fmt: skip
    return [*first, *(replace(link, place=place + 1) for place, link in pictures.items())]


def four(links: tuple[str | None, ...]) -> dict[int, Link]:
    """The pictures of a grid by their place; a missing one is left out, and shifts no other."""
    roles = dict(enumerate(QUADRANTS))
    return {place: Link(url, roles.get(place, "image"), place=place) for place, url in enumerate(links) if url}


def files_due(request: dict[str, Any]) -> int | None:
    """The grid and its four pictures, where these are asked for."""
    return 5 if request.get("get_u_images") else 1


FETCH = Route("GET", "/midjourney/v1/fetch", job_id="jobId")

IMAGINE = Operation(
    name="midjourney.imagine",
    provider=TTAPI,
    submit=Route("POST", "/midjourney/v1/imagine"),
    fetch=FETCH,
    request=ImagineRequest,
    result=MidjourneyResult,
    links=links,
    files_due=files_due,
    source="https://docs.ttapi.io/api/en/midjourney/imagine",
    callback=("hookUrl",),
    witness=WITNESS,
    queue_limit=QUEUE,
    typical_seconds=60,
)
ACTION = Operation(
    name="midjourney.action",
    provider=TTAPI,
    submit=Route("POST", "/midjourney/v1/action"),
    fetch=FETCH,
    request=ActionRequest,
    result=MidjourneyResult,
    links=links,
    source="https://docs.ttapi.io/api/en/midjourney/action",
    callback=("hookUrl",),
    witness=WITNESS,
    queue_limit=QUEUE,
    typical_seconds=60,
)

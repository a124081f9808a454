"""Request and result parts that TTAPI's operations share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import (
    AliasChoices,
    AliasGenerator,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic.alias_generators import to_camel

from prefect_genmedia.errors import ResponseFormatError
from prefect_genmedia.operation import Link, QueueLimit, Request, Witness
from prefect_genmedia.providers.answer import Answer, Text, Texts
from prefect_genmedia.providers.words import job_id_in, number

Mode = Literal["relax", "fast", "turbo"]
JobId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
WebUrl = Annotated[str, StringConstraints(pattern=r"^https?://")]
CallbackUrl = WebUrl
Timeout = Annotated[int, Field(ge=300, le=1200)]

# The only prefix that TTAPI's pages name, whatever kind of picture follows.
DATA_URI = "data:image/png;base64,"


class TTAPIRequest(Request):
    """A request to TTAPI. Where it calls back is not part of what is asked for."""

    def canonical(self, digests: dict[int, str]) -> dict[str, Any]:
        return {name: value for name, value in super().canonical(digests).items() if name != "hook_url"}


Number = Annotated[float | None, BeforeValidator(number)]


class TTAPIAnswer(Answer):
    """A part of an answer: each field is read in both spellings, jobId and job_id."""

    model_config = ConfigDict(
        alias_generator=AliasGenerator(validation_alias=lambda name: AliasChoices(name, to_camel(name)))
    )


class TTAPIResult(TTAPIAnswer):
    """What the finished jobs of all products have."""

    job_id: Text = None
    progress: Text = None
    prompt: Text = None
    quota: Number = None
    """Quota charged; 100 quota are 1 USD."""


def urls_in(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every web address in an answer, with the names that lead to it, such as `videos.video_url`."""
    if isinstance(value, str):
        if value.startswith(("https://", "http://")):
            yield name, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from urls_in(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from urls_in(item, name)


_VIDEO = re.compile("video", re.IGNORECASE)
_BESIDE = re.compile(r"(image|cover|poster|thumb|hook|preview)[^.]*$", re.IGNORECASE)


class VideoResult(TTAPIResult):
    """A finished video job. Only `videos` is sure to be filled; all else that TTAPI says is in
    `extra`."""

    videos: Texts = ()
    """The clips, found under any name with "video" in it: videoUrl, video_url, videos, ..."""

    @model_validator(mode="before")
    @classmethod
    def _find_videos(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        found = (url for name, url in urls_in(data) if _VIDEO.search(name) and not _BESIDE.search(name))
        return {**data, "videos": list(dict.fromkeys(found))}


def video_links(result: VideoResult, request: dict[str, Any]) -> list[Link]:
    """Every clip."""
    if not result.videos:
        raise ResponseFormatError("the finished job names no video")
    return [Link(url, f"clip {index}", kind="video") for index, url in enumerate(result.videos)]


def _list_ids(body: dict[str, Any]) -> list[str]:
    rows = body.get("data")
    if not isinstance(rows, list) or body.get("status") == "FAILED":
        raise ResponseFormatError("the job list holds no list", provider="ttapi")
    ids = (job_id_in((row,), ("jobId",)) for row in rows)
    return [job_id for job_id in ids if job_id]


def _frozen(body: dict[str, Any]) -> float | None:
    data = body.get("data")
    return number(data.get("freeze_balance")) if isinstance(data, dict) else None


def _max_queue(body: dict[str, Any]) -> int | None:
    data = body.get("data")
    most = number(data.get("max_queue")) if isinstance(data, dict) else None
    return int(most) if most is not None and 1 <= most <= 10_000 else None


def _never_told(body: dict[str, Any]) -> float | None:
    return None


WITNESS = Witness(
    list_path="/midjourney/v1/fetch-list",
    statuses=("PENDING_QUEUE", "ON_QUEUE", "SUCCESS", "FAILED"),
    running=frozenset({"PENDING_QUEUE", "ON_QUEUE"}),
    job_ids=_list_ids,
    account_path="/midjourney/v1/info",
    frozen=_frozen,
)
QUEUE = QueueLimit("/midjourney/v1/info", _max_queue)
# No page says that the list holds every kind of job: being in it proves that a job was bought, being absent nothing.
FINDER = replace(WITNESS, frozen=_never_told)

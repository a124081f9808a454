"""A job at an endpoint that has no operation of its own: what TTAPI's and Novita's `job` share."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, Self, cast

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, StringConstraints, model_validator

from prefect_genmedia.errors import ConfigurationError, ResponseFormatError
from prefect_genmedia.given import Several, becomes
from prefect_genmedia.media.pictures import ANY_FORMAT, GivenPicture, PictureLimit
from prefect_genmedia.operation import Link, Request, Result, Route
from prefect_genmedia.providers.answer import Answer

_PATH = re.compile(r"(/[A-Za-z0-9_~%+-][A-Za-z0-9._~%+-]*)+")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d*)\]")
_DOTTED = re.compile(r"[^.\[\]]+(\[\d*\])*(\.[^.\[\]]+(\[\d*\])*)*")


def _a_path(value: str) -> str:
    if not _PATH.fullmatch(value):
        raise ValueError("is no path; it starts with / and names no host and no query, such as /suno/v1/music")
    return value


def _dotted(value: str) -> str:
    if not _DOTTED.fullmatch(value):
        raise ValueError("is no dotted path, such as image, request.image_base64 or images[].image_url")
    return value


JsonObject = Annotated[Mapping[str, JsonValue], becomes(dict[str, JsonValue])]
ApiPath = Annotated[str, AfterValidator(_a_path)]
DottedPath = Annotated[str, AfterValidator(_dotted)]


class PictureAt(Request):
    """A picture and its place in the body."""

    at: DottedPath
    """Where it goes: names with dots between, [0] for a place in a list, [] for its end."""
    picture: Annotated[GivenPicture, PictureLimit(formats=ANY_FORMAT)]
    """The picture. JPEG, PNG, WebP, GIF, BMP and AVIF stay what they are: what the endpoint takes is not known here."""


def _by_place(value: Any) -> Any:
    if isinstance(value, Mapping):
        return tuple({"at": at, "picture": picture} for at, picture in value.items())
    return value


class GenericRequest(Request):
    """Any job that is submitted by POST and fetched by its id."""

    path: ApiPath
    """Where to submit, such as /suno/v1/music: the path alone, without a host."""
    json_body: JsonObject = Field(default_factory=dict, serialization_alias="body")
    """The JSON to submit, but for pictures."""
    pictures: Annotated[
        Sequence[PictureAt] | Mapping[str, GivenPicture], becomes(tuple[PictureAt, ...]), BeforeValidator(_by_place)
    ] = ()
    """Pictures by their place in the body, such as {"request.image_base64": "dog.png"}; sent as base64."""
    data_uri: bool = False
    """Put data:image/...;base64, before each picture."""
    results: Several[DottedPath] = ()
    """Where the answer holds the links to the files, such as images[].image_url."""
    kind: Literal["image", "video", "audio", "file"] = "image"
    """What the files at `results` are."""

    @model_validator(mode="after")
    def _pictures_have_a_place(self) -> Self:
        self.body({id(each.picture): "" for each in self._placed})
        return self

    @property
    def _placed(self) -> tuple[PictureAt, ...]:
        """`pictures`, as what it has become."""
        return cast(tuple[PictureAt, ...], self.pictures)

    def describe(self) -> str:
        prompt = self.json_body.get("prompt")
        return f"{self.path} {prompt}" if isinstance(prompt, str) else self.path

    def body(self, pictures: dict[int, str]) -> dict[str, Any]:
        body = dict(copy.deepcopy(self.json_body))
        for each in self._placed:
            text = pictures[id(each.picture)]
            _put(body, each.at, data_uri(text) if self.data_uri else text)
        return body


READING = ("results", "kind", "fetch_path", "fetch_method", "job_id_name")
"""To correct one of these is no other purchase: the job that is there is read anew."""


class GenericResult(Answer):
    """A finished job of any kind: all of the provider's answer is in `extra`."""


JobIdName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]


def routes(canonical: dict[str, Any]) -> tuple[Route, Route]:
    """Where this very request is submitted, and where it is fetched."""
    try:
        fetch = Route(canonical["fetch_method"], canonical["fetch_path"], job_id=canonical["job_id_name"])
        return Route("POST", canonical["path"]), fetch
    except KeyError:
        raise ConfigurationError("only its request tells where this job is fetched, and there is none") from None


def links_at(result: Result, request: dict[str, Any]) -> list[Link]:
    """The files at `results`. Raises ResponseFormatError when there is none at any of them."""
    answer = result.model_dump(mode="json", by_alias=True)
    places = request["results"]
    found = [url for path in places for url in _texts_at(answer, _steps(path.removeprefix("data.")))]
    if places and not found:
        raise ResponseFormatError(
            f"the finished job holds no link at {', '.join(places)}; it holds {', '.join(sorted(answer))}"
        )
    kind = request["kind"]
    return [Link(url, kind, kind=kind) for url in dict.fromkeys(found)]


def data_uri(base64_text: str) -> str:
    """A picture's base64 with the prefix that says which kind it is."""
    starts = {"/9j/": "jpeg", "UklGR": "webp", "R0lGO": "gif", "Qk": "bmp"}
    kind = next((kind for start, kind in starts.items() if base64_text.startswith(start)), "png")
    if base64_text[6:10] == "Z0eX":  # ftyp
        kind = "avif"
    return f"data:image/{kind};base64,{base64_text}"


def _steps(path: str) -> list[str | int]:
    """The steps of a dotted path: a name, a place in a list, or -1 for each (or the end) of a list."""
    return [name or (int(place) if place else -1) for name, place in _STEP.findall(path)]


def _texts_at(value: Any, steps: list[str | int]) -> Iterator[str]:
    if not steps:
        if isinstance(value, str) and value:
            yield value
        elif isinstance(value, list):
            for item in value:
                yield from _texts_at(item, [])
        return
    step, rest = steps[0], steps[1:]
    if isinstance(step, str):
        if isinstance(value, dict):
            yield from _texts_at(value.get(step), rest)
    elif isinstance(value, list):
        for item in value if step == -1 else value[step : step + 1]:
            yield from _texts_at(item, rest)


def _put(body: Any, at: str, text: str) -> None:
    """Put `text` at a place of the body; what is missing on the way is made. Raises ValueError."""
    steps = _steps(at)
    holder = body
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        last = following is None
        fresh: Any = text if last else {} if isinstance(following, str) else []
        if isinstance(step, str):
            if not isinstance(holder, dict) or (last and step in holder):
                raise ValueError(f"pictures: {at!r} has no free place in the body")
            holder = holder.setdefault(step, fresh)
        else:
            if not isinstance(holder, list) or step > len(holder):
                raise ValueError(f"pictures: {at!r} has no free place in the body")
            if step in (-1, len(holder)):
                holder.append(fresh)
            elif last:
                raise ValueError(f"pictures: {at!r} has no free place in the body")
            holder = holder[step]

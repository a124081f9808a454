"""Pictures that go into a request: a media file, a path, an https URL or bytes; read, checked and encoded here."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    GetJsonSchemaHandler,
    SerializationInfo,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from prefect_genmedia.errors import MediaError, MediaInvalidError
from prefect_genmedia.imaging import inspect
from prefect_genmedia.media.files import MediaFile, open_media
from prefect_genmedia.operation import becomes
from prefect_genmedia.quoting import one_line, title
from prefect_genmedia.wire.http import Pool

LONGEST_REFERENCE = 4096  # characters of a path or a URL
DOWNLOAD_SECONDS = 300.0


@dataclass(frozen=True)
class PictureLimit:
    """What a provider takes: put on a field by Annotated[GivenPicture, PictureLimit(...)]."""

    megapixels: float = 64.0
    megabytes: float = 30.0


class Picture(BaseModel):
    """One input picture, by reference. Bytes are taken too, and are never written anywhere as they are."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    source: MediaFile | str | bytes

    @model_validator(mode="before")
    @classmethod
    def _from_source(cls, value: Any) -> Any:
        if isinstance(value, dict) and "source" not in value:
            return {"source": MediaFile.model_validate(value)}
        if isinstance(value, Path):
            return {"source": str(value)}
        if isinstance(value, str):
            if not value.strip():
                raise ValueError("is empty; give a path, an https URL, a MediaFile or bytes")
            if value.startswith("data:"):
                raise ValueError("is a data: URI; give the picture's bytes, its path or an https URL")
            return {"source": value}
        if isinstance(value, bytes | MediaFile):
            return {"source": value}
        return value

    @model_serializer(mode="plain")
    def _write(self, info: SerializationInfo) -> Any:
        written = (info.context or {}).get("pictures")
        if written is not None:
            return written[id(self)]
        if isinstance(self.source, bytes):
            return f"<picture of {len(self.source)} bytes>"
        return self.source.model_dump() if isinstance(self.source, MediaFile) else self.source

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "title": "Picture", "description": "A path or an https URL."}

    def __repr__(self) -> str:
        source = self.source
        return f"Picture({f'{len(source)} bytes' if isinstance(source, bytes) else one_line(source)!r})"

    __str__ = __repr__


GivenPicture = Annotated[Picture | MediaFile | str | Path | bytes, becomes(Picture)]
"""The type of a request's picture: whatever a Picture is made of. `pictures_in` gives the Pictures."""


@dataclass(frozen=True)
class LoadedPicture:
    """A picture that has been read and decoded once."""

    content: bytes
    sha256: str
    width: int
    height: int
    media_type: str

    @property
    def base64(self) -> str:
        return base64.b64encode(self.content).decode()


def pictures_in(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, Picture, PictureLimit]]:
    """Every picture of a request with the name of its field, such as `controlnet.units[0].image`."""
    for name, info in type(model).model_fields.items():
        limit = next((m for m in info.metadata if isinstance(m, PictureLimit)), PictureLimit())
        yield from _pictures_of(getattr(model, name), prefix + name, limit)


def _pictures_of(value: Any, where: str, limit: PictureLimit) -> Iterator[tuple[str, Picture, PictureLimit]]:
    if isinstance(value, Picture):
        yield where, value, limit
    elif isinstance(value, BaseModel):
        yield from pictures_in(value, where + ".")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _pictures_of(item, f"{where}[{index}]", limit)


async def load_pictures(request: BaseModel, pool: Pool, operation: str) -> dict[int, LoadedPicture]:
    """Read and check every picture of `request`, by identity.

    Raises MediaInvalidError or MediaError that names the field, before anything is bought.
    """
    loaded: dict[int, LoadedPicture] = {}
    for where, picture, limit in pictures_in(request):
        error: MediaError
        try:
            loaded[id(picture)] = await load_picture(picture, limit, pool)
            continue
        except MediaError as failure:
            error = type(failure)(f"{where}: {failure.message}", operation=operation, advice=failure.advice)
        raise error
    return loaded


async def load_picture(picture: Picture, limit: PictureLimit, pool: Pool) -> LoadedPicture:
    """Read and decode one picture. Raises MediaError, MediaInvalidError."""
    most = int(limit.megabytes * 1_000_000)
    source = picture.source
    if isinstance(source, str) and source.startswith(("https://", "http://")):
        content = await _download(source, most, pool)
    else:
        content = await asyncio.to_thread(read_picture, source, most)
    facts = await asyncio.to_thread(inspect, content)
    if facts.width * facts.height > limit.megapixels * 1_000_000:
        raise MediaInvalidError(
            f"has {facts.width * facts.height / 1e6:.1f} megapixels; the limit is {limit.megapixels:g}",
            advice="Scale it down first, for example with imaging.render.",
        )
    digest = hashlib.sha256(content).hexdigest()
    return LoadedPicture(content, digest, facts.width, facts.height, facts.media_type)


def read_picture(source: MediaFile | str | bytes, most: int) -> bytes:
    """The bytes of a picture that is not on the web. Raises MediaError, MediaInvalidError above `most` bytes."""
    if isinstance(source, bytes):
        content = source
    elif isinstance(source, MediaFile):
        content = open_media(source)
    else:
        if len(source) > LONGEST_REFERENCE:
            raise MediaError("is longer than any path", advice="Give base64 text as bytes, decoded.")
        try:
            path = Path(source).expanduser()
            _refuse_large(path.stat().st_size, most)
            content = path.read_bytes()
        except OSError as failure:
            raise MediaError(
                f"cannot read {title(source, 200)}: {failure.strerror or type(failure).__name__}"
            ) from None
        except (ValueError, RuntimeError):
            raise MediaError(f"{title(source, 200)!r} is no path") from None
    _refuse_large(len(content), most)
    return content


async def _download(url: str, most: int, pool: Pool) -> bytes:
    content = bytearray()
    try:
        # The user's own link: it may lead anywhere, also into our own network.
        async with asyncio.timeout(DOWNLOAD_SECONDS), pool.stream(url) as incoming:
            if not 200 <= incoming.status < 300:
                raise MediaError(f"the picture's URL answers HTTP {incoming.status}")
            async for piece in incoming.pieces:
                content += piece
                _refuse_large(len(content), most)
    except TimeoutError:
        raise MediaError(f"the picture's URL did not give all of it within {DOWNLOAD_SECONDS:g} s") from None
    return bytes(content)


def _refuse_large(size: int, most: int) -> None:
    if size > most:
        raise MediaInvalidError(
            f"has {size / 1e6:.1f} MB; the limit is {most / 1e6:g} MB",
            advice="Make it smaller first, for example with imaging.render.",
        )

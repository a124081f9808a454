"""Pictures that go into a request: a media file, a path, an https URL or bytes; read, checked and encoded here."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from weakref import WeakKeyDictionary

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

from prefect_genmedia.errors import NOTHING_BOUGHT, MediaError
from prefect_genmedia.given import becomes
from prefect_genmedia.imaging import PictureLimit, as_it_is, made_ready
from prefect_genmedia.media.files import MediaFile, open_media
from prefect_genmedia.media.references import read_reference, refuse_large, tidy, web_address
from prefect_genmedia.quoting import one_line
from prefect_genmedia.wire.http import Pool

__all__ = [
    "ANY_FORMAT",
    "ANY_PICTURE",
    "GivenPicture",
    "Picture",
    "PictureLimit",
    "load_picture",
    "load_pictures",
    "pictures_in",
]

DOWNLOAD_SECONDS = 300.0
ANY_FORMAT = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF")
ANY_PICTURE = PictureLimit(megapixels=100, megabytes=200, formats=(*ANY_FORMAT, "TIFF"))
"""What is read at all. What is sent is measured once it is made ready."""

# A photograph in memory weighs a hundred times its file: a few at a time, for each event loop.
_AT_ONCE = min(4, os.cpu_count() or 1)
_TURNS: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


class Picture(BaseModel):
    """One input picture, by reference. Bytes are taken too, and are never written anywhere as they are."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    source: MediaFile | str | bytes
    """A media file; a path, a file: URI, an address such as s3://bucket/key, an https URL; or the file's bytes."""
    prepare: Literal["upright", "fit", "nothing"] = "upright"
    """upright: turned as its EXIF says, in sRGB, without metadata, in a format that the operation takes. fit: and made
    smaller where it is too large. nothing: sent as it is, metadata and all, or refused."""

    @model_validator(mode="before")
    @classmethod
    def _from_source(cls, value: Any) -> Any:
        if isinstance(value, dict) and "source" not in value:
            return {"source": MediaFile.model_validate(value)}
        if isinstance(value, Path):
            return {"source": str(value)}
        if isinstance(value, str):
            if not tidy(value):
                raise ValueError("is empty; give a path, an https URL, a MediaFile or bytes")
            if tidy(value)[:5].lower() == "data:":
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
        source: Any = self.source
        if isinstance(source, bytes):
            source = f"<picture of {len(source)} bytes>"
        elif isinstance(source, MediaFile):
            source = source.model_dump()
        return source if self.prepare == "upright" else {"source": source, "prepare": self.prepare}

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "title": "Picture", "description": "A path, an s3:// address or an https URL."}

    def __repr__(self) -> str:
        source = self.source
        return f"Picture({f'{len(source)} bytes' if isinstance(source, bytes) else one_line(source)!r})"

    __str__ = __repr__

    @property
    def web_address(self) -> str | None:
        """Where it is to be downloaded; None when it is read without."""
        return web_address(self.source) if isinstance(self.source, str) else None

    @property
    def is_local(self) -> bool:
        """Is it in memory, or a file of this machine?"""
        if isinstance(self.source, str):
            return "://" not in self.source or tidy(self.source)[:5].lower() == "file:"
        return not isinstance(self.source, MediaFile) or self.source.is_local

    def most_bytes(self, limit: PictureLimit) -> int:
        """How much of it is read at most."""
        return limit.bytes if self.prepare == "nothing" else ANY_PICTURE.bytes

    def identity(self, content: bytes) -> str:
        """What it is called in a job's key: by what was given, so that a newer way to prepare it buys nothing anew."""
        digest = hashlib.sha256(content).hexdigest()
        return f"{digest} as it is" if self.prepare == "nothing" else digest


GivenPicture = Annotated[Picture | MediaFile | str | Path | bytes, becomes(Picture)]
"""The type of a request's picture: whatever a Picture is made of. `pictures_in` gives the Pictures."""


@dataclass(frozen=True)
class LoadedPicture:
    """A picture as it is sent, and what it is called in the job's key."""

    content: bytes
    identity: str
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


async def load_pictures(
    request: BaseModel, pool: Pool, operation: str, only: Collection[int] | None = None
) -> dict[int, LoadedPicture]:
    """Read and check every picture of `request`, or only some, by identity.

    Raises MediaInvalidError or MediaError that names the field, before anything is bought.
    """
    loaded: dict[int, LoadedPicture] = {}
    for where, picture, limit in pictures_in(request):
        error: MediaError
        if only is not None and id(picture) not in only:
            continue
        try:
            loaded[id(picture)] = await load_picture(picture, limit, pool)
            continue
        except MediaError as failure:
            advice = failure.advice or "Give another picture, then run again."
            said = f"{where}: {failure.message}"
            error = type(failure)(said, operation=operation, advice=advice, money=NOTHING_BOUGHT)
        raise error
    return loaded


async def load_picture(picture: Picture, limit: PictureLimit, pool: Pool) -> LoadedPicture:
    """Read one picture and make it ready for whoever takes it. Raises MediaError, MediaInvalidError."""
    content, address = None, picture.web_address
    if address is not None:
        content = await _download(address, picture.most_bytes(limit), pool)
    async with _TURNS.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(_AT_ONCE)):
        return await asyncio.to_thread(_prepared, picture, content, limit)


def _prepared(picture: Picture, content: bytes | None, limit: PictureLimit) -> LoadedPicture:
    if content is None:
        content = read_picture(picture.source, picture.most_bytes(limit))
    if picture.prepare == "nothing":
        ready = as_it_is(content, limit)
    else:
        ready = made_ready(content, limit, shrink=picture.prepare == "fit")
    return LoadedPicture(ready.content, picture.identity(content), ready.width, ready.height, ready.media_type)


def read_picture(source: MediaFile | str | bytes, most: int) -> bytes:
    """The bytes of a picture that is not on the web. Raises MediaError, MediaInvalidError above `most` bytes."""
    if isinstance(source, str):
        return read_reference(source, most)
    if isinstance(source, MediaFile):
        refuse_large(source.bytes, most)
    content: bytes = open_media(source) if isinstance(source, MediaFile) else source
    refuse_large(len(content), most)
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
                refuse_large(len(content), most)
    except TimeoutError:
        raise MediaError(f"the picture's URL did not give all of it within {DOWNLOAD_SECONDS:g} s") from None
    return bytes(content)

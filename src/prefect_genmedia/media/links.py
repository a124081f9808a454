"""Links as providers write them: without a scheme, relative, in quotes, or the file itself as a data: URI."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, unquote_to_bytes, urljoin, urlsplit

import filetype

from prefect_genmedia.errors import MediaError, MediaExpiredError, MediaInvalidError
from prefect_genmedia.media.kinds import EXTENSIONS, UNKNOWN, extension

_AROUND = " \t\r\n\u00a0\u200b\ufeff\"'`<>"
# cdn.example.com/a.png: a host, and no file beside the API's.
_HOST_FIRST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}(:\d+)?/", re.IGNORECASE)
_DATA = re.compile(r"data:([^,]{0,200}),", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{256,}={0,2}")


def resolve(text: str, base_url: str) -> str:
    """The address that a link in an answer means; relative ones are the provider's own.

    Raises MediaExpiredError: who has such a link can only ask for another.
    """
    url = re.sub(r"[\t\r\n]", "", text.strip(_AROUND)).replace("\\/", "/").replace("&amp;", "&")
    if _HOST_FIRST.match(url):
        url = "https://" + url
    try:
        full = urljoin(base_url.rstrip("/") + "/", url)
        parts = urlsplit(full)
        if url and parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return full
    except ValueError:
        pass
    raise MediaExpiredError("the result link is no web address")


def inline_content(text: str) -> tuple[bytes, str] | None:
    """The file and its label where the answer holds the file itself, as a data: URI or as base64; None for a link.

    Raises MediaInvalidError when that is no base64.
    """
    text = text.strip(_AROUND)
    if head := _DATA.match(text):
        label, *words = (word.strip().lower() for word in head[1].split(";"))
        content = text[head.end() :]
        if "base64" in words:
            return _decoded(unquote(content)), label
        return unquote_to_bytes(content), label
    if _BASE64.fullmatch(text):
        try:
            content_of_base64 = _decoded(text)
        except MediaInvalidError:
            return None
        return (content_of_base64, "") if filetype.guess(content_of_base64[:4096]) else None
    return None


def files_anywhere(answer: Any, request: Any, levels: int = 6) -> list[str]:
    """The files, and the links to some, that an answer of no known shape holds; not what the request held itself."""
    given = set(_texts(request, levels))
    return [text for text in dict.fromkeys(_texts(answer, levels)) if text not in given and _is_file(text)]


def _texts(value: Any, levels: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif levels and isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item, levels - 1)


def _is_file(text: str) -> bool:
    with suppress(MediaError):
        if inline_content(text) is not None:
            return True
    address = text.strip(_AROUND)
    with suppress(ValueError):
        parts = urlsplit(address)
        return parts.scheme in ("http", "https") and extension(UNKNOWN, address) in EXTENSIONS.values()
    return False


def _decoded(text: str) -> bytes:
    text = re.sub(r"\s", "", text).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise MediaInvalidError("the file within the answer is cut, or no base64") from None

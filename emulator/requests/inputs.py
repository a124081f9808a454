"""Pictures that come with a request: as data URIs, as base64, or as links."""

from __future__ import annotations

import re
from functools import partial
from typing import NamedTuple
from urllib.parse import urlsplit

from anyio import to_thread
from starlette.requests import Request

from prefect_genmedia.emulator.drawing.recordings import TYPES
from prefect_genmedia.emulator.requests import rules
from prefect_genmedia.emulator.requests.rules import Invalid, Limits
from prefect_genmedia.emulator.server.callbacks import is_loopback
from prefect_genmedia.emulator.server.state import state_of

_DATA_URI = re.compile(r"data:image/[\w.+-]+;base64,(.*)", re.DOTALL | re.IGNORECASE)
DEAD = "[Invalid link!] The picture behind the link cannot be read."


class Given(NamedTuple):
    """A picture of a request."""

    sha256: str | None  # under which the gallery keeps it; None: behind a link that is not followed
    failure: str = ""  # set: the job will fail for it


def is_link(text: str) -> bool:
    return text.lower().startswith(("http://", "https://"))


async def picture(request: Request, name: str, text: str, limits: Limits, prefix: bool | None = None) -> Given:
    """A picture in base64. `prefix`: whether a data URI must be (True), must not be (False), may be (None)."""
    found = _DATA_URI.fullmatch(text)
    if prefix and not found:
        raise Invalid(f"{name}: must begin with data:image/png;base64,")
    if found and prefix is False:
        raise Invalid(f"{name}: must be base64 without a data: prefix")
    content = await to_thread.run_sync(partial(rules.picture, found[1] if found else text, name, limits))
    return Given(state_of(request).gallery.keep(content))


async def link(request: Request, name: str, url: str) -> Given:
    """A picture behind a link. Only this server's own files are read: tests must not reach out."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Invalid(f"{name}: must be an http(s) link") from None
    if not host or not is_link(url):
        raise Invalid(f"{name}: must be an http(s) link")
    if not is_loopback(url) or port != request.url.port:
        return Given(None)
    gallery = state_of(request).gallery
    file = gallery.find(parts.path)
    if file is None or not TYPES[file.kind].startswith("image/"):
        return Given(None, DEAD)
    return Given(gallery.keep(await to_thread.run_sync(gallery.read, file)))

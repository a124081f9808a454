"""Answers that are not plain JSON: cut connections, broken bodies, gateway pages."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from prefect_genmedia.emulator.faults import Fault

TRANSPORT = "genmedia.transport"  # where the protocol class leaves the connection, in the ASGI scope

GATEWAY_PAGE = """<!DOCTYPE html>
<html><head><title>502 Bad Gateway</title></head>
<body><center><h1>502 Bad Gateway</h1></center><hr><center>emulated gateway</center></body></html>
"""


class Refusal(Exception):
    """The provider says no: status and JSON body."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(status)
        self.status = status
        self.body = dict(body)


class Cut(Response):
    """No answer: the connection ends. `how`: "close" (FIN, an orderly end) or "reset" (RST)."""

    def __init__(self, how: str = "close") -> None:
        super().__init__()
        self._how = how

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = scope[TRANSPORT]
        if self._how == "reset":
            linger = struct.pack("ii", 1, 0)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
        await gone(receive)


class Truncated(Response):
    """A body whose second half, or what follows after so many bytes, never comes.

    `length` says how the client could know: "whole" (Content-Length of the whole), "chunked" (no last
    chunk), "none" (neither: the close looks like the end, and only the picture itself is broken).
    """

    def __init__(self, content: bytes, media_type: str, length: str, size: int | None = None) -> None:
        super().__init__()
        self._half = content[: len(content) // 2 if size is None else size]
        framing = {
            "whole": f"content-length: {len(content)}",
            "chunked": "transfer-encoding: chunked",
            "none": "connection: close",
        }[length]
        self._chunked = length == "chunked"
        fields = [f"content-type: {media_type}", framing, "x-genmedia-emulator: 1"]
        self._head = "\r\n".join(["HTTP/1.1 200 OK", *fields, "", ""]).encode("latin-1")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Written past the server's HTTP machine, which would not let a body end early.
        transport = scope[TRANSPORT]
        body = b"%x\r\n%b\r\n" % (len(self._half), self._half) if self._chunked else self._half
        transport.write(self._head + body)
        transport.close()  # what is written still goes out
        await gone(receive)


class Slow(Response):
    """Half of the file, a pause, the rest."""

    def __init__(self, content: bytes, media_type: str, seconds: float) -> None:
        super().__init__(content, media_type=media_type)
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        content = bytes(self.body)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": content[: len(content) // 2], "more_body": True})
        await asyncio.sleep(self._seconds)
        await send({"type": "http.response.body", "body": content[len(content) // 2 :], "more_body": False})


def server_error(fault: Fault, body: Mapping[str, Any]) -> Response:
    """A 5xx with a JSON, an HTML or no body."""
    status, form = int(fault.parameters["status"]), fault.parameters["body"]
    if form == "html":
        return HTMLResponse(GATEWAY_PAGE, status)
    if form == "empty":
        return Response(status_code=status)
    return JSONResponse(dict(body), status)


def gateway_404(fault: Fault) -> Response:
    """Not found, says something that stands before the provider."""
    status, form = int(fault.parameters["status"]), fault.parameters["body"]
    if form == "html":
        return HTMLResponse("<html><head><title>404 Not Found</title></head><body>nginx</body></html>", status)
    return JSONResponse({"error": "not found"}, status) if form == "json" else Response(status_code=status)


def page(fault: Fault) -> Response:
    return HTMLResponse(GATEWAY_PAGE, int(fault.parameters["status"]))


def garbage() -> Response:
    return Response(b'{"status": "SUCC\x00\xff', media_type="application/json")


def retry_after(fault: Fault, now: float) -> dict[str, str]:
    """The Retry-After header as the fault wants it: seconds, a date, absurd, or none."""
    wanted = fault.parameters["retry_after"]
    if wanted is None:
        return {}
    if wanted == "date":
        moment = datetime.fromtimestamp(now, UTC) + timedelta(seconds=float(fault.parameters["seconds"]))
        return {"retry-after": http_date(moment)}
    if wanted == "absurd":
        return {"retry-after": "99999999999"}
    return {"retry-after": str(wanted)}


def http_date(moment: datetime) -> str:
    return f"{moment:%a, %d %b %Y %H:%M:%S} GMT"


def without(body: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    """The body without these fields; a dot leads into an object."""
    left: dict[str, Any] = json.loads(json.dumps(body))
    for name in names:
        *path, last = name.split(".")
        inner: Any = left
        for step in path:
            inner = inner.get(step) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            inner.pop(last, None)
    return left


def replaced(body: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """The body with one (dotted) field changed, if there is a place for it."""
    changed: dict[str, Any] = json.loads(json.dumps(body))
    *path, last = name.split(".")
    inner: Any = changed
    for step in path:
        inner = inner.get(step) if isinstance(inner, dict) else None
    if isinstance(inner, dict):
        inner[last] = value
    return changed


async def gone(receive: Receive) -> None:
    """Until the server has noticed the end: else it would still send a 500."""
    while (await receive())["type"] != "http.disconnect":
        pass

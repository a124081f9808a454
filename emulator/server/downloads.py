"""Result files: TTAPI's CDN and Novita's storage, and what can go wrong with a download."""

from __future__ import annotations

import hashlib
from urllib.parse import urlencode

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from prefect_genmedia.emulator.drawing.recordings import TYPES
from prefect_genmedia.emulator.faults import Fault
from prefect_genmedia.emulator.server.gallery import File
from prefect_genmedia.emulator.server.links import complaint, expired, s3_error
from prefect_genmedia.emulator.server.orders import Job
from prefect_genmedia.emulator.server.replies import Slow, Truncated, page
from prefect_genmedia.emulator.server.state import State, state_of

SIMPLE = ("download_expired", "download_404", "download_html", "download_redirect")
PICTURES = {label: kind for kind, label in TYPES.items() if label.startswith("image/")}


async def cdn(request: Request) -> Response:
    state, path = state_of(request), request.url.path
    file = state.gallery.find(path)
    if file is None:
        return HTMLResponse("<h1>404 Not Found</h1>", 404)
    return await _download(request, state, file)


async def s3(request: Request) -> Response:
    state, path = state_of(request), request.scope["raw_path"].decode("ascii", "replace")
    if path.startswith("/s3/prod/"):
        wrong = complaint(path, dict(request.query_params), state.settings.seed, state.now())
        if wrong:
            return _xml(wrong, 403)
    file = state.gallery.find(path)
    if file is None:
        return _xml(s3_error("NoSuchKey", "The specified key does not exist.", path), 404)
    return await _download(request, state, file)


async def _download(request: Request, state: State, file: File) -> Response:
    job = state.jobs.find(file.job_id)
    if job is None:
        return HTMLResponse("<h1>404 Not Found</h1>", 404)
    for kind in SIMPLE:
        if kind == "download_redirect" and "redirected" in request.query_params:
            continue
        if fault := state.faults.take(kind, job.order.operation, job.id):
            return _instead(request, state, fault)
    return await _content(state, job, file)


def _instead(request: Request, state: State, fault: Fault) -> Response:
    """Something else than the file."""
    path = request.url.path
    if fault.kind == "download_expired":
        now = state.now()
        return _xml(expired(path, 3600, now - 1, now), 403)
    if fault.kind == "download_404":
        return _xml(s3_error("NoSuchKey", "The specified key does not exist.", path), 404)
    if fault.kind == "download_html":
        return page(fault)
    host, _, port = request.headers.get("host", "127.0.0.1").partition(":")
    other = "127.0.0.1" if host == "localhost" else "localhost"
    query = urlencode([*request.query_params.multi_items(), ("redirected", "1")])
    target = f"{request.url.scheme}://{other}{':' if port else ''}{port}{path}?{query}"
    return RedirectResponse(target, int(fault.parameters["status"]))


async def _content(state: State, job: Job, file: File) -> Response:
    """The file, whole or spoilt."""
    operation, take = job.order.operation, state.faults.take
    kind, factor, label = file.kind, 1.0, TYPES[file.kind]
    if fault := take("download_wrong_type", operation, job.id):
        label = str(fault.parameters["content_type"])
        kind = PICTURES.get(label, kind)
    if fault := take("download_wrong_size", operation, job.id):
        factor = float(fault.parameters["factor"])
    content = await to_thread.run_sync(state.gallery.read, file, kind, factor)
    if fault := take("download_truncated", operation, job.id):
        return Truncated(content, label, fault.parameters["length"], {"x-genmedia-emulator": "1"})
    job.downloads += 1
    if fault := take("download_slow", operation, job.id):
        return Slow(content, label, float(fault.parameters["seconds"]))
    etag = f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
    return Response(content, media_type=label, headers={"etag": etag})


def _xml(text: str, status: int) -> Response:
    return Response(text, status, media_type="application/xml")


ROUTES = [
    Route("/cdn/midjourney/{date}/{name}", cdn, methods=["GET"]),
    Route("/cdn/{rest:path}", cdn, methods=["GET"]),
    Route("/s3/prod/{task_id}/{name}", s3, methods=["GET"]),
    Route("/s3/{bucket}/{path:path}", s3, methods=["GET"]),
]

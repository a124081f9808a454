"""Where result files lie: TTAPI's CDN and Novita's storage."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from prefect_genmedia.emulator.downloads.instead import no_such_file, something_else, xml
from prefect_genmedia.emulator.downloads.spoilt import content
from prefect_genmedia.emulator.server.gallery import File
from prefect_genmedia.emulator.server.links import complaint
from prefect_genmedia.emulator.server.state import State, state_of


async def cdn(request: Request) -> Response:
    state = state_of(request)
    file = state.gallery.find(request.url.path)
    if file is None:
        return HTMLResponse("<h1>404 Not Found</h1>", 404)
    return await _download(request, state, file)


async def s3(request: Request) -> Response:
    state, path = state_of(request), request.scope["raw_path"].decode("ascii", "replace")
    if path.startswith("/s3/prod/"):
        wrong = complaint(path, dict(request.query_params), state.settings.seed, state.now())
        if wrong:
            return xml(wrong, 403)
    file = state.gallery.find(path)
    if file is None:
        return no_such_file(path, 404)
    return await _download(request, state, file)


async def _download(request: Request, state: State, file: File) -> Response:
    job = state.jobs.find(file.job_id)
    if job is None:
        return HTMLResponse("<h1>404 Not Found</h1>", 404)
    return something_else(request, state, job, file) or await content(state, job, file)


ROUTES = [
    Route("/cdn/midjourney/{date}/{name}", cdn, methods=["GET"]),
    Route("/cdn/{rest:path}", cdn, methods=["GET"]),
    Route("/s3/prod/{task_id}/{name}", s3, methods=["GET"]),
    Route("/s3/{bucket}/{path:path}", s3, methods=["GET"]),
]

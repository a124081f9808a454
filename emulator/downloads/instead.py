"""What may come in a file's place: a refusal, a page, a way to somewhere else."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from prefect_genmedia.emulator.faults import Fault
from prefect_genmedia.emulator.server.gallery import File
from prefect_genmedia.emulator.server.links import expired, s3_error
from prefect_genmedia.emulator.server.orders import Job
from prefect_genmedia.emulator.server.replies import page
from prefect_genmedia.emulator.server.state import State


def something_else(request: Request, state: State, job: Job, file: File) -> Response | None:
    path, operation, take = request.url.path, job.order.operation, state.faults.take
    agent = request.headers.get("user-agent", "")
    now, finished = state.now(), job.finished or 0.0
    if take("download_expired", operation, job.id):
        return xml(expired(path, 3600, now - 1, now), 403)
    if take("download_404", operation, job.id):
        return no_such_file(path, 404)
    if fault := take("download_html", operation, job.id):
        return page(fault)
    for fault in (
        take("download_dead", operation, job.id, lambda of: state.gallery.place(file) in of["places"]),
        take("download_late", operation, job.id, lambda of: now < finished + of["seconds"]),
        take("download_agent_refused", operation, job.id, lambda of: of["agent"] in agent),
    ):
        if fault:
            return no_such_file(path, int(fault.parameters["status"]))
    if fault := take("download_redirect_to", operation, job.id):
        return RedirectResponse(str(fault.parameters["to"]), int(fault.parameters["status"]))
    if "redirected" not in request.query_params and (fault := take("download_redirect", operation, job.id)):
        return _to_other_name(request, fault)
    return None


def no_such_file(path: str, status: int) -> Response:
    if status == 404:
        return xml(s3_error("NoSuchKey", "The specified key does not exist.", path), 404)
    return xml(s3_error("AccessDenied", "Access Denied", path), status)


def xml(text: str, status: int) -> Response:
    return Response(text, status, media_type="application/xml")


def _to_other_name(request: Request, fault: Fault) -> Response:
    """The same file, under another name of this host."""
    host, _, port = request.headers.get("host", "127.0.0.1").partition(":")
    other = "127.0.0.1" if host == "localhost" else "localhost"
    query = urlencode([*request.query_params.multi_items(), ("redirected", "1")])
    target = f"{request.url.scheme}://{other}{':' if port else ''}{port}{request.url.path}?{query}"
    return RedirectResponse(target, int(fault.parameters["status"]))

"""What an answer says of a job's files: all of them and where they are, unless a fault has it otherwise."""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from prefect_genmedia.emulator.drawing.recordings import TYPES
from prefect_genmedia.emulator.faults import Fault
from prefect_genmedia.emulator.server.orders import Job
from prefect_genmedia.emulator.server.provider import Body, Provider
from prefect_genmedia.emulator.server.replies import replaced
from prefect_genmedia.emulator.server.state import State


def told(state: State, provider: Provider, job: Job, base_url: str, path: str | None, stage: str) -> Body:
    """What an answer of this stage says of the job; `path` is where it was asked for, None for a callback."""
    body = provider.answer(state, job, base_url)
    if job.state != "succeeded":
        return body
    for name in provider.lists:
        files = inside(body, name)
        if isinstance(files, list) and files:
            body = replaced(body, name, _gapped(job, files))
    fault = state.faults.take("links_written", job.order.operation, job.id, lambda of: of["at"] in ("any", stage))
    if fault is None:
        return body
    written = _writing(state, fault, base_url, path)
    changed: Body = each_leaf(body, lambda value: written(value) if _is_ours(value, base_url) else value)
    return changed


def each_leaf(value: Any, change: Callable[[Any], Any]) -> Any:
    """The same JSON, with every text, number, truth value and null changed."""
    if isinstance(value, dict):
        return {name: each_leaf(inner, change) for name, inner in value.items()}
    if isinstance(value, list):
        return [each_leaf(inner, change) for inner in value]
    return change(value)


def inside(body: Body, name: str) -> Any:
    value: Any = body
    for step in name.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _gapped(job: Job, files: list[Any]) -> list[Any]:
    """The list of what was bought: some of it missing, or without a link."""
    if fault := job.faults.get("files_gap"):
        places, gap = fault.parameters["places"], fault.parameters["gap"]
        files = [
            each_leaf(file, lambda v: gap if _is_link(v) else v) if n in places else file
            for n, file in enumerate(files)
        ]
    if fault := job.faults.get("files_missing"):
        files = files[: max(0, len(files) - int(fault.parameters["missing"]))]
    return files


def _is_link(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("http")


def _is_ours(value: Any, base_url: str) -> bool:
    return isinstance(value, str) and value.startswith((f"{base_url}/cdn/", f"{base_url}/s3/"))


def _writing(state: State, fault: Fault, base_url: str, path: str | None) -> Callable[[str], str]:
    """How links are written: each from the link as it should be."""

    def data_uri(link: str) -> str:
        file = state.gallery.find(urlsplit(link).path)
        if file is None:
            return link
        return f"data:{TYPES[file.kind]};base64,{base64.b64encode(state.gallery.read(file)).decode()}"

    def relative(link: str) -> str:
        rest = link.removeprefix(base_url)
        name, mark, query = rest.partition("?")
        # To a callback nothing is relative: there it is the path.
        return f"{posixpath.relpath(name, posixpath.dirname(path))}{mark}{query}" if path else rest

    ways: dict[str, Callable[[str], str]] = {
        "scheme": lambda link: link.partition(":")[2],
        "path": lambda link: link.removeprefix(base_url),
        "relative": relative,
        "data": data_uri,
        "blanks": lambda link: f" \t{link}\n ",
        "to": lambda link: str(fault.parameters["to"]),
    }
    return ways[fault.parameters["style"]]

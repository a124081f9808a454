"""How an answer is written down and sent: as JSON, unless a fault has it otherwise."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from starlette.responses import Response

from prefect_genmedia.emulator.faults import Fault, Faults
from prefect_genmedia.emulator.server.answers import each_leaf
from prefect_genmedia.emulator.server.orders import Job
from prefect_genmedia.emulator.server.provider import Body
from prefect_genmedia.emulator.server.replies import Truncated, replaced
from prefect_genmedia.emulator.server.streams import Endless, bomb

WORDY = ("message", "prompt", "reason", "title", "tags", "text", "email")  # fields that hold somebody's words
FIGURE = re.compile(r"-?\d+(\.\d+)?")
MARK = "\ue000"  # holds a place for what json.dumps would not write
TEXTS = {"nul": "\\u0000", "surrogate": "\\ud800", "raw": "\x01"}


class Answer(NamedTuple):
    """On its way out."""

    at: str  # submit, fetch, list, account or callback
    operation: str
    subject: str
    body: Body
    jobs: tuple[Job, ...] = ()  # those it speaks of
    status_field: str = ""

    def take(self, faults: Faults, kind: str) -> Fault | None:
        return faults.take(kind, self.operation, self.subject, lambda of: of["at"] in ("any", self.at))


def reply(faults: Faults, answer: Answer) -> Response:
    content = written(faults, answer)
    if fault := answer.take(faults, "answer_bomb"):
        return bomb(content, int(fault.parameters["megabytes"]))
    if fault := answer.take(faults, "answer_endless"):
        return Endless(content, "application/json", b" ", float(fault.parameters["pause_seconds"]))
    if fault := answer.take(faults, "answer_cut"):
        return Truncated(content, "application/json", fault.parameters["length"])
    return Response(content, media_type="application/json")


def written(faults: Faults, answer: Answer, envelope: Callable[[Body], Body] = lambda body: body) -> bytes:
    """The answer's bytes; also those of a callback, in its envelope."""
    body = envelope(_worded(faults, answer, _named(answer)))
    if fault := answer.take(faults, "answer_quota"):
        body = _with(body, "quota", "-1000" if fault.parameters["quota"] is None else fault.parameters["quota"])
    marks: dict[str, str] = {}
    if fault := answer.take(faults, "answer_text"):
        marks[f"{MARK}text"] = TEXTS[fault.parameters["text"]]
        body = _signed(body)
    if fault := answer.take(faults, "answer_figure"):
        figure = fault.parameters["figure"]
        marks[f'"{MARK}figure"'] = "9" * 400 if figure == "digits" else figure
        body = _figured(body, fault.parameters["fields"], {int(job.id) for job in _numbered(answer.jobs)})
    inside = answer.take(faults, "answer_json_text")
    if inside and inside.parameters["of"] == "data":
        body = {name: _text(value) if isinstance(value, (dict, list)) else value for name, value in body.items()}
    text = _text(body)
    for mark, instead in marks.items():
        text = text.replace(mark.replace('"', '\\"'), instead).replace(mark, instead)
    if fault := answer.take(faults, "answer_deep"):
        depth = int(fault.parameters["depth"])
        text = f'{text[:-1]}, "nested": {"[" * depth}{"]" * depth}}}'
    if inside and inside.parameters["of"] == "body":
        text = _text(text)
    fault = answer.take(faults, "answer_bom")
    encoding = {"utf-8": "utf-8-sig", "utf-16": "utf-16"}[fault.parameters["encoding"]] if fault else "utf-8"
    return text.encode(encoding)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _numbered(jobs: tuple[Job, ...]) -> list[Job]:
    """Those whose ids are numbers."""
    return [job for job in jobs if "job_id_number" in job.faults]


def _named(answer: Answer) -> Body:
    """With the ids of jobs that are numbers as such."""
    numbers = {job.id: int(job.id) for job in _numbered(answer.jobs)}
    if not numbers:
        return answer.body
    body: Body = each_leaf(answer.body, lambda value: numbers.get(value, value) if isinstance(value, str) else value)
    return body


def _worded(faults: Faults, answer: Answer, body: Body) -> Body:
    """With another word for the status, where the answer has one."""
    *path, last = answer.status_field.split(".")
    inner: Any = body
    for step in path:
        inner = inner.get(step)
    word = inner.get(last) if isinstance(inner, dict) else None
    if not isinstance(word, str) or len(answer.jobs) != 1:
        return body
    fits = {"at": ("any", answer.at), "state": (None, answer.jobs[0].state)}
    fault = faults.take(
        "answer_status_word",
        answer.operation,
        answer.subject,
        lambda of: all(of[name] in values for name, values in fits.items()),
    )
    return replaced(body, answer.status_field, fault.parameters["word"] or word.lower()) if fault else body


def _with(value: Any, name: str, wanted: Any) -> Any:
    """The same JSON, with every field of this name as wanted."""
    if isinstance(value, dict):
        return {key: wanted if key == name else _with(inner, name, wanted) for key, inner in value.items()}
    return [_with(inner, name, wanted) for inner in value] if isinstance(value, list) else value


def _signed(value: Any, name: str = "") -> Any:
    """The same JSON, with a mark at the end of everybody's words."""
    if isinstance(value, dict):
        return {key: _signed(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_signed(inner, name) for inner in value]
    return f"{value}{MARK}text" if name in WORDY and isinstance(value, str) else value


def _figured(body: Body, fields: list[str] | None, ids: set[int]) -> Body:
    """The same JSON, with a mark in place of these figures, or of all but the ids of jobs."""
    for field in fields or ():
        body = replaced(body, field, f"{MARK}figure")
    if fields is not None:
        return body
    marked: Body = each_leaf(body, lambda value: f"{MARK}figure" if _is_figure(value) and value not in ids else value)
    return marked


def _is_figure(value: Any) -> bool:
    if isinstance(value, str):
        return FIGURE.fullmatch(value) is not None
    return isinstance(value, (int, float)) and not isinstance(value, bool)

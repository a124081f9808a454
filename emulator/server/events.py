"""What follows when a job is accepted and when it has ended: its files are hung up, its callback goes out."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping

from prefect_genmedia.emulator.server import dressing
from prefect_genmedia.emulator.server.answers import told
from prefect_genmedia.emulator.server.dressing import Answer
from prefect_genmedia.emulator.server.orders import Job
from prefect_genmedia.emulator.server.provider import Provider
from prefect_genmedia.emulator.server.state import State


class Events:
    def __init__(self, providers: Mapping[str, Provider]) -> None:
        self._providers = providers  # by the product's name

    def __call__(self, state: State, job: Job, event: str) -> None:
        provider = self._providers[job.order.product]
        if event == "finished" and job.state == "succeeded":
            provider.hang(state, job)
        if url := job.order.hook_url:
            _call_back(state, provider, job, url, event)


def _call_back(state: State, provider: Provider, job: Job, url: str, event: str) -> None:
    def send(to: str, body: bytes, pause: float = 0.0) -> None:
        state.callbacks.send(to, body, provider.callback_attempts, provider.acknowledged, pause)

    if event == "accepted":
        if "callback_early" in job.faults:
            send(url, _body(state, provider, job, early=True))
        return
    if "callback_lost" in job.faults:
        state.callbacks.count("lost")
        return
    body = _body(state, provider, job)
    if "callback_malformed" in job.faults:
        body = body[: len(body) // 2].rstrip(b"}")
    if fault := job.faults.get("callback_oversized"):
        body = body[:-1] + b', "padding": "' + b"x" * int(fault.parameters["bytes"]) + b'"}'
    late = job.faults.get("callback_late")
    pause = float(late.parameters["seconds"]) if late else 0.0
    twice = job.faults.get("callback_duplicate")
    for _ in range(int(twice.parameters["copies"]) if twice else 1):
        send(url, body, pause)
    if "callback_forged" in job.faults:
        state.callbacks.count("forged")
        send(_other_token(url), body, pause)


def _body(state: State, provider: Provider, job: Job, early: bool = False) -> bytes:
    if early:
        job = copy.copy(job)
        job.state = "succeeded"
    body = told(state, provider, job, job.order.base_url, None, "callback")
    answer = Answer("callback", job.order.operation, job.id, body, (job,), provider.status_field)
    return dressing.written(state.faults, answer, provider.envelope)


def _other_token(url: str) -> str:
    """The URL with the characters of its last word (the token, wherever it stands) changed."""
    start = url.index("/", url.index("//") + 2) if url.count("/") > 2 else len(url)
    words = list(re.finditer(r"[A-Za-z0-9_-]+", url[start:]))
    if not words:
        return f"{url.rstrip('/')}/forged"
    token = words[-1]
    forged = "".join("b" if char == "a" else "a" for char in token[0])
    return url[: start + token.start()] + forged + url[start + token.end() :]

"""Callbacks to whoever gave a URL with the job. To loopback addresses only: this is an emulator."""

from __future__ import annotations

import asyncio
import copy
import ipaddress
import json
import re
import ssl
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx

from prefect_genmedia.emulator.server.orders import Job

if TYPE_CHECKING:
    from prefect_genmedia.emulator.server.state import State


class Callbacks:
    def __init__(self, state: State) -> None:
        self._state = state
        self._counts = Counter[str]()
        self._errands: set[asyncio.Task[None]] = set()

    def told(self, job: Job, event: str) -> None:
        """A job was accepted or has finished."""
        url = job.order.hook_url
        if not url:
            return
        if event == "accepted":
            if "callback_early" in job.faults:
                self._send(job, url, self._body(job, early=True))
            return
        if "callback_lost" in job.faults:
            self._counts["lost"] += 1
            return
        body = self._body(job)
        if "callback_malformed" in job.faults:
            body = body[: len(body) // 2]
        if fault := job.faults.get("callback_oversized"):
            body = body[:-1] + b', "padding": "' + b"x" * int(fault.parameters["bytes"]) + b'"}'
        late = job.faults.get("callback_late")
        pause = float(late.parameters["seconds"]) if late else 0.0
        twice = job.faults.get("callback_duplicate")
        for _ in range(int(twice.parameters["copies"]) if twice else 1):
            self._send(job, url, body, pause)
        if "callback_forged" in job.faults:
            self._counts["forged"] += 1
            self._send(job, _other_token(url), body, pause)

    def stop(self) -> None:
        for errand in self._errands:
            errand.cancel()

    def describe(self) -> dict[str, Any]:
        names = ("sent", "delivered", "attempts_failed", "given_up", "lost", "forged", "undeliverable")
        return {**{name: self._counts[name] for name in names}, "under_way": len(self._errands)}

    def _body(self, job: Job, early: bool = False) -> bytes:
        provider = self._state.providers[job.order.product]
        if early:
            job = copy.copy(job)
            job.state = "succeeded"
        return json.dumps(provider.envelope(provider.answer(self._state, job, job.order.base_url))).encode()

    def _send(self, job: Job, url: str, body: bytes, pause: float = 0.0) -> None:
        if not is_loopback(url):
            # Neither a connection nor a look-up of the name: tests must not reach out.
            self._counts["undeliverable"] += 1
            return
        errand = asyncio.get_running_loop().create_task(self._deliver(job, url, body, pause))
        self._errands.add(errand)
        errand.add_done_callback(self._errands.discard)

    async def _deliver(self, job: Job, url: str, body: bytes, pause: float) -> None:
        provider, settings = self._state.providers[job.order.product], self._state.settings
        await asyncio.sleep(pause)
        timeout = settings.callback_timeout_seconds
        async with httpx.AsyncClient(trust_env=False, timeout=timeout, verify=_loopback_tls()) as client:
            for attempt in range(provider.callback_attempts):
                if attempt:
                    await asyncio.sleep(settings.callback_retry_seconds)
                self._counts["sent"] += 1
                try:
                    answer = await client.post(url, content=body, headers={"content-type": "application/json"})
                except (httpx.HTTPError, httpx.InvalidURL, ValueError):
                    self._counts["attempts_failed"] += 1
                    continue
                if answer.status_code in provider.acknowledged:
                    self._counts["delivered"] += 1
                    return
                self._counts["attempts_failed"] += 1
        self._counts["given_up"] += 1


def is_loopback(url: str) -> bool:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError):
        return False
    if parsed.scheme not in ("http", "https") or not 0 < (parsed.port or 80) < 65536:
        return False
    if parsed.host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(parsed.host)
    except ValueError:
        return False
    return address == ipaddress.IPv6Address("::1") or address in ipaddress.ip_network("127.0.0.0/8")


def _loopback_tls() -> ssl.SSLContext:
    """Takes any certificate, as a receiver on this machine has one of its own making, if one at all."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _other_token(url: str) -> str:
    """The URL with the characters of its last word (the token, wherever it stands) changed."""
    start = url.index("/", url.index("//") + 2) if url.count("/") > 2 else len(url)
    words = list(re.finditer(r"[A-Za-z0-9_-]+", url[start:]))
    if not words:
        return f"{url.rstrip('/')}/forged"
    token = words[-1]
    forged = "".join("b" if char == "a" else "a" for char in token[0])
    return url[: start + token.start()] + forged + url[start + token.end() :]

"""Callbacks to whoever gave a URL with the job. To loopback addresses only: this is an emulator."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx

from prefect_genmedia.emulator.settings import EmulatorSettings


class Callbacks:
    """What is on its way to those who wait to be called, and how often it got there."""

    def __init__(self, settings: Callable[[], EmulatorSettings]) -> None:
        self._settings = settings
        self._counts = Counter[str]()
        self._errands: set[asyncio.Task[None]] = set()

    def send(self, url: str, body: bytes, attempts: int, acknowledged: range, pause: float = 0.0) -> None:
        """Posts it until the receiver's status is among those acknowledged, or so often."""
        if not is_loopback(url):
            # Neither a connection nor a look-up of the name: tests must not reach out.
            self._counts["undeliverable"] += 1
            return
        errand = asyncio.get_running_loop().create_task(self._deliver(url, body, attempts, acknowledged, pause))
        self._errands.add(errand)
        errand.add_done_callback(self._errands.discard)

    def count(self, what: str) -> None:
        self._counts[what] += 1

    def stop(self) -> None:
        for errand in self._errands:
            errand.cancel()

    def describe(self) -> dict[str, Any]:
        names = ("sent", "delivered", "attempts_failed", "given_up", "lost", "forged", "undeliverable")
        return {**{name: self._counts[name] for name in names}, "under_way": len(self._errands)}

    async def _deliver(self, url: str, body: bytes, attempts: int, acknowledged: range, pause: float) -> None:
        settings = self._settings()
        await asyncio.sleep(pause)
        timeout = settings.callback_timeout_seconds
        async with httpx.AsyncClient(trust_env=False, timeout=timeout, verify=_loopback_tls()) as client:
            for attempt in range(attempts):
                if attempt:
                    await asyncio.sleep(settings.callback_retry_seconds)
                self._counts["sent"] += 1
                try:
                    answer = await client.post(url, content=body, headers={"content-type": "application/json"})
                except (httpx.HTTPError, httpx.InvalidURL, ValueError):
                    self._counts["attempts_failed"] += 1
                    continue
                if answer.status_code in acknowledged:
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

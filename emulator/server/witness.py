"""What came in over HTTP, counted. The admin's own requests are left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

TTAPI = (
    "midjourney", "novelai", "flowmusic", "suno", "flux", "bfl", "openai", "gemini", "grok", "luma",
    "sora", "sora-partner",
)  # fmt: skip
API = (*(f"/{first}/" for first in TTAPI), "/v3/", "/v3beta/", "/openapi/")
KEY_HEADERS = ("tt-api-key", "authorization")


class Witness:
    def __init__(self, base_host: str | None) -> None:
        self._base_host = base_host  # None: not known, so any Host is taken for the right one
        self.requests: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.submits: Counter[str] = Counter()  # paid POSTs with a good key, by operation
        self.key_on_foreign_request = 0

    def saw(self, method: str, template: str, path: str, headers: Mapping[str, str]) -> None:
        strange_host = self._base_host is not None and headers.get("host") != self._base_host
        if any(headers.get(name) for name in KEY_HEADERS) and (strange_host or not path.startswith(API)):
            self.key_on_foreign_request += 1
        self.requests[f"{method} {template}"] += 1

    def answered(self, status: int | None) -> None:
        self.statuses[str(status) if status is not None else "cut"] += 1

    def describe(self) -> dict[str, Any]:
        return {
            "requests": dict(sorted(self.requests.items())),
            "statuses": dict(sorted(self.statuses.items())),
            "key_on_foreign_request": self.key_on_foreign_request,
        }

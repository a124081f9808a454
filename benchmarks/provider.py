"""A provider in a process of its own, with counters: what a contender costs is not mixed with what it costs.

with Provider(seconds=20, limit=1000) as provider:
    ...provider.url...
    provider.counted()
"""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
from typing import Any, Self

import httpx

_SERVE = """
import sys
from prefect_genmedia.emulator import Emulator
with Emulator(job_seconds=float(sys.argv[1]), max_jobs=int(sys.argv[2]), queue_seconds=0.0, one_picture=True) as it:
    print(it.url, flush=True)
    sys.stdin.read()
"""


class Provider:
    """The emulator: `limit` jobs in progress at most, each of about so many seconds."""

    def __init__(self, *, seconds: float, limit: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(seconds), str(limit)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._process.communicate("", timeout=10)
        self._process.kill()

    def counted(self) -> dict[str, Any]:
        """What it saw."""
        jobs = [job for job in self._get("jobs")["jobs"] if job["billed"]]
        requests = self._get("requests")
        late = sorted(job["told_at"] - job["finished_at"] for job in jobs if job["told_at"])
        api = sum(count for path, count in requests["requests"].items() if "/cdn/" not in path)
        refused = sum(requests["statuses"].get(status, 0) for status in ("499", "429"))
        span = max(j["finished_at"] for j in jobs) - min(j["created_at"] for j in jobs)
        return {
            "billed": len(jobs),
            "requests": api / len(jobs),
            "refused": refused,
            "late": statistics.median(late),
            "late_p95": late[int(0.95 * (len(late) - 1))],
            "span": span,
        }

    def _get(self, what: str) -> Any:
        return httpx.get(f"{self.url}/__emulator__/{what}", timeout=60).json()

"""The machine on which something is measured, and how fast it is at that moment, which changes from day to day."""

from __future__ import annotations

import os
import platform
import time

ADDITIONS = 10_000_000


def machine() -> str:
    started, total = time.process_time(), 0
    for number in range(ADDITIONS):
        total += number
    took = time.process_time() - started
    version = platform.python_version()
    return f"{os.cpu_count()} cores, Python {version}, {ADDITIONS // 10**6} million additions in {took:.2f} s"

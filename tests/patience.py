"""Waiting for what surely comes: for the event itself, and as long as a busy machine may need."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any

PATIENCE = float(os.environ.get("GENMEDIA_TEST_PATIENCE", "300"))
"""Seconds after which a test gives up. A quiet machine never waits so long, so it costs nothing to be generous."""


def until(look: Callable[[], Any], what: str = "what the test waits for", every: float = 0.01) -> Any:
    """What `look` gives as soon as it is true."""
    deadline = time.monotonic() + PATIENCE
    while True:
        if seen := look():
            return seen
        assert time.monotonic() < deadline, f"never came: {what}"
        time.sleep(every)


async def a_until(look: Callable[[], Any], what: str = "what the test waits for", every: float = 0.01) -> Any:
    """As `until`, while the event loop goes on."""
    return await asyncio.to_thread(until, look, what, every)

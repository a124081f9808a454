"""What every role says at its end."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any


def report(order: dict[str, Any], **facts: Any) -> None:
    """What the test reads once this process has ended; whole or not at all."""
    part = Path(order["report"] + ".part")
    part.write_text(json.dumps(facts))
    part.replace(order["report"])


def words(error: Any) -> str:
    """What an error says, and each one inside a group."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(words(inner) for inner in error.exceptions)
    return str(error) if isinstance(error, BaseException) else ""


def lay_ends(ends: str | None) -> None:
    """How a script ends that is told to: as its author wrote it, or as Python does by itself."""
    if ends == "sys.exit(1)":
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, sys.exit, 1)
    elif ends == "SIGTERM, handled":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    elif ends == "Ctrl-C":
        signal.signal(signal.SIGINT, signal.default_int_handler)

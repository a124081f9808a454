"""Where the command prints to: any encoding, a pipe that somebody closes, a disk that is full."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

CLOSED = 141
"""What other tools end with whose reader goes away (128 + SIGPIPE): `| head -1` is no error."""


class _Stream:
    """A stream of which a failed write ends the command, without a traceback."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, words: str) -> int:
        return int(self._ending(lambda: self._stream.write(words)))

    def flush(self) -> None:
        self._ending(self._stream.flush)

    def _ending(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except OSError as failure:
            closed, why = isinstance(failure, BrokenPipeError), failure.strerror or str(failure)
        with suppress(OSError, ValueError):  # what is still in its buffer goes nowhere
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        if not closed and self._stream is not sys.__stderr__:
            with suppress(OSError):
                sys.__stderr__.write(f"What this prints cannot be written: {why}.\n")  # type: ignore[union-attr]
        raise SystemExit(CLOSED if closed else 1)


@contextmanager
def safe_streams() -> Iterator[None]:
    """A sign that the terminal's encoding does not have is printed as its number; what cannot be written ends it."""
    before = sys.stdout, sys.stderr
    for stream in before:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.stdout, sys.stderr = (_Stream(stream) for stream in before)
    try:
        yield
    finally:
        try:
            sys.stdout.flush()
        finally:
            sys.stdout, sys.stderr = before

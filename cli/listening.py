"""A port to serve on."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from prefect_genmedia.errors import ConfigurationError


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens there. Raises ConfigurationError where that cannot be."""
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError, UnicodeError) as failure:
        why = (getattr(failure, "strerror", None) or "it is no address").partition(" (while")[0]
        error = ConfigurationError(f"{host}, port {port}, cannot be listened on: {why}", advice="Give another --port.")
    else:
        listener.setblocking(False)
        with listener:
            yield listener
        return
    raise error

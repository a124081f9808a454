"""The network between a ledger and PostgreSQL: hangs up on everybody, when it is told to or at a certain commit."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Literal, Self

from sqlalchemy.engine import make_url

from prefect_genmedia.ledger.database.listening import CHANNEL


class Wire:
    """A TCP port before the server. `url` leads through it."""

    def __init__(self, url: str) -> None:
        target = make_url(url)
        self._target = (target.host or "127.0.0.1", target.port or 5432)
        self._port = 0
        self._commits = 0
        self._break_at: tuple[int, str] | None = None
        self._refusals = 0
        self.swallows_notices = False  # as a pooler does that gives each transaction another connection
        self._lock = threading.Lock()
        self._ends: set[socket.socket] = set()
        self.open()
        # In clear, so that a COMMIT can be told from the rest.
        clear = {"sslmode": "disable", "gssencmode": "disable"}
        through = target.set(host="127.0.0.1", port=self._port).update_query_dict(clear)
        self.url = through.render_as_string(hide_password=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        """From now on nobody answers, and all connections are cut."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._cut_all()

    def break_at_commit(self, nth: int, how: Literal["before", "after"], refusals: int = 0) -> None:
        """At the nth commit from now, all connections are cut, and some of the next attempts to connect fail.

        Each time the commit has reached the server. "before": the reply to it is lost. "after": it arrives.
        """
        with self._lock:
            self._commits, self._break_at, self._refusals = 0, (nth, how), refusals

    @property
    def broken(self) -> bool:
        """Has it come to that?"""
        return self._break_at is None

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
                with self._lock:
                    refused = self._break_at is None and self._refusals > 0
                    self._refusals -= refused
                if refused:
                    client.close()
                    continue
                server = socket.create_connection(self._target)
            except OSError:
                return
            with self._lock:
                self._ends |= {client, server}
            breaking: list[str] = []
            threading.Thread(target=self._to_server, args=(client, server, breaking), daemon=True).start()
            threading.Thread(target=self._to_client, args=(server, client, breaking), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket, breaking: list[str]) -> None:
        with contextlib.suppress(OSError):
            while chunk := client.recv(65536):
                if b"COMMIT\0" in chunk:
                    with self._lock:
                        self._commits += 1
                        if self._break_at is not None and self._break_at[0] == self._commits:
                            breaking.append(self._break_at[1])
                server.sendall(chunk)
        _cut(server)

    def _to_client(self, server: socket.socket, client: socket.socket, breaking: list[str]) -> None:
        with contextlib.suppress(OSError):
            while chunk := server.recv(65536):
                if self.swallows_notices and chunk.startswith(b"A") and CHANNEL.encode() in chunk:
                    continue  # https://www.postgresql.org/docs/current/protocol-message-formats.html
                # What the server says after the COMMIT is the reply to it: by then it is done.
                if "before" not in breaking:
                    client.sendall(chunk)
                if breaking:
                    self._cut_all()
        _cut(client)
        _cut(server)

    def _cut_all(self) -> None:
        with self._lock:
            self._break_at = None
            ends, self._ends = self._ends, set()
        for end in ends:
            _cut(end)


def _cut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()

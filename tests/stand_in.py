"""In a provider's place: a server that says what a test wants, and a gate before one that works."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from tests.patience import PATIENCE


@dataclass(frozen=True)
class Seen:
    """One request as it came in."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Say:
    """One answer. `cut` ends the connection instead."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


def passed_on(seen: Seen, url: str) -> Say:
    """What the server at `url` answers to the same."""
    headers = {name: value for name, value in seen.headers.items() if name in ("tt-api-key", "authorization")}
    address = f"{url}{seen.path}?{seen.query}"
    said = httpx.request(seen.method, address, headers=headers, content=seen.body, timeout=PATIENCE)
    return Say(said.status_code, said.content)


class Wire:
    """A web server on loopback that keeps what it is sent and answers as it is told."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.answer: Callable[[Seen], Say] = lambda seen: Say(404, {"message": "nothing here"})
        wire = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def handle_any(self) -> None:
                path, _, query = self.path.partition("?")
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                seen = Seen(self.command, path, query, headers, body, time.monotonic())
                wire.seen.append(seen)
                say = wire.answer(seen)
                if say.cut:
                    self.close_connection = True
                    return
                content = say.body if isinstance(say.body, bytes) else json.dumps(say.body).encode()
                self.send_response_only(say.status)
                for name, value in {"content-type": "application/json", **say.headers}.items():
                    self.send_header(name, value)
                if "content-length" not in say.headers:
                    self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                self.close_connection = int(say.headers.get("content-length", 0)) > len(content)

            do_GET = do_POST = handle_any

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def posts(self) -> list[Seen]:
        return [seen for seen in self.seen if seen.method == "POST"]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Gate:
    """A TCP port before the emulator: closed (refuses), deaf (takes bytes and passes none on), or open.

    `cut` ends what is connected and closes it, as when the server is killed; `listen` opens it again.
    """

    def __init__(self, target: str) -> None:
        self._target = ("127.0.0.1", int(target.rpartition(":")[2]))
        self._open = False
        self.swallowed = b""
        self._listener = _bound(0)
        self._connections: list[socket.socket] = []
        self._port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"

    def listen(self, *, deaf: bool) -> None:
        """From now on connections are taken."""
        self._open = not deaf
        self._listener.listen()
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._listener = _bound(self._port)

    def open(self) -> None:
        self._open = True

    def close(self) -> None:
        self._listener.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        if not self._open:
            while chunk := connection.recv(65536):
                self.swallowed += chunk
            connection.close()
            return
        inner = socket.create_connection(self._target)
        threading.Thread(target=_pump, args=(connection, inner), daemon=True).start()
        _pump(inner, connection)


def _bound(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while chunk := source.recv(65536):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        sink.close()

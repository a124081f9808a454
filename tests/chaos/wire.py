"""The wire between a worker and its providers: every request and every reply passes here, and can be its last.

A wire strikes once, at the nth request of a kind: while the request is on its way (it is lost, arrives all the
same, or half of it does), or while the reply is (none of it has arrived, half of it, all of it).
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.patience import PATIENCE

KINDS = {
    b"POST /midjourney/v1/imagine": "submit imagine",
    b"POST /v3/async/img2img": "submit img2img",
    b"GET /midjourney/v1/fetch?": "fetch imagine",
    b"GET /v3/async/task-result": "fetch img2img",
    b"GET /cdn/": "file of imagine",
    b"GET /s3/": "file of img2img",
    b"GET /midjourney/v1/fetch-list": "job list",
    b"GET /midjourney/v1/info": "account",
}
PHASES = ("request lost", "request late", "request half", "reply lost", "reply half", "reply whole")


@dataclass
class Strike:
    """Where to strike, and how: `blow` ends the client and returns when it has ended, or is about to hang up."""

    kind: str  # "any": the nth of all requests
    nth: int
    phase: str
    blow: Callable[[], None]
    hangs_up: bool = False  # the client lives on: wait until it has closed this connection
    taken: bool = False  # its request has come
    done: threading.Event = field(default_factory=threading.Event)


class Wire:
    """A loopback port, or the one of this listener, that passes everything on to `target`."""

    def __init__(self, target: str, listener: socket.socket | None = None) -> None:
        self._target = ("127.0.0.1", int(target.rpartition(":")[2]))
        self._listener = listener or socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._lock = threading.Lock()
        self.reset()
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self, strike: Strike | None = None) -> None:
        with self._lock:
            self.strike = strike
            self.seen: Counter[str] = Counter()
            self.submitted: set[str] = set()  # the prompts of all submits that came whole

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                line = _Line(self, client, self._target)
            except OSError:  # this wire is closed, or nobody is behind it any more
                return
            threading.Thread(target=line.run, daemon=True).start()

    def due(self, request: bytes) -> Strike | None:
        """Count this request; the strike that it is meant for."""
        kind = next((kind for start, kind in KINDS.items() if request.startswith(start)), "other")
        with self._lock:
            self.seen[kind] += 1
            self.seen["any"] += 1
            if kind.startswith("submit"):
                with contextlib.suppress(ValueError):  # half of it: its sender has just died
                    self.submitted.add(json.loads(request.partition(b"\r\n\r\n")[2]).get("prompt", ""))
            strike = self.strike
            if strike is None or strike.done.is_set() or self.seen[strike.kind] != strike.nth:
                return None
            if strike.kind not in ("any", kind):
                return None
            self.strike, strike.taken = None, True
            return strike


class _Line:
    """One connection of a client, and the one behind it to the provider."""

    def __init__(self, wire: Wire, client: socket.socket, target: tuple[str, int]) -> None:
        self.wire, self.client = wire, client
        self.server = socket.create_connection(target)
        self.server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answered = threading.Event()
        self.gone = threading.Event()  # the client has hung up
        self.strike: Strike | None = None  # to be done when the reply comes

    def run(self) -> None:
        back = threading.Thread(target=self._pass_back, daemon=True)
        back.start()
        try:
            while (request := _message(self.client)) is not None:
                strike = self.wire.due(request)
                if strike is None:
                    self.server.sendall(request)
                elif strike.phase.startswith("request"):
                    self._strike_request(strike, request)
                    return
                else:
                    self.strike = strike
                    self.server.sendall(request)
        except OSError:
            pass
        finally:
            self.gone.set()
            for end in (self.client, self.server):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            back.join(PATIENCE)
            self.client.close()
            self.server.close()

    def _strike_request(self, strike: Strike, request: bytes) -> None:
        if strike.phase == "request half":
            self.server.sendall(request[: len(request) // 2])
        strike.blow()
        if strike.hangs_up:
            self.client.settimeout(PATIENCE)
            with contextlib.suppress(OSError):
                while self.client.recv(65536):
                    pass
        if strike.phase == "request late":
            self.answered.clear()
            self.server.sendall(request)
            self.answered.wait(PATIENCE)
        strike.done.set()

    def _pass_back(self) -> None:
        try:
            while chunk := self.server.recv(65536):
                strike, self.strike = self.strike, None
                if strike is not None:
                    self._strike_reply(strike, chunk)
                else:
                    self.client.sendall(chunk)
                self.answered.set()
        except OSError:
            pass
        self.answered.set()  # there will be no answer any more
        if self.strike is not None:
            # The provider has hung up by itself: no reply will come that could be lost.
            strike, self.strike = self.strike, None
            self._blow(strike)
            strike.done.set()
        with contextlib.suppress(OSError):
            self.client.shutdown(socket.SHUT_WR)

    def _strike_reply(self, strike: Strike, chunk: bytes) -> None:
        try:
            if strike.phase == "reply whole":
                self.client.sendall(_whole(self.server, chunk))
                strike.blow()
            elif strike.phase == "reply half":
                reply = _whole(self.server, chunk)
                self.client.sendall(reply[: len(reply) // 2])
                self._blow(strike)
            else:
                self._blow(strike)
        finally:
            strike.done.set()

    def _blow(self, strike: Strike) -> None:
        strike.blow()
        if strike.hangs_up:
            self.gone.wait(PATIENCE)


def _message(source: socket.socket) -> bytes | None:
    """One whole HTTP message with a known length; None at the end of the connection."""
    content = b""
    while b"\r\n\r\n" not in content:
        chunk = source.recv(65536)
        if not chunk:
            return None
        content += chunk
    return _whole(source, content)


def _whole(source: socket.socket, content: bytes) -> bytes:
    """The message that begins with `content`, read to its end."""
    while b"\r\n\r\n" not in content:
        content += source.recv(65536)
    head, _, body = content.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        chunk = source.recv(65536)
        if not chunk:
            break
        body += chunk
    return head + b"\r\n\r\n" + body

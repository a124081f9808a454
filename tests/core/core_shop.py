"""What the tests of the core buy, how they look at it, and the provider that says what a test wants."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from PIL import Image

from prefect_genmedia.errors import GenMediaError
from prefect_genmedia.jobs import JobResult, Run, Terms, run
from prefect_genmedia.ledger import JobRow, Ledger, open_ledger
from prefect_genmedia.operation import Account, Operation, Request
from prefect_genmedia.providers.novita.envelope import NOVITA
from prefect_genmedia.providers.novita.images import IMG2IMG, Img2ImgRequest
from prefect_genmedia.providers.ttapi.envelope import TTAPI
from prefect_genmedia.providers.ttapi.flowmusic import GENERATE, GenerateRequest
from prefect_genmedia.providers.ttapi.job import JOB, JobRequest
from prefect_genmedia.providers.ttapi.midjourney import ACTION, IMAGINE, ActionRequest, ImagineRequest
from prefect_genmedia.settings import Settings

T = TypeVar("T")
PHOTOS = Path(__file__).parent.parent / "photos"
SCRIPTS = Path(__file__).parent / "scripts"
OPERATIONS: dict[type[Request], Operation[Any, Any]] = {
    ImagineRequest: IMAGINE,
    ActionRequest: ACTION,
    Img2ImgRequest: IMG2IMG,
    JobRequest: JOB,
    GenerateRequest: GENERATE,
}
SUBMIT_IMAGINE = "POST /midjourney/v1/imagine"
SUBMIT_IMG2IMG = "POST /v3/async/img2img"


def ttapi(base_url: str, key: str = "ttapi-key") -> Account:
    return Account(TTAPI, base_url, key)


def novita(base_url: str, key: str = "novita-key") -> Account:
    return Account(NOVITA, base_url, key)


def imagine(prompt: str = "a lighthouse in fog", **fields: Any) -> ImagineRequest:
    return ImagineRequest(prompt=prompt, **fields)


DOOMED = "denied-by-emulator"
"""The prompt of a job that is accepted, billed, and fails: where it only matters that the job was found, this
spares five large pictures."""

_FOLDER = TemporaryDirectory(prefix="genmedia-tests-")


@cache
def small_cat() -> Path:
    """A photograph of a few kilobytes."""
    path = Path(_FOLDER.name) / "cat.jpg"
    with Image.open(PHOTOS / "chelsea.png") as cat:
        cat.resize((96, 64)).save(path)
    return path


def img2img(**fields: Any) -> Img2ImgRequest:
    """The smallest picture that Novita makes, so that drawing and checking it takes no time."""
    wanted = {
        "model_name": "dreamshaper_8_93211.safetensors",
        "prompt": "oil painting",
        "image": small_cat(),
        "width": 128,
        "height": 128,
    }
    return Img2ImgRequest(**{**wanted, **fields})


async def buy(request: Request, account: Account, *, run_as: Run | None = None, **terms: Any) -> JobResult[Any]:
    """One call as a task makes it; it gives up after a minute, so that no test hangs."""
    terms.setdefault("deadline_seconds", 60)
    return await run(OPERATIONS[type(request)], request, account, run=run_as, terms=Terms(**terms))


async def refusal(request: Request, account: Account, *, run_as: Run | None = None, **terms: Any) -> GenMediaError:
    """The error that buying this gives. Anything but one of our own errors is let through."""
    try:
        result = await buy(request, account, run_as=run_as, **terms)
    except GenMediaError as error:
        return error
    raise AssertionError(f"no error, but {result!r}")


def the_ledger() -> Ledger:
    settings = Settings()
    return open_ledger(settings.ledger_url, settings.lease_seconds)


def the_row() -> JobRow:
    """The only job in the ledger."""
    (row,) = the_ledger().rows()
    return row


def history(row_id: str) -> list[str]:
    return [event.state for event in the_ledger().history(row_id)]


def until(look: Callable[[], T], what: str, seconds: float = 60.0) -> T:
    """What `look` gives as soon as it is true; the test fails when that takes too long."""
    deadline = time.monotonic() + seconds
    while True:
        if seen := look():
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"never came: {what}")
        time.sleep(0.01)


async def a_until(look: Callable[[], T], what: str, seconds: float = 60.0) -> T:
    return await asyncio.to_thread(until, look, what, seconds)


# -- other processes ------------------------------------------------------------------------------


@dataclass
class Child:
    """A script in a process of its own."""

    process: subprocess.Popen[str]

    def kill(self) -> None:
        """As a crash, an out-of-memory kill or a power cut: no handler runs."""
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=60)

    def ended(self) -> list[dict[str, Any]]:
        """What it says of each thing it bought, once it has ended."""
        out, err = self.process.communicate(timeout=60)
        answers = [json.loads(line) for line in out.splitlines()]
        assert answers, f"the child said nothing; its last words were:\n{err}"
        return answers


def child(
    account: Account, *requests: Request, end: str = "in order", environ: dict[str, str] | None = None, **terms: Any
) -> Child:
    """Start a script that buys `requests`, all at once. Terms hold for each, but `request_keys` and `copies`."""
    keys = terms.pop("request_keys", [None] * len(requests))
    copies = terms.pop("copies", [0] * len(requests))
    order = {
        "provider": account.provider.name,
        "base_url": account.base_url,
        "api_key": account.api_key,
        "buy": [
            {
                "operation": OPERATIONS[type(request)].name,
                "request": request.model_dump(mode="json", exclude_none=True),
                "terms": {"request_key": key, "copy": copy, **terms},
            }
            for request, key, copy in zip(requests, keys, copies, strict=True)
        ],
        "end": end,
    }
    process = subprocess.Popen(
        [sys.executable, str(SCRIPTS / "buy.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environ or {})},
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(order))
    process.stdin.close()
    process.stdin = None
    return Child(process)


# -- a provider that says what the test wants ------------------------------------------------------


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
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

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
    """A TCP port before the emulator: closed (refuses), deaf (takes bytes and passes none on), or open."""

    def __init__(self, target: str) -> None:
        self._target = ("127.0.0.1", int(target.rpartition(":")[2]))
        self._open = False
        self.swallowed = b""
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def listen(self, *, deaf: bool) -> None:
        """From now on connections are taken."""
        self._open = not deaf
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def open(self) -> None:
        self._open = True

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
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


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while chunk := source.recv(65536):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        sink.close()

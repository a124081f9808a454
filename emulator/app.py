"""The HTTP server: one application, one port, in a thread of its own or in the foreground."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any, Self, TypeVar

import httpx
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.server import ServerState

from prefect_genmedia.emulator.connection import Connection
from prefect_genmedia.emulator.routes import PRODUCTS, ROUTES
from prefect_genmedia.emulator.server.events import Events
from prefect_genmedia.emulator.server.replies import Refusal, http_date
from prefect_genmedia.emulator.server.state import State
from prefect_genmedia.emulator.settings import EmulatorSettings

T = TypeVar("T")
QUICK: dict[str, Any] = {"trust_env": False, "verify": False}  # plain HTTP on this machine


def create_app(settings: EmulatorSettings | None = None, base_host: str | None = None) -> Starlette:
    """Both providers as one ASGI application. Cut connections need `Emulator` or `serve` around it."""
    app = Starlette(routes=list(ROUTES), exception_handlers={Refusal: _refused})
    events = Events({product.name: product for product in PRODUCTS})
    app.state.emulator = State(settings or EmulatorSettings(), events, base_host)
    app.add_middleware(_Envelope, state=app.state.emulator)
    return app


class Emulator:
    """A running emulator: `with Emulator(job_seconds=0.1) as emulator: ...emulator.url...`.

    Keywords are those of EmulatorSettings. It runs in a thread of its own, so tests of any kind, and
    other processes, can talk to it; the methods below look inside without HTTP.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, **settings: Any) -> None:
        self._settings = EmulatorSettings().changed(settings)
        self._address = (host, port)
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self.url = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self._ready.clear()
        listener = _listen(*self._address)
        host, port = listener.getsockname()[:2]
        self._app = create_app(self._settings, f"{host}:{port}")
        self.url = f"http://{host}:{port}"
        self._thread = threading.Thread(target=self._run, args=(listener,), name="genmedia-emulator", daemon=True)
        self._thread.start()
        if not self._ready.wait(60):
            raise RuntimeError("the emulator did not start within 60 seconds")

    def stop(self) -> None:
        """Ends it at once, whatever is under way."""
        if self._thread and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)

    def jobs(self) -> dict[str, Any]:
        """Every job: what GET /__emulator__/jobs answers."""
        return self._inside(self._state.jobs.describe)

    def billed(self, operation: str | None = None) -> int:
        """How many jobs were paid for, the refunded ones included; of one operation, or of all."""
        jobs = self.jobs()
        return int(jobs["billed"] if operation is None else jobs["counts"].get(operation, 0))

    def submits(self, operation: str | None = None) -> int:
        """How many submits came in, whatever became of them; of one operation, or of all."""
        received = self._inside(self._state.submits)["received"]
        return int(sum(received.values()) if operation is None else received.get(operation, 0))

    def requests(self) -> dict[str, Any]:
        return self._inside(self._state.witness.describe)

    def callbacks(self) -> dict[str, Any]:
        return self._inside(self._state.callbacks.describe)

    def faults(self) -> dict[str, Any]:
        """What is armed, and how often each has fired."""
        return self._inside(self._state.faults.describe)

    def add_faults(self, *faults: dict[str, Any], seed: int = 0) -> None:
        self._inside(lambda: self._state.faults.arm(faults, seed))

    def clear_faults(self) -> None:
        self._inside(self._state.faults.clear)

    def configure(self, **settings: Any) -> None:
        """Changes settings in mid-run; jobs already accepted keep theirs."""
        self._inside(lambda: self._state.configure(settings))

    def plant(self, kind: str, api_key: str, **body: Any) -> str:
        """A job that no known path can submit (planted.py says which kinds there are); its id."""
        reply = httpx.post(f"{self.url}/__emulator__/planted", json={"kind": kind, "api_key": api_key, **body}, **QUICK)
        if reply.status_code != 200:
            raise ValueError(reply.text)
        return str(reply.json()["job_id"])

    def release(self, job_id: str | None = None) -> int:
        """Lets jobs that `hold` keeps running end; says how many."""
        return self._inside(lambda: self._state.jobs.release(job_id))

    def reset(self) -> None:
        self._inside(self._state.reset)

    @property
    def _state(self) -> State:
        state: State = self._app.state.emulator
        return state

    def _inside(self, look: Callable[[], T]) -> T:
        """Calls in the server's own thread: its state is never seen half changed."""
        if self._thread is None or not self._thread.is_alive():
            return look()  # stopped: the counters can still be read
        answer: Future[T] = Future()

        def call() -> None:
            try:
                answer.set_result(look())
            except Exception as error:  # told where it was asked for, not in the server's thread
                answer.set_exception(error)

        self._loop.call_soon_threadsafe(call)
        return answer.result(10)

    def _run(self, listener: socket.socket) -> None:
        async def main() -> None:
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            await _serve(self._app, listener, self._ready.set, self._stop)

        asyncio.run(main())


def serve(
    host: str = "127.0.0.1",
    port: int = 8787,
    settings: EmulatorSettings | None = None,
    listener: socket.socket | None = None,
) -> None:
    """Serves until interrupted: `genmedia emulator`. Another host than loopback is the caller's choice.

    A `listener` is a socket that listens there already. Raises OSError where the port is in use.
    """
    listener = listener or _listen(host, port)
    app = create_app(settings)

    async def main() -> None:
        await _serve(app, listener, lambda: None, asyncio.Event())

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family)
    listener.setblocking(False)
    return listener


async def _serve(app: Starlette, listener: socket.socket, ready: Callable[[], None], stop: asyncio.Event) -> None:
    # uvicorn's protocol without its main loop: that one ticks every 0.1 s, and each test would wait for it.
    # Idle connections are kept long: one closed just as a client posts on it would be a fault nobody armed.
    config = Config(app, log_config=None, lifespan="off", ws="none", access_log=False, timeout_keep_alive=600)
    config.load()
    shared = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(config, shared, app.state.emulator), sock=listener)
    ready()
    try:
        await stop.wait()
    finally:
        server.close()
        app.state.emulator.stop()
        for connection in list(shared.connections):
            connection.transport.abort()


class _Envelope:
    """Around every answer: it says that it is an emulator's, and it is counted."""

    def __init__(self, app: ASGIApp, state: State) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        witness = self._state.witness
        path: str = scope["path"]
        watched = not path.startswith("/__emulator__/")
        if watched:
            witness.saw(scope["method"], _template(scope), path, Headers(scope=scope))
        status: int | None = None

        async def stamped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                date = http_date(datetime.fromtimestamp(self._state.now(), UTC))
                message["headers"] = [
                    *message["headers"],
                    (b"x-genmedia-emulator", b"1"),
                    (b"date", date.encode()),
                ]
            await send(message)

        try:
            await self._app(scope, receive, stamped)
        finally:
            if watched:
                witness.answered(status)


def _template(scope: Scope) -> str:
    """The route's own path, so that ids do not make a counter each."""
    for route in ROUTES:
        if isinstance(route, Route) and route.matches(scope)[0] is Match.FULL:
            return route.path
    return "(unknown)"


async def _refused(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    return JSONResponse(refusal.body, refusal.status)

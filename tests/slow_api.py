"""A proxy before Prefect's API that holds its answers, loses them or is away, and counts what its clients give up."""

from __future__ import annotations

import asyncio
import re
import threading
from collections import Counter

from tests.patience import until

REQUEST = re.compile(rb"(GET|POST|PATCH|PUT|DELETE) (/\S*) HTTP/1.1\r\n")
ARTIFACTS = "/api/artifacts/"


class SlowApi:
    """Byte by byte what the API says, but later: each answer, or those about artifacts alone.

    `asked` counts the requests about artifacts by their method, `given_up` the connections that a client closed
    before it had its answer.
    """

    def __init__(self, api: str, *, seconds: float = 0.0, all_answers: bool = False) -> None:
        self._port = int(api.removesuffix("/api").rpartition(":")[2])
        self.seconds = seconds
        self._all = all_answers
        self.asked: Counter[str] = Counter()
        self.given_up: Counter[str] = Counter()
        self.waiting = 0
        """Requests about artifacts that have no answer yet."""
        self.loses_next_answer = False
        self.is_away = False
        self._loop = asyncio.new_event_loop()
        self._open = asyncio.Event()
        self._open.set()
        self.url = ""
        threading.Thread(target=self._run, daemon=True).start()
        until(lambda: self.url, "the proxy")

    def hold(self) -> None:
        """No answer about an artifact goes through until `let_go`."""
        self._loop.call_soon_threadsafe(self._open.clear)

    def let_go(self) -> None:
        self._loop.call_soon_threadsafe(self._open.set)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api"
        await server.serve_forever()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from the client's side; HTTP/1.1 has one request at a time on it."""
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._port)
        asked: list[bool] = []  # what has no answer yet: is it about an artifact?
        back = asyncio.create_task(self._answer(inner_reader, writer, asked))
        try:
            while chunk := await reader.read(65536):
                if (request := REQUEST.match(chunk)) is not None:
                    about = request[2].decode().startswith(ARTIFACTS) and not request[2].endswith(b"/filter")
                    if about:
                        self.asked[request[1].decode()] += 1
                        if self.is_away:
                            return
                        self.waiting += 1
                    asked.append(about)
                inner_writer.write(chunk)
                await inner_writer.drain()
        except ConnectionError:
            pass
        finally:
            for about in asked:
                self.given_up["artifact" if about else "other"] += 1
                self.waiting -= about
            back.cancel()
            for end in (writer, inner_writer):
                end.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: list[bool]) -> None:
        while chunk := await reader.read(65536):
            if asked:
                about = asked[0]
                if about:
                    await self._open.wait()
                if about or self._all:
                    await asyncio.sleep(self.seconds)
                asked.pop(0)
                self.waiting -= about
                if about and self.loses_next_answer:
                    self.loses_next_answer = False
                    break
            writer.write(chunk)
            await writer.drain()
        writer.close()

"""A loopback server that keeps what is sent to it and says what a case wants; and the contract to hold it against."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml
from jsonschema import Draft202012Validator
from PIL import Image

from prefect_genmedia.emulator.drawing.recordings import Film, Tune, encoded

Body = dict[str, Any]
_TUNE = Tune("a waltz", "seed", 0.5)
_FILM = Film(Image.new("RGB", (32, 32), "teal"), Image.new("RGB", (32, 32), "navy"), 0.5)
RECORDINGS = {
    "mp4": (encoded(_FILM, "mp4"), "video/mp4"),
    "gif": (encoded(_FILM, "gif"), "image/gif"),
    "m4a": (encoded(_TUNE, "m4a"), "audio/mp4"),
    "mp3": (encoded(_TUNE, "mp3"), "audio/mpeg"),
    "wav": (encoded(_TUNE, "wav"), "audio/wav"),
}


@cache
def png(width: int = 8, height: int = 8) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (200, 60, 20)).save(file, "PNG")
    return file.getvalue()


@dataclass(frozen=True)
class Sent:
    """One request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


class Wire:
    """Answers each path with what `says` holds; files at /files/<width>x<height>/<name>.<ending>."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.says: dict[str, tuple[int, Any]] = {}
        wire = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                wire._answer(self)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def file(self, name: str) -> str:
        return f"{self.url}/files/{name}?signature=s3cr3t"

    def asked(self, path: str) -> list[Sent]:
        return [sent for sent in self.sent if sent.path == path]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        url = urlsplit(handler.path)
        text = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        body = json.loads(text) if text else None
        self.sent.append(Sent(handler.command, url.path, dict(parse_qsl(url.query)), headers, body))
        status, kind, content = self._content(url.path)
        handler.send_response(status)
        handler.send_header("content-type", kind)
        handler.send_header("content-length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def _content(self, path: str) -> tuple[int, str, bytes]:
        if path.startswith("/files/"):
            _, _, size, name = path.split("/", 3)
            ending = name.rpartition(".")[2]
            if ending in RECORDINGS:
                content, kind = RECORDINGS[ending]
                return 200, kind, content
            width, _, height = size.partition("x")
            return 200, "image/png", png(int(width), int(height))
        status, answer = self.says.get(path, (404, {"message": f"the test says nothing about {path}"}))
        return status, "application/json", json.dumps(answer).encode()


@cache
def contract(provider: str) -> Body:
    """The OpenAPI file that the emulator carries."""
    text = (files("prefect_genmedia.emulator") / "contract" / f"{provider}.openapi.yaml").read_text()
    return dict(yaml.safe_load(text))


def described(provider: str, method: str, path: str) -> Body | None:
    found = contract(provider)["paths"].get(path, {}).get(method.lower())
    return None if found is None else dict(found)


def resolved(provider: str, part: Body) -> Body:
    """A part of the contract, or what its $ref points at."""
    while "$ref" in part:
        found: Any = contract(provider)
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def complaints(provider: str, schema: Body, value: Any) -> list[str]:
    """What the contract has against this JSON."""
    whole = {"components": contract(provider)["components"], **schema}
    errors = Draft202012Validator(whole).iter_errors(value)
    return [f"{error.json_path}: {error.message}" for error in errors]


def body_schema(operation: Body) -> Body:
    return dict(operation["requestBody"]["content"]["application/json"]["schema"])


def answer_of(provider: str, operation: Body, status: str = "200") -> Body:
    return dict(resolved(provider, operation["responses"][status])["content"]["application/json"])


def examples_of(media: Body) -> Iterator[tuple[str, Any]]:
    if "example" in media:
        yield "example", media["example"]
    for name, example in media.get("examples", {}).items():
        yield name, example["value"]


Answer = Callable[[Callable[[str], str]], Body]

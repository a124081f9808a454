"""Two small clients that know nothing of the pack, and a receiver of callbacks."""

from __future__ import annotations

import base64
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from PIL import Image

from prefect_genmedia.emulator import Emulator
from tests.patience import PATIENCE, until

Body = dict[str, Any]
HASTY = httpx.Timeout(PATIENCE, read=0.1)  # for an answer that will not come
QUICK: Body = {"trust_env": False, "verify": False, "timeout": PATIENCE}  # a TLS context takes longer than most tests


def once(emulator: Emulator, kind: str, **parameters: Any) -> None:
    """Arms this fault alone, for its next chance."""
    emulator.clear_faults()
    emulator.add_faults({"kind": kind, "times": 1, **parameters})


def picture_of(reply: httpx.Response) -> Image.Image:
    assert reply.status_code == 200, reply.text
    return Image.open(io.BytesIO(reply.content)).convert("RGB")


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean difference of two pictures, 0 to 255, seen at 64 x 64."""
    pairs = zip(*(p.convert("RGB").resize((64, 64)).tobytes() for p in (one, other)), strict=True)
    return sum(abs(a - b) for a, b in pairs) / (64 * 64 * 3)


def photo(width: int = 96, height: int = 64, kind: str = "PNG") -> str:
    """A picture as base64."""
    file = io.BytesIO()
    Image.radial_gradient("L").resize((width, height)).convert("RGB").save(file, kind)
    return base64.b64encode(file.getvalue()).decode()


class Midjourney:
    def __init__(self, emulator: Emulator, key: str = "key-one") -> None:
        self.http = httpx.Client(base_url=emulator.url, headers={"TT-API-KEY": key}, **QUICK)
        self.bare = httpx.Client(**QUICK)

    def post(self, **body: Any) -> httpx.Response:
        return self.http.post("/midjourney/v1/imagine", json={"prompt": "A cute kitten", **body})

    def imagine(self, **body: Any) -> str:
        reply = self.post(**body)
        assert reply.status_code == 200, reply.text
        return str(reply.json()["data"]["jobId"])

    def act(self, job_id: str, action: str) -> httpx.Response:
        return self.http.post("/midjourney/v1/action", json={"jobId": job_id, "action": action})

    def read(self, job_id: str) -> httpx.Response:
        return self.http.get("/midjourney/v1/fetch", params={"jobId": job_id})

    def finished(self, job_id: str) -> Body:
        return until(lambda: (body := self.read(job_id).json())["status"] in ("SUCCESS", "FAILED") and body)

    def done(self, **body: Any) -> Body:
        """The data of a new picture."""
        answer = self.finished(self.imagine(**body))
        assert answer["status"] == "SUCCESS", answer
        return dict(answer["data"])

    def info(self) -> Body:
        return dict(self.http.get("/midjourney/v1/info").json()["data"])

    def listed(self, **query: Any) -> list[Body]:
        return list(self.http.get("/midjourney/v1/fetch-list", params=query).json()["data"])


class Novita:
    def __init__(self, emulator: Emulator, key: str = "key-two") -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self.http = httpx.Client(base_url=emulator.url, headers=headers, **QUICK)
        self.bare = httpx.Client(**QUICK)

    def post(self, extra: Body | None = None, **request: Any) -> httpx.Response:
        body: Body = {"request": {**ASKED, **request}}
        if extra is not None:
            body["extra"] = extra
        return self.http.post("/v3/async/img2img", json=body)

    def submit(self, extra: Body | None = None, **request: Any) -> str:
        reply = self.post(extra, **request)
        assert reply.status_code == 200, reply.text
        return str(reply.json()["task_id"])

    def read(self, task_id: str) -> httpx.Response:
        return self.http.get("/v3/async/task-result", params={"task_id": task_id})

    def finished(self, task_id: str) -> Body:
        ends = ("TASK_STATUS_SUCCEED", "TASK_STATUS_FAILED")
        return until(lambda: (body := self.read(task_id).json())["task"]["status"] in ends and body)

    def done(self, extra: Body | None = None, **request: Any) -> Body:
        answer = self.finished(self.submit(extra, **request))
        assert answer["task"]["status"] == "TASK_STATUS_SUCCEED", answer
        return dict(answer)

    def balance(self) -> int:
        return int(self.http.get("/openapi/v1/billing/balance/detail").json()["availableBalance"])


ASKED: Body = {
    "model_name": "dreamshaper_8_93211.safetensors",
    "image_base64": photo(),
    "prompt": "a fox, watercolour",
    "width": 192,
    "height": 128,
    "image_num": 1,
    "steps": 20,
    "guidance_scale": 7.5,
    "sampler_name": "Euler a",
}


class Receiver:
    """Keeps what is posted to it; answers with the statuses it is given, then 200."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.statuses: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.got.append((self.path, body))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks/token-1"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def bodies(self) -> list[Body]:
        return [json.loads(body) for _, body in self.got]

"""What the tests of the core buy, how they look at it, and who buys in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from prefect_genmedia.errors import GenMediaError, MediaError
from prefect_genmedia.jobs import JobResult, Run, Terms, run
from prefect_genmedia.ledger import JobRow, Ledger, open_ledger
from prefect_genmedia.operation import Account, Operation, Request
from prefect_genmedia.providers.novita.envelope import NOVITA
from prefect_genmedia.providers.novita.images import IMG2IMG, Img2ImgRequest
from prefect_genmedia.providers.ttapi.envelope import TTAPI
from prefect_genmedia.providers.ttapi.flowmusic import GENERATE, GenerateRequest
from prefect_genmedia.providers.ttapi.job import JOB, JobRequest
from prefect_genmedia.providers.ttapi.midjourney import ACTION, IMAGINE, ActionRequest, ImagineRequest
from prefect_genmedia.providers.ttapi.pictures import GEMINI_IMAGE, GeminiImageRequest
from prefect_genmedia.settings import Settings
from tests import PHOTOS
from tests.patience import PATIENCE

SCRIPTS = Path(__file__).parent / "scripts"
OPERATIONS: dict[type[Request], Operation[Any, Any]] = {
    ImagineRequest: IMAGINE,
    ActionRequest: ACTION,
    Img2ImgRequest: IMG2IMG,
    JobRequest: JOB,
    GenerateRequest: GENERATE,
    GeminiImageRequest: GEMINI_IMAGE,
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
    """One call as a task makes it; it gives up in the end, so that no test hangs."""
    terms.setdefault("deadline_seconds", PATIENCE)
    return await run(OPERATIONS[type(request)], request, account, run=run_as, terms=Terms(**terms))


async def refusal(request: Request, account: Account, *, run_as: Run | None = None, **terms: Any) -> GenMediaError:
    """The error that buying this gives. Anything but one of our own errors is let through."""
    try:
        result = await buy(request, account, run_as=run_as, **terms)
    except GenMediaError as error:
        return error
    raise AssertionError(f"no error, but {result!r}")


async def in_the_end(
    request: Request, account: Account, comes: Callable[[JobResult[Any] | GenMediaError], bool], **terms: Any
) -> JobResult[Any] | GenMediaError:
    """What calls give that wait until their deadline: a short one, and longer ones until what is awaited comes."""
    seconds = 2.0
    while True:
        try:
            ended: JobResult[Any] | GenMediaError = await buy(request, account, deadline_seconds=seconds, **terms)
        except GenMediaError as error:
            ended = error
        if comes(ended) or seconds > PATIENCE:
            return ended
        seconds *= 2


async def late_refusal(
    request: Request, account: Account, kind: type[GenMediaError] = MediaError, **terms: Any
) -> GenMediaError:
    """The error of this kind that buying this gives at its deadline."""
    ended = await in_the_end(request, account, lambda ended: isinstance(ended, kind), **terms)
    assert isinstance(ended, GenMediaError), f"no error, but {ended!r}"
    return ended


def the_ledger() -> Ledger:
    settings = Settings()
    return open_ledger(settings.ledger_url, settings.lease_seconds)


def the_row() -> JobRow:
    """The only job in the ledger."""
    (row,) = the_ledger().rows()
    return row


def history(row_id: str) -> list[str]:
    return [event.state for event in the_ledger().history(row_id)]


# -- other processes ------------------------------------------------------------------------------


@dataclass
class Child:
    """A script in a process of its own."""

    process: subprocess.Popen[str]

    def kill(self) -> None:
        """As a crash, an out-of-memory kill or a power cut: no handler runs."""
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=PATIENCE)

    def ended(self) -> list[dict[str, Any]]:
        """What it says of each thing it bought, once it has ended."""
        out, err = self.process.communicate(timeout=PATIENCE)
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

"""Chromium by its DevTools protocol: pages opened, waited for, asked, and kept as pictures.

Needs a `chromium` on the PATH (or CHROMIUM), and `websockets`, which Prefect brings; no driver and no npm package.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

PATIENCE = 300.0  # a busy machine


def chromium() -> str | None:
    """Its program; None where there is none."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Page:
    """One tab."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = count(1)
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session: str | None = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._ask("Page.setBypassCSP", enabled=True)  # our pages allow no script, and axe is one

    _session = None

    def _ask(self, method: str, **words: Any) -> dict[str, Any]:
        number = next(self._numbers)
        asked = {"id": number, "method": method, "params": words}
        self._socket.send(json.dumps(asked | ({"sessionId": self._session} if self._session else {})))
        while True:
            answer = json.loads(self._socket.recv(timeout=PATIENCE))
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                found: dict[str, Any] = answer["result"]
                return found

    def look(self, width: int, height: int, *, dark: bool = False) -> None:
        """How large the window is, and which colours its reader likes."""
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        likes = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self._ask("Emulation.setEmulatedMedia", features=likes)

    def open(self, address: str, until: str = "document.readyState == 'complete'") -> None:
        self._ask("Page.navigate", url=address)
        self.wait(until)

    def ask(self, script: str) -> Any:
        """What it gives, once it is there."""
        answer = self._ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description", "the script failed"))
        return answer["result"].get("value")

    def type_into(self, field: str, text: str) -> None:
        """In place of what stands in the field, as by a keyboard."""
        self.wait(field)
        self.ask(f"{{ const field = {field}; field.focus(); field.select() }}")
        self._ask("Input.insertText", text=text)

    def wait(self, until: str) -> None:
        """Raises TimeoutError."""
        end = time.monotonic() + PATIENCE
        while not self.ask(f"Boolean({until})"):
            if time.monotonic() > end:
                self.keep(Path("build") / "what-is-seen.webp")
                raise TimeoutError(f"{until}; build/what-is-seen.webp shows what is there instead")
            time.sleep(0.2)

    def keep(self, picture: Path, *, quality: int = 80, whole: bool = False) -> None:
        """What is seen, or the whole page, as WebP."""
        shot = self._ask("Page.captureScreenshot", format="webp", quality=quality, captureBeyondViewport=whole)
        picture.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def browser() -> Iterator[Page]:
    """A browser with one tab, gone afterwards."""
    program = chromium()
    if program is None:
        raise RuntimeError("there is no chromium; install one, or set CHROMIUM to its path")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        words = ("--headless=new", "--no-sandbox", "--hide-scrollbars", "--remote-debugging-port=0")
        process = subprocess.Popen(
            [program, *words, f"--user-data-dir={folder}", "about:blank"], stderr=subprocess.PIPE, text=True
        )
        try:
            assert process.stderr is not None
            lines = (re.search(r"DevTools listening on (ws://\S+)", line) for line in process.stderr)
            address = next(found[1] for found in lines if found)
            with connect(address, max_size=None) as socket:
                yield Page(socket)
        finally:
            process.terminate()
            process.wait(PATIENCE)

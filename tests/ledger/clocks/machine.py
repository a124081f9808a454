"""Another machine: a process with another name and another wall clock that does with a ledger what it is told."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any, Self

import pytest

from prefect_genmedia.ledger import Database, Ledger, is_dead, this_process
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[3]
SOURCE = Path(__file__).with_name("elsewhere.c")


def compiled(folder: Path) -> Path:
    """What makes a process take itself for another machine's."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.fail("there is no C compiler: machines whose clocks differ need `cc` (gcc)", pytrace=False)
    library = folder / "elsewhere.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
    return library


class Machine:
    """Its wall clock is `offset` seconds ahead of ours."""

    def __init__(self, library: Path, name: str, offset: float) -> None:
        environment = os.environ | {
            "LD_PRELOAD": str(library),
            "CLOCK_OFFSET": f"{offset:.0f}",
            "HOST_NAME": name,
            "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
        }
        with Listener() as listener:
            command = [sys.executable, "-m", "tests.ledger.clocks.machine", str(listener.address)]
            self._process = subprocess.Popen(command, env=environment, cwd=ROOT)
            self._line = listener.accept()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._line.close()

    def open(self, url: str, lease_seconds: float = 60) -> Self:
        """From now on it is about this ledger."""
        self.do("open", url, lease_seconds)
        return self

    def do(self, what: str, *args: Any) -> Any:
        """What the ledger's method of this name gives there; its errors are raised here."""
        self._line.send((what, args))
        assert self._line.poll(PATIENCE), f"{what}: no answer"
        well, value = self._line.recv()
        if not well:
            raise value
        return value

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        self._process.send_signal(signal.SIGCONT)


def _serve(line: Connection) -> None:
    ledgers: list[Ledger] = []

    def open_ledger(url: str, lease_seconds: float) -> None:
        for ledger in ledgers:
            ledger.database.engine.dispose()
        ledgers[:] = [Ledger(Database(url), lease_seconds)]

    others = {"open": open_ledger, "time": time.time, "this_process": this_process, "is_dead": is_dead}
    while True:
        what, args = line.recv()
        try:
            line.send((True, (others.get(what) or getattr(ledgers[0], what))(*args)))
        except Exception as error:  # told to whoever asked
            line.send((False, error))


if __name__ == "__main__":
    with Client(sys.argv[1]) as line:
        _serve(line)

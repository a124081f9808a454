"""Where the processor time of a job goes, by the room it is spent in: `python -m benchmarks.profile [--jobs 100]`.

The benchmark's `core` once more, on an event loop that takes the time of what it hands to threads. The rest is the
loop's own thread: HTTP, the waiting, and handing over. Written to benchmarks/results/profile.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.machine import machine
from benchmarks.provider import Provider

RESULT = Path(__file__).parent / "results" / "profile.json"
SECONDS, LIMIT = 3.0, 10
LOOP = "the loop: HTTP, waiting, handing over"


class Timed(asyncio.SelectorEventLoop):
    """Takes the processor time of each function that it runs in a thread."""

    def __init__(self) -> None:
        super().__init__()
        self.spent: defaultdict[str, float] = defaultdict(float)
        self.calls: Counter[str] = Counter()

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        room = _room(func)

        def timed() -> Any:
            before = time.thread_time()
            try:
                return func(*args)
            finally:
                self.spent[room] += time.thread_time() - before
                self.calls[room] += 1

        return super().run_in_executor(executor, timed)


def _room(func: Any) -> str:
    """The room of the package that a function is of, below what hands it over."""
    while True:
        if isinstance(func, partial):
            func = func.args[0] if getattr(func.func, "__name__", "") == "run" and func.args else func.func
        elif getattr(func, "__name__", "") in ("<lambda>", "both") and func.__closure__:
            func = next((cell.cell_contents for cell in func.__closure__ if callable(cell.cell_contents)), print)
        else:
            break
    module = str(getattr(func, "__module__", None) or type(func).__module__)
    return module.split(".")[1] if module.startswith("prefect_genmedia.") else "other"


def run(url: str, jobs: int) -> dict[str, Any]:
    from benchmarks import contenders

    with asyncio.Runner(loop_factory=Timed) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, Timed)
        runner.run(contenders.core(url, "warm", contenders.WARM, SECONDS, LIMIT))
        loop.spent.clear()
        loop.calls.clear()
        thread, whole = time.thread_time(), time.process_time()
        runner.run(contenders.core(url, "run", jobs, SECONDS, LIMIT))
        thread, whole = time.thread_time() - thread, time.process_time() - whole
    spent = {LOOP: thread, **loop.spent, "threads' own": whole - thread - sum(loop.spent.values())}
    return {
        "machine": machine(),
        "ms_a_job": {room: round(seconds * 1000 / jobs, 1) for room, seconds in spent.items()},
        "calls_a_job": {room: round(calls / jobs, 1) for room, calls in loop.calls.items()},
        "whole_ms_a_job": round(whole * 1000 / jobs, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--url", help="used by this program itself")
    options = parser.parse_args()
    if options.url:
        print(json.dumps(run(options.url, options.jobs)))
        return
    with Provider(seconds=SECONDS, limit=LIMIT) as provider, tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "benchmarks.profile", "--jobs", str(options.jobs), "--url", provider.url]
        environment = {**os.environ, "GENMEDIA_BENCH_HOME": home}
        ran = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(ran.stdout.splitlines()[-1])
    RESULT.write_text(json.dumps(found, indent=1) + "\n")
    for room, took in found["ms_a_job"].items():
        print(f"{took:6.1f} ms  {found['calls_a_job'].get(room, '-'):>5}  {room}")
    print(f"{found['whole_ms_a_job']:6.1f} ms in all")


if __name__ == "__main__":
    main()

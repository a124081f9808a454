"""A stable of workers: everything is imported once, then each order runs in a fork of its own.

Run as a script; with the word `core`, for orders that need no Prefect. One JSON order a line on stdin; on stdout
`{"order": n, "pid": p}` when it has started and `{"order": n, "rc": r}` when it has ended. No event loop and no
thread runs in the process that forks.
"""

from __future__ import annotations

import importlib
import json
import os
import selectors
import signal
import sys
import traceback
from typing import Any

from tests.chaos.roles.flows import calendar, flow_run, many, receiver, save_blocks
from tests.chaos.roles.scripts import buy

ROLES: dict[str, Any] = {each.__name__: each for each in (flow_run, many, calendar, save_blocks, receiver, buy)}
# What a run imports in its course; here once for all.
CORE = (
    "alembic.command",
    "anyio._backends._asyncio",
    "encodings.idna",
    "fsspec.implementations.chained",
    "prefect_genmedia.jobs",
    "prefect_genmedia.providers.ttapi.midjourney",
    "psycopg",
    "sqlalchemy.dialects.sqlite",
)
EARLY = (
    "fastapi",
    "prefect.concurrency.asyncio",
    "prefect.concurrency.sync",
    "prefect.engine",
    "prefect.flow_engine",
    "prefect.task_engine",
    "prefect.utilities.visualization",
    "prefect_genmedia.blocks",
    "prefect_genmedia.flows",
    "prefect_genmedia.webhooks",
    "uvicorn",
)


# -- the process that forks -------------------------------------------------------------------------


def fork(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.environ.update(order["env"])
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for target, source in ((0, nothing), (1, log), (2, log)):
            os.dup2(source, target)
        ROLES[order["role"]](order)
        code = 0
    except SystemExit as ending:
        code = int(ending.code or 0)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    # Ends like a process that is stopped once it has nothing more to do: what it wanted to say, it has said.
    os._exit(code)


def main() -> None:
    out = os.dup(1)
    os.dup2(2, 1)

    def say(**facts: Any) -> None:
        os.write(out, (json.dumps(facts) + "\n").encode())

    for name in CORE if "core" in sys.argv else (*CORE, *EARLY):
        importlib.import_module(name)
    from PIL import Image

    Image.init()
    import tests.chaos.tripwire  # noqa: F401

    awake, wake = os.pipe()
    for end in (awake, wake):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    assert len(os.listdir("/proc/self/task")) == 1, "a thread runs: forks would not be clean"
    say(ready=os.getpid())
    orders: dict[int, int] = {}
    waiting, pending = selectors.DefaultSelector(), b""
    waiting.register(0, selectors.EVENT_READ)
    waiting.register(awake, selectors.EVENT_READ)
    while True:
        for key, _ in waiting.select():
            chunk = os.read(key.fd, 65536)
            if key.fd == awake:
                continue
            if not chunk:
                for pid in orders:
                    os.kill(pid, signal.SIGKILL)
                return
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                order = json.loads(line)
                pid = fork(order)
                orders[pid] = order["order"]
                say(order=order["order"], pid=pid)
        while orders:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            say(order=orders.pop(pid), rc=os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()

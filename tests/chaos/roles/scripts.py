"""The role without Prefect: a plain script that buys by the core alone."""

from __future__ import annotations

import asyncio
import hashlib
import signal
import socket
import time
from pathlib import Path
from typing import Any

from tests.chaos.roles.said import lay_ends, report, words
from tests.patience import PATIENCE


def buy(order: dict[str, Any]) -> None:
    """Midjourney jobs by the core alone, without Prefect, all at once; how they are stopped is in the order.

    `timeout`: by asyncio.timeout; `sibling`: one fails when it is told to (SIGUSR1); `ends`: see `lay_ends`;
    `exit_code`: with its files in hand.
    """
    import prefect_genmedia
    from prefect_genmedia.operation import Account
    from prefect_genmedia.providers.ttapi.envelope import TTAPI
    from tests.chaos.tripwire import Tripwire

    wire = Tripwire(*order.get("tripwire") or (), signal=signal.Signals(order.get("signal", signal.SIGKILL)))
    wire.lay()
    prompts = order.get("prompts", ["a probe"])
    account = Account(TTAPI, order["url"], "key")

    async def sibling() -> None:
        told = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, told.set)
        await told.wait()
        raise RuntimeError("a sibling failed")

    async def together() -> list[dict[str, Any]]:
        lay_ends(order.get("ends"))
        async with asyncio.timeout(order.get("timeout")), asyncio.TaskGroup() as group:
            other = group.create_task(sibling()) if order.get("sibling") else None
            results = await asyncio.gather(*(bought(prompt, order, account) for prompt in prompts))
            if other is not None:
                other.cancel()
        return results

    said: dict[str, Any] = {"package": str(Path(prefect_genmedia.__file__).parent), "stopped": "", "bought": []}
    said |= {"host": socket.gethostname(), "clock": time.time()}
    try:
        said["bought"] = asyncio.run(together())
    except (TimeoutError, BaseExceptionGroup) as error:
        said["stopped"] = words(error) or type(error).__name__
    report(order, struck=wire.struck, **said)
    if order.get("exit_code"):
        raise SystemExit(order["exit_code"])


async def bought(prompt: str, order: dict[str, Any], account: Any) -> dict[str, Any]:
    """What became of one request: its job, whether its files are what they were when stored, or why there are none."""
    from prefect_genmedia.errors import GenMediaError
    from prefect_genmedia.jobs import Terms, run
    from prefect_genmedia.providers.ttapi.midjourney import IMAGINE, ImagineRequest

    terms = Terms(**{"request_key": f"key of {prompt}", "deadline_seconds": PATIENCE, **order.get("terms", {})})
    try:
        result = await run(IMAGINE, ImagineRequest(prompt=prompt), account, terms=terms)
    except GenMediaError as error:
        return {"job_id": None, "error": f"{type(error).__name__}: {error}"}
    digests = [hashlib.sha256(file.path.read_bytes()).hexdigest() for file in result.media]
    whole = bool(digests) and digests == [file.sha256 for file in result.media]
    answer = result.result.model_dump(mode="json")
    return {"job_id": result.job.job_id, "error": "", "whole": whole, "answer": answer}

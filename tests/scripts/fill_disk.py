"""Buys one picture with room on disk for files of a few bytes less than it has; says what came of it."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time

from prefect_genmedia.errors import GenMediaError
from prefect_genmedia.jobs import run
from prefect_genmedia.operation import Account
from prefect_genmedia.providers import OPERATIONS


async def main() -> None:
    order = json.load(sys.stdin)
    operation = OPERATIONS[order["operation"]]
    account = Account(operation.provider, order["base_url"], order["api_key"])
    request = operation.request.model_validate(order["request"])
    resource.setrlimit(resource.RLIMIT_FSIZE, (order["most_bytes"], resource.RLIM_INFINITY))
    started = time.monotonic()
    try:
        result = await run(operation, request, account)
    except GenMediaError as error:
        job = error.job.model_dump() if error.job else None
        seconds = time.monotonic() - started
        print(json.dumps({"error": type(error).__name__, "message": str(error), "job": job, "seconds": seconds}))
        raise SystemExit(1) from None
    print(json.dumps({"error": None, "job": result.job.model_dump()}))


if __name__ == "__main__":
    asyncio.run(main())

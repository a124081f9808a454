"""A user's script: buys what standard input says, all at once, and prints a line of JSON for each."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from typing import Any

from prefect_genmedia.errors import GenMediaError
from prefect_genmedia.jobs import Terms, run
from prefect_genmedia.operation import Account
from prefect_genmedia.providers import OPERATIONS


async def one(order: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    operation = OPERATIONS[wanted["operation"]]
    account = Account(operation.provider, order["base_url"], order["api_key"])
    request = operation.request.model_validate(wanted["request"])
    try:
        result = await run(operation, request, account, terms=Terms(**wanted["terms"]))
    except GenMediaError as error:
        job = error.job.model_dump() if error.job else None
        return {"error": type(error).__name__, "message": str(error), "job": job}
    return {
        "error": None,
        "job": result.job.model_dump(),
        "media": [file.model_dump(mode="json") for file in result.media],
    }


async def main() -> None:
    order = json.load(sys.stdin)
    answers = await asyncio.gather(*(one(order, wanted) for wanted in order["buy"]))
    for answer in answers:
        print(json.dumps(answer), flush=True)
    if order["end"] == "raise":
        raise RuntimeError("the script fails after it has bought")
    if order["end"] == "exit 1":
        sys.exit(1)
    if order["end"] == "sleep":
        await asyncio.sleep(3600)  # alive until the test kills it


if __name__ == "__main__":
    # As in a terminal; tests that run in the background hand down a SIGINT that is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    asyncio.run(main())

"""One flow of many paid tasks in a process of its own: standard input says which, a line of JSON how it ended."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from typing import Any

from prefect import flow

from prefect_genmedia.blocks import NovitaCredentials
from prefect_genmedia.jobs import JobResult
from prefect_genmedia.tasks import novita


@flow
async def many_tasks(url: str, prompts: list[str]) -> list[Any]:
    credentials = NovitaCredentials(api_key="key", base_url=url)

    def one(prompt: str) -> Any:
        request = novita.Txt2ImgRequest(model_name="m", prompt=prompt, width=128, height=128)
        return novita.txt2img(request, credentials, deadline_seconds=3600)

    return await asyncio.gather(*map(one, prompts), return_exceptions=True)


async def main() -> None:
    started = time.monotonic()
    state = await many_tasks(**json.load(sys.stdin), return_state=True)
    seconds = time.monotonic() - started
    results = await state.aresult(raise_on_failure=False)
    used = resource.getrusage(resource.RUSAGE_SELF)
    answer = {
        "state": state.name,
        "flow_run": str(state.state_details.flow_run_id),
        "delivered": sum(isinstance(result, JobResult) for result in results),
        "errors": sorted({type(result).__name__ for result in results if not isinstance(result, JobResult)}),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
    }
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(main())

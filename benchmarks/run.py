"""`make bench`: throughput, requests and CPU against a plain client, on one emulator. Ratios of one run, no verdict.

python benchmarks/run.py [--jobs 60] [--seconds 2] [--limit 10]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

_home = tempfile.mkdtemp(prefix="genmedia-bench-")
os.environ |= {
    "GENMEDIA_LEDGER_URL": f"sqlite:///{_home}/ledger.db",
    "GENMEDIA_MEDIA_STORE": f"{_home}/media",
    "PREFECT_HOME": f"{_home}/prefect",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "ERROR",
    "DO_NOT_TRACK": "1",
}

import httpx
from prefect import flow
from prefect.testing.utilities import prefect_test_harness
from pydantic import SecretStr

from prefect_genmedia.blocks import TTAPICredentials
from prefect_genmedia.emulator import Emulator
from prefect_genmedia.jobs import run
from prefect_genmedia.tasks.midjourney import IMAGINE, ImagineRequest, imagine

Contender = Callable[[str, int], Coroutine[Any, Any, None]]


def raw(semaphore: int) -> Contender:
    """What a careful script does: a semaphore, a poll a second, no ledger, no check of the files."""

    async def contend(url: str, jobs: int) -> None:
        gate = asyncio.Semaphore(semaphore)
        async with httpx.AsyncClient(headers={"TT-API-KEY": "raw"}, timeout=60) as client:

            async def one(n: int) -> None:
                async with gate:
                    while True:
                        answer = await client.post(f"{url}/midjourney/v1/imagine", json={"prompt": f"raw {n}"})
                        if answer.status_code == 200:
                            break
                        await asyncio.sleep(1)
                    job_id = answer.json()["data"]["jobId"]
                    while True:
                        await asyncio.sleep(1)
                        answer = await client.get(f"{url}/midjourney/v1/fetch", params={"jobId": job_id})
                        if answer.json()["status"] == "SUCCESS":
                            break
                data = answer.json()["data"]
                for index, link in enumerate([data["cdnImage"], *data["images"]]):
                    Path(_home, f"raw-{n}-{index}.png").write_bytes((await client.get(link)).content)

            await asyncio.gather(*(one(n) for n in range(jobs)))

    return contend


async def core(url: str, jobs: int) -> None:
    """The pack without Prefect."""
    account = TTAPICredentials(api_key=SecretStr("core"), base_url=url).get_client()
    await asyncio.gather(*(run(IMAGINE, ImagineRequest(prompt=f"core {n}"), account) for n in range(jobs)))


async def tasks(url: str, jobs: int) -> None:
    """The pack's tasks, gathered in a flow."""
    credentials = TTAPICredentials(api_key=SecretStr("tasks"), base_url=url)

    @flow
    async def album() -> None:
        await asyncio.gather(*(imagine(ImagineRequest(prompt=f"tasks {n}"), credentials) for n in range(jobs)))

    await album()


def measure(name: str, contender: Contender, options: argparse.Namespace) -> None:
    with Emulator(job_seconds=options.seconds, queue_seconds=0.1, max_jobs=options.limit) as emulator:
        before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        asyncio.run(contender(emulator.url, options.jobs))
        wall = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_SELF)
        told = emulator.requests()
        api = sum(count for path, count in told["requests"].items() if "/cdn/" not in path)
        cpu = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000 / options.jobs
        refused = told["statuses"].get("499", 0) + told["statuses"].get("429", 0)
        print(f"| {name} | {emulator.billed()} | {wall:.1f} s | {api / options.jobs:.1f} | {refused} | {cpu:.0f} ms |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--limit", type=int, default=10)
    options = parser.parse_args()
    ideal = options.jobs * options.seconds / options.limit
    print(f"{options.jobs} jobs of {options.seconds:g} s, provider limit {options.limit}, ideal {ideal:g} s.")
    print("CPU is of the whole process, the emulator and its drawing included.\n")
    print("| approach | billed | wall | API requests a job | refused | CPU a job |")
    print("| --- | --- | --- | --- | --- | --- |")
    measure(f"plain httpx, semaphore {options.limit}", raw(options.limit), options)
    measure("plain httpx, semaphore 32", raw(32), options)
    measure("prefect-genmedia, core", core, options)
    with prefect_test_harness(server_startup_timeout=90):
        measure("prefect-genmedia, tasks gathered in a flow", tasks, options)


if __name__ == "__main__":
    main()

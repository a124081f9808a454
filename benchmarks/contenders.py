"""One contender in a process of its own: `python benchmarks/contenders.py NAME URL JOBS SECONDS LIMIT`.

Five jobs come first and are not counted: everybody knows then how long a job takes. Prints what it cost as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

HOME = os.environ.get("GENMEDIA_BENCH_HOME") or tempfile.mkdtemp(prefix="genmedia-bench-")
os.environ |= {
    "GENMEDIA_LEDGER_URL": os.environ.get("GENMEDIA_LEDGER_URL", f"sqlite:///{HOME}/ledger.db"),
    "GENMEDIA_MEDIA_STORE": f"{HOME}/media",
    "PREFECT_HOME": f"{HOME}/prefect",
    "PREFECT_LOGGING_LEVEL": "ERROR",
    "DO_NOT_TRACK": "1",
}

Contender = Callable[[str, str, int, float, int], Awaitable[None]]
WARM = 5


async def raw(url: str, name: str, jobs: int, seconds: float, limit: int) -> None:
    """What httpx can do: every wait behind a semaphore, the first look when a job is likely done. No ledger."""
    import httpx

    from prefect_genmedia.jobs.looking.pace import Pace

    places, calls = asyncio.Semaphore(limit), asyncio.Semaphore(32)
    pace = Pace(seconds, [seconds] * 5)
    async with httpx.AsyncClient(headers={"TT-API-KEY": "raw"}, timeout=60) as client:

        async def one(n: int) -> None:
            async with places:
                async with calls:
                    answer = await client.post(f"{url}/midjourney/v1/imagine", json={"prompt": f"{name} {n}"})
                accepted, looks = time.monotonic(), 0
                job_id = answer.json()["data"]["jobId"]
                while True:
                    elapsed = time.monotonic() - accepted
                    await asyncio.sleep(max(0.2, pace.pause(elapsed, looks, None, None)))
                    looks += pace.is_due(elapsed, looks)
                    async with calls:
                        answer = await client.get(f"{url}/midjourney/v1/fetch", params={"jobId": job_id})
                    if answer.json()["status"] == "SUCCESS":
                        break
                pace.learn(time.monotonic() - accepted, at_first_look=looks == 0)
            data = answer.json()["data"]
            for index, link in enumerate([data["cdnImage"], *data["images"]]):
                async with calls:
                    content = (await client.get(link)).content
                Path(HOME, f"{name}-{n}-{index}.png").write_bytes(content)

        await asyncio.gather(*(one(n) for n in range(jobs)))


async def core(url: str, name: str, jobs: int, seconds: float, limit: int) -> None:
    """This pack without Prefect."""
    from pydantic import SecretStr

    from prefect_genmedia.blocks import TTAPICredentials
    from prefect_genmedia.jobs import run
    from prefect_genmedia.tasks.midjourney import IMAGINE, ImagineRequest

    account = TTAPICredentials(api_key=SecretStr("core"), base_url=url).get_client()
    await asyncio.gather(*(run(IMAGINE, ImagineRequest(prompt=f"{name} {n}"), account) for n in range(jobs)))


async def tasks(url: str, name: str, jobs: int, seconds: float, limit: int) -> None:
    """This pack's tasks, gathered in a flow."""
    from prefect import flow
    from pydantic import SecretStr

    from prefect_genmedia.blocks import TTAPICredentials
    from prefect_genmedia.tasks.midjourney import ImagineRequest, imagine

    credentials = TTAPICredentials(api_key=SecretStr("tasks"), base_url=url)

    @flow(name=name)
    async def album() -> None:
        await asyncio.gather(*(imagine(ImagineRequest(prompt=f"{name} {n}"), credentials) for n in range(jobs)))

    await album()


async def mapped(url: str, name: str, jobs: int, seconds: float, limit: int) -> None:
    """A plain Prefect task, mapped over as many threads as the provider takes jobs, with one shared httpx.Client."""
    import httpx
    from prefect import flow, task
    from prefect.task_runners import ThreadPoolTaskRunner

    client = httpx.Client(headers={"TT-API-KEY": "mapped"}, timeout=60)

    @task
    def one(n: int) -> None:
        answer = client.post(f"{url}/midjourney/v1/imagine", json={"prompt": f"{name} {n}"})
        job_id = answer.json()["data"]["jobId"]
        while True:
            time.sleep(0.5)
            answer = client.get(f"{url}/midjourney/v1/fetch", params={"jobId": job_id})
            if answer.json()["status"] == "SUCCESS":
                break
        data = answer.json()["data"]
        for index, link in enumerate([data["cdnImage"], *data["images"]]):
            Path(HOME, f"{name}-{n}-{index}.png").write_bytes(client.get(link).content)

    @flow(name=name, task_runner=ThreadPoolTaskRunner(max_workers=limit))  # type: ignore[arg-type]
    def album() -> None:
        one.map(range(jobs)).wait()

    await asyncio.to_thread(album)


async def novita_core(url: str, name: str, jobs: int, seconds: float, limit: int) -> None:
    """This pack without Prefect, at Novita: one picture a job."""
    from pydantic import SecretStr

    from prefect_genmedia.blocks import NovitaCredentials
    from prefect_genmedia.jobs import run
    from prefect_genmedia.tasks.novita import TXT2IMG, Txt2ImgRequest

    os.environ["GENMEDIA_MAX_IN_PROGRESS"] = str(limit)
    account = NovitaCredentials(api_key=SecretStr("core"), base_url=url).get_client()
    requests = [
        Txt2ImgRequest(prompt=f"{name} {n}", model_name=MODEL, width=512, height=512, steps=20) for n in range(jobs)
    ]
    await asyncio.gather(*(run(TXT2IMG, request, account) for request in requests))


async def novita_client(url: str, name: str, jobs: int, seconds: float, limit: int) -> None:
    """Novita's own client, in as many threads as jobs may be in progress, a poll every half second."""
    from concurrent.futures import ThreadPoolExecutor

    # Installed in an environment of its own.
    from novita_client import NovitaClient, settings  # pyright: ignore[reportMissingImports]

    settings.DEFAULT_POLL_INTERVAL = 0.5
    client = NovitaClient("client", base_url=url)

    def one(n: int) -> None:
        import base64

        result = client.txt2img_v3(model_name=MODEL, prompt=f"{name} {n}", width=512, height=512, steps=20, image_num=1)
        Path(HOME, f"{name}-{n}.png").write_bytes(base64.b64decode(result.images_encoded[0]))

    with ThreadPoolExecutor(limit) as threads:
        await asyncio.to_thread(lambda: list(threads.map(one, range(jobs))))


MODEL = "dreamshaper_8_93211.safetensors"
CONTENDERS: dict[str, Contender] = {
    "raw": raw,
    "core": core,
    "tasks": tasks,
    "mapped": mapped,
    "novita_core": novita_core,
    "novita_client": novita_client,
}


def measured(contender: Contender, url: str, jobs: int, seconds: float, limit: int) -> dict[str, Any]:
    async def both() -> dict[str, Any]:
        await contender(url, "warm", WARM, seconds, limit)
        urlopen(Request(f"{url}/__emulator__/reset", method="POST")).close()
        before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        await contender(url, "run", jobs, seconds, limit)
        wall = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_SELF)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        grown = (after.ru_maxrss - before.ru_maxrss) * 1024
        return {"wall": wall, "cpu_ms": cpu * 1000 / jobs, "grown_kb": grown / jobs / 1000}

    return asyncio.run(both())


if __name__ == "__main__":
    _, name, url, jobs, seconds, limit = sys.argv
    print(json.dumps(measured(CONTENDERS[name], url, int(jobs), float(seconds), int(limit))))

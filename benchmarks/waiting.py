"""What a job holds in memory while it waits, and what it asks of the ledger: `python -m benchmarks.waiting`.

A hundred jobs at once, each with a picture of 2.4 MB that is sent along. Then twenty jobs of five pictures, on SQLite
and on PostgreSQL: how many transactions were committed, and how often PostgreSQL was asked.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from benchmarks.machine import machine
from benchmarks.provider import Provider

RESULT = Path(__file__).parent / "results" / "waiting.json"
JOBS, WARM, SIDE = 100, 10, 900


def resident_kb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1000


async def memory(url: str) -> dict[str, Any]:
    """Beyond what ten jobs before them have left, for each job."""
    from PIL import Image
    from pydantic import SecretStr

    from prefect_genmedia.blocks import NovitaCredentials
    from prefect_genmedia.jobs import run
    from prefect_genmedia.tasks.novita import IMG2IMG, Img2ImgRequest

    account = NovitaCredentials(api_key=SecretStr("core"), base_url=url).get_client()
    drawn = BytesIO()
    Image.frombytes("RGB", (SIDE, SIDE), os.urandom(SIDE * SIDE * 3)).save(drawn, "PNG")
    photo = Path(os.environ["GENMEDIA_BENCH_HOME"], "photo.png")
    photo.write_bytes(drawn.getvalue())

    def buy(name: str) -> Any:
        asked = Img2ImgRequest(
            model_name="dreamshaper_8_93211.safetensors", prompt=name, image=photo, width=512, height=512
        )
        return asyncio.create_task(run(IMG2IMG, asked, account))

    def billed() -> int:
        with urlopen(f"{url}/__emulator__/jobs") as answer:
            return int(json.load(answer)["billed"])

    await asyncio.gather(*(buy(f"warm {n}") for n in range(WARM)))
    gc.collect()
    before = resident_kb()
    buying = [buy(f"job {n}") for n in range(JOBS)]
    while await asyncio.to_thread(billed) < WARM + JOBS:
        await asyncio.sleep(0.2)
    await asyncio.sleep(3)
    gc.collect()
    resident = resident_kb() - before
    ctypes.CDLL(None).malloc_trim(0)  # what is free goes back to the system: the rest is held
    held = resident_kb() - before
    await asyncio.gather(*buying)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1.024 - before
    return {
        "picture_kb": photo.stat().st_size / 1000,
        "waiting_kb": resident / JOBS,
        "held_kb": held / JOBS,
        "peak_kb": peak / JOBS,
    }


async def ledger(url: str) -> dict[str, Any]:
    """Commits, and statements with what begins and ends their transactions, for each job."""
    from pydantic import SecretStr
    from sqlalchemy import event

    from prefect_genmedia.blocks import TTAPICredentials
    from prefect_genmedia.jobs import run
    from prefect_genmedia.ledger import open_ledger
    from prefect_genmedia.tasks.midjourney import IMAGINE, ImagineRequest

    account = TTAPICredentials(api_key=SecretStr("core"), base_url=url).get_client()

    async def buy(name: str, jobs: int) -> None:
        await asyncio.gather(*(run(IMAGINE, ImagineRequest(prompt=f"{name} {n}"), account) for n in range(jobs)))

    await buy("warm", 5)
    engine = open_ledger(os.environ["GENMEDIA_LEDGER_URL"], 60).database.engine
    counted = {"statements": 0, "commits": 0}

    def count(what: str) -> Any:
        def add(*_: Any) -> None:
            counted[what] += 1

        return add

    event.listen(engine, "before_cursor_execute", count("statements"))
    event.listen(engine, "commit", count("commits"))
    await buy("job", 20)
    trips = counted["statements"] + 2 * counted["commits"]
    return {"transactions": counted["commits"] / 20, "round_trips": trips / 20}


def in_a_process(what: str, seconds: float, ledger_url: str | None = None) -> dict[str, Any]:
    with Provider(seconds=seconds, limit=1000) as provider, tempfile.TemporaryDirectory() as home:
        environment = {
            **os.environ,
            "GENMEDIA_BENCH_HOME": home,
            "GENMEDIA_LEDGER_URL": ledger_url or f"sqlite:///{home}/ledger.db",
            "GENMEDIA_MEDIA_STORE": f"{home}/media",
        }
        command = [sys.executable, "-m", "benchmarks.waiting", what, provider.url]
        ran = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
        return found


def main() -> None:
    from benchmarks.run import empty_database

    found = {
        "memory": in_a_process("memory", 20),
        "SQLite": in_a_process("ledger", 3),
        "PostgreSQL": in_a_process("ledger", 3, empty_database("genmedia_bench_waiting")),
    }
    print(json.dumps(found, indent=1))
    RESULT.write_text(json.dumps({"machine": machine(), **found}, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        print(json.dumps(asyncio.run({"memory": memory, "ledger": ledger}[sys.argv[1]](sys.argv[2]))))

"""One flow run under a task runner of Prefect's: `python runner_flow.py thread|process|dask URL WISHES`.

Every wish but the last is another; the last is the first again. Prints how many results there are, of how many jobs.
"""

from __future__ import annotations

import sys
from typing import Any

from prefect import flow, unmapped
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

from prefect_genmedia.blocks import TTAPICredentials
from prefect_genmedia.tasks.midjourney import ImagineRequest, imagine


def runner_called(name: str) -> Any:
    if name == "dask":
        from prefect_dask import DaskTaskRunner  # pyright: ignore[reportMissingImports]

        return DaskTaskRunner(cluster_kwargs={"n_workers": 2, "threads_per_worker": 2, "dashboard_address": None})
    return {"thread": ThreadPoolTaskRunner, "process": ProcessPoolTaskRunner}[name](max_workers=4)


def main(name: str, url: str, wishes: int) -> None:
    @flow(name=f"wishes by {name}", task_runner=runner_called(name))
    def album() -> list[str]:
        requests = [ImagineRequest(prompt=f"kite {n % (wishes - 1)}") for n in range(wishes)]
        credentials = TTAPICredentials(api_key="runners", base_url=url)
        return [result.job.job_id for result in imagine.map(requests, unmapped(credentials)).result()]

    jobs = album()
    print(len(jobs), len(set(jobs)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))

"""Everything one running emulator knows."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request

from prefect_genmedia.emulator.drawing.recordings import Drawn
from prefect_genmedia.emulator.faults import Faults
from prefect_genmedia.emulator.server.callbacks import Callbacks
from prefect_genmedia.emulator.server.gallery import File, Gallery
from prefect_genmedia.emulator.server.orders import Job, Jobs
from prefect_genmedia.emulator.server.witness import Witness
from prefect_genmedia.emulator.settings import EmulatorSettings


class State:
    def __init__(
        self, settings: EmulatorSettings, told: Callable[[State, Job, str], None], base_host: str | None = None
    ) -> None:
        self._told = told  # called with (this, job, "accepted" | "finished")
        self._initial = settings
        self._base_host = base_host
        self._begin()

    def _begin(self) -> None:
        self.settings = self._initial
        self.faults = Faults()
        self.jobs = Jobs(lambda: self.settings, self.faults, lambda job, event: self._told(self, job, event))
        self.gallery = Gallery(self._draw, lambda: self.settings.one_picture)
        self.witness = Witness(self._base_host)
        self.callbacks = Callbacks(lambda: self.settings)
        self._images: list[tuple[str, float, int]] = []  # (who, when, how many), of the last minute

    def reset(self) -> None:
        """As new: jobs, accounts, faults, counters, and settings changed in mid-run."""
        self.stop()
        self._begin()

    def stop(self) -> None:
        self.jobs.stop()
        self.callbacks.stop()

    def configure(self, changes: Mapping[str, Any]) -> None:
        self.settings = self.settings.changed(changes)

    def now(self) -> float:
        """The provider's clock, which a fault may put wrong."""
        return self.faults.clock()

    def skew(self) -> float:
        return self.faults.skew()

    def max_jobs(self) -> int:
        halved = any(fault.fired for fault in self.faults.standing("queue_halved"))
        return max(1, self.settings.max_jobs // 2) if halved else self.settings.max_jobs

    def submits(self) -> dict[str, Any]:
        """Paid POSTs with a good key that came in, and jobs that were billed, by operation."""
        return {"received": dict(sorted(self.witness.submits.items())), "billed": self.jobs.describe()["counts"]}

    def image_pace(self, who: str, number: int) -> bool:
        """Whether so many pictures more of one account and function fit into this minute; if so they are counted."""
        limit, now = self.settings.rate_limit_images_per_minute, time.monotonic()
        self._images = [entry for entry in self._images if entry[1] > now - 60]
        used = sum(many for whose, _, many in self._images if whose == who)
        if limit is not None and used + number > limit:
            return False
        self._images.append((who, now, number))
        return True

    def _draw(self, file: File) -> Drawn:
        job = self.jobs.find(file.job_id)
        if job is None:
            raise LookupError(file.job_id)
        return job.order.draw(self.gallery, job, file.part)


def state_of(request: Request) -> State:
    state: State = request.app.state.emulator
    return state


def base_url_of(request: Request) -> str:
    """As the client names this server."""
    return f"{request.url.scheme}://{request.headers.get('host', 'localhost')}"

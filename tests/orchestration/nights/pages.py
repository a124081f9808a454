"""What a run's page shows in the morning, read from the Prefect API as the UI reads it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from prefect import Flow, State
from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow
from prefect.settings import PREFECT_API_URL
from prefect.states import AwaitingRetry

from tests.patience import PATIENCE, a_until

LEVELS = {logging.DEBUG: "DEBUG", logging.INFO: "INFO", logging.WARNING: "WARNING", logging.ERROR: "ERROR"}


@dataclass(frozen=True)
class Page:
    """One flow run: the state it stands in, and its log."""

    run: str
    state: str
    message: str
    log: list[tuple[str, str]]
    """Each line with its level, in order."""
    ends: int
    """How often it has ended: once, and once more with each retry."""

    def lines(self, words: str, *levels: str) -> list[str]:
        return [line for level, line in self.log if words in line and (not levels or level in levels)]

    @property
    def loud(self) -> str:
        """All that stands in the log above DEBUG."""
        return "\n".join(line for level, line in self.log if level != "DEBUG")


async def page_of(flow: Flow[..., Any], *args: Any, **asked: Any) -> tuple[Page, State[Any]]:
    """Run a flow, and read its page."""
    state = await flow(*args, **asked, return_state=True)
    assert state.state_details.flow_run_id is not None
    return await read_page(str(state.state_details.flow_run_id)), state


async def again(page: Page, flow: Flow[..., Any]) -> Page:
    """Retry the run, as the UI's button and then a worker do: its own parameters, its own name in the ledger."""
    async with get_client() as client:
        await client.set_flow_run_state(UUID(page.run), AwaitingRetry(), force=True)
        run = await client.read_flow_run(UUID(page.run))
    ended: Any = run_flow(flow, flow_run=run, parameters=run.parameters, return_type="state")
    await ended
    return await read_page(page.run, ends=page.ends + 1)


async def read_page(run: str, ends: int = 1) -> Page:
    """The page of a run that has ended so many times, with all of its log."""

    def ended() -> list[dict[str, Any]] | None:
        log: list[dict[str, Any]] = []
        while True:
            wanted = {"logs": {"flow_run_id": {"any_": [run]}}, "sort": "TIMESTAMP_ASC", "limit": 200}
            more = _post("/logs/filter", {**wanted, "offset": len(log)})
            log += more
            if len(more) < 200:
                # Prefect's own last word on a run.
                own = [line["message"] for line in log if line["task_run_id"] is None]
                return log if sum("Finished in state" in line for line in own) >= ends else None

    log = await a_until(ended, "the run's log", every=0.2)
    state = (await asyncio.to_thread(_get, f"/flow_runs/{run}"))["state"]
    lines = [(LEVELS.get(line["level"], str(line["level"])), line["message"]) for line in log]
    return Page(run, state["type"], state["message"] or "", lines, ends)


@contextmanager
def at_the_word(word: str, do: Callable[[], object]) -> Iterator[None]:
    """Do something once, as soon as a line of the log says this."""

    class Listener(logging.Handler):
        heard = False

        def emit(self, record: logging.LogRecord) -> None:
            if not self.heard and word in record.getMessage():
                self.heard = True
                do()

    listener, loggers = Listener(), [logging.getLogger(name) for name in ("prefect.task_runs", "prefect.flow_runs")]
    for logger in loggers:
        logger.addHandler(listener)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(listener)


def _get(path: str) -> Any:
    return httpx.get(f"{PREFECT_API_URL.value()}{path}", trust_env=False, timeout=PATIENCE).json()


def _post(path: str, body: Any) -> Any:
    return httpx.post(f"{PREFECT_API_URL.value()}{path}", json=body, trust_env=False, timeout=PATIENCE).json()

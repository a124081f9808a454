"""A paid task that a sync flow calls without waiting for it is refused, before it buys."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Coroutine, Generator
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar
from uuid import UUID

from prefect import Task
from prefect.context import FlowRunContext

from prefect_genmedia.errors import ConfigurationError

if TYPE_CHECKING:
    from prefect import task as task
else:

    def task(**options: Any) -> Any:
        """As Prefect's, for the tasks that buy."""
        return lambda function: PaidTask(function, **options)


R = TypeVar("R")


class PaidTask(Task[..., Any]):
    """A task whose call outside of an event loop, in a flow run, must be waited for in that run."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        called = super().__call__(*args, **kwargs)
        run = _this_flow_run()
        if run is None or not inspect.iscoroutine(called) or _loop_runs():
            return called
        return _Unawaited(called, self.name, run)


class _Unawaited(Coroutine[Any, Any, R]):
    """What such a call gives: a coroutine for `asyncio.run`, and no result. Prefect itself would run one that a sync
    flow returns, when the flow has ended: bought for no run.
    """

    def __init__(self, called: Coroutine[Any, Any, R], name: str, run: UUID) -> None:
        self._called, self._name, self._run = called, name, run

    def _refuse(self) -> NoReturn:
        self._called.close()
        raise ConfigurationError(
            f"{self._name} was called in a sync flow, and nothing waits for it",
            advice=f"Make it an async flow and write: await {self._name}(...); or: {self._name}.submit(...).result().",
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # whoever asks what kind of thing it is
            raise AttributeError(name)
        if not name.startswith(("cr_", "gi_", "ag_")):  # by those asyncio names it
            self._refuse()
        return getattr(self._called, name)

    def send(self, value: Any) -> Any:
        if _this_flow_run() != self._run:
            self._refuse()
        return self._called.send(value)

    def throw(self, *error: Any) -> Any:
        return self._called.throw(*error)

    def close(self) -> None:
        self._called.close()

    def __await__(self) -> Generator[Any, Any, R]:
        if _this_flow_run() != self._run:
            self._refuse()
        return self._called.__await__()


def _this_flow_run() -> UUID | None:
    context = FlowRunContext.get()
    return context.flow_run.id if context is not None and context.flow_run is not None else None


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True

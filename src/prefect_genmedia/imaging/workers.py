"""Pictures are worked on by as many threads as there are cores: Pillow lets go of the interpreter in most of its work.

Two groups of them. One takes whole pictures, and mostly waits; the other does the work on them, piece by piece. No
thread waits for another of its own group, so that none can stand still.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import ParamSpec, TypeVar

from prefect_genmedia.settings import read_settings

P = ParamSpec("P")
T = TypeVar("T")
U = TypeVar("U")


async def beside_the_loop(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function on whole pictures in a thread: no more of them at once than the machine has cores."""
    context = contextvars.copy_context()
    pool = _threads("genmedia-picture", read_settings().imaging_threads)
    return await asyncio.get_running_loop().run_in_executor(pool, lambda: context.run(function, *args, **kwargs))


def work(function: Callable[[], T]) -> T:
    """One piece of work, when its turn has come."""
    return _threads("genmedia-piece", read_settings().imaging_threads).submit(function).result()


def work_on_each(function: Callable[[U], T], items: Iterable[U]) -> list[T]:
    """The same piece of work for each, side by side. The first error, once none of them runs any more."""
    pool = _threads("genmedia-piece", read_settings().imaging_threads)
    pieces = [pool.submit(function, item) for item in items]
    failures = [failure for piece in pieces if (failure := piece.exception()) is not None]
    if failures:
        raise failures[0]
    return [piece.result() for piece in pieces]


@cache
def _threads(name: str, number: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(number, thread_name_prefix=name)

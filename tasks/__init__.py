"""One Prefect task for each operation of the providers, and for each step after it. Each module by itself."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from prefect_genmedia.tasks.paying.tracebacks import quieten

if TYPE_CHECKING:
    from prefect_genmedia.tasks import (
        flowmusic,
        imaging,
        midjourney,
        moderation,
        novelai,
        novita,
        recipes,
        sheets,
        suno,
        ttapi,
    )

__all__ = [
    "flowmusic",
    "imaging",
    "midjourney",
    "moderation",
    "novelai",
    "novita",
    "recipes",
    "sheets",
    "suno",
    "ttapi",
]

quieten()


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    return import_module(f"{__name__}.{name}")

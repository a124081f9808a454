"""Every operation of the pack, by its stable name. Imported at first use: who needs one product loads no other."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect_genmedia.providers.catalogue import OPERATIONS, find_operation

__all__ = ["FORMER_NAMES", "OPERATIONS", "current_name", "find_operation"]

FORMER_NAMES = {"ttapi.veo_video": "ttapi.gemini_video"}
"""What an operation was called before, in rows of the ledger and in results that are kept."""


def current_name(name: str) -> str:
    """What the operation of this name, or of this former name, is called now."""
    return FORMER_NAMES.get(name, name)


def __getattr__(name: str) -> Any:
    if name not in ("OPERATIONS", "find_operation"):
        raise AttributeError(name)
    from prefect_genmedia.providers import catalogue

    return getattr(catalogue, name)

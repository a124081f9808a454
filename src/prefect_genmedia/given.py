"""Fields typed as what a caller may give, for editors, and checked as what they become."""

from __future__ import annotations

from collections.abc import Sequence
from types import GenericAlias
from typing import Annotated, Any, TypeVar, get_args

from pydantic import GetPydanticSchema


def becomes(kind: Any) -> GetPydanticSchema:
    """What a field is once it is checked: `Annotated[str | Path, becomes(Picture)]`.

    The field is typed as what is accepted, for editors; it is checked, shown in forms and kept as `kind`.
    """
    return GetPydanticSchema(lambda accepted, handler: handler(kind))


ItemT = TypeVar("ItemT")
Several = Annotated[
    Sequence[ItemT],
    GetPydanticSchema(lambda accepted, handler: handler(GenericAlias(tuple, (*get_args(accepted), ...)))),
]
"""A list or a tuple; a tuple once it is checked."""

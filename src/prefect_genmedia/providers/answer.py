"""Lenient reading, shared by both providers: an odd figure never keeps a paid picture back."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo, ValidatorFunctionWrapHandler, field_validator

from prefect_genmedia.operation import Result


class Answer(Result):
    """A part of a provider's answer. A value that cannot be read counts as not given."""

    @field_validator("*", mode="wrap")
    @classmethod
    def _or_not_given(cls, value: Any, read: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        try:
            return read(value)
        except (ValueError, TypeError):
            field = cls.model_fields[str(info.field_name)]
            if field.is_required():
                raise
            return field.get_default(call_default_factory=True)


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def _link(value: Any) -> Any:
    """What stands under `url`, where a link is written as an object."""
    return value["url"] if isinstance(value, dict) and isinstance(value.get("url"), str) else value


def _texts(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list | tuple) else (value,)
    return tuple(each for each in map(_link, values) if isinstance(each, str) and each)


def _places(value: Any) -> tuple[str | None, ...]:
    value = list(value.values()) if isinstance(_link(value), dict) else value
    values = value if isinstance(value, list | tuple) else () if value is None else (value,)
    return tuple(each if isinstance(each, str) and each.strip() else None for each in map(_link, values))


def _url(value: Any) -> str | None:
    value = _link(value)
    return value if isinstance(value, str) and value else None


def _pixels(value: Any) -> int | None:
    size = int(float(value))
    return size if size > 0 else None


def _rows(value: Any) -> tuple[Any, ...]:
    """The rows of a list, an empty one for each that cannot be read: the others keep their places."""
    if not isinstance(value, list | tuple):
        return ()
    return tuple(row if isinstance(row, dict | Result) else {} for row in value)


# Strings in one product are numbers in another, lists are null or a single string: all of it is read. Whether a
# link is one is for the download to say.
Text = Annotated[str | None, BeforeValidator(_text)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]
Places = Annotated[tuple[str | None, ...], BeforeValidator(_places)]
"""Links by their place; None where one is missing."""
Url = Annotated[str | None, BeforeValidator(_url)]
Pixels = Annotated[int | None, BeforeValidator(_pixels)]
Rows = BeforeValidator(_rows)

"""What a user gives, checked before anything begins: an error names the place, and never shows the value."""

from __future__ import annotations

import importlib
from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag, ValidationError

from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.quoting import one_line


def _no_truth_value(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("Input should be a number, not a truth value")
    return value


NO_TRUTH_VALUE = BeforeValidator(_no_truth_value)
# Strict, for True is no 1; and not by a validator, which would keep the bounds out of Prefect's forms.
Whole = Annotated[int, Field(strict=True)]
Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]


def _text_or_model(value: object) -> str:
    return "text" if isinstance(value, str) else ""


# A union of a text and a model is told by what was given, so that an error speaks of that one alone; the model's own
# tag is empty, and stands in no error: `Annotated[Annotated[str, A_TEXT] | Annotated[Model, A_MODEL], TEXT_OR_MODEL]`.
A_TEXT, A_MODEL, TEXT_OR_MODEL = Tag("text"), Tag(""), Discriminator(_text_or_model)


def check_number(name: str, value: object, least: float, most: float, *, whole: bool = False) -> None:
    """Raises ConfigurationError unless `value` is a number from `least` to `most`: no NaN, no True, no text."""
    kind = int if whole else (int, float)
    # Compared as it is, for 400 digits are no float; NaN fails every comparison.
    if not isinstance(value, kind) or isinstance(value, bool) or not least <= value <= most:
        raise ConfigurationError(f"{name} must be a {'whole ' if whole else ''}number from {least:.10g} to {most:.10g}")


def check_name(name: str, value: object, longest: int = 255) -> None:
    """Raises ConfigurationError unless `value` is a short text in one line that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{name} is empty")
    if len(value) > longest or not value.isprintable():
        raise ConfigurationError(f"{name} must be one line of at most {longest} characters")


def refusal(failure: ValidationError, within: str = "") -> ConfigurationError:
    """A pydantic error in our words: which fields, and what is wrong with them; not what was given."""
    said = []
    for wrong in failure.errors(include_url=False, include_input=False, include_context=False):
        path = [within, *(str(part) for part in wrong["loc"])]
        said.append(f"{one_line('.'.join(filter(None, path)))}: {wrong['msg'].removeprefix('Value error, ')}")
    return ConfigurationError("; ".join(dict.fromkeys(said)))


def imported_function(what: str, name: str) -> Any:
    """The function behind 'package.module:function'. Raises ConfigurationError."""
    module, _, function = name.partition(":")
    try:
        return getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError):
        raise ConfigurationError(
            f"the {what} {name!r} cannot be imported", advice="Give 'package.module:function'."
        ) from None

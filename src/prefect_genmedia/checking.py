"""What a user gives, checked before anything begins: an error names the place, and never shows the value."""

from __future__ import annotations

import difflib
import importlib
import json
import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator

from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.quoting import one_line

T = TypeVar("T")


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


class Asked(BaseModel):
    """What a person fills in: strict, and never shown. A misspelt field is named, with what was probably meant."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _name_fields(cls, data: Any) -> Any:
        # Here, for pydantic's own error of such a field does not say which there are.
        strange = [name for name in data if name not in cls.model_fields] if isinstance(data, dict) else []
        if strange:
            near = difflib.get_close_matches(str(strange[0]), cls.model_fields, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"the fields are {', '.join(cls.model_fields)}"
            raise ValueError(f"there is no field {one_line(strange[0])[:40]!r}; {hint}")
        return data


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


# What no keyboard writes, but for tabs and the ends of lines.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def refuse_controls(value: object) -> None:
    """Raises ValueError for a control character in a text, or in the texts of a list or a dict."""
    if isinstance(value, str):
        if found := _CONTROL.search(value):
            raise ValueError(f"it holds the control character U+{ord(found[0]):04X}, at place {found.start() + 1}")
    elif isinstance(value, dict):
        for name, each in value.items():
            refuse_controls(name)
            refuse_controls(each)
    elif isinstance(value, list | tuple):
        for each in value:
            refuse_controls(each)


def strict_json(text: str) -> Any:
    """What a person wrote as JSON. Raises ValueError: for a name that stands twice, and for NaN and Infinity, too."""
    return json.loads(text, object_pairs_hook=_once_each, parse_constant=_no_constant)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{one_line(name)} stands in it twice")
        found[name] = value
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def refusal(failure: ValidationError, within: str = "") -> ConfigurationError:
    """A pydantic error in our words: which fields, and what is wrong with them; not what was given."""
    said = []
    for wrong in failure.errors(include_url=False, include_input=False, include_context=False):
        path = [within, *(str(part) for part in wrong["loc"])]
        words = "there is no such field" if wrong["type"] == "extra_forbidden" else wrong["msg"]
        said.append(f"{one_line('.'.join(filter(None, path)))}: {words.removeprefix('Value error, ')}")
    return ConfigurationError("; ".join(dict.fromkeys(said)))


def checked(make: Callable[[], T], within: str = "") -> T:
    """What is made, or a ConfigurationError that names the fields that are wrong."""
    try:
        return make()
    except ValidationError as failure:
        error = refusal(failure, within)
    raise error  # outside: the other error holds what was given


def imported_function(what: str, name: str) -> Any:
    """The function behind 'package.module:function'. Raises ConfigurationError."""
    module, _, function = name.partition(":")
    wrong = "is no function"
    try:
        found = getattr(importlib.import_module(module), function)
    except Exception as failure:  # whatever is wrong with a user's module
        found, wrong = None, f"cannot be imported ({type(failure).__name__})"
    if not callable(found):
        raise ConfigurationError(f"the {what} {name!r} {wrong}", advice="Give 'package.module:function'.")
    return found

"""What our blocks share: they take no field that they do not have, and show nothing of what they are given."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Self

from prefect.blocks.core import Block
from prefect.client.schemas.objects import BlockType
from pydantic import ConfigDict, SecretStr, ValidationError, ValidatorFunctionWrapHandler, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from prefect_genmedia.blocks.logo import without_logo
from prefect_genmedia.quoting import without_signatures

NOT_SHOWN = "(not shown)"
UNKNOWN_FIELD = ("extra_forbidden", "no_such_attribute")


class StrictBlock(Block):
    """A block whose errors show nothing that it was given, however it was given, for that may be a key.

    Pydantic shows the whole input of a field that is missing, misspelt or of another type, and Prefect's blocks
    take fields that they do not have: a misspelt limit would be none.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, validate_assignment=True)

    @classmethod
    def _to_block_type(cls) -> BlockType:
        return without_logo(super()._to_block_type())

    @model_validator(mode="wrap")
    @classmethod
    def _without_showing(cls, data: Any, handler: ValidatorFunctionWrapHandler) -> Self:
        if isinstance(data, Mapping) and data.get("block_type_slug") == cls.get_block_type_slug():
            data = {name: value for name, value in data.items() if name != "block_type_slug"}
        try:
            return handler(data)  # type: ignore[no-any-return]  # it is an instance of this class
        except ValidationError as failure:
            error = cls._unseen(failure)
        raise error

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """As any model does. What is no JSON at all is not shown either."""
        try:
            return super().model_validate_json(json_data, **options)
        except ValidationError as failure:
            error = cls._unseen(failure)
        raise error

    @classmethod
    def parse_raw(cls, b: str | bytes, **options: Any) -> Self:
        """Pydantic 1's word for model_validate_json; its own error would show it."""
        return cls.model_validate_json(b)

    @classmethod
    def _unseen(cls, failure: ValidationError) -> ValidationError:
        """The same without what was given; raised outside of the except block, or it would be its context."""
        wrong = failure.errors(include_url=False, include_input=False, include_context=False)
        details = [
            InitErrorDetails(
                type=PydanticCustomError("not_usable", cls._complaint(each["type"], each["loc"], each["msg"])),
                loc=each["loc"][:-1] if each["type"] in UNKNOWN_FIELD else each["loc"],
                input=NOT_SHOWN,
            )
            for each in wrong
        ]
        return ValidationError.from_exception_data(cls.__name__, details, hide_input=True)

    @classmethod
    def _complaint(cls, kind: str, where: tuple[int | str, ...], message: str) -> Any:
        if kind in UNKNOWN_FIELD:
            # A name that resembles none of ours may be the key itself.
            near = difflib.get_close_matches(str(where[-1]), cls.model_fields, n=1, cutoff=0.6)
            if near and len(where) == 1:
                return f"there is no field {str(where[0])[:40]!r}; did you mean {near[0]!r}?"
            return "there is a field that is not known"
        if kind == "json_invalid":
            return "this is no JSON"
        return (
            "this is another kind of block"
            if kind == "value_error" and not where
            else message.removeprefix("Value error, ")
        )

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with some fields changed, each checked as if it were given anew."""
        copy = super().model_copy(deep=deep)
        for name, value in (update or {}).items():
            setattr(copy, name, value)
        return copy

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        shown: list[tuple[str | None, Any]] = []
        for name, value in super().__repr_args__():
            hidden = SecretStr(NOT_SHOWN) if name == "api_key" else without_signatures(value)
            shown.append((name, hidden))
        return shown

"""What is known of every operation beside its paths and fields: prices, limits, retention. The figures: facts.yaml.

A user's own prices go before these: `GENMEDIA_PRICES` names a file of such rows, or `variable:NAME` a Prefect variable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date as Day
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.operation import Operation
from prefect_genmedia.providers import current_name
from prefect_genmedia.providers.words import number

MOST = 1e9
VARIABLE = "variable:"


class Fact(BaseModel):
    """A row of facts.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    source: str = "yours"
    date: Day | None = None


class Price(Fact):
    """What one job costs, in the unit of its operation."""

    operation: str
    when: dict[str, JsonValue] = Field(default_factory=dict)
    """The fields that must be so: a list is any of these, null is left out."""
    price: Annotated[float, Field(ge=0, le=MOST, allow_inf_nan=False)]
    times: str | None = None
    """The field whose number the price is multiplied by."""

    def of(self, request: Mapping[str, Any]) -> float | None:
        """The price of this request, by its canonical form; None where this row does not fit it."""
        for name, wanted in self.when.items():
            if not any(_same(request.get(name), each) for each in (wanted if isinstance(wanted, list) else [wanted])):
                return None
        factor = 1.0 if self.times is None else number(request.get(self.times))
        return None if factor is None else self.price * factor

    @property
    def fields(self) -> list[str]:
        return [*self.when, *([self.times] if self.times else [])]


class Limit(Fact):
    """How many at once, and how long results live."""

    operations: tuple[str, ...]
    at_once: str
    jobs: int | None = None
    """How many jobs may be in progress."""
    a_minute: int | None = None
    """How many may be submitted in a minute: jobs, or what `times` counts."""
    times: str | None = None
    results: str


class Worth(Fact):
    """What 1 USD buys of another unit."""

    price: float


def _same(value: Any, wanted: Any) -> bool:
    if value is None or wanted is None:
        return value is wanted
    return str(value).lower() == str(wanted).lower()  # 30 and "30", true and True


@cache
def _facts() -> dict[str, Any]:
    text = files("prefect_genmedia.providers").joinpath("facts.yaml").read_text("utf-8")
    return dict(yaml.safe_load(text))


@cache
def gives() -> dict[str, str]:
    """What each operation gives."""
    return dict(_facts()["gives"])


@cache
def shipped_prices() -> tuple[Price, ...]:
    """The prices that have a source."""
    return tuple(Price.model_validate(row) for row in _facts()["prices"])


@cache
def quota_per_usd() -> Worth:
    return Worth.model_validate(_facts()["quota_per_usd"])


def in_usd(amount: float, unit: str) -> float:
    """The same amount in USD, by the vendor's own rate. Raises KeyError for a unit that has none."""
    return amount / {"USD": 1.0, "quota": quota_per_usd().price}[unit]


@cache
def _moves() -> frozenset[str]:
    return frozenset(_facts()["moves"])


def kind_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """What in a canonical request may move its price and its time. Equal kinds cost and take alike.

    What a prompt's own parameters add (Midjourney's --hd) is in no field: it shows in how far equal kinds differ.
    """
    return {name: value for name, value in request.items() if name in _moves()}


@cache
def limits() -> tuple[Limit, ...]:
    return tuple(Limit.model_validate(row) for row in _facts()["limits"])


def limit_of(operation: str) -> Limit:
    return next(each for each in limits() if operation.startswith(each.operations))


def price_among(
    prices: Iterable[Price], operation: Operation[Any, Any], request: Mapping[str, Any]
) -> tuple[Price, float] | None:
    """The first row that fits this request, and what it makes of it, in the unit of the operation."""
    for row in prices:
        if current_name(row.operation) == operation.name and (cost := row.of(request)) is not None:
            return row, cost
    return None


def expected_cost(operation: Operation[Any, Any], request: Mapping[str, Any], own: Sequence[Price]) -> float | None:
    """What the provider is expected to charge, in its own unit; None when it is not known."""
    found = price_among((*own, *shipped_prices()), operation, request)
    return None if found is None else found[1]


def read_prices(rows: Any, where: str) -> tuple[Price, ...]:
    """A user's own rows, or {"prices": rows}. Raises ConfigurationError that names the row."""
    rows = rows.get("prices", rows) if isinstance(rows, Mapping) else rows
    if not isinstance(rows, list):
        raise ConfigurationError(f"{where} holds no list of prices", advice=_FORM)
    return tuple(_own(row, f"price {place} of {where}") for place, row in enumerate(rows, start=1))


_FORM = "A price looks so: {operation: novita.img2img, price: 0.002, times: image_num, when: {steps: 20}}."


def _own(row: Any, where: str) -> Price:
    try:
        price = Price.model_validate(row)
    except ValidationError as failure:
        wrong = failure.errors(include_url=False, include_input=False, include_context=False)[0]
        error = ConfigurationError(
            f"{where} cannot be read: {'.'.join(map(str, wrong['loc']))}: {wrong['msg']}", advice=_FORM
        )
    else:
        _check_names(price, where)
        return price
    raise error


def _check_names(price: Price, where: str) -> None:
    from prefect_genmedia.providers.catalogue import (  # all products: only where prices are given
        OPERATIONS,
        find_operation,
    )

    operation = find_operation(price.operation)
    if operation is None:
        raise ConfigurationError(f"{where} names no operation", advice=f"There are {', '.join(sorted(OPERATIONS))}.")
    known = operation.request.model_fields
    for name in price.fields:
        if name not in known:
            raise ConfigurationError(
                f"{where} goes by a field that {operation.name} does not have",
                advice=f"Its fields are {', '.join(sorted(known))}.",
            )


def prices_in_file(path: str) -> tuple[Price, ...]:
    """The rows of a YAML or JSON file. Blocking; read again once it has changed. Raises ConfigurationError."""
    try:
        return _prices_in(path, Path(path).expanduser().stat().st_mtime_ns)
    except OSError as failure:
        why = type(failure).__name__
    raise ConfigurationError(f"the file of GENMEDIA_PRICES cannot be read ({why})")


@lru_cache(maxsize=8)
def _prices_in(path: str, changed: int) -> tuple[Price, ...]:
    try:
        rows = yaml.safe_load(Path(path).expanduser().read_text("utf-8"))
    except (yaml.YAMLError, ValueError):
        rows = None
    return read_prices(rows, "the file of GENMEDIA_PRICES")

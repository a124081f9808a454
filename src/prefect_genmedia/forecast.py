"""What a list of requests will cost and how long it will take, before any is bought: each figure with its source.

Nothing is sent, no picture is read. What no source tells is listed, and in no sum.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.jobs.buying import ledger_of
from prefect_genmedia.jobs.figures import Seen, seen
from prefect_genmedia.jobs.purchase import own_prices
from prefect_genmedia.jobs.values import Terms
from prefect_genmedia.media.pictures import pictures_in
from prefect_genmedia.operation import Account, Operation, Request
from prefect_genmedia.providers import OPERATIONS
from prefect_genmedia.providers.facts import (
    Limit,
    Price,
    in_usd,
    kind_of,
    limit_of,
    price_among,
    quota_per_usd,
    shipped_prices,
)
from prefect_genmedia.providers.words import number
from prefect_genmedia.settings import read_settings

GUESS = 5.0  # a time that no job has shown may be so many times shorter or longer
GUESSED = "the pack's own guess, up to 5 times off; no such job is in the ledger"


class Range(BaseModel):
    """From the least to the most."""

    model_config = ConfigDict(frozen=True)

    least: float
    most: float


class Figure(BaseModel):
    """What one job of a kind is expected to cost or to take, and who says so."""

    model_config = ConfigDict(frozen=True)

    of: Literal["price", "time"]
    operation: str
    kind: dict[str, Any]
    """The fields of the request that move it."""
    jobs: int
    """How many of the list are of this kind."""
    each: Range
    unit: str
    """quota, USD, or seconds."""
    source: str
    date: str | None = None


class Forecast(BaseModel):
    """What a list of requests is expected to cost and to take, if each is bought once and none fails."""

    model_config = ConfigDict(frozen=True)

    jobs: int
    quota: Range | None
    """TTAPI's part, of the jobs whose price is known; None where none of them is TTAPI's."""
    usd: Range
    """All jobs whose price is known, TTAPI's at the vendor's own rate."""
    seconds: Range
    """From the first submit to the last file, if all are asked for at once."""
    figures: tuple[Figure, ...]
    unknown: tuple[str, ...]
    """What no source tells: it is in no figure and in no sum."""


Wanted = Request | tuple[Operation[Any, Any] | str, Request]


def forecast(
    requests: Iterable[Wanted],
    *,
    account: Account | None = None,
    prices: Sequence[Price] | None = None,
    at_once: int | None = None,
) -> Forecast:
    """What these requests will cost and take. Free: nothing is sent. Blocking: the ledger is read.

    A request whose class serves several operations (Kling 3.0 standard and pro) is given with its operation's name.
    Prices, in this order: your own (`prices`, or GENMEDIA_PRICES), what such jobs cost by the ledger (three or more;
    of `account`, or of all), the vendor's page. Times: what such jobs took by the ledger, else a guess, so said.
    `at_once` is how many of them you run beside each other; None: all, as far as the provider's known limits go.
    Raises ConfigurationError, LedgerError.
    """
    settings = read_settings()
    own = own_prices(Terms(prices=prices), settings)
    ledger = ledger_of(settings)
    kinds: dict[str, tuple[Operation[Any, Any], dict[str, Any]]] = {}
    counts: Counter[str] = Counter()
    for wanted in requests:
        operation, request = _operation_of(wanted)
        canonical = request.canonical({id(picture): "" for _, picture, _ in pictures_in(request)})
        # The words of a price row may be any field: only what is priced alike is counted together.
        cost = price_among((*own, *shipped_prices()), operation, canonical)
        name = f"{operation.name} {sorted(kind_of(canonical).items())} {cost and cost[1]}"
        kinds.setdefault(name, (operation, canonical))
        counts[name] += 1
    of_account = None if account is None else account.fingerprint
    past = {name: ledger.past(name, of_account) for name in {each.name for each, _ in kinds.values()}}
    figures: list[Figure] = []
    unknown: list[str] = []
    for name, (operation, canonical) in kinds.items():
        lately = seen(past[operation.name], canonical)
        figures.append(_time(operation, canonical, counts[name], lately))
        if (price := _price(operation, canonical, counts[name], own, lately)) is not None:
            figures.append(price)
        else:
            unknown.append(f"the price of {counts[name]} x {_said(operation.name, canonical)}: no source names one")
    seconds, unlimited = _whole_time(kinds, counts, figures, at_once)
    priced = [figure for figure in figures if figure.of == "price"]
    return Forecast(
        jobs=counts.total(),
        quota=_sum(priced, "quota") if any(each.unit == "quota" for each, _ in kinds.values()) else None,
        usd=_dollars(priced),
        seconds=seconds,
        figures=tuple(figures),
        unknown=(*unknown, *unlimited),
    )


def _operation_of(wanted: Wanted) -> tuple[Operation[Any, Any], Request]:
    if isinstance(wanted, tuple):
        named, request = wanted
        operation = OPERATIONS.get(named) if isinstance(named, str) else named
        if operation is None or not isinstance(request, operation.request):
            raise ConfigurationError(f"{named!r} is no operation of {type(request).__name__}")
        return operation, request
    fitting = [each for each in OPERATIONS.values() if each.request is type(wanted)]
    if len(fitting) != 1:
        names = ", ".join(each.name for each in fitting)
        raise ConfigurationError(
            f"{type(wanted).__name__} is the request of {names or 'no operation'}",
            advice="Give it with its operation's name: ('novita.kling_v30_pro_i2v', request).",
        )
    return fitting[0], wanted


def _said(name: str, canonical: Mapping[str, Any]) -> str:
    kind = ", ".join(f"{field} {value}" for field, value in kind_of(canonical).items())
    return f"{name} ({kind})" if kind else name


def _price(
    operation: Operation[Any, Any], canonical: dict[str, Any], jobs: int, own: Sequence[Price], lately: Seen
) -> Figure | None:
    named = price_among(own, operation, canonical)
    if named is None and lately.costs:
        source = f"the ledger: the last {len(lately.costs)} jobs of this kind"
        each = Range(least=min(lately.costs), most=max(lately.costs))
        return Figure(
            of="price", operation=operation.name, kind=kind_of(canonical), jobs=jobs, each=each, unit=operation.unit,
            source=source,
        )  # fmt: skip
    if named is None and (named := price_among(shipped_prices(), operation, canonical)) is None:
        return None
    row, cost = named
    return Figure(
        of="price",
        operation=operation.name,
        kind=kind_of(canonical),
        jobs=jobs,
        each=Range(least=cost, most=cost),
        unit=operation.unit,
        source=row.source,
        date=None if row.date is None else row.date.isoformat(),
    )


def _time(operation: Operation[Any, Any], canonical: dict[str, Any], jobs: int, lately: Seen) -> Figure:
    if lately.seconds:
        each = Range(least=min(lately.seconds), most=max(lately.seconds))
        source = f"the ledger: the last {len(lately.seconds)} jobs of this kind"
    else:
        each = Range(least=operation.typical_seconds / GUESS, most=operation.typical_seconds * GUESS)
        source = GUESSED
    return Figure(
        of="time", operation=operation.name, kind=kind_of(canonical), jobs=jobs, each=each, unit="seconds",
        source=source,
    )  # fmt: skip


def _sum(figures: Iterable[Figure], unit: str) -> Range:
    some = [figure for figure in figures if figure.unit == unit]
    return Range(least=sum(each.each.least * each.jobs for each in some),
                 most=sum(each.each.most * each.jobs for each in some))  # fmt: skip


def _dollars(priced: list[Figure]) -> Range:
    sums = [(_sum(priced, unit), unit) for unit in ("quota", "USD")]
    return Range(least=sum(in_usd(each.least, unit) for each, unit in sums),
                 most=sum(in_usd(each.most, unit) for each, unit in sums))  # fmt: skip


def rate() -> str:
    """Who says what quota is worth."""
    worth = quota_per_usd()
    return f"{worth.price:g} quota are 1 USD ({worth.source}, {worth.date})"


def _whole_time(
    kinds: Mapping[str, tuple[Operation[Any, Any], dict[str, Any]]],
    counts: Mapping[str, int],
    figures: Sequence[Figure],
    at_once: int | None,
) -> tuple[Range, list[str]]:
    """All of them, each queue of the provider's working by itself; and the queues whose limit no page tells."""
    times = [figure for figure in figures if figure.of == "time"]
    queues: dict[Limit, list[tuple[Figure, float]]] = defaultdict(list)
    for (name, (operation, canonical)), figure in zip(kinds.items(), times, strict=True):
        limit = limit_of(operation.name)
        queues[limit].append((figure, counts[name] * (number(canonical.get(limit.times or "")) or 1.0)))
    spans = [_queue(limit, jobs, at_once) for limit, jobs in queues.items()]
    unlimited = [
        f"how many of {', '.join(sorted({figure.operation for figure, _ in jobs}))} may run at once: "
        f"taken as {'all' if at_once is None else at_once}"
        for limit, jobs in queues.items()
        if limit.jobs is None and limit.a_minute is None
    ]
    if not spans:
        return Range(least=0, most=0), []
    # One after the other is the most that several queues take when our own limit is shared by all.
    most = max(span.most for span in spans) if at_once is None else sum(span.most for span in spans)
    every = sum(figure.each.least * figure.jobs for figure in times)
    least = max(max(span.least for span in spans), every / at_once if at_once else 0.0)
    return Range(least=least, most=most), unlimited


def _queue(limit: Limit, jobs: Sequence[tuple[Figure, float]], at_once: int | None) -> Range:
    places = min(limit.jobs or math.inf, at_once or math.inf)
    minutes = math.ceil(sum(counted for _, counted in jobs) / limit.a_minute) - 1 if limit.a_minute else 0
    longest = Range(least=max(each.each.least for each, _ in jobs), most=max(each.each.most for each, _ in jobs))
    whole = _sum((each for each, _ in jobs), "seconds")
    last = longest.most if sum(each.jobs for each, _ in jobs) <= places else whole.most / places + longest.most
    return Range(least=max(longest.least, whole.least / places, minutes * 60.0), most=last + minutes * 60.0)

"""What jobs of one kind cost and took, by the ledger's own rows: a few of them count more than a page's example."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from prefect_genmedia.jobs.call import Call
from prefect_genmedia.jobs.looking.pace import ENOUGH, KEPT
from prefect_genmedia.jobs.purchase import Purchase
from prefect_genmedia.ledger import Past
from prefect_genmedia.providers.facts import Price, kind_of, price_among

if TYPE_CHECKING:
    from prefect_genmedia.ledger import Ledger

FRESH_SECONDS = 60.0  # so that a burst of purchases asks the ledger once


@dataclass(frozen=True)
class Seen:
    """What the newest jobs of a kind cost and took; empty where they are too few to count as a rule."""

    costs: tuple[float, ...] = ()
    seconds: tuple[float, ...] = ()


def seen(past: Sequence[Past], request: Mapping[str, Any]) -> Seen:
    """Of the jobs of one operation, the newest first, those that are of this canonical request's kind."""
    kind = kind_of(request)
    alike = [each for each in past if kind_of(each.request) == kind]
    costs = tuple(each.quota for each in alike if each.quota is not None)[:KEPT]
    seconds = tuple(each.seconds for each in alike if each.seconds is not None)[:KEPT]
    return Seen(costs if len(costs) >= ENOUGH else (), seconds if len(seconds) >= ENOUGH else ())


_read: dict[tuple[str, ...], tuple[float, float]] = {}  # when, and what was found


def _most_lately(ledger: Ledger, operation: str, account: str, request: Mapping[str, Any]) -> float | None:
    key = (ledger.database.name, operation, account, repr(sorted(kind_of(request).items())))
    at, most = _read.get(key, (0.0, 0.0))
    if at and time.monotonic() - at < FRESH_SECONDS:
        return most
    costs = seen(ledger.past(operation, account, charged=True), request).costs
    if not costs:
        return None  # not remembered: the next job may be the one that makes a rule
    _read[key] = time.monotonic(), max(costs)
    return max(costs)


def by_own_figures(call: Call, wanted: Purchase, own: Sequence[Price]) -> Purchase:
    """The same purchase, for a budget to count by the most that such a job cost lately. Blocking.

    A price of the user's own goes first; a page's example counts only until the ledger knows better.
    """
    want = wanted.want
    if call.terms.budget is None or price_among(own, call.operation, want.request) is not None:
        return wanted
    most = _most_lately(call.ledger, want.operation, want.account, want.request)
    return wanted if most is None else replace(wanted, want=replace(want, expected_cost=most))

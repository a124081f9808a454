"""What counts against a budget: read from the jobs themselves, so that nothing can drift."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Float, Select, and_, bindparam, case, func, or_, select, text
from sqlalchemy.orm import Session

from prefect_genmedia.budget import MOST, Budget
from prefect_genmedia.errors import BudgetExceededError, ConfigurationError
from prefect_genmedia.ledger.models import JobRow, TagRow
from prefect_genmedia.ledger.values import LedgerState

S = LedgerState
_LOCK = 7_305_811_221  # any number that no one else locks in PostgreSQL

# Bought, or perhaps bought. A failed job counts unless its quota was returned.
_BOUGHT = (S.INTENT, S.UNKNOWN, S.SUBMITTED, S.SUCCEEDED, S.STORED, S.EXPIRED)


def reserve(session: Session, budget: Budget, job: JobRow, tags: Sequence[str]) -> None:
    """Does every limit allow this job, which its row already says is to be sent? To be called just before the commit.

    Raises BudgetExceededError, and ConfigurationError when the price is not known and no assumption is given, or when
    the budget counts in another unit: it would guard nothing.
    """
    budget.require_unit(job.unit)
    cost = job.expected_cost
    if cost is None:
        raise ConfigurationError(
            "this job's price is not known before it is bought",
            advice="Set unknown_cost in the budget: what such a job is to count.",
        )
    named = {tag: budget.per_tag[tag] for tag in dict.fromkeys(tags) if tag in budget.per_tag}
    if budget.per_run is None and budget.per_day is None and not named:
        return
    now = _alone(session)
    limits = {"run": budget.per_run, "day": budget.per_day, **{f"tag {tag!r}": named[tag] for tag in named}}
    query = _sums(budget.per_run is not None, budget.per_day is not None, len(named))
    values = {f"tag{n}": tag for n, tag in enumerate(named)} | {"run": job.run, "day": budget.day_start(now)}
    values |= {"job": job.id, "unit": job.unit, "unknown": budget.unknown_cost or 0.0}
    spends = session.execute(query, values).one()
    for (name, limit), spent in zip(((n, x) for n, x in limits.items() if x is not None), spends, strict=True):
        left = limit - float(spent)
        if cost > left + 1e-9:
            raise BudgetExceededError(
                f"the budget of this {name} has {max(left, 0):g} of {limit:g} {job.unit} left; "
                f"this job counts {cost:g}",
                advice="Raise the limit or wait, then run again: what is bought stays bought.",
            )


def left_today(session: Session, budget: Budget, unit: str, now: float) -> float | None:
    """How much of the day's limit is left; None where the budget has none. Asked while nobody is held up."""
    if budget.per_day is None:
        return None
    values = {"day": budget.day_start(now), "job": "", "unit": unit, "unknown": budget.unknown_cost or 0.0}
    return budget.per_day - float(session.execute(_sums(False, True, 0), values).scalar_one())


def _alone(session: Session) -> float:
    """One at a time from here to the commit: two workers must not both see the last of the budget. The time it is.

    Whoever is here waits for no row any more, so nobody waits in a circle. SQLite has one writer at a time anyway.
    """
    if session.get_bind().dialect.name != "postgresql":
        return time.time()
    clock = "extract(epoch from statement_timestamp())::float"
    _, now = session.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK}), {clock}")).one()
    return float(now)


@lru_cache
def _sums(run: bool, day: bool, tags: int) -> Select[Any]:
    """One question for all limits of a budget. Kept: to put it together takes longer than to ask it."""
    sums = [_sum(JobRow, JobRow.run == bindparam("run"))] if run else []
    sums += [sum(_sum(JobRow, *sent) for sent in _sent_since(bindparam("day")))] if day else []
    return select(*sums, *(_sum(TagRow, TagRow.tag == bindparam(f"tag{n}")) for n in range(tags)))


def _sum(table: type[JobRow] | type[TagRow], *which: Any) -> Any:
    """What all but this job count. What counts is asked inside of the sum: only `which` is to choose the index."""
    counts = or_(table.state.in_(_BOUGHT), and_(table.state == S.FAILED, table.refunded.is_not(True)))
    other = (JobRow.id if table is JobRow else TagRow.job) != bindparam("job")
    counted = func.coalesce(func.sum(case((counts, _counted(table)))), 0.0)
    return select(counted).where(table.unit == bindparam("unit"), other, *which).scalar_subquery()


def _sent_since(start: Any) -> list[tuple[Any, ...]]:
    """What was bought before 0003 does not say when it was sent, and counts from what else it says.

    One question for each, so that each finds its rows in an index.
    """
    unsent, untold = JobRow.sent_at.is_(None), JobRow.submitted_at.is_(None)
    return [
        (JobRow.sent_at >= start,),
        (unsent, JobRow.submitted_at >= start),
        (unsent, untold, JobRow.state.in_([*_BOUGHT, S.FAILED]), JobRow.updated_at >= start),
    ]


def _counted(table: type[JobRow] | type[TagRow]) -> Any:
    """What one job counts. An absurd figure, such as older versions wrote down, makes no room and takes none."""
    charged = case((table.quota.between(0.0, MOST), table.quota))
    expected = case((table.expected_cost.between(0.0, MOST), table.expected_cost))
    return func.coalesce(charged, expected, bindparam("unknown", type_=Float))

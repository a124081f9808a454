"""What counts against a budget: read from the jobs themselves, so that nothing can drift."""

from __future__ import annotations

import time

from sqlalchemy import and_, exists, func, or_, select, text
from sqlalchemy.orm import Session

from prefect_genmedia.budget import Budget
from prefect_genmedia.errors import BudgetExceededError, ConfigurationError
from prefect_genmedia.ledger.models import JobRow, LedgerState, TagRow

S = LedgerState
_LOCK = 7_305_811_221  # any number that no one else locks in PostgreSQL

# Bought, or perhaps bought. A failed job counts unless its quota was returned.
_COUNTS = or_(
    JobRow.state.in_([S.INTENT, S.UNKNOWN, S.SUBMITTED, S.SUCCEEDED, S.STORED, S.EXPIRED]),
    and_(JobRow.state == S.FAILED, JobRow.refunded.is_not(True)),
)


# An INTENT was last changed when it was meant to be sent.
_BOUGHT_AT = func.coalesce(JobRow.submitted_at, JobRow.updated_at)


def gate(session: Session, budget: Budget | None) -> None:
    """One at a time from here to the commit: two workers must not both see the last of the budget.

    To be called before the first look at a row. SQLite has one writer at a time anyway.
    """
    if budget is not None and session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))


def reserve(
    session: Session,
    budget: Budget,
    *,
    unit: str,
    cost: float | None,
    run: str,
    tags: tuple[str, ...],
    besides: str | None = None,
) -> float | None:
    """What the job will count, if every limit allows it; in the transaction that writes the job's row.

    Raises BudgetExceededError, and ConfigurationError when the price is not known and no assumption is given.
    """
    if budget.unit not in (None, unit):
        return cost
    cost = budget.unknown_cost if cost is None else cost
    if cost is None:
        raise ConfigurationError(
            "this job's price is not known before it is bought",
            advice="Set unknown_cost in the budget: what such a job is to count.",
        )
    limits = [("run", budget.per_run, JobRow.run == run)]
    limits.append(("day", budget.per_day, budget.day_start(time.time()) <= _BOUGHT_AT))
    for tag in tags:
        tagged = exists().where(TagRow.job == JobRow.id, TagRow.tag == tag)
        limits.append((f"tag {tag!r}", budget.per_tag.get(tag), tagged))
    for name, limit, which in limits:
        if limit is None:
            continue
        counted = func.coalesce(JobRow.quota, JobRow.expected_cost, budget.unknown_cost or 0.0)
        query = select(func.coalesce(func.sum(counted), 0.0)).where(JobRow.unit == unit, _COUNTS, which)
        if besides is not None:
            query = query.where(JobRow.id != besides)
        left = limit - float(session.scalars(query).one())
        if cost > left + 1e-9:
            raise BudgetExceededError(
                f"the budget of this {name} has {max(left, 0):g} of {limit:g} {unit} left; this job counts {cost:g}",
                advice="Nothing was sent. Raise the limit or wait, then run again: what is bought stays bought.",
            )
    return cost

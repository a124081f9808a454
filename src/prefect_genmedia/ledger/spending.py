"""What counts against a budget: read from the jobs themselves, so that nothing can drift."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, case, exists, func, or_, select, text
from sqlalchemy.orm import Session

from prefect_genmedia.budget import MOST, Budget
from prefect_genmedia.errors import BudgetExceededError, ConfigurationError
from prefect_genmedia.ledger.models import JobRow, LedgerState, TagRow

S = LedgerState
_LOCK = 7_305_811_221  # any number that no one else locks in PostgreSQL

# Bought, or perhaps bought. A failed job counts unless its quota was returned.
_COUNTS = or_(
    JobRow.state.in_([S.INTENT, S.UNKNOWN, S.SUBMITTED, S.SUCCEEDED, S.STORED, S.EXPIRED]),
    and_(JobRow.state == S.FAILED, JobRow.refunded.is_not(True)),
)
# What was bought before 0003 does not say when it was sent.
_BOUGHT_AT = func.coalesce(JobRow.sent_at, JobRow.submitted_at, JobRow.updated_at)


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
    now = _alone(session)
    limits = [("run", budget.per_run, JobRow.run == job.run)]
    limits.append(("day", budget.per_day, budget.day_start(now) <= _BOUGHT_AT))
    for tag in tags:
        tagged = exists().where(TagRow.job == JobRow.id, TagRow.tag == tag)
        limits.append((f"tag {tag!r}", budget.per_tag.get(tag), tagged))
    for name, limit, which in limits:
        if limit is None:
            continue
        counted = func.coalesce(func.sum(_counted(budget)), 0.0)
        query = select(counted).where(JobRow.unit == job.unit, _COUNTS, which, JobRow.id != job.id)
        left = limit - float(session.scalars(query).one())
        if cost > left + 1e-9:
            raise BudgetExceededError(
                f"the budget of this {name} has {max(left, 0):g} of {limit:g} {job.unit} left; "
                f"this job counts {cost:g}",
                advice="Nothing was sent. Raise the limit or wait, then run again: what is bought stays bought.",
            )


def _alone(session: Session) -> float:
    """One at a time from here to the commit: two workers must not both see the last of the budget. The time it is.

    Whoever is here waits for no row any more, so nobody waits in a circle. SQLite has one writer at a time anyway.
    """
    if session.get_bind().dialect.name != "postgresql":
        return time.time()
    clock = "extract(epoch from statement_timestamp())::float"
    _, now = session.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK}), {clock}")).one()
    return float(now)


def _counted(budget: Budget) -> Any:
    """What one job counts. An absurd figure, such as older versions wrote down, makes no room and takes none."""
    charged = case((JobRow.quota.between(0.0, MOST), JobRow.quota))
    expected = case((JobRow.expected_cost.between(0.0, MOST), JobRow.expected_cost))
    return func.coalesce(charged, expected, budget.unknown_cost or 0.0)

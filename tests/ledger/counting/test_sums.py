"""What budgets read from indexes, and from the copies beside the tags, is the plain sum over the jobs: at any time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
from sqlalchemy import select, text, update

from prefect_genmedia.budget import MOST, Budget
from prefect_genmedia.errors import BudgetExceededError
from prefect_genmedia.ledger import JobRow, Ledger, Want
from prefect_genmedia.ledger import LedgerState as S
from prefect_genmedia.ledger.models import COUNTED, TagRow
from prefect_genmedia.ledger.spending import reserve
from prefect_genmedia.operation import JobState, JobStatus
from tests.ledger.actors import DONE, FILE, forget, rewrite, want

RUNS, TAGS, UNITS = ("flow:1", "flow:2", "flow:3"), ("spring", "cats", "žába"), ("quota", "USD")
UNKNOWN_COST = 0.5
LIMIT = 1000.0


class History:
    """Jobs to which anything happens that can happen to a job, in any order."""

    def __init__(self, ledger: Ledger, seed: int) -> None:
        self.ledger, self.chance = ledger, random.Random(seed)
        self.wants: dict[str, Want] = {}
        self.count = 0

    def step(self) -> None:
        steps = [*[self.buy] * 4, self.take_over, self.supersede, self.adopt, self.rewrite]
        steps += [self.accepted, self.refused, self.lost, self.done, self.stored, self.failed, self.forgotten] * 2
        steps += [self.found_again, self.reopened, self.named, self.called_back]
        self.chance.choice(steps)()

    def some(self) -> str:
        return self.chance.choice(list(self.wants))

    def price(self) -> float | None:
        return self.chance.choice([None, 0.0, 0.25, 1.0, 4.0, 7.75, -3.0, 1e12])

    def buy(self) -> None:
        self.count += 1
        tags = tuple(self.chance.sample(TAGS, self.chance.randrange(3)))
        run, unit = self.chance.choice(RUNS), self.chance.choice(UNITS)
        wanted = want(f"picture {self.count}", run=run, tags=tags, unit=unit, expected_cost=self.price())
        row = self.ledger.claim(wanted, "call").row
        self.wants[row.id] = wanted
        if self.chance.random() < 0.9:
            self.ledger.intend(row, "call", wanted)

    def take_over(self) -> None:
        """Another run wants the job, with tags of its own, and sends it again where it was refused."""
        row_id = self.some()
        wanted = replace(self.wants[row_id], run=self.chance.choice(RUNS), tags=(self.chance.choice(TAGS),))
        claim = self.ledger.claim(wanted, "call")
        if claim.mine:
            self.ledger.intend(claim.row, "call", wanted)

    def supersede(self) -> None:
        row_id = self.some()
        claim = self.ledger.supersede(row_id, self.wants[row_id], "call")
        if claim.mine:
            self.wants[claim.row.id] = self.wants[row_id]
            self.ledger.intend(claim.row, "call", self.wants[row_id])

    def adopt(self) -> None:
        wanted = replace(self.wants[self.some()], run="flow:3", key=f"{self.chance.random()}", scope="flow:3")
        self.ledger.release("call")
        for row in self.ledger.undelivered(wanted)[:1]:
            self.ledger.adopt(row, wanted)

    def rewrite(self) -> None:
        """As an older version left it, and as a provider told it later."""
        days = self.chance.choice([0, 0, 1, 3]) * 86_400.0
        sent = self.chance.choice([None, time.time() - days])
        submitted = self.chance.choice([None, time.time() - days])
        rewrite(self.ledger, self.some(), sent_at=sent, submitted_at=submitted, quota=self.price())

    def accepted(self) -> None:
        self.ledger.submitted(self.some(), f"job-{self.chance.random()}", "accepted")

    def refused(self) -> None:
        self.ledger.not_accepted(self.some(), "refused")

    def lost(self) -> None:
        self.ledger.unknown(self.some(), "no answer", 1)

    def done(self) -> None:
        self.ledger.succeeded(self.some(), replace(DONE, quota=self.price()), {}, [])

    def stored(self) -> None:
        self.ledger.stored(self.some(), {0: FILE})

    def failed(self) -> None:
        refunded = self.chance.choice([None, True, False])
        self.ledger.failed(self.some(), JobStatus(JobState.FAILED, "FAILED", refunded=refunded))

    def forgotten(self) -> None:
        forget(self.ledger, self.some())

    def found_again(self) -> None:
        self.ledger.found_again(self.some(), "call")

    def reopened(self) -> None:
        self.ledger.reopen(self.some(), "call")

    def named(self) -> None:
        self.ledger.named(self.some(), f"job-{self.chance.random()}", "by hand")

    def called_back(self) -> None:
        self.ledger.hint(self.some(), f"job-{self.chance.random()}")


def cost(row: JobRow) -> float:
    """What a row counts, said once more and plainly."""
    if row.state == S.NOT_ACCEPTED or (row.state == S.FAILED and row.refunded):
        return 0.0
    for figure in (row.quota, row.expected_cost):
        if figure is not None and 0 <= figure <= MOST:
            return figure
    return UNKNOWN_COST


def left(ledger: Ledger, budget: Budget, unit: str, run: str = "flow:9", tags: tuple[str, ...] = ()) -> float:
    probe = JobRow(id="0" * 32, run=run, unit=unit, expected_cost=1e6)
    with ledger.database.read() as session, pytest.raises(BudgetExceededError) as caught:
        reserve(session, budget, probe, tags)
    return float(caught.value.message.split(" has ")[1].split(" of ")[0])


def differences(ledger: Ledger) -> list[str]:
    """Every limit of which the budget's sum is not the plain one."""
    with ledger.database.read() as session:
        rows = list(session.scalars(select(JobRow)))
        tagged = list(session.execute(select(TagRow.job, TagRow.tag)))
    midnight = Budget().day_start(time.time())
    found = []

    def compare(name: str, told: float, count: Iterable[JobRow]) -> None:
        if abs(told - (LIMIT - sum(map(cost, count)))) > 1e-6:
            found.append(f"{name}: {told}")

    for unit in UNITS:
        ours = [row for row in rows if row.unit == unit]
        for run in RUNS:
            budget = Budget(per_run=LIMIT, unknown_cost=UNKNOWN_COST)
            compare(run, left(ledger, budget, unit, run), [row for row in ours if row.run == run])
        for tag in TAGS:
            budget = Budget(per_tag={tag: LIMIT}, unknown_cost=UNKNOWN_COST)
            has = {job for job, name in tagged if name == tag}
            compare(tag, left(ledger, budget, unit, tags=(tag,)), [row for row in ours if row.id in has])
        told = left(ledger, Budget(per_day=LIMIT, unknown_cost=UNKNOWN_COST), unit)
        compare("day", told, [row for row in ours if sent_at(row) >= midnight])
    return found


def sent_at(row: JobRow) -> float:
    return next(moment for moment in (row.sent_at, row.submitted_at, row.updated_at) if moment is not None)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.sampled(4)
def test_whatever_happens_to_jobs_a_budget_counts_their_plain_sum(ledger: Ledger, seed: int) -> None:
    history = History(ledger, seed)
    for _ in range(10):
        history.buy()
    for _ in range(12):
        for _ in range(15):
            history.step()
        assert differences(ledger) == []
    with ledger.database.read() as session:
        seen = {state for (state,) in session.execute(select(JobRow.state).distinct())}
    assert len(seen) >= 6


def changes(ledger: Ledger) -> list[Callable[[str], object]]:
    """Past the ledger's own steps, as a person with a database's shell would, and an older version's tag."""

    def write(statement: str) -> Callable[[str], object]:
        def change(row_id: str) -> None:
            with ledger.database.write() as session:
                session.execute(text(statement), {"id": row_id})

        return change

    def many(_: str) -> None:
        with ledger.database.write() as session:
            session.execute(update(JobRow).values(quota=1.5, refunded=None))

    return [
        write("UPDATE genmedia_job SET state = 'FAILED', refunded = true WHERE id = :id"),
        write("UPDATE genmedia_job SET state = 'STORED', quota = 2.5 WHERE id = :id"),
        write("UPDATE genmedia_job SET unit = 'USD' WHERE id = :id"),
        write("UPDATE genmedia_job SET expected_cost = 9, quota = NULL WHERE id = :id"),
        write("INSERT INTO genmedia_tag (job, tag) VALUES (:id, 'new')"),
        many,
    ]


def test_the_copy_beside_a_tag_is_kept_by_the_database_itself(ledger: Ledger) -> None:
    rows = [ledger.claim(want(f"picture {n}", tags=("spring", "cats")), "call").row for n in range(3)]
    for change in changes(ledger):
        change(rows[1].id)
        with ledger.database.read() as session:
            jobs = {row.id: row for row in session.scalars(select(JobRow))}
            tags = list(session.scalars(select(TagRow)))
        assert len(tags) >= 6
        for tag in tags:
            assert [getattr(tag, name) for name in COUNTED] == [getattr(jobs[tag.job], name) for name in COUNTED]


def test_a_change_that_is_taken_back_takes_its_copy_back(ledger: Ledger) -> None:
    wanted = want(tags=("spring",), budget=Budget(per_tag={"spring": 3.0}))
    row = ledger.claim(wanted, "call").row
    with pytest.raises(BudgetExceededError):
        ledger.intend(row, "call", wanted)
    assert left(ledger, Budget(per_tag={"spring": 3.0}), "quota", tags=("spring",)) == 3.0

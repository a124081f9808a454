"""Budgets: what is bought, or may be, counts; what is left is the limit for everybody at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, text

from prefect_genmedia.budget import Budget
from prefect_genmedia.errors import BudgetExceededError, ConfigurationError
from prefect_genmedia.ledger import Database, JobRow, Ledger, Want
from prefect_genmedia.ledger import LedgerState as S
from prefect_genmedia.ledger.spending import _LOCK
from prefect_genmedia.operation import JobState, JobStatus
from tests.ledger.actors import DONE, Processes, bring_to, buy, buy_each, everything, race, rewrite, row_of, want
from tests.patience import PATIENCE, until
from tests.postgres import Server


def left(ledger: Ledger, budget: Budget, **fields: Any) -> float:
    """How much a purchase may still cost, found out by asking for too much."""
    with pytest.raises(BudgetExceededError) as caught:
        buy(ledger, want(f"too much {uuid4()}", budget=budget, expected_cost=1e6, **fields), "call-0")
    return float(caught.value.message.split(" has ")[1].split(" of ")[0])


# -- what counts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "counts"),
    [(state, 0 if state is S.NOT_ACCEPTED else 3.5 if state in (S.SUCCEEDED, S.STORED) else 4) for state in S],
)
def test_what_may_be_bought_counts_and_what_is_done_counts_as_the_provider_says(
    ledger: Ledger, state: S, counts: float
) -> None:
    row_id = bring_to(ledger, state)
    if state is S.FAILED:
        rewrite(ledger, row_id, refunded=None)
    assert left(ledger, Budget(per_run=100)) == 100 - counts


@pytest.mark.parametrize(("refunded", "counts"), [(True, 0), (False, 4), (None, 4)])
def test_a_failed_job_counts_unless_its_money_came_back(ledger: Ledger, refunded: bool | None, counts: float) -> None:
    row_id = bring_to(ledger, S.SUBMITTED)
    ledger.failed(row_id, JobStatus(JobState.FAILED, "FAILED", refunded=refunded))
    assert left(ledger, Budget(per_run=100)) == 100 - counts


def test_both_purchases_count_when_a_lost_submit_is_bought_again(ledger: Ledger) -> None:
    lost = bring_to(ledger, S.UNKNOWN)
    wanted = want(budget=Budget(per_run=8))
    assert ledger.intend(ledger.supersede(lost, wanted, "call-1").row, "call-1", wanted)
    assert left(ledger, Budget(per_run=100)) == 92


def test_another_attempt_is_refused_like_any_purchase(ledger: Ledger) -> None:
    row_id = bring_to(ledger, S.SUBMITTED)
    ledger.failed(row_id, JobStatus(JobState.FAILED, "FAILED", refunded=False))
    tight = want(attempts=2, budget=Budget(per_run=7.9))
    second = ledger.claim(tight, "call-1").row
    before = everything(ledger, second.id)
    with pytest.raises(BudgetExceededError):
        ledger.intend(second, "call-1", tight)
    assert everything(ledger, second.id) == before
    assert ledger.intend(second, "call-1", want(attempts=2, budget=Budget(per_run=8)))


def test_what_the_provider_charged_counts_instead_of_what_was_expected(ledger: Ledger) -> None:
    """Dearer and cheaper than expected, and free."""
    for n, quota in enumerate((9.5, 0.25, 0.0)):
        row_id = bring_to(ledger, S.SUBMITTED, want(f"picture {n}"))
        assert ledger.succeeded(row_id, replace(DONE, quota=quota), {}, [])
    assert left(ledger, Budget(per_run=100)) == 100 - 9.75
    unsaid = bring_to(ledger, S.SUBMITTED, want("no figure"))
    assert ledger.succeeded(unsaid, replace(DONE, quota=None), {}, [])
    assert left(ledger, Budget(per_run=100)) == 100 - 13.75


def test_units_do_not_mix(ledger: Ledger) -> None:
    buy(ledger, want("in quota", expected_cost=50))
    buy(ledger, want("in dollars", expected_cost=3, unit="USD"))
    assert left(ledger, Budget(per_run=100, per_day=1000)) == 50
    assert left(ledger, Budget(unit="USD", per_run=10), unit="USD") == 7


def test_a_budget_in_another_unit_lets_nothing_through(ledger: Ledger) -> None:
    """It could not guard the purchase, and is never silently off."""
    with pytest.raises(ConfigurationError, match="it would guard nothing"):
        buy(ledger, want("more quota", budget=Budget(unit="USD", per_run=1e6)))
    assert [row.state for row in ledger.rows()] == [S.NOT_ACCEPTED]


@pytest.mark.parametrize("absurd", [-1000.0, -0.01, 1e12, float("inf"), float("nan")])
def test_an_absurd_figure_of_an_older_version_makes_no_room_and_takes_none(ledger: Ledger, absurd: float) -> None:
    """Neither as the provider's charge, where the estimate counts instead, nor as an estimate."""
    charged, expected = bring_to(ledger, S.STORED, want("charged")), bring_to(ledger, S.SUBMITTED, want("expected"))
    rewrite(ledger, charged, quota=absurd)
    rewrite(ledger, expected, expected_cost=absurd)
    assert left(ledger, Budget(per_run=100, unknown_cost=6)) == 100 - 4 - 6
    assert left(ledger, Budget(per_day=100)) == 100 - 4


@pytest.mark.parametrize("budget", [Budget(per_run=0), Budget(per_day=0), Budget(per_tag={"spring": 0})])
def test_a_budget_of_nought_lets_nothing_through(ledger: Ledger, budget: Budget) -> None:
    for n, cost in enumerate((4.0, 1e-6, None)):
        wanted = want(f"picture {n}", tags=("spring",), expected_cost=cost, budget=replace(budget, unknown_cost=1e-6))
        with pytest.raises(BudgetExceededError, match="has 0 of 0"):
            buy(ledger, wanted)
    assert {(row.state, row.sends) for row in ledger.rows()} == {(S.NOT_ACCEPTED, 0)}


# -- which limit --------------------------------------------------------------------------------------


def test_a_run_has_its_own_limit(ledger: Ledger) -> None:
    for run, cost in (("flow:1", 30), ("flow:2", 50)):
        buy(ledger, want(run=run, expected_cost=cost))
    budget = Budget(per_run=100)
    assert [left(ledger, budget, run=run) for run in ("flow:1", "flow:2", "flow:3")] == [70, 50, 100]


def test_a_job_counts_for_the_run_that_works_on_it(ledger: Ledger) -> None:
    """Also when a request_key shares it between runs."""
    shared = want("shared", scope="key:sku", expected_cost=30)
    buy(ledger, shared)
    budget = Budget(per_run=100)
    assert [left(ledger, budget, run=run) for run in ("flow:1", "flow:2")] == [70, 100]
    ledger.release("call-1")
    assert ledger.claim(replace(shared, run="flow:2"), "call-2").mine
    assert [left(ledger, budget, run=run) for run in ("flow:1", "flow:2")] == [100, 70]


def test_a_day_has_one_limit_for_all_runs(ledger: Ledger) -> None:
    for run in ("flow:1", "flow:2"):
        buy(ledger, want(run=run, expected_cost=30))
    assert left(ledger, Budget(per_day=100), run="flow:3") == 40


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu"])
def test_the_day_begins_at_midnight_of_the_budgets_own_zone(ledger: Ledger, zone: str) -> None:
    midnight = datetime.now(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    for n, moment in enumerate((midnight - timedelta(seconds=1), midnight, midnight + timedelta(seconds=1))):
        row_id = buy(ledger, want(f"picture {n}", expected_cost=10**n)).id
        rewrite(ledger, row_id, sent_at=moment.timestamp())
    assert left(ledger, Budget(per_day=1000, timezone=zone)) == 890


@pytest.mark.parametrize("column", ["submitted_at", "updated_at"])
def test_what_an_older_version_bought_counts_on_the_day_that_it_tells(ledger: Ledger, column: str) -> None:
    for n, days in enumerate((0, 2)):
        row_id = buy(ledger, want(f"picture {n}", expected_cost=10**n)).id
        moment = time.time() - days * 86_400
        rewrite(ledger, row_id, **{"sent_at": None, "updated_at": time.time(), column: moment})
    assert left(ledger, Budget(per_day=100)) == 99


def test_a_job_counts_on_the_day_on_which_it_was_sent_not_found(ledger: Ledger) -> None:
    row_id = bring_to(ledger, S.UNKNOWN)
    rewrite(ledger, row_id, sent_at=time.time() - 2 * 86_400)
    assert ledger.submitted(row_id, "job-1", "found in the list")
    assert left(ledger, Budget(per_day=100)) == 100


def test_a_tag_has_a_limit_for_all_time_and_all_runs(ledger: Ledger) -> None:
    old = buy(ledger, want("old", tags=("spring", "cats"), expected_cost=10)).id
    rewrite(ledger, old, sent_at=time.time() - 400 * 86_400)
    buy(ledger, want("new", run="flow:2", tags=("spring",), expected_cost=5))
    buy(ledger, want("no tag", run="flow:2", expected_cost=50))
    budget = Budget(per_tag={"spring": 100, "dogs": 100})
    assert left(ledger, budget, tags=("spring",)) == 85
    assert left(ledger, budget, tags=("cats", "dogs")) == 100
    # Only the tags that the purchase carries are asked for.
    assert buy(ledger, want("dear", budget=budget, tags=("cats",), expected_cost=500))


def test_tags_that_look_alike_are_not_mixed(ledger: Ledger) -> None:
    for n, tag in enumerate(("spring", "Spring", "spring ", "spr%", "it's", "žába")):
        buy(ledger, want(f"picture {n}", tags=(tag,), expected_cost=10**n))
    for n, tag in enumerate(("spring", "Spring", "spring ", "spr%", "it's", "žába")):
        assert left(ledger, Budget(per_tag={tag: 1e5}), tags=(tag,)) == 1e5 - 10**n


@pytest.mark.parametrize(
    ("budget", "name"),
    [
        (Budget(per_run=10), "run"),
        (Budget(per_day=10), "day"),
        (Budget(per_tag={"spring": 10}), "tag 'spring'"),
        (Budget(per_run=50, per_day=10, per_tag={"spring": 50}), "day"),
    ],
)
def test_the_refusal_says_which_limit_and_what_is_left(ledger: Ledger, budget: Budget, name: str) -> None:
    buy(ledger, want("first", tags=("spring",), expected_cost=7.5))
    with pytest.raises(BudgetExceededError) as caught:
        buy(ledger, want("second", tags=("spring",), expected_cost=4.25, budget=budget))
    assert caught.value.message == f"the budget of this {name} has 2.5 of 10 quota left; this job counts 4.25"
    assert "Nothing was bought" in str(caught.value)
    assert [(row.title, row.state) for row in ledger.rows()] == [("second", S.NOT_ACCEPTED), ("first", S.INTENT)]


def test_an_overdrawn_budget_has_nothing_left(ledger: Ledger) -> None:
    """The provider charged more than was expected."""
    row_id = bring_to(ledger, S.SUBMITTED)
    ledger.succeeded(row_id, replace(DONE, quota=25.0), {}, [])
    with pytest.raises(BudgetExceededError, match=r"has 0 of 10 quota left; this job counts 1"):
        buy(ledger, want("next", expected_cost=1, budget=Budget(per_run=10)))


@pytest.mark.parametrize("count", [3, 10])
def test_the_last_of_a_budget_may_be_spent_to_the_cent(ledger: Ledger, count: int) -> None:
    """Three times 0.1 is 0.3, whatever floats make of it."""
    budget = Budget(unit="USD", per_run=count / 10)
    for n in range(count):
        assert buy(ledger, want(f"picture {n}", expected_cost=0.1, unit="USD", budget=budget))
    with pytest.raises(BudgetExceededError):
        buy(ledger, want("one more", expected_cost=0.001, unit="USD", budget=budget))
    assert buy(ledger, want("free", expected_cost=0, unit="USD", budget=budget))


def test_a_budget_without_limits_and_no_budget_allow_everything(ledger: Ledger) -> None:
    for n, budget in enumerate((None, Budget())):
        assert buy(ledger, want(f"picture {n}", expected_cost=1e9, budget=budget))


def test_what_is_bought_already_passes_a_spent_budget(ledger: Ledger) -> None:
    """A retry, a follower and a resumed job cost nothing."""
    spent = Budget(per_run=4, per_day=4)
    wanted = want(budget=spent)
    row_id = buy(ledger, wanted).id
    assert ledger.claim(wanted, "call-2").row.id == row_id
    ledger.release("call-1")
    assert ledger.claim(wanted, "call-2").mine
    assert left(ledger, spent) == 0


# -- prices that are not known -------------------------------------------------------------------------


def test_an_unknown_price_counts_as_assumed_until_the_provider_says(ledger: Ledger) -> None:
    budget = Budget(per_run=10, unknown_cost=6)
    wanted = want(expected_cost=None, budget=budget)
    row_id = buy(ledger, wanted).id
    assert row_of(ledger, row_id).expected_cost == 6
    assert left(ledger, budget) == 4
    with pytest.raises(BudgetExceededError, match="this job counts 6"):
        buy(ledger, want("next", expected_cost=None, budget=budget))
    assert ledger.submitted(row_id, "job-1", "accepted")
    assert ledger.succeeded(row_id, replace(DONE, quota=1.5), {}, [])
    assert left(ledger, budget) == 8.5


def test_an_unknown_price_without_an_assumption_is_not_bought(ledger: Ledger) -> None:
    with pytest.raises(ConfigurationError, match="Set unknown_cost in the budget"):
        buy(ledger, want(expected_cost=None, budget=Budget(per_run=1e9)))
    assert [(row.state, row.expected_cost) for row in ledger.rows()] == [(S.NOT_ACCEPTED, None)]


def test_what_was_bought_at_an_unknown_price_without_a_budget_counts_as_assumed(ledger: Ledger) -> None:
    """Another flow buys without a budget on the same day: its jobs are not free."""
    buy(ledger, want(run="flow:2", expected_cost=None))
    assert left(ledger, Budget(per_day=10, unknown_cost=6)) == 4


# -- sent again ----------------------------------------------------------------------------------------


def test_a_refused_submit_is_counted_again_before_it_is_sent_again(ledger: Ledger) -> None:
    budget = Budget(per_run=10)
    wanted = want(budget=budget, expected_cost=6)
    row_id = buy(ledger, wanted).id
    assert left(ledger, budget) == 4
    assert ledger.not_accepted(row_id, "HTTP 429")
    assert left(ledger, budget) == 10
    assert ledger.intend(row_of(ledger, row_id), "call-1", wanted)  # its own row does not count twice
    assert left(ledger, budget) == 4


def test_a_refused_submit_is_not_sent_again_when_others_have_spent_the_rest(ledger: Ledger) -> None:
    budget = Budget(per_run=10)
    wanted = want(budget=budget, expected_cost=6)
    row_id = buy(ledger, wanted).id
    ledger.not_accepted(row_id, "HTTP 429")
    buy(ledger, want("other", budget=budget, expected_cost=6), "call-2")
    before = everything(ledger, row_id)
    with pytest.raises(BudgetExceededError, match=r"has 4 of 10 quota left; this job counts 6"):
        ledger.intend(row_of(ledger, row_id), "call-1", wanted)
    assert everything(ledger, row_id) == before


def test_a_job_sent_again_counts_for_the_tags_of_the_run_that_sends_it(ledger: Ledger) -> None:
    """It was refused to a run without tags; the campaign's run takes it over and pays."""
    row_id = bring_to(ledger, S.NOT_ACCEPTED, want(scope="key:sku", expected_cost=6))
    ledger.release("call-1")
    campaign = want(run="flow:2", scope="key:sku", tags=("spring",), budget=Budget(per_tag={"spring": 10}))
    assert ledger.claim(campaign, "call-2").row.id == row_id
    assert ledger.intend(row_of(ledger, row_id), "call-2", campaign)
    assert left(ledger, Budget(per_tag={"spring": 10}), tags=("spring",)) == 4


def test_a_job_sent_again_counts_on_the_day_on_which_it_is_sent(ledger: Ledger) -> None:
    """Refused yesterday, bought today."""
    row_id = bring_to(ledger, S.NOT_ACCEPTED, want(expected_cost=6))
    yesterday = time.time() - 86_400
    rewrite(ledger, row_id, created_at=yesterday, updated_at=yesterday, sent_at=yesterday)
    assert ledger.intend(row_of(ledger, row_id), "call-1", want(budget=Budget(per_day=10)))
    assert left(ledger, Budget(per_day=10)) == 4


# -- many at once ---------------------------------------------------------------------------------------


def spent(ledger: Ledger) -> float:
    with ledger.database.read() as session:
        sent = select(func.sum(JobRow.expected_cost)).where(JobRow.state == S.INTENT)
        return float(session.scalars(sent).one() or 0)


BUDGETS = [Budget(per_run=30), Budget(per_day=30), Budget(per_tag={"spring": 30})]


@pytest.mark.parametrize("budget", BUDGETS, ids=["run", "day", "tag"])
@pytest.mark.sampled(3)
def test_eight_threads_never_spend_more_than_the_limit(ledger: Ledger, another: Any, budget: Budget) -> None:
    ledgers = [ledger, another(), another(), another()] * 2

    def buy_three(place: int) -> int:
        bought = 0
        for n in range(3):
            wanted = want(f"picture {place}.{n}", tags=("spring",), budget=budget)
            try:
                bought += buy(ledgers[place], wanted, f"call-{place}").state == S.INTENT
            except BudgetExceededError:
                continue
        return bought

    assert sum(race(*(partial(buy_three, place) for place in range(8)))) == 7  # of 24, at 4 each
    assert spent(ledger) == 28


def test_three_processes_never_spend_more_than_the_limit(url: str, ledger: Ledger) -> None:
    bought = Processes(3, buy_each, url, Budget(per_day=102), 12).said()
    assert sum(bought) == 25  # of 36, at 4 each
    assert spent(ledger) == 100


def test_jobs_sent_again_at_once_do_not_spend_more_than_the_limit(ledger: Ledger, another: Any) -> None:
    budget, other = Budget(per_run=6), another()
    for n in range(15):
        run = f"flow:{n}"
        wants = [want(f"picture {place}", run=run, budget=budget) for place in range(2)]
        rows = [bring_to(ledger, S.NOT_ACCEPTED, wanted) for wanted in wants]

        def send(on: Ledger, row_id: str, wanted: Any) -> bool:
            try:
                return on.intend(row_of(on, row_id), "call-1", wanted) is not None
            except BudgetExceededError:
                return False

        sent = race(partial(send, ledger, rows[0], wants[0]), partial(send, other, rows[1], wants[1]))
        assert sorted(sent) == [False, True]


def test_two_workers_that_share_a_job_share_its_price(ledger: Ledger, another: Any) -> None:
    """The budget is enough for one, and one is what both want: neither is refused."""
    other = another()
    for n in range(15):
        wanted = want(f"picture {n}", run=f"flow:{n}", budget=Budget(per_run=4))
        claims = race(partial(ledger.claim, wanted, "call-1"), partial(other.claim, wanted, "call-2"))
        assert sorted(claim.mine for claim in claims) == [False, True]
        owner = "call-1" if claims[0].mine else "call-2"
        assert ledger.intend(claims[0].row, owner, wanted)


def test_two_workers_that_share_another_attempt_share_its_price(ledger: Ledger, another: Any) -> None:
    other = another()
    for n in range(15):
        wanted = want(f"picture {n}", run=f"flow:{n}", attempts=2, budget=Budget(per_run=4))
        bring_to(ledger, S.FAILED, wanted)
        claims = race(partial(ledger.claim, wanted, "call-1"), partial(other.claim, wanted, "call-2"))
        assert sorted(claim.mine for claim in claims) == [False, True]
        assert {claim.row.attempt for claim in claims} == {2}
        assert ledger.intend(claims[0].row, "call-1" if claims[0].mine else "call-2", wanted)


@pytest.mark.postgres
def test_who_waits_for_the_budget_holds_up_no_row_that_its_holder_wants(postgres: Server, postgres_url: str) -> None:
    """A sender holds its row and waits for the budget; whoever has the budget waits for nothing."""
    budget = Budget(per_day=100)
    ledgers = [Ledger(Database(postgres_url), 60) for _ in range(4)]
    wants = [want(f"picture {n}", budget=budget, tags=("spring",)) for n in range(4)]
    rows = [each.claim(wanted, "call-1").row for each, wanted in zip(ledgers, wants, strict=True)]
    with ThreadPoolExecutor(8) as pool:
        with Database(postgres_url).write() as session:
            session.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            sent = [pool.submit(e.intend, r, "call-1", w) for e, r, w in zip(ledgers, rows, wants, strict=True)]
            until(lambda: postgres.waiting(postgres_url) == 4, "the senders that wait for the budget")
            renewed = pool.submit(ledgers[0].renew, "call-1")
            hinted = [pool.submit(ledgers[0].hint, row.id, "job-1") for row in rows]
            until(lambda: postgres.waiting(postgres_url) > 4, "who waits for a row")
        assert all(each.result(PATIENCE) for each in [*sent, *hinted])
        renewed.result(PATIENCE)


@pytest.mark.postgres
def test_a_server_that_isolates_transactions_more_strictly_lets_nobody_overspend(empty_postgres_url: str) -> None:
    """Some set this for all databases: under it, a transaction does not see what others have bought meanwhile."""
    setting = Database(empty_postgres_url)
    with setting.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        name = setting.url.database
        connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'"))
    setting.engine.dispose()
    databases = Database(empty_postgres_url), Database(empty_postgres_url)
    databases[0].migrate()
    for n in range(10):
        wants = [want(f"{place}", run=f"flow:{n}", budget=Budget(per_run=7)) for place in range(2)]

        def bought(database: Database, wanted: Want) -> bool:
            try:
                return buy(Ledger(database, 60), wanted).state == S.INTENT
            except BudgetExceededError:
                return False

        assert sorted(race(*map(partial, [bought] * 2, databases, wants))) == [False, True]
    for database in databases:
        database.engine.dispose()


def test_a_zone_that_does_not_exist_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError, match="Europe/Vieena"):
        Budget(per_day=10, timezone="Europe/Vieena")

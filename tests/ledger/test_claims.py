"""Who owns a job: one call at a time, and the next one as soon as it has surely ended."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from prefect_genmedia.errors import LedgerError
from prefect_genmedia.ledger import UNFINISHED, Database, JobRow, Ledger, this_process
from prefect_genmedia.ledger import LedgerState as S
from tests.ledger.actors import (
    ELSEWHERE,
    Processes,
    bring_to,
    columns,
    ended_process,
    everything,
    history,
    hold,
    lease_now,
    rewrite,
    row_of,
    states,
    want,
)
from tests.patience import PATIENCE, until
from tests.postgres import Server

RESUMABLE = [*UNFINISHED, S.NOT_ACCEPTED]
FINISHED = [S.STORED, S.FAILED, S.EXPIRED]

# How long the lease of the row holds from now, and what else is written into it.
GONE: dict[str, tuple[float, Callable[[], dict[str, Any]]]] = {
    "its process has ended": (60, lambda: {"process": ended_process()}),
    "its process id now belongs to another process": (60, lambda: {"process": f"{this_process().rsplit('|', 1)[0]}|1"}),
    "it has let go": (60, lambda: {"owner": None}),
    "its lease is over, elsewhere": (-0.1, lambda: {"process": ELSEWHERE}),
    "its lease is over, here": (-0.1, dict),
    "its lease lies days ahead, elsewhere: the clock was set back": (5 * 86_400, lambda: {"process": ELSEWHERE}),
}
ALIVE: dict[str, tuple[float, Callable[[], dict[str, Any]]]] = {
    "its process lives": (60, lambda: {"process": this_process()}),
    "elsewhere, and its lease holds": (60, lambda: {"process": ELSEWHERE}),
    "elsewhere, where leases are longer than here": (3600, lambda: {"process": ELSEWHERE}),
    "its process lives, and an older version counted its lease by another clock": (5 * 86_400, dict),
}


def left(ledger: Ledger, row_id: str, how: tuple[float, Callable[[], dict[str, Any]]]) -> None:
    seconds, written = how
    rewrite(ledger, row_id, lease_until=lease_now(ledger) + seconds, **written())


def test_what_nobody_has_asked_for_is_written_down_as_not_sent_and_owned(ledger: Ledger) -> None:
    before, leased = time.time(), lease_now(ledger)
    wanted = want("a heron", copy=2, tags=("spring", "spring", "birds"), task_run="task-1", labelled=True, unit="USD")
    claim = ledger.claim(wanted, "call-1")
    assert claim.mine
    kept = everything(ledger, claim.row.id)
    for name in ("key", "request_hash", "scope", "copy", "operation", "base_url", "account", "title", "request", "run"):
        assert kept[name] == getattr(wanted, name)
    assert (kept["state"], kept["reason"], kept["sends"]) == (S.NOT_ACCEPTED, "nothing was sent yet", 0)
    assert (kept["attempt"], kept["owner"], kept["process"]) == (1, "call-1", this_process())
    assert (kept["expected_cost"], kept["unit"], kept["labelled"]) == (4.0, "USD", True)
    assert (kept["task_run"], kept["tags"], kept["files"]) == ("task-1", ["birds", "spring"], [])
    assert leased + 60 <= kept["lease_until"] <= lease_now(ledger) + 60
    assert before - 1 <= kept["created_at"] <= time.time() + 1
    assert 0 <= kept["updated_at"] - kept["created_at"] < 1
    assert kept["history"] == []
    unsaid = "job_id quota refunded result hint successor delivered_at sent_at lost_at submitted_at finished_at"
    assert {kept[name] for name in unsaid.split()} == {None}
    assert columns(claim.row) == columns(row_of(ledger, claim.row.id))


def test_other_runs_copies_accounts_and_requests_are_other_jobs(ledger: Ledger) -> None:
    asked = [want(), want(run="flow:2"), want(copy=1), want(account="account-2"), want("a heron")]
    claims = [ledger.claim(wanted, f"call-{n}") for n, wanted in enumerate(asked)]
    assert all(claim.mine for claim in claims)
    assert len({claim.row.id for claim in claims}) == 5
    again = ledger.claim(want(run="flow:3", scope="flow:1"), "call-9")
    assert (again.mine, again.row.id) == (False, claims[0].row.id)


@pytest.mark.parametrize("how", ALIVE)
@pytest.mark.sampled(4)
def test_a_live_calls_job_is_followed_whatever_its_state(ledger: Ledger, another: Any, how: str) -> None:
    for state in RESUMABLE:
        wanted = want(f"{state} {how}")
        row_id = bring_to(ledger, state, wanted)
        left(ledger, row_id, ALIVE[how])
        before = everything(ledger, row_id)
        for claim in (another().claim(wanted, "call-2"), another().take(row_id, "call-2")):
            assert (claim.mine, claim.row.id, claim.row.owner) == (False, row_id, "call-1"), state
        assert everything(ledger, row_id) == before, state


@pytest.mark.parametrize("how", GONE)
@pytest.mark.sampled(4)
def test_a_gone_calls_job_is_taken_over(ledger: Ledger, another: Any, how: str) -> None:
    """Where it stands; but a submit that was on its way may or may not have arrived: nobody knows."""
    for state in RESUMABLE:
        wanted = want(f"{state} {how}", run="flow:1", scope="key:sku")
        row_id = bring_to(ledger, state, wanted)
        left(ledger, row_id, GONE[how])
        lines, started = len(history(ledger, row_id)), lease_now(ledger)
        claim = another().claim(want(f"{state} {how}", run="flow:2", scope="key:sku", task_run="task-2"), "call-2")
        assert (claim.mine, claim.row.id) == (True, row_id), state
        row = row_of(ledger, row_id)
        assert columns(claim.row) == columns(row), state
        assert row.state == (S.UNKNOWN if state is S.INTENT else state)
        assert (row.owner, row.process, row.run, row.task_run) == ("call-2", this_process(), "flow:2", "task-2"), state
        assert row.lease_until >= started + 60, state
        assert states(ledger, row_id)[lines:] == [row.state], state
        if state is S.INTENT:
            assert "while its submit was on its way" in row.reason
            assert "while its submit was on its way" in history(ledger, row_id)[-1][1]


@pytest.mark.parametrize("state", FINISHED)
def test_a_finished_job_is_owned_by_nobody(ledger: Ledger, state: S) -> None:
    row_id = bring_to(ledger, state)
    before = everything(ledger, row_id)
    assert before["owner"] is None
    for claim in (ledger.claim(want(), "call-2"), ledger.take(row_id, "call-2")):
        assert (claim.mine, claim.row.id, claim.row.state) == (False, row_id, state)
    assert everything(ledger, row_id) == before


def test_a_call_that_claims_again_keeps_its_job_as_it_is(ledger: Ledger) -> None:
    """Its own submit is no lost submit: INTENT stays INTENT, and nothing has happened that is worth a line."""
    for state in RESUMABLE:
        wanted = want(state)
        row_id = bring_to(ledger, state, wanted)
        before = everything(ledger, row_id)
        for claim in (ledger.claim(wanted, "call-1"), ledger.take(row_id, "call-1")):
            assert (claim.mine, claim.row.id, claim.row.state) == (True, row_id, state)
        after = everything(ledger, row_id)
        assert {name for name in after if after[name] != before[name]} == {"lease_until", "updated_at"}, state


def test_to_resume_is_to_take_without_changing_the_run(ledger: Ledger) -> None:
    row_id = bring_to(ledger, S.SUBMITTED, want(task_run="task-1"))
    ledger.release("call-1")
    claim = ledger.take(row_id, "call-2")
    assert (claim.mine, claim.row.owner, claim.row.run, claim.row.task_run) == (True, "call-2", "flow:1", "task-1")


def test_a_lost_intent_is_resumed_as_unknown_and_what_was_never_bought_as_it_is(ledger: Ledger) -> None:
    lost, refused = bring_to(ledger, S.INTENT, want("lost")), bring_to(ledger, S.NOT_ACCEPTED, want("refused"))
    ledger.release("call-1")
    for row_id, state in ((lost, S.UNKNOWN), (refused, S.NOT_ACCEPTED)):
        claim = ledger.take(row_id, "call-2")
        assert (claim.mine, claim.row.state, claim.row.owner) == (True, state, "call-2")


def test_what_is_not_in_the_ledger_cannot_be_taken(ledger: Ledger) -> None:
    with pytest.raises(LedgerError):
        ledger.take("0" * 32, "call-1")
    assert ledger.rows() == []


@pytest.mark.parametrize(("state", "becomes"), [(S.INTENT, S.UNKNOWN), (S.SUBMITTED, S.SUBMITTED)])
def test_a_killed_process_holds_nothing(url: str, ledger: Ledger, state: S, becomes: S) -> None:
    """Its lease would run for another minute."""
    owner = Processes(1, hold, url, want(), state)
    (row_id,) = owner.said()
    follower = ledger.claim(want(), "call-2")
    assert (follower.mine, follower.row.id, follower.row.state) == (False, row_id, state)
    owner.kill()
    heir = ledger.claim(want(), "call-2")
    assert (heir.mine, heir.row.id, heir.row.state) == (True, row_id, becomes)
    assert heir.row.process.split("|")[-2] == str(os.getpid())


def test_renewing_and_releasing_concern_the_callers_rows_only(ledger: Ledger) -> None:
    mine, theirs = bring_to(ledger, S.SUBMITTED, want("mine")), bring_to(ledger, S.SUBMITTED, want("theirs"), "call-2")
    for row_id in (mine, theirs):
        rewrite(ledger, row_id, lease_until=lease_now(ledger) + 1)
    before, started = everything(ledger, theirs), lease_now(ledger)
    ledger.renew("call-1")
    assert row_of(ledger, mine).lease_until >= started + 60
    ledger.release("call-1")
    assert (row_of(ledger, mine).owner, row_of(ledger, mine).state) == (None, S.SUBMITTED)
    assert everything(ledger, theirs) == before


def test_to_let_go_says_nothing_of_what_became_of_a_submit(ledger: Ledger) -> None:
    """Whether it was sent only its sender knows, and says so by itself."""
    row_id = bring_to(ledger, S.INTENT)
    before = everything(ledger, row_id)
    ledger.release("call-1")
    assert everything(ledger, row_id) == {**before, "owner": None}


def test_who_has_lost_a_row_neither_renews_nor_releases_it(ledger: Ledger) -> None:
    row_id = bring_to(ledger, S.SUBMITTED)
    rewrite(ledger, row_id, lease_until=lease_now(ledger) - 1)
    assert ledger.claim(want(), "call-2").mine
    rewrite(ledger, row_id, lease_until=lease_now(ledger) + 1)
    before = everything(ledger, row_id)
    ledger.renew("call-1")
    ledger.release("call-1")
    assert everything(ledger, row_id) == before


def test_what_ran_before_a_restart_of_the_machine_holds_nothing_of_an_sqlite_ledger(sqlite_url: str) -> None:
    """Uptime begins anew: a lease of before may seem to hold for as long as the machine had been up."""
    ledger = Ledger(Database(sqlite_url), 60)
    host, boot, *rest = this_process().split("|")
    before = "|".join([host, "0" * len(boot), *rest])
    for state in RESUMABLE:
        row_id = bring_to(ledger, state, want(state))
        rewrite(ledger, row_id, process=before, lease_until=lease_now(ledger) + 3000)
        claim = ledger.take(row_id, "call-2")
        assert claim.mine
        assert not ledger.may_yet_arrive(claim.row)


def test_a_forked_process_has_a_name_of_its_own() -> None:
    """Else its jobs would be its parent's, and anybody's as soon as that has ended."""
    code = """if True:
        import os
        from prefect_genmedia.ledger import is_dead, this_process
        ours = this_process()
        if os.fork() == 0:
            print(this_process() != ours, is_dead(ours), is_dead(this_process()), flush=True)
            os._exit(0)
        os.wait()
        print(this_process() == ours)
    """
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["True", "False", "False", "True"]


@pytest.mark.postgres
def test_another_machine_is_not_taken_for_this_one_before_its_restart(postgres_url: str) -> None:
    """Containers often have the same name everywhere."""
    ledger = Ledger(Database(postgres_url), 60)
    host, boot, *rest = this_process().split("|")
    row_id = bring_to(ledger, S.INTENT)
    rewrite(ledger, row_id, process="|".join([host, "0" * len(boot), *rest]))
    assert not ledger.take(row_id, "call-2").mine


@pytest.mark.postgres
def test_who_waits_for_a_row_that_is_being_bought_again_follows_the_new_one(
    postgres: Server, postgres_url: str
) -> None:
    """PostgreSQL gives a waiter the row that it has waited for, and not the newer attempt beside it."""
    url, direct = postgres_url, Database(postgres_url)
    buyer, follower = Ledger(Database(url), 60), Ledger(Database(url), 60)
    lost = bring_to(buyer, S.UNKNOWN)
    with ThreadPoolExecutor(2) as pool:
        with direct.write() as session:
            session.execute(select(JobRow.id).where(JobRow.id == lost).with_for_update())
            buying = pool.submit(buyer.supersede, lost, want(), "call-1")
            until(lambda: postgres.waiting(url) == 1, "the buyer who waits for the row")
            following = pool.submit(follower.claim, want(), "call-2")
            until(lambda: postgres.waiting(url) == 2, "the follower who waits for the row")
        anew, claim = buying.result(PATIENCE).row.id, following.result(PATIENCE)
    assert (claim.mine, claim.row.id) == (False, anew)
    assert row_of(buyer, lost).owner is None

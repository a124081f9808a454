"""What the ledger tells: rows, jobs by name, what our own jobs hold of an account; and jobs bought elsewhere."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from sqlalchemy import insert

from prefect_genmedia.ledger import UNFINISHED, JobRow, Ledger, this_process
from prefect_genmedia.ledger import LedgerState as S
from tests.ledger.actors import (
    Processes,
    bring_to,
    columns,
    everything,
    history,
    race,
    rewrite,
    row_of,
    say_each,
    want,
)

BASE = ("midjourney.imagine", "quota", "https://api.example", "account-1")


def test_rows_come_newest_first_and_can_be_narrowed(ledger: Ledger) -> None:
    ids = []
    for n, state in enumerate((S.SUBMITTED, S.STORED, S.SUBMITTED, S.FAILED)):
        ids.append(bring_to(ledger, state, want(f"picture {n}", run=f"flow:{n % 2}")))
        rewrite(ledger, ids[n], created_at=1000.0 + n)
    assert [row.id for row in ledger.rows()] == ids[::-1]
    assert [row.id for row in ledger.rows([S.SUBMITTED])] == [ids[2], ids[0]]
    assert [row.id for row in ledger.rows([S.STORED, S.FAILED])] == [ids[3], ids[1]]
    assert [row.id for row in ledger.rows(run="flow:0")] == [ids[2], ids[0]]
    assert [row.id for row in ledger.rows(since=1002.0)] == [ids[3], ids[2]]
    assert [row.id for row in ledger.rows(limit=2)] == [ids[3], ids[2]]
    assert [row.id for row in ledger.rows([S.SUBMITTED], run="flow:0", since=1001.0, limit=1)] == [ids[2]]
    assert ledger.rows([S.EXPIRED]) == ledger.rows(run="flow:9") == ledger.rows(since=2000.0) == []


def test_what_was_spent_is_read_to_the_end_each_job_once_with_its_tags(ledger: Ledger) -> None:
    before = ledger.now()
    first = bring_to(ledger, S.STORED, want("first", tags=("spring", "nightly")))
    assert before <= row_of(ledger, first).created_at <= ledger.now()
    facts = columns(row_of(ledger, first))
    many = [{**facts, "id": f"{n:032x}", "key": f"{n:064x}", "created_at": 1000.0 + n // 700} for n in range(1100)]
    with ledger.database.write() as session:
        session.execute(insert(JobRow), many)
    told = list(ledger.spent(1000.0))
    assert [each.id for each in told] == [*(row["id"] for row in many), first]
    assert told[-1].tags == ("nightly", "spring") and told[0].tags == ()
    assert told[-1].state == S.STORED and [each.id for each in ledger.spent(before)] == [first]


def test_a_job_is_found_by_the_start_of_its_id_and_by_the_providers(ledger: Ledger) -> None:
    first = bring_to(ledger, S.SUBMITTED, want("first"), job_id="abc-1")
    second = bring_to(ledger, S.SUBMITTED, want("second"), job_id="abc-12")
    for row_id in (first, second):
        assert [row.id for row in ledger.find(row_id)] == [row_id]
        assert row_id in [row.id for row in ledger.find(row_id[:4])]
    assert [row.id for row in ledger.find("abc-1")] == [first]
    assert [row.id for row in ledger.find("abc-12")] == [second]
    assert ledger.find("abc-") == ledger.find("zzz") == []


@pytest.mark.parametrize("name", ["%", "_", "%%%%", "'; --", "\\", "*", "ž"])
def test_a_name_is_no_pattern(ledger: Ledger, name: str) -> None:
    bring_to(ledger, S.SUBMITTED)
    assert ledger.find(name) == []


def test_what_is_not_there_is_told_as_nothing(ledger: Ledger) -> None:
    assert ledger.get("0" * 32) is None
    assert ledger.media("0" * 32) == ledger.history("0" * 32) == ledger.rows() == []


def test_known_job_ids_are_those_of_the_account(ledger: Ledger) -> None:
    ours = bring_to(ledger, S.SUBMITTED, want("ours"), job_id="job-1")
    bring_to(ledger, S.SUBMITTED, want("theirs", account="account-2"), job_id="job-2")
    bring_to(ledger, S.UNKNOWN, want("unknown"))
    row = row_of(ledger, ours)
    known = ledger.known_job_ids("account-1", ["job-1", "job-2", "job-3"])
    assert known == {"job-1": (row.sent_at, row.submitted_at)}
    assert ledger.known_job_ids("account-1", []) == {}


def test_when_a_job_was_accepted_lies_between_its_submit_and_what_told_of_it(ledger: Ledger) -> None:
    """Found an hour later, it was accepted an hour ago: as a witness it counts from the submit."""
    found = bring_to(ledger, S.UNKNOWN, want("found"))
    rewrite(ledger, found, sent_at=1000.0)
    assert ledger.submitted(found, "job-1", "found in the list")
    imported, _ = ledger.imported(*BASE, "job-2", "script:1")
    corrected = bring_to(ledger, S.SUBMITTED, want("corrected"), job_id="job-0")
    assert ledger.named(corrected, "job-3", "found by hand")
    known = ledger.known_job_ids("account-1", ["job-0", "job-1", "job-2", "job-3"])
    assert set(known) == {"job-1", "job-2", "job-3"}
    assert known["job-1"].after == 1000.0 and (known["job-1"].before or 0) > 1000.0
    assert known["job-2"].after is known["job-3"].after is None
    assert known["job-2"].before == imported.submitted_at is not None


def test_our_running_jobs_and_what_each_was_asked_for(ledger: Ledger) -> None:
    ours = ("midjourney.imagine", "midjourney.blend")
    assert ledger.running("account-1", ours) == {}
    for n, state in enumerate(S):
        bring_to(ledger, state, want(f"picture {n}"), job_id=f"job-{n}")
    bring_to(ledger, S.SUBMITTED, want("another"), job_id="job-8")
    bring_to(ledger, S.SUBMITTED, want("other", account="account-2"), job_id="job-9")
    n = list(S).index(S.SUBMITTED)
    assert ledger.running("account-1", ours) == {
        f"job-{n}": ("midjourney.imagine", want(f"picture {n}").request),
        "job-8": ("midjourney.imagine", want("another").request),
    }
    assert set(ledger.running("account-2", ours)) == {"job-9"}
    assert ledger.running("account-1", ["midjourney.blend"]) == ledger.running("account-1", []) == {}


def test_what_is_left_alone_is_unfinished_quiet_and_nobodys(ledger: Ledger) -> None:
    """Oldest first; how quiet it is, the database's own clock says."""
    ids = [bring_to(ledger, state, want(f"picture {n}"), owner="gone") for n, state in enumerate(S)]
    busy, live = bring_to(ledger, S.SUBMITTED, want("busy"), "gone"), bring_to(ledger, S.SUBMITTED, want("live"))
    ledger.release("gone")
    for n, row_id in enumerate([*ids, live]):
        rewrite(ledger, row_id, created_at=2000.0 - n, updated_at=1000.0)
    unfinished = [row_id for row_id, state in zip(ids, S, strict=True) if state in UNFINISHED]
    assert [row.id for row in ledger.left_alone(600)] == unfinished[::-1]
    assert [row.id for row in ledger.left_alone(0)] == [*unfinished[::-1], busy]


# -- bought elsewhere ----------------------------------------------------------------------------------


def test_a_job_bought_elsewhere_enters_as_submitted_and_can_be_brought_in(ledger: Ledger) -> None:
    row, new = ledger.imported(*BASE, "job-7", "script:1")
    assert new
    kept = columns(row_of(ledger, row.id))
    assert kept == columns(row)
    assert (kept["state"], kept["job_id"], kept["operation"]) == (S.SUBMITTED, "job-7", BASE[0])
    assert (kept["unit"], kept["base_url"], kept["account"]) == BASE[1:]
    assert (kept["owner"], kept["process"], kept["run"], kept["attempt"]) == (None, this_process(), "script:1", 1)
    assert history(ledger, row.id) == [(S.SUBMITTED, "imported")]
    assert ledger.take(row.id, "call-1").mine


def test_a_job_that_the_ledger_has_is_not_entered_again(ledger: Ledger) -> None:
    """Its row is given, whatever became of it: to bring it in again may be just what is wanted."""
    for n, state in enumerate((S.SUBMITTED, S.SUCCEEDED, S.STORED, S.FAILED, S.EXPIRED)):
        ours = bring_to(ledger, state, want(f"picture {n}"), job_id=f"job-{n}")
        before = everything(ledger, ours)
        row, new = ledger.imported(*BASE, f"job-{n}", "script:1")
        assert (row.id, new) == (ours, False)
        assert everything(ledger, ours) == before
    row, new = ledger.imported(*BASE, "job-8", "script:1")
    again, once_more = ledger.imported(*BASE, "job-8", "script:1")
    assert (new, once_more, again.id) == (True, False, row.id)
    assert ledger.imported(*BASE[:3], "account-2", "job-8", "script:1")[1]
    assert len(ledger.rows()) == 7


def test_of_two_that_enter_one_job_one_does_and_both_have_it(ledger: Ledger, another: Any) -> None:
    other = another()
    for n in range(15):
        calls = [partial(each.imported, *BASE, f"job-{n}", "script:1") for each in (ledger, other)]
        (first, one), (second, two) = race(*calls)
        assert sorted([one, two]) == [False, True]
        assert first.id == second.id
    assert len(ledger.rows()) == 15


def test_a_wrong_job_that_was_entered_and_corrected_is_not_in_the_way_of_the_right_one(ledger: Ledger) -> None:
    """Somebody mistook job-2 for theirs, corrected it, and later wants job-2 as well."""
    row, _ = ledger.imported(*BASE, "job-2", "script:1")
    assert ledger.named(row.id, "job-1", "found by hand")
    other, new = ledger.imported(*BASE, "job-2", "script:1")
    assert (new, other.job_id) == (True, "job-2")
    assert other.id != row.id
    assert ledger.imported(*BASE, "job-1", "script:1")[0].id == row.id


# -- the ledger's own facts ----------------------------------------------------------------------------


def test_a_fact_is_what_was_said_first(ledger: Ledger, another: Any) -> None:
    assert ledger.find_fact("media_store") is None
    assert ledger.fact("media_store", "store-1") == "store-1"
    assert ledger.fact("media_store", "store-2") == another().fact("media_store", "store-3") == "store-1"
    assert ledger.find_fact("media_store") == another().find_fact("media_store") == "store-1"
    assert ledger.find_fact("another") is None


def test_all_who_say_at_once_which_store_is_the_ledgers_agree(url: str, ledger: Ledger) -> None:
    """Each has prepared a store of its own: the files of all go to one."""
    names = [f"store_{n}" for n in range(15)]
    first, second, third = Processes(3, say_each, url, names).said()
    assert first == second == third == [ledger.find_fact(name) for name in names]
    assert all(held.startswith(f"{name} of ") for name, held in zip(names, first, strict=True))


def test_threads_that_say_so_at_once_agree_too(ledger: Ledger, another: Any) -> None:
    other = another()
    for n in range(15):
        calls = [partial(each.fact, f"store_{n}", f"of {place}") for place, each in enumerate((ledger, other, ledger))]
        assert set(race(*calls)) == {ledger.find_fact(f"store_{n}")}


def test_a_fact_can_be_corrected_also_by_two_at_once(ledger: Ledger, another: Any) -> None:
    other = another()
    for n in range(15):
        if n % 2:
            ledger.fact(f"store_{n}", "wrong")
        race(partial(ledger.set_fact, f"store_{n}", "right"), partial(other.set_fact, f"store_{n}", "right"))
        assert ledger.fact(f"store_{n}", "late") == "right"


@pytest.mark.parametrize("name", ["", "two words", "it's", "a;b", "a-b"])
def test_a_fact_has_a_plain_name(ledger: Ledger, name: str) -> None:
    with pytest.raises(ValueError, match="plain word"):
        ledger.fact(name, "value")
    assert ledger.find_fact(name) is None

"""What the ledger tells: rows, jobs by name, what our own jobs hold of an account; and jobs bought elsewhere."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from prefect_genmedia.ledger import Ledger, this_process
from prefect_genmedia.ledger import LedgerState as S
from tests.ledger.actors import (
    bring_to,
    columns,
    everything,
    history,
    race,
    rewrite,
    row_of,
    want,
)

BASE = ("midjourney.imagine", "https://api.example", "account-1")


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
    known = ledger.known_job_ids("account-1", ["job-1", "job-2", "job-3"])
    assert known == {"job-1": row_of(ledger, ours).submitted_at}
    assert ledger.known_job_ids("account-1", []) == {}


def test_what_our_running_jobs_hold_of_an_account(ledger: Ledger) -> None:
    assert ledger.frozen_by_us("account-1") == 0
    for n, state in enumerate(S):
        bring_to(ledger, state, want(f"picture {n}", expected_cost=2.0**n))
    bring_to(ledger, S.SUBMITTED, want("more", expected_cost=1000))
    bring_to(ledger, S.SUBMITTED, want("other", account="account-2", expected_cost=None))
    assert ledger.frozen_by_us("account-1") == 2.0 ** list(S).index(S.SUBMITTED) + 1000
    assert ledger.frozen_by_us("account-2") is None


# -- bought elsewhere ----------------------------------------------------------------------------------


def test_a_job_bought_elsewhere_enters_as_submitted_and_can_be_brought_in(ledger: Ledger) -> None:
    row = ledger.imported(*BASE, "job-7", "script:1")
    assert row is not None
    kept = columns(row_of(ledger, row.id))
    assert kept == columns(row)
    assert (kept["state"], kept["job_id"], kept["operation"], kept["account"]) == (
        S.SUBMITTED,
        "job-7",
        BASE[0],
        BASE[2],
    )
    assert (kept["owner"], kept["process"], kept["run"], kept["attempt"]) == (None, this_process(), "script:1", 1)
    assert history(ledger, row.id) == [(S.SUBMITTED, "imported")]
    assert ledger.take(row.id, "call-1").mine


def test_a_job_that_the_ledger_has_is_not_entered_again(ledger: Ledger) -> None:
    ours = bring_to(ledger, S.STORED, job_id="job-7")
    before = everything(ledger, ours)
    assert ledger.imported(*BASE, "job-7", "script:1") is None
    assert everything(ledger, ours) == before
    assert ledger.imported(*BASE, "job-8", "script:1") is not None
    assert ledger.imported(*BASE, "job-8", "script:1") is None
    assert ledger.imported(*BASE[:2], "account-2", "job-8", "script:1") is not None
    assert len(ledger.rows()) == 3


def test_of_two_that_enter_one_job_one_does(ledger: Ledger, another: Any) -> None:
    other = another()
    for n in range(15):
        calls = [partial(each.imported, *BASE, f"job-{n}", "script:1") for each in (ledger, other)]
        assert sorted(row is None for row in race(*calls)) == [False, True]
    assert len(ledger.rows()) == 15


def test_an_imported_novita_job_counts_in_dollars(ledger: Ledger) -> None:
    row = ledger.imported("novita.img2img", "https://api.example", "account-1", "job-7", "script:1")
    assert row is not None
    assert row.unit == "USD"

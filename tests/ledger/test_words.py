"""Words and numbers of any kind: no database is the reason that a job cannot be asked for, or a paid one is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import GenMediaError, LedgerError
from prefect_genmedia.jobs import Terms, run
from prefect_genmedia.ledger import Database, Ledger
from prefect_genmedia.ledger import LedgerState as S
from prefect_genmedia.media.download import MAX_DOWNLOAD_BYTES
from prefect_genmedia.operation import Account
from prefect_genmedia.providers.ttapi.envelope import TTAPI
from prefect_genmedia.providers.ttapi.midjourney import IMAGINE, ImagineRequest
from tests.ledger.actors import DONE, FILE, REFUNDED, RUNNING, bring_to, everything, rewrite, row_of, want

LONG = "ž" * 5000


def test_the_users_own_names_may_be_long(ledger: Ledger) -> None:
    """A request_key, tags, a base URL: nobody has told how long they may be."""
    wanted = replace(want(scope=f"key:{LONG}", tags=(LONG, "short")), base_url=f"https://{LONG}.example")
    claim = ledger.claim(wanted, "call-1")
    assert claim.mine
    kept = everything(ledger, claim.row.id)
    assert (kept["scope"], kept["base_url"], kept["tags"]) == (wanted.scope, wanted.base_url, ["short", LONG])
    assert ledger.claim(wanted, "call-2").row.id == claim.row.id


def test_the_providers_words_may_be_long(ledger: Ledger) -> None:
    row_id = bring_to(ledger, S.INTENT)
    assert ledger.unknown(row_id, LONG, 1)
    assert ledger.submitted(row_id, LONG, LONG)
    assert [row.id for row in ledger.find(LONG)] == [row_id]
    assert ledger.succeeded(row_id, DONE, {"text": LONG}, [LONG])
    assert row_of(ledger, row_id).job_id == LONG
    failing = bring_to(ledger, S.SUBMITTED, want("failing"))
    assert ledger.failed(failing, replace(REFUNDED, message=LONG))


def test_the_largest_file_that_is_taken_can_be_stored(ledger: Ledger) -> None:
    row_id = bring_to(ledger, S.SUCCEEDED)
    assert ledger.stored(row_id, {0: {**FILE, "uri": f"file:///{LONG}.mp4", "bytes": MAX_DOWNLOAD_BYTES}})
    assert ledger.media(row_id)[0].bytes == MAX_DOWNLOAD_BYTES


@pytest.mark.parametrize("strange", ["a\x00b", "a\ud800b"], ids=["nul", "half a pair"])
def test_no_sign_of_the_providers_is_in_the_way_of_a_fact_about_money(ledger: Ledger, strange: str) -> None:
    """JSON can carry both; a PostgreSQL text cannot hold the first, and UTF-8 not the second."""
    row_id = bring_to(ledger, S.INTENT)
    assert ledger.unknown(row_id, f"the answer was {strange}", 1)
    assert ledger.submitted(row_id, "job-1", f"accepted with {strange}")
    assert ledger.progress(row_id, "call-1", replace(RUNNING, provider_state=strange))
    assert ledger.succeeded(row_id, replace(DONE, provider_state=strange), {"text": strange, strange: None}, [strange])
    assert row_of(ledger, row_id).state == S.SUCCEEDED
    failing = bring_to(ledger, S.SUBMITTED, want("failing"))
    assert ledger.failed(failing, replace(REFUNDED, message=strange))
    refused = bring_to(ledger, S.INTENT, want("refused"))
    assert ledger.not_accepted(refused, strange)


def test_a_prompt_may_hold_any_sign(ledger: Ledger) -> None:
    claim = ledger.claim(want("a\x00b"), "call-1")
    assert claim.mine
    assert row_of(ledger, claim.row.id).request == {"prompt": "a\x00b"}


# -- what no database can hold -----------------------------------------------------------------------------
# It is told at once as what it is: not as an outage, which would be waited for.

HUGE = int("9" * 400)
NESTED: dict[str, Any] = {}
for _ in range(5000):
    NESTED = {"in": NESTED}

IMPOSSIBLE: dict[str, Callable[[Ledger, str], object]] = {
    "a quota of 400 digits": lambda ledger, row_id: ledger.succeeded(row_id, replace(DONE, quota=HUGE), {}, []),
    "400 digits of percent": lambda ledger, row_id: ledger.progress(row_id, "call-1", replace(RUNNING, percent=HUGE)),
    "NaN in an answer": lambda ledger, row_id: ledger.succeeded(row_id, DONE, {"seed": float("nan")}, []),
    "Infinity in an answer": lambda ledger, row_id: ledger.succeeded(row_id, DONE, {"a": [-float("inf")]}, []),
    "no JSON in an answer": lambda ledger, row_id: ledger.succeeded(row_id, DONE, {"a": object()}, []),
    "an answer of endless depth": lambda ledger, row_id: ledger.succeeded(row_id, DONE, NESTED, []),
    "an answer of too many digits": lambda ledger, row_id: ledger.succeeded(row_id, DONE, {"a": 10**5000}, []),
    "NaN in a request": lambda ledger, row_id: ledger.claim(
        replace(want("new"), request={"scale": float("nan")}), "call-1"
    ),
    "a copy of 400 digits": lambda ledger, row_id: ledger.claim(want(copy=HUGE), "call-1"),
    "a file of 400 digits": lambda ledger, row_id: ledger.stored(row_id, {0: {**FILE, "bytes": HUGE}}),
    "a place of 400 digits": lambda ledger, row_id: ledger.stored(row_id, {HUGE: FILE}),
    "half a pair in an id": lambda ledger, row_id: ledger.get("a\ud800"),
    "half a pair in a task run": lambda ledger, row_id: ledger.claim(want("new", task_run="\ud800"), "call-1"),
}


@pytest.mark.parametrize("what", IMPOSSIBLE)
@pytest.mark.sampled(4)
def test_what_cannot_be_held_is_refused_at_once_and_is_no_outage(ledger: Ledger, what: str) -> None:
    state = S.SUCCEEDED if "file" in what or "place" in what else S.SUBMITTED
    row_id = bring_to(ledger, state)
    before = everything(ledger, row_id)
    with pytest.raises(LedgerError, match="does not take this") as caught:
        IMPOSSIBLE[what](ledger, row_id)
    assert not caught.value.away
    assert "back" not in str(caught.value)
    assert everything(ledger, row_id) == before
    assert len(ledger.rows()) == 1
    assert ledger.claim(want("and then"), "call-1").mine


@pytest.mark.postgres
@pytest.mark.parametrize("copy", [2**31, 2**40, -(2**40)])
def test_a_copy_beyond_postgresqls_integers_is_no_outage(postgres_url: str, copy: int) -> None:
    ledger = Ledger(Database(postgres_url), 60)
    with pytest.raises(LedgerError, match="out of range") as caught:
        ledger.claim(want(copy=copy), "call-1")
    assert not caught.value.away
    assert ledger.rows() == []


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(job_seconds=0.0, queue_seconds=0.0) as emulator:
        yield emulator


async def test_nobody_waits_for_a_ledger_that_has_said_no(
    url: str, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The patience for facts about money is ten minutes: it is for a database that is away."""
    monkeypatch.setenv("GENMEDIA_LEDGER_URL", url)
    account = Account(TTAPI, emulator.url, "a-key")
    for copy in (2**40, HUGE):
        with pytest.raises(GenMediaError):
            await run(IMAGINE, ImagineRequest(prompt="a heron"), account, terms=Terms(copy=copy))
    assert emulator.billed() == 0


def test_numbers_at_the_edge_of_what_a_double_holds_are_kept(ledger: Ledger) -> None:
    row_id = bring_to(ledger, S.SUBMITTED)
    for quota in (1.7976931348623157e308, 5e-324, 0.1 + 0.2, -0.0, 2**53 + 0.0):
        assert ledger.succeeded(row_id, replace(DONE, quota=quota), {"n": 10**400}, [])
        assert (row_of(ledger, row_id).quota, row_of(ledger, row_id).result) == (quota, {"n": 10**400})


def test_a_lease_reads_back_as_it_was_written(ledger: Ledger) -> None:
    """Whoever has seen a lease names it again to the last digit: a rounded one would never be adopted."""
    for n, lease in enumerate((0.1 + 0.2, 1764341234.123456, 1764341234.1234567, 1e-7, 123456.78901234567)):
        row_id = bring_to(ledger, S.SUBMITTED, want(f"picture {n}"), owner="gone")
        rewrite(ledger, row_id, owner=None, lease_until=lease)
        wanted = want(f"picture {n}", run="flow:2")
        (left,) = ledger.undelivered(wanted)
        assert left.lease_until == lease
        assert ledger.adopt(left, wanted)

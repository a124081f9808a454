"""Words of any length and kind: no database is the reason that a job cannot be asked for, or a paid one is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from prefect_genmedia.ledger import Ledger
from prefect_genmedia.ledger import LedgerState as S
from prefect_genmedia.media.download import MAX_DOWNLOAD_BYTES
from tests.ledger.actors import DONE, FILE, REFUNDED, RUNNING, bring_to, everything, row_of, want

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

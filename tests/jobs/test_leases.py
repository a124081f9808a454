"""Leases of many calls: one renewing for all of them, for as long as any holds something."""

from __future__ import annotations

from pathlib import Path

from prefect_genmedia.jobs.leases import Leases
from prefect_genmedia.ledger import LedgerState as S
from prefect_genmedia.ledger import open_ledger
from tests.ledger.actors import bring_to, row_of, want
from tests.patience import a_until


async def test_who_holds_something_just_as_the_last_lets_go_is_renewed(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}", 0.1)
    rows = {owner: bring_to(ledger, S.SUBMITTED, want(owner), owner) for owner in ("first", "second", "third")}
    held = Leases(ledger)
    held.hold("first")
    assert held.let_go("first")
    assert not held.let_go("first")
    held.hold("second")  # before the event loop had its turn
    held.hold("third")
    before = {owner: row_of(ledger, row_id).lease_until for owner, row_id in rows.items()}

    for owner in ("second", "third"):
        await a_until(lambda: row_of(ledger, rows[owner]).lease_until > before[owner], f"{owner} renewed")  # noqa: B023
    assert row_of(ledger, rows["first"]).lease_until == before["first"]
    assert held.let_go("second") and held.let_go("third")

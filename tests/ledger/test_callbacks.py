"""Callbacks: only a name that this ledger has signed names a row, and what it says is a hint, never a fact."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from prefect_genmedia.ledger import UNFINISHED, Database, Ledger
from prefect_genmedia.ledger import LedgerState as S
from tests.ledger.actors import DONE, FILE, Processes, bring_to, everything, history, race, row_of, sign_each, want

ROW, OTHER = "a" * 32, "b" * 32


@pytest.fixture
def elsewhere(url: str, request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A ledger of another database."""
    postgresql = url.startswith("postgresql")
    database = Database(
        request.getfixturevalue("empty_postgres_url") if postgresql else f"sqlite:///{tmp_path / 'l.db'}"
    )
    database.migrate()
    yield Ledger(database, 60)
    database.engine.dispose()


# -- tokens -----------------------------------------------------------------------------------------------


def test_a_token_names_its_row_in_every_process_and_for_ever(url: str, ledger: Ledger, another: Any) -> None:
    token = ledger.token(ROW)
    assert token == ledger.token(ROW) == another().token(ROW)
    assert [signed[0] for signed in Processes(2, sign_each, url, [ROW]).said()] == [token, token]
    assert ledger.row_of_token(token) == another().row_of_token(token) == ROW
    assert token != ledger.token(OTHER)


@pytest.mark.parametrize(
    "forge",
    [
        lambda token, other: "",
        lambda token, other: ".",
        lambda token, other: ROW,
        lambda token, other: f"{ROW}.",
        lambda token, other: f".{token.partition('.')[2]}",
        lambda token, other: f"{OTHER}.{token.partition('.')[2]}",
        lambda token, other: f"{ROW}.{other.partition('.')[2]}",
        lambda token, other: token.replace(".", "0."),
        lambda token, other: token[1:],
        lambda token, other: token[:-1],
        lambda token, other: token[:-1] + ("0" if token[-1] != "0" else "1"),
        lambda token, other: token + "0",
        lambda token, other: token + ".",
        lambda token, other: f"{token}.{token}",
        lambda token, other: token.upper(),
        lambda token, other: f" {token}",
        lambda token, other: f"{token}\n",
        lambda token, other: token.replace(".", "%2e"),
        lambda token, other: token.replace("a", "а"),  # a Cyrillic one
        lambda token, other: token + "ž" * 100_000,
        lambda token, other: "\x00" + token,
    ],
)
def test_a_token_that_was_not_signed_here_names_nothing(sqlite_url: str, forge: Any) -> None:
    ledger = Ledger(Database(sqlite_url), 60)
    token = ledger.token(ROW)
    assert ledger.row_of_token(forge(token, ledger.token(OTHER))) is None
    assert ledger.row_of_token(token) == ROW


def test_another_ledgers_tokens_name_nothing_here(ledger: Ledger, elsewhere: Ledger) -> None:
    assert ledger.token(ROW) != elsewhere.token(ROW)
    assert ledger.row_of_token(elsewhere.token(ROW)) is None
    assert elsewhere.row_of_token(ledger.token(ROW)) is None


def test_tokens_do_not_give_the_secret_away(ledger: Ledger) -> None:
    tokens = [ledger.token(row_id) for row_id in (ROW, OTHER)]
    secret = ledger.database.secret
    assert secret is not None
    assert len(secret) >= 32
    assert not any(secret[n : n + 8] in token for token in tokens for n in range(len(secret) - 8))


def test_threads_that_sign_first_at_the_same_moment_use_one_secret(url: str, another: Any) -> None:
    ledgers = [another() for _ in range(8)]
    tokens = race(*(partial(each.token, ROW) for each in ledgers))
    assert set(tokens) == {another().token(ROW)}


def test_processes_that_sign_first_at_the_same_moment_use_one_secret(url: str, ledger: Ledger) -> None:
    signed = Processes(3, sign_each, url, [ROW, OTHER]).said()
    assert signed == [[ledger.token(ROW), ledger.token(OTHER)]] * 3


# -- hints --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", UNFINISHED)
def test_a_hint_is_noted_and_moves_nothing(ledger: Ledger, state: S) -> None:
    row_id, bystander = bring_to(ledger, state), bring_to(ledger, state, want("beside"))
    before, beside = everything(ledger, row_id), everything(ledger, bystander)
    moment = time.time()
    assert ledger.hint(row_id, "job-1")
    after = everything(ledger, row_id)
    assert {name for name in after if after[name] != before[name]} == {"hint", "hint_at", "updated_at"}
    assert after["hint"] == "job-1"
    assert moment - 0.1 <= after["hint_at"] <= time.time() + 0.1
    assert everything(ledger, bystander) == beside


@pytest.mark.parametrize("state", UNFINISHED)
def test_a_hint_that_comes_again_changes_nothing(ledger: Ledger, state: S) -> None:
    row_id = bring_to(ledger, state)
    assert ledger.hint(row_id, "job-1")
    before = everything(ledger, row_id)
    assert not ledger.hint(row_id, "job-1")
    assert everything(ledger, row_id) == before


@pytest.mark.parametrize("state", [S.STORED, S.FAILED])
def test_a_hint_that_comes_late_changes_nothing(ledger: Ledger, state: S) -> None:
    """What failed has failed, unless it is said that it has ended well."""
    row_id = bring_to(ledger, state)
    before = everything(ledger, row_id)
    assert not ledger.hint(row_id, "job-1", ended_well=False)
    assert everything(ledger, row_id) == before


@pytest.mark.parametrize("ended_well", [True, False])
def test_a_hint_at_what_seemed_refused_keeps_it_from_being_sent_again(ledger: Ledger, ended_well: bool) -> None:
    row_id = bring_to(ledger, S.NOT_ACCEPTED)
    assert ledger.hint(row_id, "job-1", ended_well)
    row = row_of(ledger, row_id)
    assert (row.state, row.hint, row.reason) == (S.UNKNOWN, "job-1", "a callback names it as job-1")
    assert not ledger.intend(row, "call-1", want())
    assert not ledger.hint(row_id, "job-1", ended_well)


def test_a_refusal_after_the_hint_does_not_send_it_again_either(ledger: Ledger) -> None:
    """Of two signs that disagree the costlier counts, whichever comes first."""
    row_id = bring_to(ledger, S.INTENT)
    assert ledger.hint(row_id, "job-1")
    assert not ledger.not_accepted(row_id, "HTTP 429", 1)
    row = row_of(ledger, row_id)
    assert (row.state, row.hint, row.reason) == (S.UNKNOWN, "job-1", "HTTP 429; but a callback names a job")
    assert history(ledger, row_id)[-1] == (S.UNKNOWN, row.reason)
    assert not ledger.intend(row, "call-1", want())
    before = everything(ledger, row_id)
    assert not ledger.not_accepted(row_id, "not in the list", 1)
    assert everything(ledger, row_id) == before


def test_a_person_may_say_that_a_callback_was_wrong(ledger: Ledger) -> None:
    row_id = bring_to(ledger, S.UNKNOWN)
    assert ledger.hint(row_id, "job-1")
    assert ledger.not_accepted(row_id, "found by hand", 1, by_hand=True)
    row = row_of(ledger, row_id)
    assert (row.state, row.hint) == (S.NOT_ACCEPTED, None)
    assert ledger.intend(row, "call-1", want())
    assert ledger.not_accepted(row_id, "HTTP 429", 2)


@pytest.mark.parametrize("state", [S.SUBMITTED, S.SUCCEEDED, S.FAILED, S.EXPIRED])
def test_a_hint_at_another_job_changes_nothing(ledger: Ledger, state: S) -> None:
    row_id = bring_to(ledger, state)
    before = everything(ledger, row_id)
    for foreign in ("job-2", "JOB-1", "job-1 ", ""):
        assert not ledger.hint(row_id, foreign), foreign
    assert everything(ledger, row_id) == before
    assert ledger.hint(row_id, "job-1")


def test_a_hint_at_no_row_of_ours_changes_nothing(ledger: Ledger) -> None:
    row_id = bring_to(ledger, S.SUBMITTED)
    before = everything(ledger, row_id)
    assert not ledger.hint(ROW, "job-1")
    assert everything(ledger, row_id) == before
    assert len(ledger.rows()) == 1


def test_of_two_equal_hints_at_once_one_is_noted(ledger: Ledger, another: Any) -> None:
    """Providers send some callbacks twice: the second must not wake anybody again."""
    other = another()
    for n in range(25):
        row_id = bring_to(ledger, S.SUBMITTED, want(f"picture {n}"))
        assert sorted(race(*(partial(each.hint, row_id, "job-1") for each in (ledger, other)))) == [False, True]


def test_a_hint_that_races_with_a_refusal_or_a_second_submit_is_never_lost(ledger: Ledger, another: Any) -> None:
    """For many operations nothing else tells that a submit without an answer was accepted."""
    other = another()
    for n in range(25):
        wanted = want(f"picture {n}")
        row_id = bring_to(ledger, (S.INTENT, S.NOT_ACCEPTED)[n % 2], wanted)
        step = (
            partial(other.not_accepted, row_id, "HTTP 429", 1)
            if n % 2 == 0
            else partial(other.intend, row_of(other, row_id), "call-1", wanted)
        )
        noted, _ = race(partial(ledger.hint, row_id, "job-1"), step)
        row = row_of(ledger, row_id)
        assert (noted, row.hint) == (True, "job-1"), n
        assert row.state in (S.UNKNOWN, S.INTENT) and not other.intend(row, "call-1", wanted), n


def test_a_hint_does_not_hold_up_the_job(ledger: Ledger) -> None:
    """It may come before the submit's own reply, and be wrong about everything."""
    row_id = bring_to(ledger, S.INTENT)
    assert ledger.hint(row_id, "job-of-somebody")
    assert ledger.submitted(row_id, "job-1", "accepted")
    assert ledger.succeeded(row_id, DONE, {}, [])
    assert ledger.stored(row_id, {0: FILE})
    row = row_of(ledger, row_id)
    assert (row.state, row.job_id, row.hint) == (S.STORED, "job-1", "job-of-somebody")

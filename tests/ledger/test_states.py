"""The life of a paid job: each step is allowed from some states and made once; from all others nothing changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from prefect_genmedia.errors import LedgerError
from prefect_genmedia.ledger import JobRow, Ledger
from prefect_genmedia.ledger import LedgerState as S
from prefect_genmedia.operation import JobState, JobStatus
from tests.ledger.actors import (
    DONE,
    FILE,
    REFUNDED,
    RUNNING,
    bring_to,
    everything,
    forget,
    history,
    lease_now,
    rewrite,
    row_of,
    states,
    want,
)


@dataclass(frozen=True)
class Step:
    """One method: where it leads, from where, what it may change in the row, and the line it writes."""

    make: Callable[[Ledger, str], bool]
    allowed: set[S]
    to: S | None
    changes: str
    line: str | None
    again: bool = False
    """May it be said again from where it led?"""
    remark: str | None = None
    """What the history says of it where it is forbidden."""


def intend(ledger: Ledger, row_id: str) -> bool:
    return ledger.intend(row_of(ledger, row_id), "call-1", want(labelled=True)) is not None


TILE = {**FILE, "role": "tile"}
TAKEN = "owner process lease_until"
KNOWN = "missing_since missing_looks"

STEPS = {
    "not_accepted": Step(
        lambda ledger, row_id: ledger.not_accepted(row_id, "HTTP 429"),
        {S.INTENT, S.UNKNOWN},
        S.NOT_ACCEPTED,
        "state reason",
        "HTTP 429",
    ),
    "unknown": Step(
        lambda ledger, row_id: ledger.unknown(row_id, "the connection broke", 1),
        {S.INTENT, S.UNKNOWN},
        S.UNKNOWN,
        "state reason lost_at",
        "the connection broke",
        again=True,
    ),
    "intend": Step(intend, {S.NOT_ACCEPTED}, S.INTENT, "state labelled sends sent_at lease_until", "to be sent again"),
    "submitted": Step(
        lambda ledger, row_id: ledger.submitted(row_id, "job-9", "accepted as job-9"),
        {S.INTENT, S.UNKNOWN, S.NOT_ACCEPTED},
        S.SUBMITTED,
        "state reason job_id submitted_at",
        "accepted as job-9",
        remark="accepted once more, as job-9: paid twice?",
    ),
    "progress": Step(
        lambda ledger, row_id: ledger.progress(row_id, "call-1", RUNNING),
        {S.SUBMITTED},
        None,
        "provider_state percent eta_seconds lease_until",
        None,
        again=True,
    ),
    "succeeded": Step(
        lambda ledger, row_id: ledger.succeeded(row_id, DONE, {"seed": 8}, ["2 of 3 files"]),
        {S.SUBMITTED, S.SUCCEEDED},
        S.SUCCEEDED,
        "state provider_state percent eta_seconds quota result remarks finished_at",
        "the provider is done; 2 of 3 files",
        again=True,
    ),
    "failed": Step(
        lambda ledger, row_id: ledger.failed(row_id, REFUNDED),
        {S.SUBMITTED},
        S.FAILED,
        "state provider_state reason refunded finished_at owner",
        "the model is overloaded",
    ),
    "failed_at_once": Step(
        lambda ledger, row_id: ledger.failed_at_once(row_id, "the model is overloaded", 1),
        {S.INTENT, S.UNKNOWN},
        S.FAILED,
        "state reason finished_at owner",
        "the model is overloaded",
    ),
    "stored": Step(
        lambda ledger, row_id: ledger.stored(row_id, {0: FILE, 1: TILE}, left_out=["a preview: HTTP 404"]),
        {S.SUCCEEDED},
        S.STORED,
        "state owner whole files",
        "2 files stored; left out: a preview: HTTP 404",
    ),
    "stored in part": Step(
        lambda ledger, row_id: ledger.stored(row_id, {1: TILE}, missing=["image: HTTP 404"]),
        {S.SUCCEEDED},
        S.SUCCEEDED,
        "state reason files",
        "1 files stored; missing: image: HTTP 404",
        again=True,
    ),
    "reopen": Step(
        lambda ledger, row_id: ledger.reopen(row_id, "call-2"),
        {S.STORED},
        S.SUCCEEDED,
        f"state {TAKEN}",
        "files missing",
    ),
    "reread": Step(
        lambda ledger, row_id: ledger.reread(row_id, "call-2", {"results": ["images[]"]}),
        {S.STORED, S.EXPIRED},
        S.SUBMITTED,
        f"state {TAKEN} {KNOWN} files whole request result",
        "to be read as the request now says",
    ),
    "found_again": Step(
        lambda ledger, row_id: ledger.found_again(row_id, "call-2"),
        {S.FAILED, S.EXPIRED},
        S.SUBMITTED,
        f"state {TAKEN} {KNOWN} reason",
        "the provider knows it after all",
    ),
    "named": Step(
        lambda ledger, row_id: ledger.named(row_id, "job-9", "found by hand"),
        set(S) - {S.STORED},
        S.SUBMITTED,
        f"state {KNOWN} owner reason job_id submitted_at sent_at result remarks quota refunded whole",
        "found by hand",
        again=True,
    ),
}


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.sampled(4)
def test_a_step_is_made_from_where_it_is_allowed(ledger: Ledger, name: str) -> None:
    step = STEPS[name]
    for state in step.allowed:
        row_id = bring_to(ledger, state, want(state))
        bystander = bring_to(ledger, state, want(f"beside {state}"))
        before, beside = everything(ledger, row_id), everything(ledger, bystander)
        assert step.make(ledger, row_id), state
        after = everything(ledger, row_id)
        assert {key for key in after if after[key] != before[key]} <= {*step.changes.split(), "updated_at", "history"}
        assert after["updated_at"] > before["updated_at"]
        assert after["state"] == (step.to or state)
        new_lines = [] if step.line is None else [(step.to, step.line)]
        assert after["history"] == [*before["history"], *new_lines]
        assert step.make(ledger, row_id) is step.again, f"{name} again, first from {state}"
        assert everything(ledger, bystander) == beside


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.sampled(4)
def test_a_forbidden_step_changes_nothing(ledger: Ledger, name: str) -> None:
    step = STEPS[name]
    for state in set(S) - step.allowed:
        row_id = bring_to(ledger, state, want(state))
        before = everything(ledger, row_id)
        assert not step.make(ledger, row_id), state
        remarks = [] if step.remark is None else [(state, step.remark)]
        assert everything(ledger, row_id) == {**before, "history": [*before["history"], *remarks]}, state


@pytest.mark.parametrize("name", [name for name in STEPS if name not in ("intend", "named")])
def test_no_step_makes_a_row_that_is_not_there(ledger: Ledger, name: str) -> None:
    assert not STEPS[name].make(ledger, "0" * 32)
    assert ledger.rows() == []
    assert ledger.history("0" * 32) == []


def test_what_is_not_in_the_ledger_is_told_at_once(ledger: Ledger) -> None:
    """No database comes back with it: nobody waits for that."""
    asked: list[Callable[[], object]] = [
        lambda: ledger.take("0" * 32, "call-1"),
        lambda: ledger.named("0" * 32, "job-9", "found by hand"),
        lambda: ledger.missing("0" * 32, "no such job", 60),
        lambda: ledger.supersede("0" * 32, want(), "call-1"),
    ]
    for ask in asked:
        with pytest.raises(LedgerError, match="no such job") as caught:
            ask()
        assert not caught.value.away
    assert ledger.rows() == []


def test_every_step_of_a_job_is_in_its_history_in_order(ledger: Ledger) -> None:
    started = time.time()
    row_id = ledger.claim(want(), "call-1").row.id
    assert intend(ledger, row_id)
    assert ledger.not_accepted(row_id, "HTTP 429")
    assert intend(ledger, row_id)
    assert ledger.unknown(row_id, "no answer", 2)
    assert ledger.submitted(row_id, "job-9", "found in the list")
    assert ledger.progress(row_id, "call-1", RUNNING)
    assert ledger.succeeded(row_id, DONE, {"seed": 8}, [])
    assert ledger.stored(row_id, {0: FILE}, missing=["tile: HTTP 404"])
    assert ledger.stored(row_id, {0: FILE, 1: TILE})
    assert history(ledger, row_id) == [
        ("INTENT", "to be sent"),
        ("NOT_ACCEPTED", "HTTP 429"),
        ("INTENT", "to be sent again"),
        ("UNKNOWN", "no answer"),
        ("SUBMITTED", "found in the list"),
        ("SUCCEEDED", "the provider is done"),
        ("SUCCEEDED", "1 files stored; missing: tile: HTTP 404"),
        ("STORED", "2 files stored"),
    ]
    times = [event.at for event in ledger.history(row_id)]
    assert times == sorted(times)
    assert started - 0.1 <= times[0] <= times[-1] <= time.time() + 0.1
    row = row_of(ledger, row_id)
    assert (row.reason, row.job_id, row.quota, row.result, row.percent) == ("", "job-9", 3.5, {"seed": 8}, 100.0)
    assert (row.provider_state, row.eta_seconds, row.refunded, row.owner) == ("SUCCESS", 0.0, None, None)
    assert row.submitted_at is not None
    assert row.finished_at is not None
    assert row.sent_at is not None
    assert row.lost_at is not None
    assert row.created_at <= row.sent_at <= row.lost_at <= row.submitted_at <= row.finished_at <= row.updated_at


def test_progress_is_kept_for_the_owner_only_and_keeps_its_lease(ledger: Ledger) -> None:
    row_id = bring_to(ledger, S.SUBMITTED)
    started = lease_now(ledger)
    rewrite(ledger, row_id, lease_until=started + 1)
    assert ledger.progress(row_id, "call-1", RUNNING)
    row = row_of(ledger, row_id)
    assert (row.provider_state, row.percent, row.eta_seconds) == ("ON_QUEUE", 40.0, 12.0)
    assert row.lease_until >= started + 60
    before = everything(ledger, row_id)
    assert not ledger.progress(row_id, "call-2", JobStatus(JobState.RUNNING, "ON_QUEUE", percent=90))
    assert everything(ledger, row_id) == before


def test_only_the_owner_sends_a_refused_job_again(ledger: Ledger) -> None:
    row_id = bring_to(ledger, S.NOT_ACCEPTED)
    before = everything(ledger, row_id)
    assert not ledger.intend(row_of(ledger, row_id), "call-2", want())
    assert everything(ledger, row_id) == before


@pytest.mark.parametrize("step", ["submitted", "not_accepted"])
def test_an_answer_that_comes_late_counts_also_for_a_row_that_was_taken_over(ledger: Ledger, step: str) -> None:
    """The first owner was only slow: what it learnt about the money is true."""
    row_id = bring_to(ledger, S.INTENT)
    rewrite(ledger, row_id, lease_until=lease_now(ledger) - 1)
    assert ledger.claim(want(), "call-2").row.state == S.UNKNOWN
    assert STEPS[step].make(ledger, row_id)
    row = row_of(ledger, row_id)
    assert (row.state, row.owner) == (STEPS[step].to, "call-2")
    assert states(ledger, row_id) == ["INTENT", "UNKNOWN", STEPS[step].to]


@pytest.mark.parametrize("refunded", [True, False, None])
def test_a_failure_says_why_and_whether_the_money_came_back(ledger: Ledger, refunded: bool | None) -> None:
    row_id = bring_to(ledger, S.SUBMITTED)
    status = JobStatus(JobState.FAILED, "TASK_STATUS_FAILED", message="a banned prompt", refunded=refunded)
    assert ledger.failed(row_id, status)
    row = row_of(ledger, row_id)
    assert (row.state, row.reason, row.refunded) == (S.FAILED, "a banned prompt", refunded)
    assert (row.provider_state, row.owner) == ("TASK_STATUS_FAILED", None)


def test_a_submit_that_is_answered_with_the_files_is_bought_and_done_in_one_step(ledger: Ledger) -> None:
    def answered(row_id: str) -> bool:
        return ledger.answered(row_id, "job-9", DONE, {"seed": 8}, ["odd"])

    may = {S.INTENT, S.UNKNOWN, S.NOT_ACCEPTED}
    for state in may:
        row_id = bring_to(ledger, state, want(state))
        before = history(ledger, row_id)
        assert answered(row_id)
        row = row_of(ledger, row_id)
        assert (row.state, row.job_id, row.result, row.remarks) == (S.SUCCEEDED, "job-9", {"seed": 8}, ["odd"])
        assert row.submitted_at == row.sent_at  # what it took is known: it was at work from when it was sent
        said = "the provider answered with the files"
        assert history(ledger, row_id) == [*before, (S.SUBMITTED, said), (S.SUCCEEDED, f"{said}; odd")]
    for state in set(S) - may:
        row_id = bring_to(ledger, state, want(state))
        before = everything(ledger, row_id)
        assert not answered(row_id)
        twice = (state, "accepted once more, as job-9: paid twice?")
        assert everything(ledger, row_id) == {**before, "history": [*before["history"], twice]}


def test_a_failure_that_answers_an_earlier_submit_says_nothing_of_a_later_one(ledger: Ledger) -> None:
    row_id = bring_to(ledger, S.NOT_ACCEPTED)
    assert intend(ledger, row_id)
    before = everything(ledger, row_id)
    assert not ledger.failed_at_once(row_id, "the model is overloaded", 1)
    assert everything(ledger, row_id) == before
    assert ledger.failed_at_once(row_id, "the model is overloaded", 2)


def files_of(ledger: Ledger, row_id: str) -> dict[int, str]:
    return {file.position: file.role for file in ledger.media(row_id)}


def test_the_files_of_a_job_stay_until_new_ones_are_there(ledger: Ledger) -> None:
    row_id = bring_to(ledger, S.SUCCEEDED)
    files = {n: {**FILE, "role": f"tile {n}", "uri": f"file:///media/{n}.png", "remarks": ["odd"]} for n in range(11)}
    files[3] |= {"width": None, "height": None}
    assert ledger.stored(row_id, files)
    kept = ledger.media(row_id)
    assert {file.position: {name: getattr(file, name) for name in files[0]} for file in kept} == files
    assert ledger.reopen(row_id, "call-2")
    assert len(ledger.media(row_id)) == 11
    assert row_of(ledger, row_id).result == {"seed": 7}
    assert ledger.stored(row_id, {0: files[0]})
    assert files_of(ledger, row_id) == {0: "tile 0"}


def test_what_came_stays_while_the_rest_is_missing(ledger: Ledger) -> None:
    """Also when a worker that had fallen asleep tells of fewer files than its successor has brought in."""
    row_id = bring_to(ledger, S.SUCCEEDED)
    first, second, third = ({**FILE, "role": f"tile {n}"} for n in range(3))
    assert ledger.stored(row_id, {0: first, 2: third}, missing=["tile 1: HTTP 404"])
    assert row_of(ledger, row_id).reason == "missing: tile 1: HTTP 404"
    assert ledger.stored(row_id, {0: {**first, "role": "anew"}}, missing=["tile 1: HTTP 404", "tile 2: HTTP 404"])
    assert files_of(ledger, row_id) == {0: "anew", 2: "tile 2"}
    assert ledger.stored(row_id, {0: first, 1: second})
    assert files_of(ledger, row_id) == {0: "tile 0", 1: "tile 1"}
    row = row_of(ledger, row_id)
    assert (row.state, row.reason, row.owner) == (S.STORED, "", None)


def test_files_that_were_missed_and_are_back_are_all_there_is_to_do(ledger: Ledger) -> None:
    row_id = bring_to(ledger, S.STORED)
    before = everything(ledger, row_id)
    assert ledger.reopen(row_id, "call-2")
    assert not ledger.still_stored(row_id, "call-1")
    assert ledger.still_stored(row_id, "call-2")
    after = everything(ledger, row_id)
    assert {name for name in after if after[name] != before[name]} == {"lease_until", "updated_at", "history"}
    assert history(ledger, row_id)[-2:] == [(S.SUCCEEDED, "files missing"), (S.STORED, "the files are there again")]


def test_a_part_of_the_files_is_never_taken_for_all_of_them(ledger: Ledger) -> None:
    """Whatever happens between: a worker that is killed after its fetch, a provider that forgets and remembers."""
    row_id = bring_to(ledger, S.SUCCEEDED)
    assert ledger.stored(row_id, {1: TILE}, missing=["image: HTTP 404"])
    again: list[Callable[[], object]] = [
        lambda: ledger.succeeded(row_id, DONE, {"seed": 8}, []),
        lambda: forget(ledger, row_id),
        lambda: ledger.found_again(row_id, "call-1"),
        lambda: ledger.succeeded(row_id, DONE, {"seed": 8}, []),
    ]
    for step in again:
        assert step()
        assert not row_of(ledger, row_id).whole
        assert not ledger.still_stored(row_id, "call-1")
    assert ledger.stored(row_id, {0: FILE, 1: TILE})
    assert row_of(ledger, row_id).whole


def test_what_was_once_whole_is_so_again_when_its_files_are_back(ledger: Ledger) -> None:
    """Two of three files were lost, one came again, and then the disk with the other is back."""
    row_id = bring_to(ledger, S.SUCCEEDED)
    assert ledger.stored(row_id, {0: FILE, 1: TILE, 2: FILE})
    assert ledger.reopen(row_id, "call-1")
    assert ledger.stored(row_id, {0: FILE, 1: TILE}, missing=["image: HTTP 404"])
    assert files_of(ledger, row_id) == {0: "image", 1: "tile", 2: "image"}
    assert ledger.still_stored(row_id, "call-1")
    assert row_of(ledger, row_id).reason == ""


def test_files_of_an_answer_that_is_to_be_read_otherwise_are_not_taken_for_the_new_ones(ledger: Ledger) -> None:
    """They lie at the same places, and are others: nobody would fetch what the corrected request points at."""
    row_id = bring_to(ledger, S.STORED)
    assert ledger.reread(row_id, "call-2", {"results": ["images[]"]})
    assert ledger.media(row_id) == []


def test_only_what_has_some_files_can_be_closed_by_hand(ledger: Ledger) -> None:
    row_id = bring_to(ledger, S.SUCCEEDED)
    assert not ledger.accepted_as_is(row_id)
    assert ledger.stored(row_id, {1: TILE}, missing=["image: HTTP 404"])
    assert ledger.accepted_as_is(row_id)
    row = row_of(ledger, row_id)
    assert (row.state, row.owner, row.reason) == (S.STORED, None, "missing: image: HTTP 404")
    assert history(ledger, row_id)[-1] == (S.STORED, "accepted as it is, by hand")
    assert row.whole
    assert not ledger.accepted_as_is(row_id)
    assert files_of(ledger, row_id) == {1: "tile"}


def test_files_that_cannot_be_written_leave_the_job_as_it_was(ledger: Ledger) -> None:
    row_id = bring_to(ledger, S.SUCCEEDED)
    before = everything(ledger, row_id)
    with pytest.raises(LedgerError, match="sha256") as caught:
        ledger.stored(row_id, {0: FILE, 1: {**FILE, "sha256": None}})
    assert not caught.value.away
    assert everything(ledger, row_id) == before


def test_a_row_read_earlier_stays_as_it_was_read(ledger: Ledger) -> None:
    """Rows are values of a moment: no later change appears in them, and they need no open connection."""
    row_id = bring_to(ledger, S.INTENT)
    row: JobRow = row_of(ledger, row_id)
    assert ledger.submitted(row_id, "job-9", "accepted")
    assert (row.state, row.job_id) == (S.INTENT, None)


def test_the_answer_of_a_provider_is_kept_word_for_word(ledger: Ledger) -> None:
    row_id = bring_to(ledger, S.SUBMITTED)
    answer: dict[str, Any] = {
        "text": "žluťoučký 🐎 'quoted' \"twice\" %s :name \\",
        "numbers": [0, -1, 2**53, 0.1, 1e-12],
        "nested": {"list": [{"null": None, "no": False}], "empty": {}},
    }
    assert ledger.succeeded(row_id, DONE, answer, [])
    assert row_of(ledger, row_id).result == answer


def test_a_second_acceptance_is_kept_in_the_history(ledger: Ledger) -> None:
    """A worker that was taken for dead hears from the provider after its successor has bought."""
    row_id = bring_to(ledger, S.SUBMITTED)
    assert not ledger.submitted(row_id, "job-1", "heard again")
    before = len(history(ledger, row_id))
    assert not ledger.submitted(row_id, "job-2", "accepted as job-2")
    assert row_of(ledger, row_id).job_id == "job-1"
    assert [line.note for line in ledger.history(row_id)[before:]] == ["accepted once more, as job-2: paid twice?"]

"""Delivered, refused or unknown, and how long to wait: the pure rules behind every submit and fetch."""

from __future__ import annotations

import pytest

from prefect_genmedia import errors
from prefect_genmedia.errors import ApiError, GenMediaError
from prefect_genmedia.wire.retry import (
    Verdict,
    busy_pause,
    failure_pause,
    judge_submit,
    parse_retry_after,
)

DATE = "Sat, 21 Nov 2026 10:00:00 GMT"

AGAIN = (errors.NotDeliveredError, errors.RateLimitedError, errors.QueueFullError)
REFUSED = (
    errors.ConfigurationError,
    errors.AuthenticationError,
    errors.InsufficientCreditsError,
    errors.InvalidRequestError,
    errors.ContentRejectedError,
    errors.OperationRetiredError,
    errors.NotFoundError,
)


def every_error() -> list[type[GenMediaError]]:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, GenMediaError)]
    assert len(kinds) > 20
    return kinds


@pytest.mark.parametrize("kind", every_error())
def test_only_a_sure_refusal_is_one(kind: type[GenMediaError]) -> None:
    """Sent again: what surely was not accepted. Refused: what surely never will be. All else may be billed."""
    expected = Verdict.AGAIN if kind in AGAIN else Verdict.REFUSED if issubclass(kind, REFUSED) else Verdict.UNKNOWN
    assert judge_submit(kind("said", http_status=400)) is expected


ODD = [(413, Verdict.REFUSED), (405, Verdict.REFUSED), (499, Verdict.UNKNOWN)]


@pytest.mark.parametrize(("status", "verdict"), ODD)
def test_a_status_that_no_page_tells_of_may_be_said_of_a_request_that_was_taken(status: int, verdict: Verdict) -> None:
    assert judge_submit(ApiError("said", http_status=status)) is verdict


@pytest.mark.parametrize("status", [408, 409])
@pytest.mark.parametrize("kind", [ApiError, errors.InvalidRequestError])
def test_a_timeout_or_a_conflict_may_be_said_of_a_request_that_was_taken(kind: type[ApiError], status: int) -> None:
    assert judge_submit(kind("said", http_status=status)) is Verdict.UNKNOWN


def test_the_root_of_all_errors_is_unknown() -> None:
    assert judge_submit(GenMediaError("something new")) is Verdict.UNKNOWN


# -- Retry-After -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("1", 1),
        ("1.5", 1.5),
        (" 2 ", 2),
        ("600", 600),
        ("900", 900),
        ("86400", 86400),
        ("Sat, 21 Nov 2026 10:00:00 GMT", 0),
        ("Sat, 21 Nov 2026 10:00:30 GMT", 30),
        ("Sat, 21 Nov 2026 11:00:30 +0100", 30),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(value: str, seconds: float) -> None:
    assert parse_retry_after(value, DATE) == seconds


@pytest.mark.parametrize(
    "value",
    [
        None, "", " ", "soon", "-1", "-0.1", "86401", "99999999999", "1e999", "inf", "-inf", "nan", "1,5", "0x10",
        "Sat, 21 Nov 2026 09:59:59 GMT", "Sat, 21 Nov 2099 10:00:00 GMT", "Sat, 99 Nov 2026 10:00:00 GMT",
        "Sat, 21 Nov 2026", "\x00", "9" * 5000,
    ],
)  # fmt: skip
def test_retry_after_that_is_absent_or_absurd_is_none(value: str | None) -> None:
    assert parse_retry_after(value, DATE) is None


@pytest.mark.parametrize("value", ["Sat, 21 Nov 2026 10:00:30 -0000", "Sat, 21 Nov 2026 10:00:30"])
def test_a_date_without_a_zone_is_read_as_utc_or_not_at_all(value: str) -> None:
    assert parse_retry_after(value, DATE) in (None, 30)


@pytest.mark.parametrize("date", [None, "", "yesterday", "\x00"])
def test_a_date_needs_the_answers_own_date(date: str | None) -> None:
    """Our own clock may be wrong; without the provider's there is nothing to read the date against."""
    assert parse_retry_after("Sat, 21 Nov 2026 10:00:30 GMT", date) is None
    assert parse_retry_after("7", date) == 7


# -- pauses ----------------------------------------------------------------------------------------

LUCK = [0.0, 0.3, 0.999999]
NAMED = [0.0, 0.001, 1.0, 30.0, 600.0]


@pytest.mark.parametrize("luck", LUCK)
@pytest.mark.parametrize("refusals", [0, 1, 5, 100, 10**6])
def test_a_refused_submit_waits_between_half_a_second_and_half_a_minute(refusals: int, luck: float) -> None:
    assert 0.5 <= busy_pause(refusals, None, luck) <= 30


def test_a_refused_submit_waits_longer_each_time() -> None:
    pauses = [busy_pause(refusals, None, 0.5) for refusals in range(6)]
    assert pauses == sorted(pauses)
    assert pauses[-1] > 4 * pauses[0]


@pytest.mark.parametrize("luck", LUCK)
@pytest.mark.parametrize("named", NAMED)
def test_a_refused_submit_waits_at_least_as_long_as_the_provider_says(named: float, luck: float) -> None:
    assert named <= busy_pause(0, named, luck) <= max(1.0, named * 1.2)


@pytest.mark.parametrize("luck", LUCK)
@pytest.mark.parametrize("refusals", [0, 3, 50])
def test_refused_submits_do_not_come_in_a_storm(refusals: int, luck: float) -> None:
    """Even when the provider says: Retry-After: 0."""
    assert busy_pause(refusals, 0.0, luck) >= 0.1


@pytest.mark.parametrize("luck", LUCK)
@pytest.mark.parametrize("retry_after", [None, *NAMED])
@pytest.mark.parametrize("failures", [0, 1, 8, 10**6])
def test_failed_fetches_are_never_closer_than_half_the_shortest_pause(
    failures: int, retry_after: float | None, luck: float
) -> None:
    pause = failure_pause(failures, retry_after, 1.0, luck)
    assert max(0.5, retry_after or 0) <= pause <= max(30.0, (retry_after or 0) * 1.2)

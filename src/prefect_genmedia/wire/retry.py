"""Delivered, refused or unknown? And the pace to keep. Pure functions: no IO, no clock, no sleep."""

from __future__ import annotations

import email.utils
from enum import StrEnum

from prefect_genmedia.errors import (
    ApiError,
    ConfigurationError,
    GenMediaError,
    NotDeliveredError,
    QueueFullError,
    RateLimitedError,
    ServerError,
)

LONGEST_RETRY_AFTER = 86_400.0  # seconds; more than a day is absurd


# HTTP's own words for a request that was not even looked at.
NEVER_READ = (405, 406, 411, 413, 414, 415, 417, 426, 431)


class Verdict(StrEnum):
    """What a failed submit means for the money."""

    AGAIN = "again"  # surely not accepted, and the same request may pass later
    REFUSED = "refused"  # surely not accepted, and the same request will be refused again
    UNKNOWN = "unknown"  # may be accepted and billed


def judge_submit(error: GenMediaError) -> Verdict:
    """May this submit be sent again? Everything that is not surely a refusal is UNKNOWN."""
    if isinstance(error, NotDeliveredError | RateLimitedError | QueueFullError):
        return Verdict.AGAIN
    if isinstance(error, ServerError):
        return Verdict.UNKNOWN
    # 408 and 409 may be said of a request that was taken; and so may what neither provider's pages tell of.
    if isinstance(error, ApiError) and error.http_status not in (408, 409):
        told = type(error) is not ApiError or error.http_status in NEVER_READ
        return Verdict.REFUSED if told else Verdict.UNKNOWN
    if isinstance(error, ConfigurationError):
        return Verdict.REFUSED
    return Verdict.UNKNOWN


def parse_retry_after(value: str | None, date: str | None) -> float | None:
    """Seconds to wait, from a Retry-After header in seconds or as a date; None when absent or absurd.

    A date is read against the answer's own Date header, so a wrong clock here does no harm.
    """
    if not value:
        return None
    seconds: float
    try:
        seconds = float(value)
    except ValueError:
        try:
            until = email.utils.parsedate_to_datetime(value)
            now = email.utils.parsedate_to_datetime(date or "")
            seconds = (until - now).total_seconds()
        except (ValueError, TypeError):
            return None
    # NaN fails both comparisons.
    return seconds if 0 <= seconds <= LONGEST_RETRY_AFTER else None


def busy_pause(refusals: int, retry_after: float | None, luck: float) -> float:
    """Seconds before a refused submit is sent again: what the provider asks, or 1 s doubling up to 30 s.

    `luck` in [0, 1) spreads many waiting jobs apart.
    """
    ours = min(30.0, 2.0 ** min(refusals, 5)) * (0.5 + 0.5 * luck)
    # "Retry-After: 0" is no leave to hammer.
    return ours if retry_after is None or retry_after < 0.5 else retry_after * (1 + 0.1 * luck)


def failure_pause(failures: int, retry_after: float | None, shortest: float, luck: float) -> float:
    """Seconds to wait after the nth fetch in a row that failed."""
    ours = min(30.0, shortest * 2.0 ** min(failures, 6)) * (0.5 + 0.5 * luck)
    return max(ours, (retry_after or 0.0) * (1 + 0.1 * luck))

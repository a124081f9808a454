"""A provider's words and figures, read leniently: states by any of their names, job ids as numbers or text."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from prefect_genmedia.operation import JobState

_WORDS = {
    JobState.QUEUED: "queued queue enqueued in_queue pending pending_queue waiting submitted created scheduled "
    "accepted received not_started not_start initialized unknown",
    JobState.RUNNING: "running processing in_progress inprogress progress on_queue started starting generating "
    "rendering executing working active uploading preparing",
    JobState.SUCCEEDED: "success succeed succeeded successful completed complete done finished finish 2",
    JobState.FAILED: "failed fail failure error errored cancelled canceled cancel aborted rejected denied timeout "
    "timed_out expired terminated killed stopped banned",
}
_STATES = {word: state for state, words in _WORDS.items() for word in words.split()}

LONGEST_ID = 255
LONGEST_ETA = 7 * 86_400.0
MOST_QUOTA = 1e9
# An id that names nothing, as careless servers write it.
_NO_ID = {"", "none", "null", "nil", "undefined", "nan", "false", "true", "0", "-1"}


def state_of(word: Any) -> JobState | None:
    """The state that `word` means, in any case and with or without TASK_STATUS_ before it; None for a new word."""
    key = re.sub(r"[^a-z]+", "_", str(word).lower()).strip("_")
    return _STATES.get(key.removeprefix("task_").removeprefix("status_"))


def job_id(value: Any) -> str | None:
    """A job id: text, or a whole number. None for what is no id, such as "null", "" or true."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        value = int(value) if value.is_integer() else None
    text = str(value).strip() if isinstance(value, str | int) else ""
    if text.lower() in _NO_ID or len(text) > LONGEST_ID or not text.isprintable():
        return None
    return text


def job_id_in(holders: Iterable[Any], names: tuple[str, ...]) -> str | None:
    """The first job id that one of `holders` gives under one of `names`, however these are written."""
    for holder in holders:
        if not isinstance(holder, dict):
            continue
        written = {_plain(name): value for name, value in holder.items()}
        for name in names:
            if found := job_id(written.get(_plain(name))):
                return found
    return None


def all_ids(holders: Iterable[Any], name: str) -> str | None:
    """The job id that `holders` agree on; all that they give where they do not."""
    found = [each for holder in holders if (each := job_id_in((holder,), (name,)))]
    return " and ".join({each.casefold(): each for each in found}.values()) or None


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def number(value: Any) -> float | None:
    """`value` as a number: 2, "2", "4.00" and "100%" are all sent. None for what is none."""
    if isinstance(value, bool):
        return None
    try:
        read = float(str(value).strip().rstrip("%"))
    except ValueError:
        return None
    return read if math.isfinite(read) else None


def percent(value: Any) -> float | None:
    """How far a job is; None for a figure that cannot be."""
    read = number(value)
    return read if read is not None and 0 <= read <= 100 else None


def eta(value: Any) -> float | None:
    """Seconds that a job still takes; None for a figure that cannot be."""
    read = number(value)
    return read if read is not None and 0 < read <= LONGEST_ETA else None


def quota(value: Any) -> tuple[float | None, str]:
    """What a job cost, and a remark where the figure cannot be: then it counts as not given."""
    if value is None or value == "":
        return None, ""
    read = number(value)
    if read is not None and 0 <= read <= MOST_QUOTA:
        return read, ""
    return None, f"the provider's figure for the quota cannot be: {str(value)[:40]!r}; it counts as not given"

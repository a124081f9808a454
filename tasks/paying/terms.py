"""The keywords that every paid task takes: `imagine(request, credentials, copy=1, on_unknown="wait")`."""

from __future__ import annotations

import difflib
from typing import Literal

from typing_extensions import TypedDict

from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.jobs import Terms


class TaskTerms(TypedDict, total=False, closed=True):  # closed: for ty, which else takes any other word
    """On what terms a paid task buys. The docs tell more: "Guarantees and their limits"."""

    copy: int
    """Another number is another job for the same request. 0 by default."""
    request_key: str | None
    """Your own identity of the job, such as a SKU and a date: shared by all runs that give it."""
    attempts: int
    """How often it may be bought in all when the provider says that it failed. 1 by default."""
    on_unknown: Literal["fail", "wait", "resubmit"]
    """What to do when nobody can tell whether a submit was accepted: fail (by default), wait for a witness until the
    deadline, or resubmit, which may pay twice."""
    deadline_seconds: float | None
    """How long this call waits for the job's work and its files; the operation's own patience by default. The job
    outlives it."""
    queue_deadline_seconds: float | None
    """How long it waits besides for the job's turn: before it is sent, and in the provider's own queue, where it is
    bought already. By default as long as `deadline_seconds`, or six hours where that is not given."""
    priority: int
    """Who is sent first where the provider's queue is full: the higher. 0 by default; equal flows take turns."""
    on_expired: Literal["fail", "resubmit"]
    """What to do when the provider has forgotten the job that was bought: fail (by default), or buy it once more."""
    strict: bool
    """Refuse a file that is not quite what the answer said, and a job of which a file is missing. Off by default: what
    is odd is told in the result's remarks, and nothing paid for is held back."""


def terms_of(words: TaskTerms) -> Terms:
    """The terms as the core takes them. Raises ConfigurationError that names what was probably meant."""
    known = sorted(TaskTerms.__optional_keys__)
    for word in words:
        if word not in known:
            near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"the keywords are {', '.join(known)}"
            raise ConfigurationError(f"there is no keyword {word!r} for a paid task; {hint}")
    return Terms(**words)

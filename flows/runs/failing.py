"""What a run says of its failures: each picture's own sentences, once."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from prefect import get_run_logger
from pydantic import ValidationError

from prefect_genmedia import quoting
from prefect_genmedia.checking import refusal
from prefect_genmedia.errors import GenMediaError

MOST_NAMED = 20  # in one error; a report has them all


def _known(failure: Exception) -> GenMediaError | None:
    if isinstance(failure, ValidationError):
        return refusal(failure)
    return failure if isinstance(failure, GenMediaError) else None


def sentences_of(failure: Exception) -> str:
    """What happened; what became of the money; what to type: in one line."""
    return quoting.one_line(_known(failure) or f"{type(failure).__name__}: {failure}")


def log_failure(title: str, failure: Exception) -> None:
    """Say at once what happened, unless its paid task has just said so; all is said once, at the end of the run."""
    known = _known(failure)
    if known is not None:
        level = logging.DEBUG if known.operation else logging.ERROR
        get_run_logger().log(level, "%s failed: %s", title, quoting.one_line(known.sentences[0]))
        return
    lines = "".join(traceback.format_exception(failure))
    get_run_logger().error("%s failed: %s\n%s", title, sentences_of(failure), quoting.shown(lines))


@contextmanager
def beside(failed: Iterable[object]) -> Iterator[None]:
    """Around what only shows what was made: where some failed, that it cannot be kept is no more than a line."""
    try:
        yield
    except GenMediaError as failure:
        if not list(failed):
            raise
        get_run_logger().warning("%s", sentences_of(failure))


def run_failure(what: str, failed: Iterable[tuple[str, str]], of: int, published: int) -> GenMediaError:
    """The end of a run in which some failed: `failed` holds each one's title and sentences.

    Those that say the same are named together, so that a wrong key is told once and not of each picture.
    """
    together: dict[str, list[str]] = {}
    for title, said in failed:
        together.setdefault(said, []).append(title)
    count = sum(map(len, together.values()))
    reasons = [f"{_named(titles)}: {said}" for said, titles in together.items()]
    rest = f" … and {len(reasons) - MOST_NAMED} more reasons" if len(reasons) > MOST_NAMED else ""
    others = "What could be published is published." if published else "Nothing was published."
    return GenMediaError(
        f"{count} of {of} {what} failed: {' '.join(reasons[:MOST_NAMED])}{rest}",
        advice=f"{others} Once what each says is done, retry this run (a changed prompt is another run): what is "
        "bought is not bought again.",
    )


def _named(titles: list[str]) -> str:
    more = f" and {len(titles) - MOST_NAMED} more" if len(titles) > MOST_NAMED else ""
    return ", ".join(titles[:MOST_NAMED]) + more

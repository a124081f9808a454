"""What goes wrong with a database, as errors of ours: no SQL, no values, no password."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.engine import URL
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    SQLAlchemyError,
    StatementError,
)

from prefect_genmedia.errors import GenMediaError, LedgerError

# The database answers, and says no.
_REFUSALS = (DataError, IntegrityError, NotSupportedError, ProgrammingError)


class NoJsonError(Exception):
    """A request or an answer that cannot be written as JSON."""


def to_json(value: Any) -> str:
    try:
        # NaN and Infinity are none: PostgreSQL refuses them, and both databases shall be alike.
        return json.dumps(value, allow_nan=False)
    except (ValueError, TypeError, RecursionError) as failure:
        raise NoJsonError(type(failure).__name__) from None


def named(url: URL) -> str:
    # The query may hold a password too.
    return url.set(query={}).render_as_string(hide_password=True)


@contextmanager
def plain_errors(url: URL) -> Iterator[None]:
    """Database errors as ours: no SQL, no parameters, no password."""
    error: GenMediaError
    try:
        yield
        return
    except DBAPIError as failure:
        if isinstance(failure, _REFUSALS) and not failure.connection_invalidated:
            error = _refused(url, _first_line(failure))
        else:
            error = LedgerError(f"the ledger {named(url)} does not answer: {_first_line(failure)}")
    except (StatementError, NoJsonError, OverflowError, UnicodeError) as failure:  # it cannot even be sent
        error = _refused(url, type(getattr(failure, "orig", None) or failure).__name__)
    except SQLAlchemyError as failure:
        error = LedgerError(f"the ledger {named(url)} cannot be used: {type(failure).__name__}")
    raise error


def _refused(url: URL, words: str) -> LedgerError:
    """The database is there and does not take what it is given: to ask again would change nothing."""
    advice = "The database is there: something in the job is out of its range."
    return LedgerError(f"the ledger {named(url)} does not take this: {words}", advice=advice, away=False)


def _first_line(failure: DBAPIError) -> str:
    return (str(failure.orig).strip().splitlines() or [type(failure.orig).__name__])[0]

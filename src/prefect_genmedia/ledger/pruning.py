"""Old history moves out of the ledger into a file: lines of what happened to jobs, never a job itself."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Select, delete, func, select

from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.ledger.models import EventRow, JobRow
from prefect_genmedia.ledger.rows import Rows, table_of
from prefect_genmedia.ledger.values import UNFINISHED

_BATCH = 900  # older SQLites take no more values in one statement


def count_old(rows: Rows, older_than_seconds: float) -> int:
    """How many lines `move_old` would move."""
    with rows.database.read() as session:
        return int(session.scalars(_old(rows, older_than_seconds, func.count())).one())


def move_old(rows: Rows, older_than_seconds: float, to: Path) -> Iterator[int]:
    """Move the history of jobs that are finished and quiet for so long into a new file; how many lines, batch by batch.

    A line is on the disk before it leaves the ledger: ended at any moment, it is in one of them, or in both.
    Raises ConfigurationError when there is such a file, or none can be written.
    """
    columns = list(table_of(EventRow).columns)
    query = _old(rows, older_than_seconds, *columns).order_by(EventRow.id).limit(_BATCH)
    last = -1
    try:
        with to.open("xb") as file:
            _sync_name(to)
            while True:
                with rows.database.read() as session:
                    lines = [dict(line) for line in session.execute(query.where(EventRow.id > last)).mappings()]
                if not lines:
                    return
                # Each batch is a gzip of its own: what comes after it cannot spoil it.
                file.write(gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode()))
                file.flush()
                os.fsync(file.fileno())
                with rows.database.write_once() as session:
                    session.execute(delete(table_of(EventRow)).where(EventRow.id.in_([line["id"] for line in lines])))
                last = lines[-1]["id"]
                yield len(lines)
    except OSError as failure:
        raise ConfigurationError(
            f"the history cannot be written to {to}: {failure.strerror}",
            advice="Give another file that does not exist yet: --to PATH. What was not written is still in the ledger.",
        ) from None


def _sync_name(file: Path) -> None:
    """That there is such a file has to outlast a power cut as well."""
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _old(rows: Rows, older_than_seconds: float, *columns: Any) -> Select[Any]:
    before = rows.clock() - older_than_seconds
    query = select(*columns).select_from(EventRow).join(JobRow, JobRow.id == EventRow.job)
    return query.where(EventRow.at <= before, JobRow.updated_at <= before, JobRow.state.not_in(UNFINISHED))

"""Every paid job and every media file, written down before money is spent."""

from prefect_genmedia.ledger.claims import Claim, Want
from prefect_genmedia.ledger.database import Database, open_database
from prefect_genmedia.ledger.models import UNFINISHED, EventRow, JobRow, LedgerState, MediaRow
from prefect_genmedia.ledger.owner import is_dead, this_process, uptime
from prefect_genmedia.ledger.pruning import count_old, move_old
from prefect_genmedia.ledger.reading import Accepted, Ledger, Past, open_ledger

__all__ = [
    "UNFINISHED",
    "Accepted",
    "Claim",
    "Database",
    "EventRow",
    "JobRow",
    "Ledger",
    "LedgerState",
    "MediaRow",
    "Past",
    "Want",
    "count_old",
    "is_dead",
    "move_old",
    "open_database",
    "open_ledger",
    "this_process",
    "uptime",
]

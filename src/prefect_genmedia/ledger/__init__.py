"""Every paid job and every media file, written down before money is spent."""

from .database import Database, open_database
from .models import UNFINISHED, EventRow, JobRow, LedgerState, MediaRow
from .owner import is_dead, this_process
from .store import Claim, Ledger, Want, open_ledger

__all__ = [
    "UNFINISHED",
    "Claim",
    "Database",
    "EventRow",
    "JobRow",
    "Ledger",
    "LedgerState",
    "MediaRow",
    "Want",
    "is_dead",
    "open_database",
    "open_ledger",
    "this_process",
]

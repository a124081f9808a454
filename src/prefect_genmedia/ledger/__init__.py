"""Every paid job and every media file, written down before money is spent.

What needs SQLAlchemy is imported at first use: a worker that starts, or `genmedia --help`, needs none of it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from prefect_genmedia.ledger.owner import is_dead, this_process, uptime
from prefect_genmedia.ledger.values import (
    UNFINISHED,
    Accepted,
    Asked,
    Claim,
    Former,
    Full,
    LedgerState,
    Past,
    Queue,
    Spent,
    Verdict,
    Want,
)

if TYPE_CHECKING:
    from prefect_genmedia.ledger.database import Database, lacking_file, open_database
    from prefect_genmedia.ledger.models import DecisionRow, EventRow, JobRow, MediaRow
    from prefect_genmedia.ledger.pruning import count_old, move_old
    from prefect_genmedia.ledger.reading import Ledger, ledger_to_read, open_ledger

__all__ = [
    "UNFINISHED",
    "Accepted",
    "Asked",
    "Claim",
    "Database",
    "DecisionRow",
    "EventRow",
    "Former",
    "Full",
    "JobRow",
    "Ledger",
    "LedgerState",
    "MediaRow",
    "Past",
    "Queue",
    "Spent",
    "Verdict",
    "Want",
    "count_old",
    "is_dead",
    "lacking_file",
    "ledger_to_read",
    "move_old",
    "open_database",
    "open_ledger",
    "this_process",
    "uptime",
]

_LATER = {
    "Database": "database",
    "lacking_file": "database",
    "open_database": "database",
    "DecisionRow": "models",
    "EventRow": "models",
    "JobRow": "models",
    "MediaRow": "models",
    "count_old": "pruning",
    "move_old": "pruning",
    "Ledger": "reading",
    "ledger_to_read": "reading",
    "open_ledger": "reading",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)

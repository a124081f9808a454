"""Ends this process, or the running task, at an exact statement of the ledger: no clock, no luck.

SQLAlchemy's own events say what goes to the database. Every transaction has a name: the state that it writes
(INTENT, SUBMITTED, ...), or `setup`, `store`, `secret`, `claim`, `progress`, `release`. A tripwire stands inside,
before or after the commit of the nth transaction of a name.
"""

from __future__ import annotations

import os
import re
import signal
import threading
from collections import Counter
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from prefect_genmedia.ledger import LedgerState
from tests.chaos.points import GRACE_SECONDS

STATES = {str(state) for state in LedgerState}


class Crash(Exception):
    """An exception of nobody's making, in the middle of the ledger."""


def name_of(statement: str, parameters: Any) -> str | None:
    """What a statement is for; None for one that changes nothing of interest."""
    if "genmedia_" not in statement:
        return None
    if statement.startswith("INSERT INTO genmedia_event"):
        return next((value for value in _flat(parameters) if value in STATES), None)
    if statement.startswith("INSERT INTO genmedia_fact"):
        return "store" if "media_store" in _flat(parameters) else "secret"
    if statement.startswith("INSERT INTO genmedia_job"):
        return "claim"
    if "CREATE TABLE genmedia_job" in statement:
        return "setup"
    if changed := re.match(r"UPDATE genmedia_job SET (.*?) WHERE", statement, re.DOTALL):
        columns = changed[1]
        if "state=" in columns.replace("provider_state=", ""):
            return None  # its line of history follows, and names it
        if "provider_state=" in columns:
            return "progress"
        return "release" if columns.startswith("owner=") else None
    return None


def _flat(parameters: Any) -> list[Any]:
    if isinstance(parameters, dict):
        return list(parameters.values())
    found: list[Any] = []
    for item in parameters or ():
        found += _flat(item) if isinstance(item, (dict, list, tuple)) else [item]
    return found


class Tripwire:
    """Counts the ledger's transactions in this process; strikes once, at the one it was set for.

    It strikes with a signal to this process; without one, with an exception.
    """

    def __init__(
        self, name: str = "", nth: int = 0, phase: str = "", *, signal: signal.Signals | None = signal.SIGKILL
    ) -> None:
        self.set_for = (name, nth, phase)
        self.signal = signal
        self.struck = False
        self.commits: list[str] = []
        self._seen: Counter[str] = Counter()
        self._here = threading.local()
        self._lock = threading.Lock()

    def lay(self) -> None:
        event.listen(Engine, "before_cursor_execute", self._statement)
        event.listen(Engine, "commit", self._before_commit)
        event.listen(Engine, "rollback", self._rolled_back)
        event.listen(Session, "after_commit", self._after_commit)

    def _statement(
        self, connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
    ) -> None:
        name = name_of(statement.lstrip(), parameters)
        if name is None or getattr(self._here, "transaction", None) is not None:
            return
        with self._lock:
            self._seen[name] += 1
            self._here.transaction = (name, self._seen[name])
        self._reached("inside")

    def _before_commit(self, connection: Any) -> None:
        self._here.committing = True  # the end of a savepoint is no commit
        self._reached("before")

    def _rolled_back(self, connection: Any) -> None:
        self._here.transaction = None

    def _after_commit(self, session: Any) -> None:
        if not getattr(self._here, "committing", False):
            return
        self._here.committing = False
        transaction = getattr(self._here, "transaction", None)
        if transaction is not None:
            self.commits.append(transaction[0])
        self._reached("after")
        self._here.transaction = None

    def _reached(self, phase: str) -> None:
        transaction = getattr(self._here, "transaction", None)
        if transaction is None or self.struck or (*transaction, phase) != self.set_for:
            return
        self.struck = True
        if self.signal is not None:
            if self.signal == signal.SIGTERM:  # it may go unheard: see Worker.end
                timer = threading.Timer(GRACE_SECONDS, os.kill, (os.getpid(), signal.SIGKILL))
                timer.daemon = True
                timer.start()
            os.kill(os.getpid(), self.signal)
            return  # it was stopped and has been woken, or it ends elsewhere
        self._here.transaction, self._here.committing = None, False
        raise Crash(f"a crash {phase} the commit of {transaction[0]}")

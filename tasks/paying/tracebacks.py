"""Prefect logs what ends a task or a flow with its traceback, and then says it again as the state.

Of our own errors, which say what to do, the state's line is enough: the other one goes to DEBUG.
"""

from __future__ import annotations

import logging

from prefect_genmedia.errors import GenMediaError


class _AtDebug(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if not record.exc_info or not isinstance(record.exc_info[1], GenMediaError):
            return True
        record.levelno, record.levelname = logging.DEBUG, "DEBUG"
        return logging.getLogger(record.name).isEnabledFor(logging.DEBUG)


_FILTER = _AtDebug()


def quieten() -> None:
    """For this process. May be called again."""
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).addFilter(_FILTER)

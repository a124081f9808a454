"""Progress in Prefect's UI, which never touches the work: a job hands over where it stands and goes on at once.

One thread a process writes the artifacts, one request at a time, with a client of its own, and lets each request
come to its end: a cancelled one would leak a connection. What it cannot keep up with is overwritten by what comes
next. It shows no more jobs at once than it can still tell the end of when the process ends.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterTaskRunId, ArtifactFilterType
from prefect.context import SettingsContext, get_settings_context
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES
from prefect.utilities.context import get_task_and_flow_run_ids

from prefect_genmedia.errors import GenMediaError, JobExpiredError, JobFailedError, JobTimeoutError
from prefect_genmedia.jobs import Progress
from prefect_genmedia.quoting import for_markdown

SHORT_SECONDS = 5.0  # a job that is done sooner is not shown: each artifact costs the server as much as a task run
CARD_SECONDS = 5.0  # one artifact is written at most this often,
PAUSE_SECONDS = 1.0  # all of them together this often,
REST = 4.0  # and a slow server rests for this many times as long as it took
MOST_SHOWN = 16  # jobs shown at once; the others are when one of these has ended
QUIET_SECONDS = 30.0  # after a write that failed
FLUSH_SECONDS = 5.0  # for the last words, when the process ends

Log = logging.Logger | logging.LoggerAdapter[Any]
log = logging.getLogger("prefect_genmedia")


@dataclass(eq=False)
class _Card:
    """What is to be said of one call, and the artifact in which it is said."""

    operation: str
    task_run: UUID | None
    flow_run: UUID | None
    due: float = 0.0
    """When it may be written next, of time.monotonic()."""
    words: str = ""
    job: str = ""
    percent: float = 0.0
    is_new: bool = False
    ended: bool = False
    begun: bool = False
    """An artifact was asked for: it may be there even when no answer came."""
    artifact: UUID | None = None


@contextmanager
def watched(operation: str, log: Log) -> Iterator[Callable[[Progress], None]]:
    """Show the call of the current task run in its log and in an artifact, whose last word is how the call ended."""
    task_run, flow_run = get_task_and_flow_run_ids()
    card = _Card(operation, task_run, flow_run)
    writer = _writer()
    told = ""

    def show(progress: Progress) -> None:
        nonlocal told
        words = _words(progress)
        first = not told
        if first:
            card.due = time.monotonic() + SHORT_SECONDS
        if progress.state != told:
            told = progress.state
            # Two lines a job are enough for whoever reads a night of them; between them the artifact tells.
            level = logging.INFO if first or progress.state == "done" else logging.DEBUG
            log.log(level, "%s: %s, job %s", operation, words, progress.job)
        percent = min(100.0, max(0.0, progress.percent or 0.0))
        writer.tell(card, words, percent, job=for_markdown(progress.job))

    try:
        yield show
    except BaseException as end:
        writer.tell(card, _last_word(end), card.percent, ended=True)
        raise
    writer.tell(card, "done", 100.0, ended=True)


def _words(progress: Progress) -> str:
    percent = f" {progress.percent:.0f} %" if progress.state == "running" and progress.percent is not None else ""
    eta = f", about {progress.eta_seconds:.0f} s left" if progress.state == "running" and progress.eta_seconds else ""
    return f"{progress.state}{percent}{eta}"


def _last_word(end: BaseException) -> str:
    match end:
        case JobFailedError():
            return "failed"
        case JobExpiredError():
            return "forgotten by the provider"
        case JobTimeoutError():
            return "not done before our deadline; it may still finish"
        case GenMediaError():
            return f"stopped by a {type(end).__name__}"
        case Exception():
            return "stopped by an error"
        case _:
            return "interrupted"


class _Writer:
    """The one thread that writes, and what it has yet to write: one card a call, its latest word."""

    def __init__(self) -> None:
        here = get_settings_context()
        # Prefect's client would try a lost API again for minutes, with words that are old by then.
        settings = here.settings.copy_with_update(updates={PREFECT_CLIENT_MAX_RETRIES: 0})
        self._settings = SettingsContext(profile=here.profile, settings=settings)
        self._changed = threading.Condition()
        self._cards: set[_Card] = set()
        self._not_before = 0.0
        self._quiet_until = 0.0
        self._took = 0.0
        self._thread = threading.Thread(target=self._work, name="genmedia-progress", daemon=True)
        self._thread.start()
        atexit.register(self._flush)

    def tell(self, card: _Card, words: str, percent: float, *, job: str = "", ended: bool = False) -> None:
        """Where a call stands now. Returns at once."""
        with self._changed:
            card.words, card.percent, card.job, card.ended = words, percent, job or card.job, ended
            card.is_new = True
            if not ended:
                self._cards.add(card)
            elif not card.begun:
                self._cards.discard(card)  # it was never shown
            if (ended and card.begun) or len(self._cards) == 1:
                self._changed.notify_all()

    def _work(self) -> None:
        with self._settings:
            card = self._next()
            with get_client(sync_client=True) as client:
                while True:
                    self._write(client, card)
                    card = self._next()

    def _next(self) -> _Card:
        """Wait for the next card to write."""
        with self._changed:
            while (card := self._most_urgent()) is None:
                self._changed.wait(PAUSE_SECONDS if self._cards else None)
            return card

    def _most_urgent(self) -> _Card | None:
        now = time.monotonic()
        if now < self._quiet_until:
            return None
        if owed := self._owed():
            return owed[0]
        if now < self._not_before:
            return None
        may_show = self._may_show_another()
        due = [card for card in self._cards if card.is_new and card.due <= now and (card.begun or may_show)]
        return min(due, key=lambda card: card.due, default=None)

    def _owed(self) -> list[_Card]:
        """The last words that are not written yet."""
        return [card for card in self._cards if card.ended]

    def _may_show_another(self) -> bool:
        """Would there be time for its last word, those of the others, and the write that is under way?"""
        shown = sum(card.begun for card in self._cards)
        return not shown or (shown < MOST_SHOWN and (shown + 2) * self._took <= FLUSH_SECONDS)

    def _write(self, client: SyncPrefectClient, card: _Card) -> None:
        with self._changed:
            perhaps_there = card.begun and card.artifact is None
            card.begun, card.is_new, ended = True, False, card.ended
            said = {"data": card.percent, "description": f"{card.operation}: {card.words}. Job {card.job}"}
        started = time.monotonic()
        failed = is_lost = False
        try:
            if perhaps_there:
                card.artifact = _find(client, card)
            # By request(): create_artifact and update_artifact send an event each, which costs the server a third more.
            if card.artifact is not None:
                client.request("PATCH", "/artifacts/{id}", path_params={"id": card.artifact}, json=said)
            elif not ended:
                whose = {"task_run_id": card.task_run, "flow_run_id": card.flow_run}
                named = {name: str(run) for name, run in whose.items() if run is not None}
                made = client.request("POST", "/artifacts/", json={"type": "progress", **said, **named})
                card.artifact = UUID(made.json()["id"])
        except Exception as failure:  # whatever the UI's server says, paid work goes on
            status = failure.response.status_code if isinstance(failure, PrefectHTTPStatusError) else 500
            failed, is_lost = True, 400 <= status < 500 and status not in (408, 429)
            log.debug("The progress artifact was not written: %s", type(failure).__name__)
        now = time.monotonic()
        with self._changed:
            self._took = max(now - started, self._took * 0.8)
            self._not_before = now + max(PAUSE_SECONDS, REST * (now - started))
            self._quiet_until = now + QUIET_SECONDS if failed else 0.0
            card.due = now + CARD_SECONDS
            card.is_new |= failed
            if is_lost or (ended and not failed):
                self._cards.discard(card)
            self._changed.notify_all()

    def _flush(self) -> None:
        """The process ends: write the last words that are owed, if the server takes them in time."""
        if not self._thread.is_alive():
            return  # as in a fork
        with self._changed:
            self._quiet_until = 0.0
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._owed() or self._quiet_until, FLUSH_SECONDS)


def _find(client: SyncPrefectClient, card: _Card) -> UUID | None:
    """The artifact that was asked for, where the answer was lost."""
    if card.task_run is None:
        return None
    of_this = ArtifactFilter(
        task_run_id=ArtifactFilterTaskRunId(any_=[card.task_run]), type=ArtifactFilterType(any_=["progress"])
    )
    found = client.read_artifacts(artifact_filter=of_this, limit=1)
    return found[0].id if found else None


_writers: dict[tuple[int, str | None], _Writer] = {}
_lock = threading.Lock()


def _writer() -> _Writer:
    """This process's writer; another for another server, as in tests. A thread does not live on in a fork."""
    with _lock:
        key = os.getpid(), PREFECT_API_URL.value()
        if key not in _writers:
            _writers[key] = _Writer()
        return _writers[key]

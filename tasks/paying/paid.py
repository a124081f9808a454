"""What every paid task is made with: retries that resume, the ledger's key as cache key, progress in the UI."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import Any
from uuid import UUID

import prefect.runtime.flow_run
import prefect.runtime.task_run
from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext, TaskRunContext
from prefect.exceptions import ObjectNotFound

from prefect_genmedia.blocks import NovitaCredentials, TTAPICredentials
from prefect_genmedia.errors import (
    GenMediaError,
    LedgerError,
    MediaError,
    QueueFullError,
    RateLimitedError,
    ResponseFormatError,
    ServerError,
    SubmitOutcomeUnknown,
    TransportError,
)
from prefect_genmedia.jobs import (
    JobResult,
    Run,
    RunState,
    Terms,
    identities,
    lacks_files,
    run,
    script_run,
    script_state,
)
from prefect_genmedia.media.pictures import pictures_in, read_picture
from prefect_genmedia.operation import Operation, Request, RequestT, ResultT, fingerprint
from prefect_genmedia.tasks.paying.prices import variable_prices
from prefect_genmedia.tasks.paying.progress import watched
from prefect_genmedia.tasks.paying.terms import TaskTerms, terms_of

Credentials = TTAPICredentials | NovitaCredentials

# Each is over before the next try: the try resumes the job that is there, it does not buy another.
_PASSING = (TransportError, ServerError, RateLimitedError, QueueFullError, ResponseFormatError, LedgerError)


async def worth_retrying(task: Any, task_run: Any, state: Any) -> bool:
    """Retry what may pass. A failed job, a refusal and an unknown outcome stay as they are."""
    error = await state.aresult(raise_on_failure=False)
    if isinstance(error, SubmitOutcomeUnknown) or getattr(error, "lasting", False):
        return False
    if isinstance(error, MediaError):
        return error.job is not None  # a result that did not arrive; an unreadable input stays unreadable
    return isinstance(error, (*_PASSING, TimeoutError))


def paid(operation: Operation[Any, Any], name: str | None = None) -> dict[str, Any]:
    """The options of a paid task: `@task(**paid(IMAGINE))`."""
    return {
        "name": name or operation.name,
        "description": f"{operation.source} ({operation.lifecycle})",
        "task_run_name": _run_name(operation),
        "retries": 3,
        "retry_delay_seconds": [2, 10, 30],
        "retry_condition_fn": worth_retrying,
        "cache_key_fn": _cache_key(operation),
        "persist_result": True,
        "result_serializer": "json",
    }


def _run_name(operation: Operation[Any, Any]) -> Callable[[dict[str, Any]], str]:
    verb = operation.name.rpartition(".")[2]

    def name(parameters: dict[str, Any]) -> str:
        request, copy = parameters["request"], _terms(parameters).get("copy", 0)
        title = request.title if isinstance(request, Request) else ""
        return f"{verb}: {title or operation.name}" + (f" (copy {copy})" if copy in range(1, 2**31) else "")

    return name


def _cache_key(operation: Operation[Any, Any]) -> Callable[[Any, dict[str, Any]], str | None]:
    """The ledger's own key, so that a finished operation shows as Cached when its run is retried.

    Never shared between runs: Prefect's result files are not written whole, and a run must not read what another
    is writing. Runs that share a request_key meet in the ledger.
    """

    def key(context: TaskRunContext, parameters: dict[str, Any]) -> str | None:
        request = parameters["request"]
        try:
            terms = terms_of(_terms(parameters))
            digests: dict[int, str] = {}
            for _, picture, limit in pictures_in(request):
                if isinstance(picture.source, str) and not picture.is_local:
                    return None  # what lies there now is known only once it is read: the ledger decides
                content = read_picture(picture.source, picture.most_bytes(limit))
                digests[id(picture)] = picture.identity(content)
            account = parameters["credentials"].get_client()
        except (GenMediaError, AttributeError):
            return None  # the task's body says what is wrong
        run = _this_run()
        canonical = request.canonical(digests)
        job = identities(operation, canonical, account, run.scope(terms.request_key), terms.copy)[0][1]
        try:
            if lacks_files(job):
                return None  # deleted since, or not come before the last deadline: to be brought in
        except GenMediaError:
            return None
        # How the answer is read is no part of the job, but of what the task gives.
        read = {name: canonical.get(name) for name in operation.reading}
        return f"genmedia-{fingerprint(job, read, run.name)}"

    return key


def _terms(parameters: dict[str, Any]) -> TaskTerms:
    terms: TaskTerms = parameters.get("terms", {})  # missing where a mapped task is given none
    return terms


@lru_cache(maxsize=256)
def _root_flow_run(flow_run_id: UUID) -> str:
    return str(prefect.runtime.flow_run.root_flow_run_id)


def _this_run() -> Run:
    flow, task = FlowRunContext.get(), TaskRunContext.get()
    if flow is None or flow.flow_run is None:
        return script_run()
    return Run(f"flow:{_root_flow_run(flow.flow_run.id)}", task_run=str(task.task_run.id) if task else None)


async def state_of(name: str) -> RunState:
    """What became of the run that bought a job."""
    kind, _, run_id = name.partition(":")
    if kind != "flow":
        return await script_state(name)
    try:
        async with get_client() as client:
            state = (await client.read_flow_run(UUID(run_id))).state
    except ObjectNotFound:
        return "unknown"
    if state is None or not state.is_final():
        return "live"
    return "finished" if state.is_completed() else "ended"


async def buy(
    operation: Operation[RequestT, ResultT], request: RequestT, credentials: Credentials, terms: TaskTerms
) -> JobResult[ResultT]:
    """Run one operation as the current Prefect run: its jobs, its log, its progress artifact."""
    budget = credentials.budget.limits() if credentials.budget is not None else None
    on = replace(terms_of(terms), budget=budget, prices=await variable_prices())
    if terms:  # Prefect's page of a task run shows its log, and not the values of its parameters
        usual = Terms()
        said = {word: value for word, value in terms.items() if value != getattr(usual, word, None)}
        if said:
            get_run_logger().info("%s: %s", operation.name, ", ".join(f"{word}={said[word]!r}" for word in said))
    with this_run(operation.name) as here:
        return await run(operation, request, credentials.get_client(), run=here, terms=on)


@contextmanager
def this_run(operation: str) -> Iterator[Run]:
    """The current Prefect run as the core sees it: whose jobs they are, where to log and to show progress."""
    here, log = _this_run(), get_run_logger()
    tags = tuple(sorted({*prefect.runtime.flow_run.tags, *prefect.runtime.task_run.tags}))
    with watched(operation, log) as show:
        yield Run(here.name, here.task_run, state_of, show, log, tags)

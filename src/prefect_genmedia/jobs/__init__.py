"""One paid job from claim to files: `run` gives its files, buying at most once; `resume` never buys."""

from prefect_genmedia.jobs.buying import open_store, remember_store, resume, run
from prefect_genmedia.jobs.history.bought import (
    accept_as_is,
    bought_job,
    import_job,
    lacks_files,
    name_job,
    not_bought,
    orphans,
)
from prefect_genmedia.jobs.purchase import identities
from prefect_genmedia.jobs.values import (
    JobRef,
    JobResult,
    Progress,
    Run,
    RunState,
    Terms,
    ref_of,
    script_run,
    script_state,
)

__all__ = [
    "JobRef",
    "JobResult",
    "Progress",
    "Run",
    "RunState",
    "Terms",
    "accept_as_is",
    "bought_job",
    "identities",
    "import_job",
    "lacks_files",
    "name_job",
    "not_bought",
    "open_store",
    "orphans",
    "ref_of",
    "remember_store",
    "resume",
    "run",
    "script_run",
    "script_state",
]

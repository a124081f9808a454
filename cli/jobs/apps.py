"""`genmedia jobs …` and `genmedia ledger …`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from prefect_genmedia.cli import arguments
from prefect_genmedia.cli.reading import require_ledger

SINCE = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
jobs_app = typer.Typer(help="The paid jobs in the ledger.", no_args_is_help=True)
ledger_app = typer.Typer(help="The ledger itself.", no_args_is_help=True)


@jobs_app.command("list")
def list_jobs(
    state: Annotated[list[str] | None, typer.Option(help="Only these states, for example UNKNOWN.")] = None,
    limit: Annotated[int, typer.Option(help="At most this many, newest first.", min=1, max=100_000)] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    run: Annotated[
        str | None, typer.Option(help="Only of this flow run: the id in its page's address.", callback=arguments.name)
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(help="Only those asked for since, in local time.", formats=SINCE)
    ] = None,
    operation: Annotated[
        str | None, typer.Option(help="Only of this operation, such as novita.img2img.", callback=arguments.name)
    ] = None,
    account: Annotated[
        str | None, typer.Option(help="Only of this account, as genmedia report names it.", callback=arguments.name)
    ] = None,
) -> None:
    """List paid jobs, newest first, with their sums. Times are local."""
    from prefect_genmedia.cli.jobs.listing import list_jobs as show

    require_ledger()
    show(state or [], limit, as_json, run, since, operation, account)


@jobs_app.command("show")
def show_job(
    job: Annotated[str, typer.Argument(help="The start of its id, or the provider's job id.", callback=arguments.name)],
) -> None:
    """Show one job: what was asked, what happened, where the files are."""
    from prefect_genmedia.cli.jobs.commands import show_job as show

    require_ledger()
    show(job)


@jobs_app.command("resume")
def resume_job(
    job: Annotated[str, typer.Argument(help="The start of its id, or the provider's job id.", callback=arguments.name)],
    block: Annotated[
        str | None, typer.Option(help="The credentials block; found by itself by default.", callback=arguments.name)
    ] = None,
) -> None:
    """Wait for a bought job and bring its files in. Never buys."""
    from prefect_genmedia.cli.jobs.commands import resume_job as bring_in

    require_ledger()
    bring_in(job, block)


@jobs_app.command("adopt")
def adopt_job(
    job: Annotated[
        str | None,
        typer.Argument(
            help="The start of the id of a job to settle or correct; none: all orphans.", callback=arguments.name
        ),
    ] = None,
    job_id: Annotated[
        str | None, typer.Option(help="The provider's id, once you have found it there.", callback=arguments.name)
    ] = None,
    not_accepted: Annotated[
        bool, typer.Option("--not-accepted", help="You have looked: the provider never took it.")
    ] = False,
    block: Annotated[
        str | None, typer.Option(help="The credentials block; found by itself by default.", callback=arguments.name)
    ] = None,
    quiet_seconds: Annotated[
        float,
        typer.Option(
            help="Orphans: leave those alone that changed this recently.",
            min=0,
            max=366 * 86400,
            callback=arguments.number,
        ),
    ] = 60,
) -> None:
    """Settle a job whose submit got no answer; or, without JOB, bring in every paid job that no run works on."""
    from prefect_genmedia.cli.jobs import commands as jobs

    if job is None and (job_id is not None or not_accepted):
        raise typer.BadParameter("say which job it is about.", param_hint="JOB")
    require_ledger()
    if job is None:
        jobs.adopt_orphans(quiet_seconds)
    else:
        jobs.adopt_job(job, job_id, not_accepted, block)


@jobs_app.command("accept")
def accept_job(
    job: Annotated[str, typer.Argument(help="The start of its id, or the provider's job id.", callback=arguments.name)],
) -> None:
    """Close a job with the files that have come: those that are missing are not asked for any more."""
    from prefect_genmedia.cli.jobs.commands import accept_job as accept

    require_ledger()
    accept(job)


@jobs_app.command("import")
def import_jobs(
    operation: Annotated[str, typer.Argument(help="For example midjourney.imagine.", callback=arguments.name)],
    job_ids: Annotated[
        list[str] | None, typer.Argument(help="The provider's job ids.", callback=arguments.names)
    ] = None,
    from_list: Annotated[
        int, typer.Option(help="Also the newest this many of the provider's own list.", min=0, max=10_000)
    ] = 0,
    block: Annotated[
        str, typer.Option(help="The credentials block of the account that bought them.", callback=arguments.name)
    ] = "ttapi",
) -> None:
    """Bring in jobs that were bought before the pack was installed. Never buys."""
    from prefect_genmedia.cli.jobs.commands import import_jobs as bring_in

    bring_in(operation, job_ids or [], from_list, block)


@ledger_app.command("prune")
def prune(
    older_than: Annotated[
        str, typer.Option(help="How long nothing has happened to the job, such as 90d or 12h.", callback=arguments.age)
    ],
    to: Annotated[
        Path | None, typer.Option(help="The new file (JSON lines, gzip); by default beside an SQLite ledger.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how much would be moved.")] = False,
) -> None:
    """Move the history of jobs that ended long ago out of the ledger, into a file.

    Moved are the lines under "What happened". Kept are every job itself, its request, answer, price and tags, and its
    files: an equal request still finds it and is not bought again, and budgets and the origin of files stay complete.
    It may be interrupted at any moment; an SQLite file does not shrink, its free space is used again.
    """
    from prefect_genmedia.cli.jobs.pruning import prune as move

    require_ledger()
    move(float(older_than), to, dry_run)

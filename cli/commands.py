"""What can be typed. Heavy imports wait until a command needs them: `genmedia --help` answers at once."""

from __future__ import annotations

import math
import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from prefect_genmedia.cli.report_command import report
from prefect_genmedia.cli.terminal import errors, say, speak_any_encoding
from prefect_genmedia.errors import GenMediaError

app = typer.Typer(
    help="Paid media jobs as Prefect tasks: retry anything, pay once.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
jobs_app = typer.Typer(help="The paid jobs in the ledger.", no_args_is_help=True)
app.add_typer(jobs_app, name="jobs")
ledger_app = typer.Typer(help="The ledger itself.", no_args_is_help=True)
app.add_typer(ledger_app, name="ledger")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"prefect-genmedia {version('prefect-genmedia')}")
        raise typer.Exit


@app.callback()
def genmedia(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """Paid media jobs as Prefect tasks: retry anything, pay once."""


def _number(value: float) -> float:
    if math.isnan(value):  # it passes every range
        raise typer.BadParameter("nan is no number of seconds.")
    return value


def _name(value: str | None) -> str | None:
    return value if value is None else _names([value])[0]


def _names(value: list[str] | None) -> list[str]:
    for name in value or []:
        if not name.strip() or len(name) > 255 or not name.isprintable():
            raise typer.BadParameter("it must be one line of 1 to 255 characters.")
    return value or []


def _age(value: str) -> str:
    """As seconds."""
    found = re.fullmatch(r"([1-9][0-9]{0,4})([hd])", value)
    if found is None:
        raise typer.BadParameter("it is a number of days or hours, such as 90d or 12h.")
    return str(int(found[1]) * {"h": 3600, "d": 86_400}[found[2]])


def _new_block(value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"[a-z0-9-]{1,255}", value):
        raise typer.BadParameter("a block's name has small letters, digits and dashes.")
    return value


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where everything of the demo is kept.")] = Path("genmedia-demo"),
    keep: Annotated[bool, typer.Option("--keep", help="Leave the Prefect UI up until Ctrl-C.")] = False,
    seconds: Annotated[
        float, typer.Option(help="How long an emulated job runs.", min=0, max=3600, callback=_number)
    ] = 3.0,
) -> None:
    """Run the main job on an emulator of both providers: nothing is paid, no key is needed."""
    from prefect_genmedia.cli.demo import run_demo

    run_demo(folder, keep, seconds)


@app.command()
def emulator(
    port: Annotated[int, typer.Option(help="The loopback port to listen on.", min=1, max=65535)] = 8484,
    seed: Annotated[int, typer.Option(help="Same seed, same pictures.", min=0, max=2**32 - 1)] = 0,
    seconds: Annotated[float, typer.Option(help="How long a job runs.", min=0, max=86400, callback=_number)] = 3.0,
    key: Annotated[
        str | None, typer.Option(help="The only key it takes; any non-empty one by default.", callback=_name)
    ] = None,
) -> None:
    """Serve TTAPI and Novita AI on one loopback port, faults and counters included. Costs nothing."""
    from prefect_genmedia.emulator import EmulatorSettings, serve

    say(f"Emulating TTAPI and Novita AI at http://127.0.0.1:{port} (Ctrl-C ends it)")
    serve("127.0.0.1", port, EmulatorSettings(seed=seed, job_seconds=seconds, api_key=key))


@app.command()
def receiver(
    host: Annotated[str, typer.Option(help="The address to listen on.", callback=_name)] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535)] = 8585,
) -> None:
    """Take the providers' callbacks at /callbacks. Set GENMEDIA_CALLBACK_URL to its public address."""
    import uvicorn

    from prefect_genmedia.webhooks import create_receiver

    uvicorn.run(create_receiver(), host=host, port=port, log_level="warning", access_log=False)


@app.command()
def setup(
    ttapi: Annotated[
        str | None, typer.Option(help="Save a TTAPI key as the block of this name.", callback=_new_block)
    ] = None,
    novita: Annotated[
        str | None, typer.Option(help="Save a Novita AI key as the block of this name.", callback=_new_block)
    ] = None,
    new_media_store: Annotated[
        bool, typer.Option("--new-media-store", help="The media store was changed on purpose: remember this one.")
    ] = False,
) -> None:
    """Bring the ledger to this version, register the blocks, and save keys if asked to.

    Keys are read from TTAPI_API_KEY and NOVITA_API_KEY, or asked for; they are not shown.
    """
    from prefect_genmedia.cli.setup import set_up

    set_up(ttapi, novita, new_media_store)


@app.command()
def price(
    operation: Annotated[
        str | None, typer.Argument(help="Only this one, for example midjourney.imagine.", callback=_name)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """What each operation is expected to cost, with its source and date. What has no source has no price."""
    from prefect_genmedia.cli.price_command import show_prices

    show_prices(operation, as_json)


class ProviderName(StrEnum):
    """Whose assumptions are tried."""

    ttapi = "ttapi"
    novita = "novita"


app.command()(report)


@app.command("live-check")
def live_check(
    provider: Annotated[ProviderName, typer.Option(help="Whose assumptions are tried.")],
    spend: Annotated[
        float | None, typer.Option(help="USD that may be spent; without it only free reads.", min=0, max=1000)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before buying.")] = False,
    block: Annotated[
        str | None, typer.Option(help="The credentials block; by default of the provider's name.", callback=_name)
    ] = None,
    copy: Annotated[int, typer.Option(help="Another number buys anew what was bought before.", min=0)] = 0,
    to: Annotated[Path | None, typer.Option(help="Where the recording goes; a new file.")] = None,
) -> None:
    """Try with a real key what could not be verified without one; say what to change where it is otherwise.

    Ends with 1 if anything did not hold. Nothing is bought twice: a job that is in the ledger is read from there.
    """
    from prefect_genmedia.cli.live.command import live_check as check

    if spend is not None and math.isnan(spend):
        raise typer.BadParameter("nan is no amount.", param_hint="--spend")
    check(provider.value, spend, yes, block, copy, to)


@app.command()
def fsck(
    read_bytes: Annotated[
        bool,
        typer.Option("--bytes", help="Read every file and compare its sha256; by default only sizes are compared."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Look for files that are gone, cut, changed, or that no job names; say what to type. Changes and buys nothing.

    Exit code 1 when something is found.
    """
    from prefect_genmedia.cli.store_commands import check_store

    check_store(read_bytes, as_json)


@app.command()
def verify(
    files: Annotated[list[Path], typer.Argument(help="JPEG, PNG, WebP or AVIF files.")],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Read what files say of their origin: generated or not, by what, when, in which job, from which prompt.

    Ends with code 1 when one of them does not say that it is generated.
    """
    from prefect_genmedia.cli.verify_command import show_marks

    show_marks(files, as_json)


@app.command()
def lineage(
    file: Annotated[Path, typer.Argument(help="Any copy of a file that was bought or published.")],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Why a file exists: made of what, by which request and job, and what that cost. Found by its sha256.

    Ends with code 1 when neither the ledger nor the media store knows it.
    """
    from prefect_genmedia.cli.lineage_command import show_lineage

    show_lineage(file, as_json)


@app.command()
def presets(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """The sizes that have a name, for renditions and recipes: each with who asks for it, and when that was read."""
    from prefect_genmedia.cli.presets_command import show_presets

    show_presets(as_json)


@jobs_app.command("list")
def list_jobs(
    state: Annotated[list[str] | None, typer.Option(help="Only these states, for example UNKNOWN.")] = None,
    limit: Annotated[int, typer.Option(help="At most this many, newest first.", min=1, max=100_000)] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List paid jobs, newest first."""
    from prefect_genmedia.cli.job_commands import list_jobs as show

    show(state or [], limit, as_json)


@jobs_app.command("show")
def show_job(
    job: Annotated[str, typer.Argument(help="The start of its id, or the provider's job id.", callback=_name)],
) -> None:
    """Show one job: what was asked, what happened, where the files are."""
    from prefect_genmedia.cli.job_commands import show_job as show

    show(job)


@jobs_app.command("resume")
def resume_job(
    job: Annotated[str, typer.Argument(help="The start of its id, or the provider's job id.", callback=_name)],
    block: Annotated[
        str | None, typer.Option(help="The credentials block; found by itself by default.", callback=_name)
    ] = None,
) -> None:
    """Wait for a bought job and bring its files in. Never buys."""
    from prefect_genmedia.cli.job_commands import resume_job as bring_in

    bring_in(job, block)


@jobs_app.command("adopt")
def adopt_job(
    job: Annotated[
        str | None,
        typer.Argument(help="The start of the id of a job to settle or correct; none: all orphans.", callback=_name),
    ] = None,
    job_id: Annotated[
        str | None, typer.Option(help="The provider's id, once you have found it there.", callback=_name)
    ] = None,
    not_accepted: Annotated[
        bool, typer.Option("--not-accepted", help="You have looked: the provider never took it.")
    ] = False,
    block: Annotated[
        str | None, typer.Option(help="The credentials block; found by itself by default.", callback=_name)
    ] = None,
    quiet_seconds: Annotated[
        float,
        typer.Option(
            help="Orphans: leave those alone that changed this recently.", min=0, max=366 * 86400, callback=_number
        ),
    ] = 60,
) -> None:
    """Settle a job whose submit got no answer; or, without JOB, bring in every paid job that no run works on."""
    from prefect_genmedia.cli import job_commands as jobs

    if job is None and (job_id is not None or not_accepted):
        raise typer.BadParameter("say which job it is about.", param_hint="JOB")
    if job is None:
        jobs.adopt_orphans(quiet_seconds)
    else:
        jobs.adopt_job(job, job_id, not_accepted, block)


@jobs_app.command("accept")
def accept_job(
    job: Annotated[str, typer.Argument(help="The start of its id, or the provider's job id.", callback=_name)],
) -> None:
    """Close a job with the files that have come: those that are missing are not asked for any more."""
    from prefect_genmedia.cli.job_commands import accept_job as accept

    accept(job)


@jobs_app.command("import")
def import_jobs(
    operation: Annotated[str, typer.Argument(help="For example midjourney.imagine.", callback=_name)],
    job_ids: Annotated[list[str] | None, typer.Argument(help="The provider's job ids.", callback=_names)] = None,
    from_list: Annotated[
        int, typer.Option(help="Also the newest this many of the provider's own list.", min=0, max=10_000)
    ] = 0,
    block: Annotated[
        str, typer.Option(help="The credentials block of the account that bought them.", callback=_name)
    ] = "ttapi",
) -> None:
    """Bring in jobs that were bought before the pack was installed. Never buys."""
    from prefect_genmedia.cli.job_commands import import_jobs as bring_in

    bring_in(operation, job_ids or [], from_list, block)


@ledger_app.command("prune")
def prune(
    older_than: Annotated[
        str, typer.Option(help="How long nothing has happened to the job, such as 90d or 12h.", callback=_age)
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
    from prefect_genmedia.cli.ledger_commands import prune as move

    move(float(older_than), to, dry_run)


def main(arguments: list[str] | None = None) -> None:
    """Run the command (by default this process's own); an error is one sentence and exit code 1, never a traceback."""
    speak_any_encoding()
    try:
        app(arguments)
    except GenMediaError as error:
        say((type(error).__name__, "bold red"), f" {error}", to=errors)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)

"""What can be typed. Heavy imports wait until a command needs them: `genmedia --help` answers at once."""

from __future__ import annotations

import math
import sys
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from prefect_genmedia.cli import arguments
from prefect_genmedia.cli.asking.report import report
from prefect_genmedia.cli.jobs.apps import jobs_app, ledger_app
from prefect_genmedia.cli.listening import listening
from prefect_genmedia.cli.streams import safe_streams
from prefect_genmedia.cli.terminal import errors, say
from prefect_genmedia.errors import GenMediaError

app = typer.Typer(
    help="Paid media jobs as Prefect tasks: retry anything, pay once.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(jobs_app, name="jobs")
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


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where everything of the demo is kept.")] = Path("genmedia-demo"),
    keep: Annotated[bool, typer.Option("--keep", help="Leave the Prefect UI up until Ctrl-C.")] = False,
    seconds: Annotated[
        float, typer.Option(help="How long an emulated job runs.", min=0, max=3600, callback=arguments.number)
    ] = 3.0,
) -> None:
    """Run the main job on an emulator of both providers: nothing is paid, no key is needed."""
    from prefect_genmedia.cli.demo import run_demo

    run_demo(folder, keep, seconds)


@app.command()
def emulator(
    port: Annotated[int, typer.Option(help="The loopback port to listen on.", min=1, max=65535)] = 8484,
    seed: Annotated[int, typer.Option(help="Same seed, same pictures.", min=0, max=2**32 - 1)] = 0,
    seconds: Annotated[
        float, typer.Option(help="How long a job runs.", min=0, max=86400, callback=arguments.number)
    ] = 3.0,
    key: Annotated[
        str | None, typer.Option(help="The only key it takes; any non-empty one by default.", callback=arguments.name)
    ] = None,
) -> None:
    """Serve TTAPI and Novita AI on one loopback port, faults and counters included. Costs nothing."""
    from prefect_genmedia.emulator import EmulatorSettings, serve

    settings = EmulatorSettings(seed=seed, job_seconds=seconds, api_key=key)
    with listening("127.0.0.1", port) as listener:
        say(f"Emulating TTAPI and Novita AI at http://127.0.0.1:{port} (Ctrl-C ends it)")
        serve("127.0.0.1", port, settings, listener)


@app.command()
def rate(
    files: Annotated[list[Path], typer.Argument(help="Published pictures, or copies of them.", show_default=False)],
    stars: Annotated[int, typer.Option(help="1 is the worst, 5 the best.", min=1, max=5)],
    by: Annotated[str, typer.Option(help="Whose opinion it is.", callback=arguments.name)],
    why: Annotated[str | None, typer.Option(help="Why.", callback=arguments.name)] = None,
) -> None:
    """Give pictures stars: `variants` puts what has more of them first. Kept in the ledger."""
    from prefect_genmedia.cli.asking.rate import rate_files

    rate_files(files, stars, by, why or "")


@app.command()
def receiver(
    host: Annotated[str, typer.Option(help="The address to listen on.", callback=arguments.name)] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535)] = 8585,
) -> None:
    """Take the providers' callbacks at /callbacks. Set GENMEDIA_CALLBACK_URL to its public address."""
    import uvicorn

    from prefect_genmedia.webhooks import create_receiver

    with listening(host, port) as listener, suppress(KeyboardInterrupt):
        config = uvicorn.Config(create_receiver(), log_level="warning", access_log=False)
        uvicorn.Server(config).run(sockets=[listener])


@app.command()
def setup(
    ttapi: Annotated[
        str | None, typer.Option(help="Save a TTAPI key as the block of this name.", callback=arguments.new_block)
    ] = None,
    novita: Annotated[
        str | None, typer.Option(help="Save a Novita AI key as the block of this name.", callback=arguments.new_block)
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(help="Where the keys are for, if not at the provider's own address.")
    ] = None,
    notify: Annotated[
        str | None,
        typer.Option(
            help="Make automations, switched off, that tell this notification block: TYPE/NAME.",
            callback=arguments.name,
        ),
    ] = None,
    new_media_store: Annotated[
        bool, typer.Option("--new-media-store", help="The media store was changed on purpose: remember this one.")
    ] = False,
) -> None:
    """Prepare everything, and say what was done: ledger, block types, keys, work pool, deployments, automations.

    It may be run again: what you have changed since (schedules, pauses, parameters, budgets, switched automations)
    stays. Schedules of what buys are off until you switch them on. Keys are read from TTAPI_API_KEY and
    NOVITA_API_KEY, or asked for; they are not shown.
    """
    from prefect_genmedia.cli.setup import set_up

    set_up(ttapi, novita, base_url, notify, new_media_store)


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="A new folder, or an empty one.")]) -> None:
    """Write a small project of your own: a flow, its deployment, and a test that pays nothing."""
    from prefect_genmedia.cli.project import write_project

    write_project(folder)


@app.command()
def price(
    operation: Annotated[
        str | None, typer.Argument(help="Only this one, for example midjourney.imagine.", callback=arguments.name)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """What each operation is expected to cost, with its source and date. What has no source has no price."""
    from prefect_genmedia.cli.asking.price import show_prices

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
        str | None,
        typer.Option(help="The credentials block; by default of the provider's name.", callback=arguments.name),
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
def doctor() -> None:
    """Look at everything that a night needs: keys, balance, ledger, store, fonts, ffmpeg, Prefect, versions, clocks.

    Each line is ok, warn or bad, with what to do. Exit code 1 when something is bad. Costs nothing.
    """
    from prefect_genmedia.cli.doctor import examine

    examine()


@app.command("open")
def open_gallery(
    collection: Annotated[
        str | None, typer.Argument(help="Of this collection; by default the newest.", callback=arguments.name)
    ] = None,
) -> None:
    """Show the newest gallery page: its address, and on a terminal in the browser."""
    from prefect_genmedia.cli.asking.gallery import open_page

    open_page(collection)


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
    from prefect_genmedia.cli.asking.stored import check_store

    check_store(read_bytes, as_json)


@app.command()
def verify(
    files: Annotated[list[Path], typer.Argument(help="Pictures, films or sounds.")],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    trust: Annotated[Path | None, typer.Option(help="A PEM file of the certificates that you trust.")] = None,
) -> None:
    """Read what files say of their origin: generated or not, by what, when, in which job, from which prompt.

    Content Credentials (C2PA) are checked where the extra [c2pa] is installed: by whom a file is signed, and whether it
    is as it was signed. Ends with code 1 when a file does not say that it is generated, or was changed since.
    """
    from prefect_genmedia.cli.asking.verify import show_marks

    show_marks(files, as_json, trust)


@app.command()
def lineage(
    file: Annotated[Path, typer.Argument(help="Any copy of a file that was bought or published.")],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write it as a page with a picture of it.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Write that picture alone.")] = None,
) -> None:
    """Why a file exists: made of what, by which request and job, and what that cost. Found by its sha256.

    Ends with code 1 when neither the ledger nor the media store knows it.
    """
    from prefect_genmedia.cli.asking.lineage import show_lineage

    show_lineage(file, as_json, html, svg)


@app.command()
def presets(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """The sizes that have a name, for renditions and recipes: each with who asks for it, and when that was read."""
    from prefect_genmedia.cli.asking.presets import show_presets

    show_presets(as_json)


NO_SERVER = (
    "Prefect's temporary server did not start in time. Start one that stays: prefect server start, and in another "
    "terminal: prefect config set PREFECT_API_URL=http://127.0.0.1:4200/api. A slow machine has more time by "
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS=120."
)


def main(typed: list[str] | None = None) -> None:
    """Run the command (by default this process's own); an error is one sentence and exit code 1, never a traceback."""
    with safe_streams():
        try:
            app(typed)
        except GenMediaError as error:
            say((type(error).__name__, "bold red"), f" {error}", to=errors)
            sys.exit(1)
        except RuntimeError as error:
            if "ephemeral Prefect API" not in str(error):
                raise
            say(NO_SERVER, to=errors)
            sys.exit(1)
        except KeyboardInterrupt:
            sys.exit(130)
